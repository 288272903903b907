"""What the functions of `nn.functional` refuse: one row a message."""

from __future__ import annotations

from typing import Any

import pytest
import torch.nn.functional as T

import gradwright as gw
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError
from gradwright.nn import functional as F

z = gw.zeros
Row = tuple[str, tuple[Any, ...], dict[str, Any], type[Exception], str]


def column_against_row(name: str, *more: Any, **options: Any) -> Row:
    return (name, (z(3, 1), z(3), *more), options, ShapeError, r"\(3, 1\).*\(3,\)")


LABEL = gw.tensor([0, 1])
ROWS: list[Row] = [
    # a broadcast that nobody meant
    *[column_against_row(n) for n in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div")],
    *[column_against_row(n) for n in ("binary_cross_entropy", "binary_cross_entropy_with_logits")],
    *[column_against_row(n) for n in ("poisson_nll_loss", "hinge_embedding_loss", "soft_margin_loss")],
    column_against_row("multilabel_soft_margin_loss"),
    column_against_row("gaussian_nll_loss", z(3, 1)),
    ("margin_ranking_loss", (z(3, 1), z(1, 3), z(3, 1)), {}, ShapeError, r"\(3, 1\).*\(1, 3\).*\(3, 1\)"),
    ("margin_ranking_loss", (z(3), z(3), z(3, 1)), {}, ShapeError, r"\(3,\).*\(3,\).*\(3, 1\)"),
    # reductions
    ("l1_loss", (z(2), z(2)), {"reduction": "average"}, ConfigError, "'mean', 'sum' or 'none', got 'average'"),
    ("kl_div", (z(2), z(2)), {"reduction": "average"}, ConfigError, "'batchmean'.*'average'"),
    # no tensors, no floats
    ("mse_loss", ([1.0], z(1)), {}, DTypeError, "mse_loss: expected a Tensor, got list"),
    ("cross_entropy", (z(2, 3), [0, 1]), {}, DTypeError, "cross_entropy: expected a Tensor, got list"),
    ("layer_norm", (gw.tensor([1, 2]), (2,)), {}, DTypeError, "layer_norm: input must be floating, got int64"),
    ("dropout", (gw.tensor([1, 2]),), {}, DTypeError, "dropout: needs a floating tensor; this one is int64"),
    # classification
    ("cross_entropy", (z(2, 3), LABEL), {"weight": z(2)}, ShapeError, r"3 classes of input \(2, 3\).*got \(2,\)"),
    ("nll_loss", (z(2, 3), LABEL), {"weight": z(1, 3)}, ShapeError, r"got \(1, 3\)"),
    ("cross_entropy", (z(2, 3, 4), LABEL), {}, ShapeError, r"\(2, 3, 4\) and \(2,\); the target's must be \(2, 4\)"),
    ("nll_loss", (z(()), LABEL), {}, ShapeError, r"\(N, C\), \(C,\) or \(N, C, …\), got \(\)"),
    ("cross_entropy", (z(2, 3), z(2, 3)), {"ignore_index": 1}, ConfigError, "ignore_index=1 has no meaning"),
    ("cross_entropy", (z(2, 3), LABEL), {"label_smoothing": 1.5}, ConfigError, "from 0 to 1; got 1.5"),
    ("cross_entropy", (z(1, 3, 2), gw.tensor([[0, 3]])), {}, IndexOutOfRangeError, r"row \(0, 1\) is 3, but 3 classes"),
    ("nll_loss", (z(2, 3), z(2)), {}, DTypeError, "labels must be integers, got float32"),
    # regression
    ("smooth_l1_loss", (z(2), z(2)), {"beta": -1}, ConfigError, "beta is a distance, 0 or more; got -1"),
    ("huber_loss", (z(2), z(2)), {"delta": 0}, ConfigError, "delta is a distance above 0; got 0"),
    ("mse_loss", (z(2), z(2)), {"weight": z(1)}, ShapeError, r"weight \(1,\) and input \(2,\)"),
    ("huber_loss", (z(2), z(2)), {"weight": z(1)}, ShapeError, r"weight \(1,\) and input \(2,\)"),
    # probability
    ("binary_cross_entropy", (z(2), z(2)), {"weight": z(3)}, ShapeError, r"weight \(3,\).*\(2,\)"),
    ("binary_cross_entropy", (z(2) + 2, z(2)), {}, IndexOutOfRangeError, r"\[0, 1\], found 2.0"),
    ("binary_cross_entropy_with_logits", (z(2), z(2)), {"pos_weight": z(3)}, ShapeError, r"pos_weight \(3,\).*\(2,\)"),
    ("gaussian_nll_loss", (z(2), z(2), -1.0), {}, ConfigError, "0 or more; got -1.0"),
    ("gaussian_nll_loss", (z(2), z(2), gw.tensor([1.0, -2.0])), {}, ConfigError, r"-2.0 at \(1,\)"),
    ("gaussian_nll_loss", (z(2, 3), z(2, 3), z(3)), {}, ShapeError, r"var \(3,\).*input \(2, 3\)"),
    # margins
    ("multi_margin_loss", (z(2, 3), LABEL), {"p": 3}, ConfigError, "p is 1 or 2, got 3"),
    ("multi_margin_loss", (z(2, 3), gw.tensor([0])), {}, ShapeError, r"\(2, 3\) and a target \(1,\)"),
    ("multi_margin_loss", (z(2, 3), LABEL), {"weight": z(2)}, ShapeError, r"3 classes.*got \(2,\)"),
    ("multi_margin_loss", (z(2, 3), gw.tensor([0, 3])), {}, IndexOutOfRangeError, "row 1 is 3"),
    ("multilabel_margin_loss", (z(2, 3), LABEL), {}, ShapeError, r"\(2, 3\) and a target \(2,\)"),
    ("multilabel_margin_loss", (z(2), gw.tensor([0, 2])), {}, IndexOutOfRangeError, r"at \(1,\) is 2, but 2 classes"),
    ("multilabel_margin_loss", (z(2), z(2)), {}, DTypeError, "integers, got float32"),
    # distances
    ("pairwise_distance", (z(()), z(())), {}, IndexOutOfRangeError, "numbers, not vectors"),
    ("pdist", (z(3),), {}, ShapeError, r"\(N, D\), got \(3,\)"),
    ("pdist", (z(2, 3),), {"p": -1}, ConfigError, "0 or more, got -1"),
    ("cosine_embedding_loss", (z(2, 3), z(2, 3), z(3)), {}, ShapeError, r"input2 \(2, 3\), target \(3,\)"),
    ("cosine_embedding_loss", (z(2, 3), z(4, 3), z(2)), {}, ShapeError, r"input1 \(2, 3\) and input2 \(4, 3\)"),
    ("triplet_margin_loss", (z(2, 3), z(2, 3), z(3)), {}, ShapeError, r"negative \(3,\).*same number of axes"),
    ("triplet_margin_loss", (z(2, 3), z(2, 3), z(2, 4)), {}, ShapeError, r"negative \(2, 4\)"),
    ("triplet_margin_loss", (z(2), z(2), z(2)), {"margin": 0}, ConfigError, "margin must be above 0, got 0"),
    ("triplet_margin_with_distance_loss", (z(2), z(2), z(2)), {"margin": -1}, ConfigError, "above 0, got -1"),
    ("normalize", (z(2, 3),), {"dim": 2}, IndexOutOfRangeError, r"2.*\(2, 3\)"),
    # normalisation
    ("batch_norm", (z(3), None, None), {"training": True}, ShapeError, r"\(N, C\) or \(N, C, …\), got \(3,\)"),
    ("batch_norm", (z(1, 3), None, None), {"training": True}, ShapeError, r"no variance \(input \(1, 3\)\)"),
    ("batch_norm", (z(2, 3), z(2), z(2)), {}, ShapeError, r"running_mean.*3 channels of input \(2, 3\); got \(2,\)"),
    ("batch_norm", (z(2, 3), None, None), {}, ConfigError, "needs running_mean and running_var"),
    ("instance_norm", (z(2, 3, 1),), {}, ShapeError, r"no variance \(input \(2, 3, 1\)\)"),
    ("instance_norm", (z(2, 3, 2),), {"use_input_stats": False}, ConfigError, "running_mean"),
    ("instance_norm", (z(2, 3, 2),), {"weight": z(2)}, ShapeError, "weight.*3 channels"),
    ("layer_norm", (z(2, 3), (2,)), {}, ShapeError, r"\(2,\) does not end the input's shape \(2, 3\)"),
    ("layer_norm", (z(2, 3), (3,), z(2)), {}, ShapeError, r"weight \(2,\) must have the shape \(3,\)"),
    ("layer_norm", (z(2, 3), ()), {}, ConfigError, r"at least one axis, got \(\)"),
    ("rms_norm", (z(3), (2, 3)), {}, ShapeError, r"\(2, 3\) does not end the input's shape \(3,\)"),
    ("group_norm", (z(2, 3), 2), {}, ConfigError, r"3 channels \(input \(2, 3\)\) do not make 2 equal groups"),
    ("group_norm", (z(1, 2), 2), {}, ShapeError, "one value per group"),
    ("group_norm", (z(2), 1), {}, ShapeError, r"got \(2,\)"),
    ("local_response_norm", (z(2, 3), 2), {}, ShapeError, r"\(N, C, d1, …\), got \(2, 3\)"),
    ("local_response_norm", (z(2, 3, 1), 0), {}, ConfigError, "1 or more; got 0"),
    # dropout
    *[
        (
            n,
            (z(2, 3, 4, 5, 1)[0] if n == "dropout3d" else z(2, 3, 4),),
            {"p": 1.5, "training": True},
            ConfigError,
            "1.5",
        )
        for n in ("dropout", "dropout1d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
    ],
    ("dropout1d", (z(2, 3, 4, 5),), {}, ShapeError, r"\(N, C, L\) or \(C, L\), got \(2, 3, 4, 5\)"),
    ("dropout2d", (z(3),), {}, ShapeError, r"\(N, C, …\), got \(3,\)"),
    # attention
    *[
        ("scaled_dot_product_attention", given, how, error, message)
        for given, how, error, message in (
            ((z(3), z(3), z(3)), {}, ShapeError, r"query \(3,\), key \(3,\), value \(3,\)"),
            ((z(2, 3), z(4, 2), z(4, 3)), {}, ShapeError, r"query \(2, 3\), key \(4, 2\), value \(4, 3\)"),
            ((z(2, 3), z(4, 3), z(5, 3)), {}, ShapeError, r"key \(4, 3\), value \(5, 3\)"),
            ((z(2, 3), z(4, 3), z(4, 3).double()), {}, DTypeError, "value float64"),
            ((z(2, 3), z(4, 3), z(4, 3), z(2, 4)), {"is_causal": True}, ConfigError, "exclude each other"),
            ((z(2, 3), z(4, 3), z(4, 3), z(4, 2)), {}, ShapeError, r"attn_mask \(4, 2\).*\(2, 4\)"),
            ((z(2, 3), z(4, 3), z(4, 3), z(2, 4).long()), {}, DTypeError, "int64"),
            ((z(3, 2, 3), z(2, 4, 3), z(2, 4, 3)), {"enable_gqa": True}, ShapeError, "must divide"),
            ((z(2, 3), z(4, 3), z(4, 3)), {"enable_gqa": True}, ShapeError, "heads"),
        )
    ],
    # linear, shuffles
    ("linear", (z(2, 3), z(4, 2)), {}, ShapeError, r"\(2, 3\).*\(4, 2\)"),
    ("linear", (z(2, 3), z(4, 3), z(3)), {}, ShapeError, r"bias \(3,\).*\(4, 3\)"),
    ("bilinear", (z(2, 3), z(3, 4), z(5, 3, 4)), {}, ShapeError, r"\(2, 3\), input2 \(3, 4\), weight \(5, 3, 4\)"),
    ("bilinear", (z(2, 3), z(2, 3), z(5, 3, 4)), {}, ShapeError, "3 and 4 features"),
    ("bilinear", (z(2, 3), z(2, 4), z(5, 3, 4), z(4)), {}, ShapeError, r"5 outputs, the bias is \(4,\)"),
    ("pixel_shuffle", (z(6, 2, 2), 2), {}, ShapeError, r"6 channels \(input \(6, 2, 2\)\) are no multiple of 2² = 4"),
    ("pixel_unshuffle", (z(1, 3, 2), 2), {}, ShapeError, r"3 × 2 pixels.*2 × 2 blocks"),
    ("pixel_shuffle", (z(2, 2), 1), {}, ShapeError, r"\(…, C, H, W\), got \(2, 2\)"),
    ("pixel_shuffle", (z(1, 2, 2), 0), {}, ConfigError, "1 or more; got 0"),
    ("channel_shuffle", (z(1, 3, 2), 2), {}, ConfigError, "do not make 2 equal groups"),
    ("channel_shuffle", (z(3, 2), 1), {}, ShapeError, r"got \(3, 2\)"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[4]}")
def test_what_is_refused_and_how(row: Row):
    name, given, options, error, message = row
    assert hasattr(T, name)
    with pytest.raises(error, match=message):
        getattr(F, name)(*given, **options)


@pytest.mark.parametrize(
    ("name", "good", "bad", "message"),
    [
        ("cross_entropy", (z(2, 3, 2), gw.tensor([[0, 1], [2, 0]])), gw.tensor([[0, 1], [3, 0]]), r"row \(1, 0\) is 3"),
        ("multi_margin_loss", (z(2, 3), LABEL), gw.tensor([0, 3]), r"row 1 is 3"),
        ("multilabel_margin_loss", (z(3), gw.tensor([0, -1, 0])), gw.tensor([0, -2, 0]), r"at \(1,\) is -2"),
    ],
)
def test_a_compiled_step_refuses_labels_before_it_runs(name: str, good: Any, bad: gw.Tensor, message: str):
    step = gw.compile(lambda x, y: getattr(F, name)(x, y))
    step(*good)
    with pytest.raises(IndexOutOfRangeError, match=message):
        step(good[0], bad)


def test_a_compiled_step_refuses_what_is_no_probability_and_no_variance():
    step = gw.compile(lambda x, y: F.binary_cross_entropy(x, y))
    step(z(2) + 0.5, z(2))
    with pytest.raises(IndexOutOfRangeError, match=r"found 1\.5"):
        step(z(2) + 1.5, z(2))
    step = gw.compile(lambda x, y, v: F.gaussian_nll_loss(x, y, v))
    step(z(2), z(2), z(2) + 1)
    with pytest.raises(ConfigError, match="negative"):
        step(z(2), z(2), z(2) - 1)
