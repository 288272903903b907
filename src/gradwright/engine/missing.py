"""Names that are not there: an error that says so, and what to use instead."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gradwright.errors import UnknownNameError

__all__ = ["MODULE_HINTS", "TENSOR_HINTS", "explained", "no_such_name"]

_COMPLEX = "complex dtypes are not there; keep the real and the imaginary part apart"
_ACCELERATOR = "tensors lie in main memory; compile the step with gradwright.compile to run it on an accelerator"
_SPARSE = "sparse tensors are not there; use dense ones, or indices with scatter_add and index_select"

#: PyTorch's names that do not come, and what serves instead.
TENSOR_HINTS = {
    "share_memory_": "processes do not share tensors here",
    "pin_memory": "there is no pinned memory here; leave it out",
    "is_leaf_": "write is_leaf",
    "xpu": _ACCELERATOR,
    "hpu": _ACCELERATOR,
    "mps": _ACCELERATOR,
    "to_sparse": _SPARSE,
    "to_dense": _SPARSE,
    "layout": "all tensors are dense",
    "real": _COMPLEX,
    "imag": _COMPLEX,
    "conj": _COMPLEX,
    "cfloat": _COMPLEX,
    "data_ptr": "memory addresses mean nothing here; to see whether two names mean one tensor use `is`",
    "storage": "storages are not there; use .numpy() to see the numbers",
    "untyped_storage": "storages are not there; use .numpy() to see the numbers",
    "resize_": "make a new tensor, or use reshape",
    "as_strided": "strides are nothing that a program here can set; use unfold, reshape or indices",
    "set_": "assign to .data, or use copy_",
    "volatile": "use `with no_grad():`",
    "named": "axes have no names here",
    "names": "axes have no names here",
}

_SIZES = "say the sizes: layers that find them at the first call are not there"

MODULE_HINTS = {
    **{
        f"Lazy{kind}": _SIZES
        for kind in (
            "Linear",
            "Conv1d",
            "Conv2d",
            "Conv3d",
            "ConvTranspose1d",
            "ConvTranspose2d",
            "ConvTranspose3d",
            "BatchNorm1d",
            "BatchNorm2d",
            "BatchNorm3d",
            "InstanceNorm1d",
            "InstanceNorm2d",
            "InstanceNorm3d",
        )
    },
    "AdaptiveLogSoftmaxWithLoss": "use a Linear layer with CrossEntropyLoss",
    "FractionalMaxPool2d": "fractional pooling is not there; use MaxPool2d or AdaptiveMaxPool2d",
    "FractionalMaxPool3d": "fractional pooling is not there; use MaxPool3d or AdaptiveMaxPool3d",
    "CrossMapLRN2d": "use LocalResponseNorm",
    "Buffer": "use register_buffer",
    "jit": "use gradwright.compile, which makes one XLA program of a step",
    "fx": "use gradwright.graph to look at a computation graph",
    "onnx": "there is no ONNX export",
    "distributed": "there is one process; gradwright.compile uses all cores",
    "multiprocessing": "there is one process; Population trains many networks in one program",
    "hub": "nothing is downloaded; build the network and load its weights with gradwright.load",
    "sparse": _SPARSE,
    "sparse_coo_tensor": _SPARSE,
    "quantization": "quantisation is not there",
    "ao": "quantisation is not there",
    "GradScaler": "autocast computes in bfloat16, which has float32's range, so no loss need be scaled; leave it out",
    "complex64": _COMPLEX,
    "complex128": _COMPLEX,
    "cfloat": _COMPLEX,
    "cdouble": _COMPLEX,
    "complex": _COMPLEX,
    "polar": _COMPLEX,
    "view_as_complex": _COMPLEX,
    "view_as_real": _COMPLEX,
    "mps": _ACCELERATOR,
    "xpu": _ACCELERATOR,
    "storage": "storages are not there",
    "utils": "for batches take slices of tensors, `x[order[i : i + size]]`, or hand arrays to gradwright.data; "
    "clipping is in gradwright.nn.utils, checkpoints of activations in gradwright.func",
    "DataLoader": "take slices of tensors, `x[order[i : i + size]]`, or hand arrays to gradwright.data",
    "TensorDataset": "take slices of tensors, `x[order[i : i + size]]`, or hand arrays to gradwright.data",
    "distributions": "draw with rand, randn, randint, bernoulli, multinomial; log-densities are formulas of a line",
    "fft": "Fourier transforms are not there; NumPy's have no gradient: numpy.fft.rfft(x.numpy())",
    "set_default_tensor_type": "use set_default_dtype(gradwright.float64)",
    "channels_last": "how elements lie in memory is nothing that a program here can set; leave it out",
    "poisson": "Poisson numbers are not there; NumPy's generator draws them: numpy.random.default_rng(0).poisson",
    "profiler": "use Python's cProfile, or JAX's profiler for compiled steps",
    "vmap": "use gradwright.func.vmap, or Population for whole training runs",
    "DataParallel": "gradwright.compile uses all cores; there is one process",
    "DistributedDataParallel": "gradwright.compile uses all cores; there is one process",
    "SyncBatchNorm": "there is one process; use BatchNorm",
    "Variable": "a Tensor with requires_grad=True is all that a Variable was",
}


def no_such_name(
    owner: str, name: str, names: Iterable[str], hints: Mapping[str, str] | None = None
) -> UnknownNameError:
    """Return the error for ``owner.name``: with a hint where there is one, or else with the names that come close."""
    message = f"{owner} has no {name!r:.80}"
    if name.startswith("_"):  # Python's own questions: they want a quick no
        return UnknownNameError(message)
    hint = (hints or {}).get(name)
    if hint is None:
        public = [n for n in names if not n.startswith("_")]
        folded = {n.lower(): n for n in public}
        close = difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(folded[n] for n in close)}?" if close else ""
    return UnknownNameError(f"{message}: {hint}" if hint else message)


def explained(module: str, namespace: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module, which Python asks for names that the module does not have."""

    def __getattr__(name: str) -> Any:
        raise no_such_name(module, name, namespace, MODULE_HINTS)

    return __getattr__
