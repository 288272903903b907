"""What the run of PyTorch's operator database has to know: what is wanted, what is left out, and why.

An entry is named ``name`` or ``name.variant``, as the tables of `op_db.py` print it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def _words(text: str) -> list[str]:
    return text.split()


#: What Gradwright means to have, by family, under PyTorch's names.
WANTED: dict[str, list[str]] = {
    "elementwise": _words("""
        neg abs sign exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal pow sin cos tan asin acos atan
        atan2 sinh cosh tanh asinh acosh atanh sigmoid erf erfc erfinv lgamma digamma floor ceil round trunc frac clamp
        nan_to_num add sub mul div remainder fmod maximum minimum hypot logaddexp xlogy lerp addcmul addcdiv where
        """),
    "logic": _words("""
        eq ne lt le gt ge logical_and logical_or logical_xor logical_not isnan isinf isfinite bitwise_and bitwise_or
        bitwise_xor bitwise_not
        """),
    "activations": [
        f"nn.functional.{name}"
        for name in _words("""
        logsigmoid softplus softsign relu relu6 leaky_relu prelu elu selu celu gelu silu mish hardtanh hardsigmoid
        hardswish hardshrink softshrink tanhshrink threshold glu sigmoid tanh
        """)
    ],
    "reductions": _words("""
        sum mean prod var std amax amin max min argmax argmin median logsumexp norm linalg.vector_norm cumsum cumprod
        logcumsumexp any all count_nonzero
        """),
    "shape": _words("""
        reshape view flatten unflatten squeeze unsqueeze transpose permute movedim expand broadcast_to repeat tile cat
        stack split chunk unbind flip roll nn.functional.pad tril triu diag diagonal meshgrid unfold
        nn.functional.unfold nn.functional.fold
        """),
    "indexing": _words("""
        __getitem__ gather scatter scatter_add index_select take_along_dim masked_fill masked_select
        nn.functional.embedding nn.functional.embedding_bag nn.functional.one_hot sort argsort topk searchsorted
        """),
    "linalg": _words("""
        matmul bmm mv dot outer einsum tensordot kron trace linalg.inv linalg.solve linalg.solve_triangular
        linalg.cholesky linalg.det linalg.slogdet linalg.qr linalg.eigh linalg.svd linalg.pinv linalg.matrix_norm
        """),
    "networks": [
        f"nn.functional.{name}"
        for name in _words("""
        linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d max_pool1d max_pool2d max_pool3d
        avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d interpolate softmax log_softmax batch_norm
        layer_norm group_norm instance_norm rms_norm dropout dropout1d dropout2d dropout3d alpha_dropout
        feature_alpha_dropout bilinear scaled_dot_product_attention cosine_similarity
        """)
    ],
    "losses": [
        f"nn.functional.{name}"
        for name in _words("""
        cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss smooth_l1_loss
        huber_loss kl_div poisson_nll_loss gaussian_nll_loss hinge_embedding_loss margin_ranking_loss multi_margin_loss
        multilabel_margin_loss multilabel_soft_margin_loss soft_margin_loss triplet_margin_loss
        triplet_margin_with_distance_loss cosine_embedding_loss ctc_loss
        """)
    ],
}

#: Entries whose samples go to the callable in another order, as the entry's own lambda does.
ADAPTED: dict[str, Callable[..., Any]] = {
    "einsum": lambda f: lambda tensors, equation: f(equation, tensors),
    "where": lambda f: lambda self, condition, other, **kwargs: f(condition, self, other, **kwargs),
    "polygamma": lambda f: lambda x, n, **kwargs: f(n, x, **kwargs),
    "special.polygamma": lambda f: lambda x, n, **kwargs: f(n, x, **kwargs),
    "nn.functional.embedding": lambda f: lambda weight, idx, **kwargs: f(idx, weight, **kwargs),
    "nn.functional.embedding_bag": lambda f: lambda weight, idx, **kwargs: f(idx, weight, **kwargs),
    "linalg.pinv.singular": lambda f: lambda a, b: f(a @ b.mT),
    "linalg.lstsq.grad_oriented": lambda f: lambda a, b, driver: f(a, b, driver=driver)[:2],
    "resize_": lambda f: lambda x, shape: f(x.clone(), shape),
    "resize_as_": lambda f: lambda x, other: f(x.clone(), other),
    "zero_": lambda f: lambda x: f(x.clone()),
}

#: Entries that draw random numbers or leave memory as it is: only shapes and dtypes can agree.
UNDETERMINED = _words("""
    nn.functional.dropout nn.functional.dropout1d nn.functional.dropout2d nn.functional.dropout3d
    nn.functional.alpha_dropout nn.functional.feature_alpha_dropout nn.functional.rrelu
    nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d
    bernoulli multinomial normal uniform cauchy exponential geometric log_normal rand_like randn randn_like randint
    randint_like empty empty_like empty_permuted empty_strided new_empty new_empty_strided svd_lowrank pca_lowrank
    """)

#: Operations that are left out altogether, with the reason.
EXCEPTIONS: dict[str, str] = {
    "bfloat16": "PyTorch gives no NumPy array of it to compare with; test_attributes.py has it",
    "normal.in_place": "the database's entry draws into a tensor; test_random.py has normal_",
}


def _whole_numbers(sample: Any) -> bool:
    return not sample.input.dtype.is_floating_point


def _resized(sample: Any) -> bool:
    return sample.input.shape != (sample.args[0] @ sample.args[1]).sum(0).shape


_TIES = "which of equal elements comes first is left open by PyTorch; here it is the first place (mode: the last)"
_WHOLE = "an average of integers; PyTorch cuts its fractions off, here it is a float or refused"

#: Single samples that are left out: entry, a predicate on the sample, the reason.
SAMPLE_EXCEPTIONS: list[tuple[str, Callable[[Any], bool], str]] = [
    *((name, _whole_numbers, _TIES) for name in ("sort", "argsort", "topk", "kthvalue", "mode")),
    *((f"nn.functional.avg_pool{n}d", _whole_numbers, _WHOLE) for n in (1, 2, 3)),
    ("nn.functional.local_response_norm", _whole_numbers, _WHOLE),
    ("addbmm", _resized, "PyTorch's addbmm_ gives a tensor another shape in place; here that is refused"),
    (
        "cov",
        lambda s: getattr(s.kwargs.get("aweights"), "dtype", None) == torch.float32,
        "weights in float32 beside data in float64: their gradients agree to float32's digits",
    ),
    ("nn.functional.batch_norm", lambda s: s.input.ndim < 2, "an input without channels, which PyTorch lets pass"),
    (
        "nn.functional.multi_head_attention_forward",
        lambda s: s.args[9] > 0 and s.kwargs.get("training", True),
        "dropout draws other random numbers",
    ),
    (
        "nn.functional.scaled_dot_product_attention",
        lambda s: s.kwargs.get("dropout_p", 0) > 0,
        "dropout draws other random numbers",
    ),
]

#: Results that are not unique: what of them is, made of operations that Tensors of both libraries have. Each singular
#: vector or eigenvector may change its sign, and those beyond the singular values are any basis of what is left.
GAUGES: dict[str, Callable[[Any], Any]] = {
    "linalg.svd": lambda out: (
        _first_columns(out[0], out[1]).abs(),
        out[1],
        _first_columns(out[2].transpose(-2, -1), out[1]).abs(),
    ),
    "svd": lambda out: (_first_columns(out[0], out[1]).abs(), out[1], _first_columns(out[2], out[1]).abs()),
    "linalg.eigh": lambda out: (out[0], out[1].abs()),
}


def _first_columns(vectors: Any, values: Any) -> Any:
    return vectors[..., : values.shape[-1]]


#: Relative tolerances of forward and gradient where the ordinary ones (1e-12 and 1e-9) cannot hold, with the reason.
FORWARD, GRADIENT = 1e-12, 1e-9
TOLERANCES: dict[str, tuple[float, float, str]] = {
    name: (
        FORWARD,
        float("inf"),
        "PyTorch gives a gradient to the triangle of the factor that is not read; test_linalg.py compares the other",
    )
    for name in ("cholesky_solve", "cholesky_inverse")
} | {
    "nn.functional.hardsigmoid": (FORWARD, 1e-7, "PyTorch's slope of 1/6 is a float32"),
    "nn.functional.ctc_loss": (
        FORWARD,
        float("inf"),
        "PyTorch's gradient takes a log-softmax in front for granted; test_ctc.py compares behind one",
    ),
}


def _has_number_for_tensor(sample: Any) -> bool:
    numbers = [isinstance(value, bool | int | float) for value in (sample.input, *sample.args)]
    return numbers[:2] in ([True, False], [False, True], [True, True])


#: Where Gradwright answers and PyTorch refuses: entry ("binary": any elementwise function of two), a predicate on the
#: sample, why that is right.
LENIENT: list[tuple[str, Callable[[Any], bool], str]] = [
    ("binary", _has_number_for_tensor, "a Python number is taken where PyTorch insists on a tensor"),
]

#: Samples of an entry beyond this number are thinned out evenly; side runs are other dtypes and other entrances.
CAP, SIDE_CAP = 30, 12
