"""Calls of `nn.functional`, each with numbers away from kinks: what the functions' tests go through."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

R = np.random.default_rng(0)


@dataclass
class Call:
    """One call. Floating positional arrays are differentiated; arrays among the options are not."""

    name: str
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        shapes = ",".join(str(np.shape(x)).replace(" ", "") for x in self.inputs)
        said = [f"{k}={'array' if isinstance(v, np.ndarray) else v}" for k, v in self.options.items()]
        return "-".join([self.name, shapes, *said])

    def arguments(self, make: Any, tensor: Any) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments for a library: ``make`` what is differentiated, ``tensor`` the other arrays."""
        inputs = [
            make(x) if moves(x) else tensor(x) if isinstance(x, np.ndarray | np.generic) else x for x in self.inputs
        ]
        return inputs, {k: tensor(v) if isinstance(v, np.ndarray) else v for k, v in self.options.items()}


def moves(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def combine(name: str, inputs: tuple[Any, ...], **choices: list[Any]) -> list[Call]:
    """All combinations; None leaves the option out."""
    return [
        Call(name, inputs, {k: v for k, v in zip(choices, values, strict=True) if v is not None})
        for values in itertools.product(*choices.values())
    ]


def losses(name: str, inputs: tuple[Any, ...], **choices: list[Any]) -> list[Call]:
    return combine(name, inputs, **choices, reduction=["mean", "sum", "none"])


def real(*shape: int) -> np.ndarray:
    """Numbers at least 0.02 apart from each other and from 0, ±1/2, ±1."""
    n = int(np.prod(shape))
    return (R.permutation(n) * (3.1 / max(n, 1)) - 1.53 + R.uniform(0, 0.01, n)).reshape(shape)


def share(*shape: int) -> np.ndarray:
    return R.uniform(0.1, 0.9, shape)


def positive(*shape: int) -> np.ndarray:
    return R.uniform(0.4, 2.0, shape)


def distribution(*shape: int, axis: int = 1) -> np.ndarray:
    p = positive(*shape)
    return p / p.sum(axis, keepdims=True)


def sign(*shape: int) -> np.ndarray:
    return R.choice([-1, 1], shape)


def labels(classes: int, *shape: int) -> np.ndarray:
    return R.integers(0, classes, shape)


CLASS_WEIGHT = np.array([0.2, 1.5, 0.7])
WEIGHED_AND_SMOOTHED: dict[str, list[Any]] = {"weight": [None, CLASS_WEIGHT], "label_smoothing": [None, 0.2]}
WITH_IGNORED = np.array([[0, -100], [2, 1]])
MANY = np.array([[2, 0, -1], [1, -1, 0], [0, 1, 2]])

CLASSIFICATION = [
    *losses("cross_entropy", (real(4, 3), labels(3, 4)), **WEIGHED_AND_SMOOTHED),
    *losses("cross_entropy", (real(3), labels(3))),
    *losses("cross_entropy", (real(2, 3, 2), labels(3, 2, 2)), **WEIGHED_AND_SMOOTHED),
    *losses("cross_entropy", (real(2, 3, 2, 2), labels(3, 2, 2, 2))),
    *losses("cross_entropy", (real(2, 3, 2), WITH_IGNORED), **WEIGHED_AND_SMOOTHED),
    *losses("cross_entropy", (real(4, 3), labels(3, 4)), ignore_index=[1]),
    *losses("cross_entropy", (real(4, 3), distribution(4, 3)), **WEIGHED_AND_SMOOTHED),
    *losses("cross_entropy", (real(3), distribution(3, axis=0)), weight=[None, CLASS_WEIGHT]),
    *losses("cross_entropy", (real(2, 3, 2), distribution(2, 3, 2)), weight=[None, CLASS_WEIGHT]),
    *losses("nll_loss", (real(4, 3), labels(3, 4)), weight=[None, CLASS_WEIGHT]),
    *losses("nll_loss", (real(3), labels(3)), weight=[None, CLASS_WEIGHT]),
    *losses("nll_loss", (real(2, 3, 2), labels(3, 2, 2)), weight=[None, CLASS_WEIGHT]),
    *losses("nll_loss", (real(2, 3, 2), WITH_IGNORED), weight=[None, CLASS_WEIGHT]),
    *losses("nll_loss", (real(2, 3, 1, 2), labels(3, 2, 1, 2))),
]
PAIR = (real(4, 3), real(4, 3))
REGRESSION = [
    *losses("mse_loss", PAIR, weight=[None, positive(4, 3)]),
    *losses("l1_loss", PAIR, weight=[None, positive(4, 3)]),
    *losses("smooth_l1_loss", PAIR, beta=[None, 0, 0.3, 2.5]),
    *losses("huber_loss", PAIR, delta=[None, 0.3, 2.5], weight=[None, positive(4, 3)]),
]
PROBABILITY = [
    *losses("binary_cross_entropy", (share(4, 3), share(4, 3)), weight=[None, positive(3)]),
    *losses(
        "binary_cross_entropy_with_logits",
        (real(4, 3), share(4, 3)),
        weight=[None, positive(4, 1)],
        pos_weight=[None, positive(3)],
    ),
    *combine("kl_div", (real(4, 3), distribution(4, 3)), reduction=["sum", "none", "batchmean"]),
    *combine("kl_div", (real(4, 3), real(4, 3)), reduction=["sum", "none", "batchmean"], log_target=[True]),
    *losses(
        "poisson_nll_loss", (positive(4, 3), positive(4, 3)), log_input=[True, False], full=[False, True], eps=[0.1]
    ),
    *losses("gaussian_nll_loss", (real(4, 3), real(4, 3), positive(4, 3)), full=[False, True]),
    *losses("gaussian_nll_loss", (real(4, 3), real(4, 3), positive(4))),
    *losses("gaussian_nll_loss", (real(4, 3), real(4, 3), positive(4, 1))),
    *losses("gaussian_nll_loss", (real(4, 3), real(4, 3), 0.7)),
]
MARGIN = [
    *losses("hinge_embedding_loss", (positive(4, 3), sign(4, 3)), margin=[None, 1.3]),
    *losses("margin_ranking_loss", (real(4), real(4), sign(4)), margin=[None, 0.4]),
    *losses("soft_margin_loss", (real(4, 3),), target=[sign(4, 3).astype(float)]),
    *losses("multilabel_soft_margin_loss", (real(4, 3), share(4, 3)), weight=[None, CLASS_WEIGHT]),
    *losses("multi_margin_loss", (real(4, 3), labels(3, 4)), p=[1, 2], margin=[None, 0.6], weight=[None, CLASS_WEIGHT]),
    *losses("multi_margin_loss", (real(3), labels(3))),
    *losses("multilabel_margin_loss", (real(3, 3), MANY)),
    *losses("multilabel_margin_loss", (real(3), MANY[0])),
]
TRIPLET = (real(4, 3), real(4, 3), real(4, 3))
DISTANCE = [
    *combine("pairwise_distance", PAIR, p=[None, 1.0, 3.0, np.inf], keepdim=[None, True]),
    *combine("pdist", (real(4, 3),), p=[None, 1.0, 3.0, np.inf]),
    *combine("cosine_similarity", (real(4, 3), real(4, 3)), dim=[None, 0, -1]),
    Call("cosine_similarity", (real(4, 1, 3), real(2, 3)), {"dim": 2}),
    *losses("cosine_embedding_loss", (real(4, 3), real(4, 3), sign(4)), margin=[None, 0.2]),
    *losses("cosine_embedding_loss", (real(3), real(3), np.array(1))),
    *losses("triplet_margin_loss", TRIPLET, p=[None, 3.0], swap=[False, True], margin=[None, 2.0]),
    *losses("triplet_margin_with_distance_loss", TRIPLET, swap=[False, True]),
    *combine("normalize", (real(4, 3),), p=[None, 1.0, 3.0], dim=[None, 0, (0, 1)]),
]
FOUR = real(2, 4, 3)
NORMALIZATION = [
    *combine("layer_norm", (FOUR, [4, 3], real(4, 3), real(4, 3)), eps=[None, 0.1]),
    Call("layer_norm", (FOUR, (3,))),
    Call("layer_norm", (FOUR, (3,), real(3))),
    *combine("rms_norm", (FOUR, (3,), real(3)), eps=[None, 0.1]),
    Call("rms_norm", (FOUR, (4, 3))),
    *combine("group_norm", (FOUR,), num_groups=[1, 2, 4]),
    Call("group_norm", (real(2, 4, 2, 2), 2, real(4), real(4))),
    Call("group_norm", (real(3, 4), 2)),
    Call("instance_norm", (FOUR,)),
    Call("instance_norm", (FOUR, None, None, real(4), real(4))),
    *combine("local_response_norm", (real(2, 5, 3),), size=[1, 2, 3, 7], alpha=[0.1], k=[None, 2.0]),
    Call("local_response_norm", (real(1, 4, 2, 2), 3, 0.5)),
    *[
        Call("batch_norm", (real(*shape), None, None, real(3), real(3)), {"training": True, "eps": 0.01})
        for shape in ((4, 3), (2, 3, 2), (2, 3, 2, 2), (1, 3, 2, 2, 1))
    ],
    Call("batch_norm", (real(2, 3, 2),), {"running_mean": real(3), "running_var": positive(3), "weight": real(3)}),
    Call(
        "instance_norm",
        (real(2, 3, 2),),
        {"running_mean": real(3), "running_var": positive(3), "use_input_stats": False},
    ),
]
QUERY, KEY, VALUE = real(2, 3, 2), real(2, 4, 2), real(2, 4, 1)
TRUTHS = np.array([[True, False, True, True], [False] * 4, [True, True, False, True]])  # the second may look nowhere
ATTENTION = [
    *combine("scaled_dot_product_attention", (QUERY, KEY, VALUE), is_causal=[None, True], scale=[None, 0.3]),
    Call("scaled_dot_product_attention", (QUERY[0], KEY[0], VALUE[0])),
    Call("scaled_dot_product_attention", (QUERY, KEY[0], VALUE[:1])),
    Call("scaled_dot_product_attention", (QUERY, KEY, VALUE, TRUTHS)),
    Call("scaled_dot_product_attention", (QUERY, KEY, VALUE, real(2, 1, 4))),
    Call("scaled_dot_product_attention", (QUERY, KEY, VALUE), {"attn_mask": np.where(TRUTHS, 0.3, -np.inf)}),
    Call("scaled_dot_product_attention", (QUERY, KEY[:1], VALUE[:1]), {"enable_gqa": True}),
    Call("scaled_dot_product_attention", (QUERY, KEY[:1], VALUE[:1], TRUTHS), {"enable_gqa": True}),
    Call("scaled_dot_product_attention", (QUERY, KEY[:1], VALUE[:1], real(2, 3, 4)), {"enable_gqa": True}),
]
OTHER = [
    Call("linear", (real(2, 2, 3), real(4, 3), real(4))),
    Call("linear", (real(2, 3), real(4, 3))),
    Call("linear", (real(2, 3), real(3))),
    Call("linear", (real(3), real(3), np.array(0.5))),
    Call("bilinear", (real(2, 3), real(2, 4), real(2, 3, 4), real(2))),
    Call("bilinear", (real(2, 2, 3), real(2, 2, 1), real(4, 3, 1))),
    Call("pixel_shuffle", (real(2, 8, 2, 3), 2)),
    Call("pixel_unshuffle", (real(8, 4, 2), 2)),
    Call("channel_shuffle", (real(2, 6, 2), 3)),
]
LOSSES = [*CLASSIFICATION, *REGRESSION, *PROBABILITY, *MARGIN, *DISTANCE]
CALLS = [*LOSSES, *NORMALIZATION, *ATTENTION, *OTHER]
