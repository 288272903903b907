"""ONNX's node tests, written down in PyTorch's functions: what each operator is, in terms of Gradwright.

ONNX tests each operator with small models whose expected outputs a NumPy reference computed. The table here says how
an operator's inputs and attributes become a call under PyTorch's names; a name that Gradwright does not have makes
the cases "not there yet", so the run grows with the library. As a script it prints a table::

    python -m tests.engine.onnx_nodes               every operator
    python -m tests.engine.onnx_nodes Conv TopK     some, with every message
"""

from __future__ import annotations

import functools
import math
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test.loader
import onnx.numpy_helper

import gradwright as gw

from .found import find

Tensor = Any
Operator = Callable[["Call"], Any]

#: Operators outside of what Gradwright is for, by reason.
OUTSIDE: dict[str, str] = {
    name: reason
    for reason, names in {
        "text": "StringNormalizer StringSplit StringConcat TfIdfVectorizer RegexFullMatch LabelEncoder",
        "sequences and optional values": (
            "SequenceMap SequenceInsert SplitToSequence OptionalHasElement OptionalGetElement SequenceEmpty "
            "SequenceLength SequenceAt SequenceConstruct SequenceErase ConcatFromSequence"
        ),
        "control flow, which is Python's here": "If Loop Scan",
        "quantised numbers": (
            "QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearMatMul QLinearConv MatMulInteger ConvInteger"
        ),
        "classical learners": "TreeEnsemble ArrayFeatureExtractor Binarizer",
        "pictures, boxes and sound": (
            "ImageDecoder NonMaxSuppression RoiAlign MelWeightMatrix STFT DFT BlackmanWindow HammingWindow HannWindow"
        ),
        "random numbers of ONNX's own": "Bernoulli RandomUniformLike RandomNormalLike",
        "update rules, tested by trajectories": "Adagrad Adam Momentum Gradient",
        "recurrent layers": "RNN GRU LSTM",
        "bits of floating numbers": "BitCast",
        "no function of PyTorch's that it is": (
            "DeformConv LinearAttention FlexAttention CausalConvWithState RotaryEmbedding TensorScatter "
            "ReverseSequence CenterCropPad SpaceToDepth Unique Compress GatherND ScatterND"
        ),
    }.items()
    for name in names.split()
}

#: Cases whose expected output is not PyTorch's, by name or part of a name.
CASES: dict[str, str] = {
    "reduce_max_empty_set": "PyTorch refuses the largest of nothing, ONNX answers with minus infinity",
    "reduce_min_empty_set": "PyTorch refuses the smallest of nothing, ONNX answers with infinity",
    "top_k_same_values": "PyTorch leaves open which of equal values comes first",
    "resize_downsample_scales_linear_align_corners": "ONNX takes the output's length before it is rounded",
    "resize_downsample_scales_cubic_align_corners": "ONNX takes the output's length before it is rounded",
    "resize_downsample_sizes_linear_pytorch_half_pixel": "PyTorch no longer starts an output of length 1 at 0",
}

#: Cases whose expected output is written with few digits.
ROUGH: dict[str, float] = {"averagepool_2d_ceil_last_window_starts_on_pad": 1e-3}

DTYPES = {np.dtype(name) for name in "bool int8 int16 int32 int64 uint8 float16 float32 float64".split()}  # noqa: SIM905


OTHER_NUMBERS = "numbers in bfloat16, float8, 2 or 4 bits, wide unsigned integers"


class NotThere(Exception):
    """Gradwright lacks a function; the message is its name."""


class Inexpressible(Exception):
    """PyTorch's functions have no way to say this; the message is the reason."""


def fn(name: str) -> Callable[..., Any]:
    """Return Gradwright's callable of PyTorch's name."""
    found = find(name)
    if found is None:
        raise NotThere(name)
    return found


def F(name: str) -> Callable[..., Any]:
    return fn(f"nn.functional.{name}")


@dataclass
class Call:
    """One node: inputs (None where left out), attributes, the version of the operator set, wanted outputs."""

    inputs: list[Tensor | None]
    attributes: dict[str, Any]
    version: int
    outputs: int
    op: str

    def __getitem__(self, i: int) -> Tensor:
        return self.inputs[i] if i < len(self.inputs) else None

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)

    def list_of(self, name: str, position: int) -> list[int] | None:
        """Return what an older version has as attribute and a newer one as input."""
        if name in self.attributes:
            return list(self.attributes[name])
        given = self[position]
        return None if given is None else [int(n) for n in numpy(given).ravel()]


def numpy(x: Tensor) -> np.ndarray:
    return np.asarray(x.detach().numpy())


def scalar(x: Tensor | None, default: Any = None) -> Any:
    return default if x is None else numpy(x).reshape(-1)[0].item()


def moved(x: Tensor, source: int, target: int) -> Tensor:
    axes = [i for i in range(x.ndim) if i != source % x.ndim]
    axes.insert(target % x.ndim, source % x.ndim)
    return x.permute(*axes)


# --- the table --------------------------------------------------------------------------------------------------------
ONNX: dict[str, Operator] = {}


def operator(*names: str) -> Callable[[Operator], Operator]:
    def register(function: Operator) -> Operator:
        ONNX.update(dict.fromkeys(names, function))
        return function

    return register


UNARY = {
    "Abs": "abs", "Acos": "acos", "Acosh": "acosh", "Asin": "asin", "Asinh": "asinh", "Atan": "atan",
    "Atanh": "atanh", "Ceil": "ceil", "Cos": "cos", "Cosh": "cosh", "Erf": "erf", "Exp": "exp", "Floor": "floor",
    "IsNaN": "isnan", "Log": "log", "Neg": "neg", "Not": "logical_not", "Reciprocal": "reciprocal",
    "Relu": "nn.functional.relu", "Round": "round", "Sigmoid": "sigmoid", "Sign": "sign", "Sin": "sin",
    "Sinh": "sinh", "Sqrt": "sqrt", "Tan": "tan", "Tanh": "tanh", "Softsign": "nn.functional.softsign",
    "Softplus": "nn.functional.softplus", "Mish": "nn.functional.mish", "HardSwish": "nn.functional.hardswish",
    "BitwiseNot": "bitwise_not", "Det": "linalg.det", "Identity": "clone",
}  # fmt: skip
for _name, _torch in UNARY.items():
    ONNX[_name] = lambda call, name=_torch: fn(name)(call[0])

BINARY = {
    "Equal": "eq", "Greater": "gt", "GreaterOrEqual": "ge", "Less": "lt", "LessOrEqual": "le", "And": "logical_and",
    "Or": "logical_or", "Xor": "logical_xor", "BitwiseAnd": "bitwise_and", "BitwiseOr": "bitwise_or",
    "BitwiseXor": "bitwise_xor", "Add": "add", "Sub": "sub", "Mul": "mul",
}  # fmt: skip
for _name, _torch in BINARY.items():
    ONNX[_name] = lambda call, name=_torch: fn(name)(call[0], _old_broadcast(call))


def _old_broadcast(call: Call) -> Tensor:
    """Before version 7 an attribute says at which axis the second input's axes stand."""
    if call.get("axis") is None or call.version >= 7:
        return call[1]
    return call[1].reshape(*call[1].shape, *(1,) * (call[0].ndim - call[1].ndim - call.get("axis")))


@operator("Div")
def _(call: Call) -> Tensor:
    if call[0].dtype.kind in "iu":
        return fn("div")(call[0], call[1], rounding_mode="trunc")
    return fn("div")(call[0], call[1])


@operator("Mod")
def _(call: Call) -> Tensor:
    return fn("fmod" if call.get("fmod", 0) else "remainder")(call[0], call[1])


@operator("Pow")
def _(call: Call) -> Tensor:
    return fn("pow")(call[0], call[1]).to(call[0].dtype)


@operator("Max", "Min", "Sum", "Mean")
def _(call: Call) -> Tensor:
    f = fn({"Max": "maximum", "Min": "minimum"}.get(call.op, "add"))
    out = functools.reduce(f, call.inputs)
    return out / len(call.inputs) if call.op == "Mean" else out


@operator("Where")
def _(call: Call) -> Tensor:
    return fn("where")(*call.inputs)


@operator("Clip")
def _(call: Call) -> Tensor:
    low = call.get("min") if call[1] is None else call[1]
    high = call.get("max") if call[2] is None else call[2]
    return call[0] if low is None and high is None else fn("clamp")(call[0], low, high)


@operator("IsInf")
def _(call: Call) -> Tensor:
    x, found = call[0], fn("isinf")(call[0])
    if not call.get("detect_negative", 1):
        found = fn("logical_and")(found, x > 0)
    if not call.get("detect_positive", 1):
        found = fn("logical_and")(found, x < 0)
    return found


@operator("BitShift")
def _(call: Call) -> Tensor:
    direction = call.get("direction").decode().lower()
    return fn(f"bitwise_{direction}_shift")(call[0], call[1])


@operator("Cast", "CastLike")
def _(call: Call) -> Tensor:
    if call.op == "CastLike":
        return call[0].to(call[1].dtype)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(call.get("to"))
    if dtype not in DTYPES:
        raise Inexpressible(OTHER_NUMBERS)
    return call[0].to(dtype)


# activations
@operator("Elu")
def _(call: Call) -> Tensor:
    return F("elu")(call[0], call.get("alpha", 1.0))


@operator("Celu")
def _(call: Call) -> Tensor:
    return F("celu")(call[0], call.get("alpha", 1.0))


@operator("Selu")
def _(call: Call) -> Tensor:
    if "alpha" not in call.attributes and "gamma" not in call.attributes:
        return F("selu")(call[0])
    return F("elu")(call[0], call.get("alpha", 1.67326319)) * call.get("gamma", 1.05070102)


@operator("LeakyRelu")
def _(call: Call) -> Tensor:
    return F("leaky_relu")(call[0], call.get("alpha", 0.01))


@operator("ThresholdedRelu")
def _(call: Call) -> Tensor:
    return F("threshold")(call[0], call.get("alpha", 1.0), 0)


@operator("PRelu")
def _(call: Call) -> Tensor:
    x, slope = call[0], call[1]
    if math.prod(slope.shape) == 1 or math.prod(slope.shape) == slope.shape[0] == x.shape[1] != 1:
        return F("prelu")(x, slope.reshape(-1))
    return fn("where")(x >= 0, x, x * slope)


@operator("HardSigmoid")
def _(call: Call) -> Tensor:
    # PyTorch's has the slope 1/6 built in
    return F("hardsigmoid")((call[0] * call.get("alpha", 0.2) + call.get("beta", 0.5) - 0.5) * 6)


@operator("Gelu")
def _(call: Call) -> Tensor:
    return F("gelu")(call[0], approximate=call.get("approximate", b"none").decode())


@operator("Swish")
def _(call: Call) -> Tensor:
    alpha = call.get("alpha", 1.0)
    return F("silu")(call[0]) if alpha == 1 else F("silu")(call[0] * alpha) / alpha


@operator("SwiGLU")
def _(call: Call) -> Tensor:
    alpha = call.get("alpha", 1.0)
    return F("silu")(call[0] * alpha) / alpha * call[1]


@operator("Shrink")
def _(call: Call) -> Tensor:
    bias, edge = call.get("bias", 0.0), call.get("lambd", 0.5)
    if bias not in (0.0, edge):
        raise Inexpressible("a shrink that is neither hard nor soft")
    return F("hardshrink" if bias == 0 else "softshrink")(call[0], edge)


@operator("Softmax", "LogSoftmax")
def _(call: Call) -> Tensor:
    f = F("softmax" if call.op == "Softmax" else "log_softmax")
    x = call[0]
    if call.version >= 13:
        return f(x, call.get("axis", -1))
    axis = call.get("axis", 1) % x.ndim
    return f(x.reshape(math.prod(x.shape[:axis]), -1), 1).reshape(*x.shape)


@operator("Hardmax")
def _(call: Call) -> Tensor:
    axis = call.get("axis", -1)
    hot = F("one_hot")(fn("argmax")(call[0], axis), call[0].shape[axis]).to(call[0].dtype)
    return moved(hot, -1, axis)


# reductions
def _axes(call: Call) -> list[int] | None:
    """Return the axes; None means all, an empty list none."""
    axes = call.list_of("axes", 1)
    if not axes:
        return [] if call.get("noop_with_empty_axes", 0) else None
    return axes


def _reduction(reduce: Callable[[Tensor, tuple[int, ...], bool], Tensor], each: Any = None) -> Operator:
    def run(call: Call) -> Tensor:
        axes, x = _axes(call), call[0]
        if axes == []:  # no axis: only what happens to each element
            return each(x) if each else x
        chosen = tuple(range(x.ndim)) if axes is None else tuple(axes)
        return reduce(x, chosen, bool(call.get("keepdims", 1)))

    return run


def _product(x: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:
    for axis in sorted((a % x.ndim for a in axes), reverse=True):
        x = fn("prod")(x, axis, keep)
    return x


ONNX |= {
    # ONNX keeps the dtype where PyTorch's sum and product of integers are int64
    "ReduceSum": _reduction(lambda x, axes, keep: fn("sum")(x, axes, keep).to(x.dtype)),
    "ReduceMean": _reduction(lambda x, axes, keep: fn("mean")(x, axes, keep)),
    "ReduceMax": _reduction(lambda x, axes, keep: fn("amax")(x, axes, keep)),
    "ReduceMin": _reduction(lambda x, axes, keep: fn("amin")(x, axes, keep)),
    "ReduceProd": _reduction(lambda x, axes, keep: _product(x, axes, keep).to(x.dtype)),
    "ReduceL1": _reduction(lambda x, axes, keep: fn("linalg.vector_norm")(x, 1, axes, keep), lambda x: fn("abs")(x)),
    "ReduceL2": _reduction(lambda x, axes, keep: fn("linalg.vector_norm")(x, 2, axes, keep), lambda x: fn("abs")(x)),
    "ReduceSumSquare": _reduction(lambda x, axes, keep: fn("square")(x).sum(axes, keep), lambda x: fn("square")(x)),
    "ReduceLogSum": _reduction(lambda x, axes, keep: fn("log")(x.sum(axes, keep)), lambda x: fn("log")(x)),
    "ReduceLogSumExp": _reduction(lambda x, axes, keep: fn("logsumexp")(x, axes, keep)),
}


@operator("ArgMax", "ArgMin")
def _(call: Call) -> Tensor:
    f, x, axis, keep = fn(call.op.lower()), call[0], call.get("axis", 0), bool(call.get("keepdims", 1))
    if call.get("select_last_index", 0):
        return x.shape[axis] - 1 - f(fn("flip")(x, (axis,)), axis, keep)
    return f(x, axis, keep)


@operator("CumSum", "CumProd")
def _(call: Call) -> Tensor:
    x, axis = call[0], scalar(call[1]) % call[0].ndim
    f = fn(call.op.lower())
    flip = (lambda v: fn("flip")(v, (axis,))) if call.get("reverse", 0) else (lambda v: v)
    x = flip(x)
    if call.get("exclusive", 0):
        before = [slice(None)] * axis
        unit = gw.zeros_like(x) if call.op == "CumSum" else gw.ones_like(x)
        x = fn("cat")([unit[(*before, slice(0, 1))], x[(*before, slice(0, x.shape[axis] - 1))]], axis)
    return flip(f(x, axis)).to(call[0].dtype)


@operator("TopK")
def _(call: Call) -> Any:
    k = call.get("k") if "k" in call.attributes else scalar(call[1])
    return fn("topk")(
        call[0], k, dim=call.get("axis", -1), largest=bool(call.get("largest", 1)), sorted=bool(call.get("sorted", 1))
    )


# linear algebra
@operator("MatMul")
def _(call: Call) -> Tensor:
    return fn("matmul")(call[0], call[1])


@operator("Gemm")
def _(call: Call) -> Tensor:
    a = call[0].t() if call.get("transA", 0) else call[0]
    b = call[1].t() if call.get("transB", 0) else call[1]
    out = fn("matmul")(a, b) * call.get("alpha", 1.0)
    return out if call[2] is None else out + call[2] * call.get("beta", 1.0)


@operator("Einsum")
def _(call: Call) -> Tensor:
    return fn("einsum")(call.get("equation").decode(), *call.inputs)


# shapes
@operator("Transpose")
def _(call: Call) -> Tensor:
    return fn("permute")(call[0], tuple(call.get("perm", reversed(range(call[0].ndim)))))


@operator("Reshape")
def _(call: Call) -> Tensor:
    x, shape = call[0], call.list_of("shape", 1) or []
    if not call.get("allowzero", 0):
        shape = [x.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    return fn("reshape")(x, tuple(shape))


@operator("Flatten")
def _(call: Call) -> Tensor:
    x = call[0]
    axis = call.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return fn("reshape")(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@operator("Squeeze")
def _(call: Call) -> Tensor:
    axes = call.list_of("axes", 1)
    return fn("squeeze")(call[0]) if axes is None else fn("squeeze")(call[0], tuple(axes))


@operator("Unsqueeze")
def _(call: Call) -> Tensor:
    axes = call.list_of("axes", 1) or []
    x, rank = call[0], call[0].ndim + len(axes)
    for axis in sorted(a % rank for a in axes):
        x = fn("unsqueeze")(x, axis)
    return x


@operator("Expand")
def _(call: Call) -> Tensor:
    return fn("broadcast_to")(call[0], np.broadcast_shapes(call[0].shape, tuple(call.list_of("shape", 1) or [])))


@operator("Tile")
def _(call: Call) -> Tensor:
    return fn("tile")(call[0], tuple(call.list_of("repeats", 1) or []))


@operator("Concat")
def _(call: Call) -> Tensor:
    return fn("cat")(call.inputs, call.get("axis", 1))


@operator("Split")
def _(call: Call) -> Any:
    axis, sizes = call.get("axis", 0), call.list_of("split", 1)
    if sizes is None:
        each = -(-call[0].shape[axis] // call.get("num_outputs", call.outputs))
        return fn("split")(call[0], each, axis)
    return fn("split")(call[0], sizes, axis)


@operator("Slice")
def _(call: Call) -> Tensor:
    x = call[0]
    starts, ends = call.list_of("starts", 1) or [], call.list_of("ends", 2) or []
    axes = call.list_of("axes", 3) or range(len(starts))
    steps = call.list_of("steps", 4) or [1] * len(starts)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # "before the first element" has no number of its own in Python
        index[axis] = slice(start, None if step < 0 and end < -x.shape[axis] else end, step)
    return x[tuple(index)]


@operator("Trilu")
def _(call: Call) -> Tensor:
    return fn("triu" if call.get("upper", 1) else "tril")(call[0], scalar(call[1], 0))


@operator("Pad")
def _(call: Call) -> Tensor:
    x, pads = call[0], call.list_of("pads", 1) or call.get("paddings")
    axes = call.list_of("axes", 3) or list(range(x.ndim))
    both = [(0, 0)] * x.ndim
    for i, axis in enumerate(axes):
        both[axis] = pads[i], pads[i + len(axes)]
    value = call.get("value", 0.0) if call.version < 11 else scalar(call[2], 0)
    mode = call.get("mode", b"constant").decode()
    if mode != "constant":
        # PyTorch's other modes pad some of the last axes, and want all of them said
        while len(both) > max(1, x.ndim - 2) and both[0] == (0, 0):
            del both[0]
    flat = [n for pair in reversed(both) for n in pair]
    named = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}[mode]
    return F("pad")(x, flat, mode=named, value=value) if mode == "constant" else F("pad")(x, flat, mode=named)


# indexing
def _nonnegative(index: Tensor, length: int) -> Tensor:
    array = numpy(index)
    return gw.tensor(np.where(array < 0, array + length, array).astype(np.int64))


@operator("Gather")
def _(call: Call) -> Tensor:
    x, axis = call[0], call.get("axis", 0) % call[0].ndim
    index = _nonnegative(call[1], x.shape[axis])
    if index.ndim == 1:
        return fn("index_select")(x, axis, index)
    return x[(*[slice(None)] * axis, index)]


@operator("GatherElements")
def _(call: Call) -> Tensor:
    axis = call.get("axis", 0)
    return fn("gather")(call[0], axis, _nonnegative(call[1], call[0].shape[axis]))


@operator("Scatter", "ScatterElements")
def _(call: Call) -> Tensor:
    x, axis = call[0], call.get("axis", 0)
    index, how = _nonnegative(call[1], x.shape[axis]), call.get("reduction", b"none").decode()
    if how in ("none", "add"):
        return fn("scatter" if how == "none" else "scatter_add")(x, axis, index, call[2])
    return fn("scatter_reduce")(x, axis, index, call[2], {"mul": "prod", "max": "amax", "min": "amin"}[how])


@operator("OneHot")
def _(call: Call) -> Tensor:
    depth, (off, on) = int(scalar(call[1])), numpy(call[2]).tolist()
    index = numpy(call[0]).astype(np.int64)
    index = np.where((index < -depth) | (index >= depth), depth, index % depth)  # outside: a class that is cut off
    hot = F("one_hot")(gw.tensor(index), depth + 1)[..., :depth]
    out = fn("where")(hot > 0, gw.tensor(np.array(on, call[2].dtype)), gw.tensor(np.array(off, call[2].dtype)))
    return moved(out, -1, call.get("axis", -1))


@operator("NonZero")
def _(call: Call) -> Tensor:
    return fn("nonzero")(call[0]).t()


@operator("Range")
def _(call: Call) -> Tensor:
    return fn("arange")(*map(scalar, call.inputs), dtype=call[0].dtype)


@operator("EyeLike")
def _(call: Call) -> Tensor:
    if call.get("k", 0):
        raise Inexpressible("an identity matrix off its diagonal")
    to = call.get("dtype")
    return fn("eye")(*call[0].shape, dtype=onnx.helper.tensor_dtype_to_np_dtype(to) if to else call[0].dtype)


@operator("Shape")
def _(call: Call) -> Tensor:
    return gw.tensor(np.array(call[0].shape[call.get("start", 0) : call.get("end")], np.int64))


@operator("Size")
def _(call: Call) -> Tensor:
    return gw.tensor(np.array(call[0].numel(), np.int64))


@operator("Constant")
def _(call: Call) -> Tensor:
    for name, value in call.attributes.items():
        if name == "value":
            return tensor_of(onnx.numpy_helper.to_array(value))
        if name.startswith("value_"):
            return tensor_of(np.array(value, {"f": np.float32, "i": np.int64}[name[6]]))
    raise Inexpressible("a constant of text")


@operator("ConstantOfShape")
def _(call: Call) -> Tensor:
    value = call.get("value")
    array = np.zeros(1, np.float32) if value is None else onnx.numpy_helper.to_array(value)
    return fn("full")(tuple(call.list_of("input", 0) or []), array[0].item(), dtype=array.dtype)


# convolution and pooling
def _window(call: Call, kernel: Any) -> tuple[Any, Any, list[tuple[int, int]]]:
    """Return strides, dilations and the padding before and after each spatial axis."""
    n = len(kernel)
    strides, dilations = call.get("strides", [1] * n), call.get("dilations", [1] * n)
    auto = call.get("auto_pad", b"NOTSET").decode()
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for size, k, s, d in zip(call[0].shape[2:], kernel, strides, dilations, strict=True):
            total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
            small, large = total // 2, total - total // 2
            pads.append((small, large) if auto == "SAME_UPPER" else (large, small))
        return strides, dilations, pads
    pads = call.get("pads", [0] * 2 * n)
    return strides, dilations, list(zip(pads[:n], pads[n:], strict=True))


def _padded(x: Tensor, pads: list[tuple[int, int]], value: float = 0.0) -> Tensor:
    return F("pad")(x, [n for pair in reversed(pads) for n in pair], value=value)


def _even(
    x: Tensor, pads: list[tuple[int, int]], value: float, most: list[int] | None = None
) -> tuple[Tensor, tuple[int, ...]]:
    """Return the input and the padding that a function takes: the same before and after, half a window at most."""
    if all(a == b for a, b in pads) and (most is None or all(2 * a <= k for (a, _), k in zip(pads, most, strict=True))):
        return x, tuple(a for a, _ in pads)
    return _padded(x, pads, value), (0,) * len(pads)


@operator("Conv")
def _(call: Call) -> Tensor:
    x, w, b = call[0], call[1], call[2]
    strides, dilations, pads = _window(call, w.shape[2:])
    x, padding = _even(x, pads, 0.0)
    return F(f"conv{x.ndim - 2}d")(x, w, b, tuple(strides), padding, tuple(dilations), call.get("group", 1))


@operator("ConvTranspose")
def _(call: Call) -> Tensor:
    x, w, b = call[0], call[1], call[2]
    n = x.ndim - 2
    strides, dilations, pads = _window(call, w.shape[2:])
    extra = list(call.get("output_padding", [0] * n))
    auto, wanted = call.get("auto_pad", b"NOTSET").decode(), call.get("output_shape")
    if auto.startswith("SAME") and wanted is None:
        wanted = [size * s for size, s in zip(x.shape[2:], strides, strict=True)]
    if wanted is not None:
        pads = []
        for i, size in enumerate(wanted):
            full = strides[i] * (x.shape[2 + i] - 1) + extra[i] + (w.shape[2 + i] - 1) * dilations[i] + 1
            total = full - size
            extra[i] += max(-total, 0)
            small, large = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
            pads.append((small, large) if auto == "SAME_UPPER" else (large, small))
    function, group = F(f"conv_transpose{n}d"), call.get("group", 1)
    if all(a == b for a, b in pads):
        padding = tuple(a for a, _ in pads)
        return function(x, w, b, tuple(strides), padding, tuple(extra), group, tuple(dilations))
    out = function(x, w, b, tuple(strides), 0, tuple(extra), group, tuple(dilations))
    crop = [slice(a, size - z) for (a, z), size in zip(pads, out.shape[2:], strict=True)]
    return out[(slice(None), slice(None), *crop)]


@operator("MaxPool")
def _(call: Call) -> Any:
    kernel, whole = call.get("kernel_shape"), call[0].shape
    strides, dilations, pads = _window(call, kernel)
    if call[0].dtype.kind != "f" and any(map(any, pads)):
        raise Inexpressible("integers padded with minus infinity")
    x, padding = _even(call[0], pads, -math.inf, kernel)
    if call.outputs == 2 and x is not call[0]:
        raise Inexpressible("indices into an input that is padded unevenly")
    out = F(f"max_pool{len(kernel)}d")(
        x, tuple(kernel), tuple(strides), padding, tuple(dilations), bool(call.get("ceil_mode", 0)), call.outputs == 2
    )
    if call.outputs == 1:
        return out
    # PyTorch's indices count within a picture and row by row, ONNX's over the whole input
    place = np.unravel_index(numpy(out[1]), whole[2:])
    plane = np.arange(math.prod(whole[:2])).reshape(*whole[:2], *(1,) * len(kernel))
    order = "F" if call.get("storage_order", 0) else "C"
    flat = np.ravel_multi_index(place, whole[2:], order=order) + plane * math.prod(whole[2:])
    return out[0], gw.tensor(flat.astype(np.int64))


@operator("AveragePool")
def _(call: Call) -> Tensor:
    kernel, x = call.get("kernel_shape"), call[0]
    strides, dilations, pads = _window(call, kernel)
    if any(d != 1 for d in dilations):
        raise Inexpressible("an average pool with gaps")
    function = F(f"avg_pool{len(kernel)}d")
    counted, ceil = bool(call.get("count_include_pad", 0)), bool(call.get("ceil_mode", 0))
    even, padding = _even(x, pads, 0.0, kernel)
    if even is x:
        return function(x, tuple(kernel), tuple(strides), padding, ceil, counted)
    if ceil:
        raise Inexpressible("an average over uneven padding and part of a window")
    if counted:
        return function(even, tuple(kernel), tuple(strides), 0)

    def average(v: Tensor) -> Tensor:
        return function(_padded(v, pads), tuple(kernel), tuple(strides), 0, ceil)

    return average(x) / average(gw.ones_like(x))


@operator("LpPool")
def _(call: Call) -> Tensor:
    kernel, p = call.get("kernel_shape"), call.get("p", 2)
    strides, dilations, pads = _window(call, kernel)
    if any(d != 1 for d in dilations):
        raise Inexpressible("a pool with gaps")
    windows, steps = (kernel[0], strides[0]) if len(kernel) == 1 else (tuple(kernel), tuple(strides))
    # PyTorch's takes odd powers with their sign
    x = fn("abs")(_padded(call[0], pads))
    return F(f"lp_pool{len(kernel)}d")(x, float(p), windows, steps, bool(call.get("ceil_mode", 0)))


@operator("GlobalAveragePool", "GlobalMaxPool")
def _(call: Call) -> Tensor:
    kind = "avg" if call.op == "GlobalAveragePool" else "max"
    return F(f"adaptive_{kind}_pool{call[0].ndim - 2}d")(call[0], (1,) * (call[0].ndim - 2))


@operator("MaxUnpool")
def _(call: Call) -> Tensor:
    x, kernel = call[0], call.get("kernel_shape")
    size = call.list_of("output_shape", 2)
    strides, _, pads = _window(call, kernel)
    if size is not None:
        raise Inexpressible("indices into a smaller output than the one asked for")
    planes = math.prod(x.shape[:2])
    full = [(n - 1) * s + k for n, s, k in zip(x.shape[2:], strides, kernel, strict=True)]
    index = numpy(call[1]) - (np.arange(planes) * math.prod(full)).reshape(*x.shape[:2], *(1,) * len(kernel))
    padding = tuple(a for a, _ in pads)
    return F(f"max_unpool{len(kernel)}d")(x, gw.tensor(index), tuple(kernel), tuple(strides), padding)


@operator("Col2Im")
def _(call: Call) -> Tensor:
    size, block = call.list_of("image_shape", 1) or [], call.list_of("block_shape", 2) or []
    if len(size) != 2:
        raise Inexpressible("folding in other than two dimensions")
    pads = call.get("pads", [0] * 4)
    if pads[:2] != pads[2:]:
        raise Inexpressible("folding with uneven padding")
    dilations, strides = call.get("dilations", [1, 1]), call.get("strides", [1, 1])
    return F("fold")(call[0], tuple(size), tuple(block), tuple(dilations), tuple(pads[:2]), tuple(strides))


@operator("DepthToSpace")
def _(call: Call) -> Tensor:
    if call.get("mode", b"DCR") != b"CRD":
        raise Inexpressible("channels in the order that PyTorch's pixel_shuffle does not have")
    return F("pixel_shuffle")(call[0], call.get("blocksize"))


@operator("GridSample")
def _(call: Call) -> Tensor:
    mode = call.get("mode", b"linear").decode()
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    padding = call.get("padding_mode", b"zeros").decode()
    if call[0].ndim == 5 and mode == "bicubic":
        raise Inexpressible("cubic sampling in three dimensions")
    return F("grid_sample")(call[0], call[1], mode, padding, bool(call.get("align_corners", 0)))


@operator("AffineGrid")
def _(call: Call) -> Tensor:
    return F("affine_grid")(call[0], call.list_of("size", 1), bool(call.get("align_corners", 0)))


@operator("Resize", "Upsample")
def _(call: Call) -> Tensor:
    x = call[0]
    upsample = call.op == "Upsample"
    scales = call.list_of("scales", 1) if upsample and "scales" in call.attributes else None
    given = call[1] if upsample else call[2]
    if scales is None and given is not None and math.prod(given.shape):
        scales = numpy(given).tolist()
    sizes = None if upsample or call[3] is None else [int(n) for n in numpy(call[3])]
    axes = [a % x.ndim for a in call.get("axes", range(x.ndim))]
    policy = call.get("keep_aspect_ratio_policy", b"stretch").decode()
    if sizes is not None and policy != "stretch":
        ratios = [n / x.shape[a] for n, a in zip(sizes, axes, strict=True)]
        ratio = min(ratios) if policy == "not_larger" else max(ratios)
        sizes = [math.floor(x.shape[a] * ratio + 0.5) for a in axes]
    full_sizes, full_scales = list(x.shape), [1.0] * x.ndim
    for i, axis in enumerate(axes):
        if sizes is not None:
            full_sizes[axis] = sizes[i]
        else:
            full_scales[axis] = scales[i]
    if full_sizes[:2] != list(x.shape[:2]) or full_scales[:2] != [1.0, 1.0]:
        raise Inexpressible("resizing the batch or the channels")
    mode, options = _interpolation(call, x.ndim - 2)
    if mode == "nearest-exact" and call.get("nearest_mode", b"round_prefer_floor") == b"round_prefer_floor":
        for old, new, scale in list(zip(x.shape, full_sizes, full_scales, strict=True))[2:]:
            ratio = old / new if sizes is not None else 1 / scale
            if any(((i + 0.5) * ratio) % 1 == 0 for i in range(new if sizes is not None else int(old * scale))):
                raise Inexpressible("a tie between neighbours, which PyTorch gives to the later one")
    if sizes is not None:
        return F("interpolate")(x, size=tuple(full_sizes[2:]), mode=mode, **options)
    return F("interpolate")(x, scale_factor=tuple(full_scales[2:]), mode=mode, **options)


def _interpolation(call: Call, n: int) -> tuple[str, dict[str, Any]]:
    mode = call.get("mode", b"nearest").decode()
    where = call.get("coordinate_transformation_mode", b"half_pixel").decode()
    rounding = call.get("nearest_mode", b"round_prefer_floor").decode()
    if mode == "nearest":
        if call.op == "Upsample" or (where, rounding) == ("asymmetric", "floor"):
            return "nearest", {}
        if where == "half_pixel" and rounding.startswith("round"):
            return "nearest-exact", {}
        raise Inexpressible(f"nearest by {where} and {rounding}")
    if call.get("antialias", 0):
        raise Inexpressible("antialiasing by ONNX's filter")
    if call.get("exclude_outside", 0) or call.get("cubic_coeff_a", -0.75) != -0.75:
        raise Inexpressible("cubic weights other than PyTorch's")
    if where not in ("half_pixel", "align_corners", "pytorch_half_pixel"):
        raise Inexpressible(f"coordinates by {where}")
    named = {"linear": ["linear", "bilinear", "trilinear"], "cubic": ["", "bicubic", ""]}[mode][n - 1]
    return named, {"align_corners": where == "align_corners"}


# normalisation
@operator("BatchNormalization")
def _(call: Call) -> Any:
    x, weight, bias, mean, var = call.inputs
    eps, keep = call.get("epsilon", 1e-5), call.get("momentum", 0.9)
    if not call.get("training_mode", 0):
        return F("batch_norm")(x, mean, var, weight, bias, False, 1 - keep, eps)
    n, old = x.numel() // x.shape[1], numpy(var).copy()
    out = F("batch_norm")(x, mean, var, weight, bias, True, 1 - keep, eps)
    # PyTorch's running variance is unbiased, ONNX's is not
    return out, mean, old * keep + (var - old * keep) * ((n - 1) / n)


@operator("LayerNormalization", "RMSNormalization")
def _(call: Call) -> Tensor:
    x, axis = call[0], call.get("axis", -1) % call[0].ndim
    shape, eps = tuple(x.shape[axis:]), call.get("epsilon", 1e-5)
    weight = fn("broadcast_to")(call[1], shape)
    if call.op == "RMSNormalization":
        return F("rms_norm")(x, shape, weight, eps)
    return F("layer_norm")(x, shape, weight, call[2], eps)  # the other outputs are what PyTorch keeps to itself


@operator("GroupNormalization")
def _(call: Call) -> Tensor:
    return F("group_norm")(call[0], call.get("num_groups"), call[1], call[2], call.get("epsilon", 1e-5))


@operator("InstanceNormalization")
def _(call: Call) -> Tensor:
    return F("instance_norm")(call[0], weight=call[1], bias=call[2], eps=call.get("epsilon", 1e-5))


@operator("LpNormalization")
def _(call: Call) -> Tensor:
    return F("normalize")(call[0], float(call.get("p", 2)), call.get("axis", -1))


@operator("LRN")
def _(call: Call) -> Tensor:
    size, alpha, beta = call.get("size"), call.get("alpha", 1e-4), call.get("beta", 0.75)
    return F("local_response_norm")(call[0], size, alpha, beta, call.get("bias", 1.0))


@operator("MeanVarianceNormalization")
def _(call: Call) -> Tensor:
    x, axes = call[0], tuple(call.get("axes", (0, 2, 3)))
    centred = x - fn("mean")(x, axes, True)
    return centred / fn("sqrt")(fn("mean")(centred * centred, axes, True) + 1e-9)


@operator("Dropout")
def _(call: Call) -> Any:
    x, ratio = call[0], scalar(call[1], call.get("ratio", 0.5))
    training = bool(scalar(call[2], False))
    if training and ratio:
        raise Inexpressible("random numbers of ONNX's own")
    out = F("dropout")(x, ratio, training)
    return out, gw.tensor(np.ones(x.shape, bool))


# losses
@operator("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss")
def _(call: Call) -> Any:
    x, target, weight = call[0], call[1].long(), call[2]
    options = {"reduction": call.get("reduction", b"mean").decode(), "ignore_index": call.get("ignore_index", -100)}
    if call.op == "NegativeLogLikelihoodLoss":
        return F("nll_loss")(x, target, weight, **options)
    loss = F("cross_entropy")(x, target, weight, **options)
    return loss if call.outputs == 1 else (loss, F("log_softmax")(x, 1))


@operator("Attention")
def _(call: Call) -> Any:
    """Scaled dot-product attention with heads, a mask, and keys and values from before."""
    q, k, v, mask = call[0], call[1], call[2], call[3]
    if call.get("softcap", 0.0) or call.outputs > 3 or call[6] is not None:
        raise Inexpressible("attention that is capped, shows its scores or knows of padded keys")
    if any("window" in name for name in call.attributes):
        raise Inexpressible("attention through a window")
    flat = q.ndim == 3
    if flat:
        heads, kv_heads = call.get("q_num_heads"), call.get("kv_num_heads")
        q, k, v = (
            fn("transpose")(t.reshape(t.shape[0], t.shape[1], n, -1), 1, 2)
            for t, n in ((q, heads), (k, kv_heads), (v, kv_heads))
        )
    past = 0
    if call[4] is not None:
        past = call[4].shape[2]
        k, v = fn("cat")([call[4], k], 2), fn("cat")([call[5], v], 2)
    options: dict[str, Any] = {} if call.get("scale") is None else {"scale": call.get("scale")}
    if q.shape[1] != k.shape[1]:
        options["enable_gqa"] = True
    if call.get("is_causal", 0):
        allowed = np.tril(np.ones((q.shape[2], k.shape[2]), bool), past)
        if mask is None and not past:
            options["is_causal"] = True
        elif mask is None:
            mask = gw.tensor(allowed)
        elif mask.dtype.kind == "b":
            mask = fn("logical_and")(mask, gw.tensor(allowed))
        else:
            mask = mask + gw.tensor(np.where(allowed, 0, -np.inf).astype(mask.dtype))
    out = F("scaled_dot_product_attention")(q, k, v, attn_mask=mask, **options)
    if flat:
        out = fn("transpose")(out, 1, 2)
        out = out.reshape(*out.shape[:2], -1)
    return out if call.outputs == 1 else (out, k, v)


# --- running ----------------------------------------------------------------------------------------------------------
def tensor_of(array: Any) -> Tensor:
    if isinstance(array, onnx.TensorProto):
        array = onnx.numpy_helper.to_array(array)
    if not isinstance(array, np.ndarray | np.generic):
        raise Inexpressible("sequences and optional values")
    array = np.asarray(array)
    if array.dtype.kind in "OUS":
        raise Inexpressible("text")
    if array.dtype not in DTYPES:
        raise Inexpressible(OTHER_NUMBERS)
    return gw.tensor(array)


def _attribute(a: onnx.AttributeProto) -> Any:
    return onnx.helper.get_attribute_value(a)


def run_model(model: onnx.ModelProto, inputs: list[Any]) -> list[Any]:
    """Run a graph on Gradwright, node by node."""
    graph, version = model.graph, next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    values: dict[str, Any] = {i.name: tensor_of(onnx.numpy_helper.to_array(i)) for i in graph.initializer}
    open_inputs = [i.name for i in graph.input if i.name not in values]
    values |= {name: tensor_of(array) for name, array in zip(open_inputs, inputs, strict=False)}
    for node in graph.node:
        if node.op_type not in ONNX:
            raise Inexpressible(OUTSIDE.get(node.op_type, f"operator {node.op_type}"))
        call = Call(
            [values[name] if name else None for name in node.input],
            {a.name: _attribute(a) for a in node.attribute},
            version,
            len(node.output),
            node.op_type,
        )
        out = ONNX[node.op_type](call)
        out = list(out) if isinstance(out, list | tuple) else [out]
        values |= {name: value for name, value in zip(node.output, out, strict=False) if name}
    return [values.get(o.name) for o in graph.output]


@dataclass
class Case:
    """One model with one or more sets of inputs and expected outputs."""

    name: str
    model: onnx.ModelProto
    data: list[tuple[list[Any], list[Any]]]

    @property
    def op(self) -> str:
        """The operator, or "several nodes"."""
        nodes = self.model.graph.node
        return nodes[0].op_type if len(nodes) == 1 else "several nodes"


@functools.cache
def cases(kind: str = "node") -> list[Case]:
    """Return ONNX's cases: ``node``, which it makes on import, or a folder of its package."""
    state = np.random.get_state()  # noqa: NPY002 - ONNX seeds the old stream for each case
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = onnx.backend.test.loader.load_model_tests(kind=kind)
    finally:
        np.random.set_state(state)  # noqa: NPY002
    if kind == "node":
        return [Case(c.name.removeprefix("test_"), c.model, list(c.data_sets)) for c in found]
    return [_stored(Path(c.model_dir)) for c in sorted(found, key=lambda c: c.name)]


def _stored(folder: Path) -> Case:
    def arrays(place: Path, what: str) -> Iterator[Any]:
        for i in range(len(list(place.glob(f"{what}_*.pb")))):
            read = onnx.TensorProto()
            read.ParseFromString((place / f"{what}_{i}.pb").read_bytes())
            yield onnx.numpy_helper.to_array(read)

    model = onnx.load(folder / "model.onnx")
    sets = sorted(folder.glob("test_data_set_*"))
    return Case(
        folder.name.removeprefix("test_"), model, [(list(arrays(s, "input")), list(arrays(s, "output"))) for s in sets]
    )


@dataclass
class Result:
    """What became of an operator's cases."""

    agreed: int = 0
    wrong: list[str] = field(default_factory=list)
    not_there: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.agreed + len(self.wrong) + self.not_there.total() + self.outside.total()


def run_case(case: Case, result: Result) -> None:
    """Run one case and note what came of it."""
    reason = next((why for part, why in CASES.items() if part in case.name), None)
    if reason:
        result.outside[reason] += 1
        return
    try:
        for inputs, expected in case.data:
            wanted = [tensor_of(array) for array in expected]
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                got = run_model(case.model, inputs)
            compare(got, [numpy(w) for w in wanted], ROUGH.get(case.name, 1e-5))
    except NotThere as name:
        result.not_there[str(name)] += 1
    except Inexpressible as why:
        result.outside[str(why)] += 1
    except Exception as error:
        result.wrong.append(f"{case.name}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
    else:
        result.agreed += 1


def compare(got: list[Any], expected: list[np.ndarray], tolerance: float) -> None:
    """Raise where outputs differ; those that PyTorch's function does not give are None and not compared."""
    for i, (ours, wanted) in enumerate(zip(got, expected, strict=True)):
        if ours is None and i > 0:
            continue
        array = numpy(ours)
        if array.shape != wanted.shape or array.dtype != wanted.dtype:
            raise AssertionError(f"output {i}: {array.dtype}{array.shape}, expected {wanted.dtype}{wanted.shape}")
        if wanted.dtype.kind != "f":
            np.testing.assert_array_equal(array, wanted, err_msg=f"output {i}")
            continue
        scale = max(1.0, float(np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0)))
        if wanted.dtype == np.float16:
            tolerance = 2e-3
        np.testing.assert_allclose(array, wanted, rtol=tolerance, atol=tolerance * scale, err_msg=f"output {i}")


def run_op(op: str, kind: str = "node") -> Result:
    """Run an operator's cases."""
    result = Result()
    for case in cases(kind):
        if kind != "node" or case.op == op:
            run_case(case, result)
    return result


def main(names: list[str]) -> None:
    counted = Counter(case.op for case in cases())
    print(f"{'operator':30} cases agreed wrong | missing | outside")
    for op in names or sorted(counted):
        if op in OUTSIDE and not names:
            continue
        _print(op, run_op(op), bool(names))
    for kind in () if names else ("pytorch-operator", "pytorch-converted", "simple"):
        _print(kind, run_op("", kind), False)


def _print(name: str, r: Result, every: bool) -> None:
    missing, outside = ", ".join(r.not_there), ", ".join(f"{n} {why}" for why, n in r.outside.items())
    print(f"{name:30} {r.total:5} {r.agreed:6} {len(r.wrong):5} | {missing} | {outside}")
    for message in r.wrong if every else r.wrong[:3]:
        print(f"    {message}")


if __name__ == "__main__":
    main(sys.argv[1:])
