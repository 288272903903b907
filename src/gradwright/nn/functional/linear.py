"""Products with weights."""

from __future__ import annotations

from gradwright.engine.autocast import as_given
from gradwright.engine.ops import linalg
from gradwright.engine.tensor import Tensor
from gradwright.errors import ShapeError
from gradwright.nn.functional.checks import need_tensors, one_dtype

__all__ = ["bilinear", "linear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``input @ weight.T + bias``.

    Parameters
    ----------
    input : (…, in_features)
    weight : (out_features, in_features), or (in_features,) for a single output without an axis of its own
    bias : (out_features,), or (), optional

    Raises
    ------
    ShapeError
        When the last axis of the input is not ``in_features`` long, or the bias does not fit; all shapes are named.
    """
    need_tensors("linear", input, weight)
    one_dtype("linear", input, weight)
    if weight.ndim == 2 and bias is not None and bias._array.shape == weight._array.shape[:1]:
        return linalg.affine(input, weight, bias)
    if not input.ndim or weight.ndim not in (1, 2) or input.shape[-1] != weight.shape[-1]:
        raise ShapeError(f"linear: the input {input.shape} and the weight {weight.shape} need last axes of one length")
    y = input @ weight.T
    if bias is None:
        return y
    if bias.shape not in (weight.shape[:-1], (1,), ()):
        raise ShapeError(f"linear: the bias {bias.shape} does not fit the outputs of the weight {weight.shape}")
    return y + bias


@as_given
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x₁ᵀ W x₂ + b for each output's own W.

    Equation: y[…, o] = Σᵢⱼ x₁[…, i] · W[o, i, j] · x₂[…, j] + b[o].

    Parameters
    ----------
    input1 : (…, in1_features)
    input2 : (…, in2_features)
        The leading axes are those of ``input1``.
    weight : (out_features, in1_features, in2_features)
    bias : (out_features,), optional
    """
    need_tensors("bilinear", input1, input2, weight)
    shapes = f"input1 {input1.shape}, input2 {input2.shape}, weight {weight.shape}"
    if weight.ndim != 3 or not input1.ndim or not input2.ndim or input1.shape[:-1] != input2.shape[:-1]:
        raise ShapeError(f"bilinear: expected (…, I), (…, J) with equal leading axes, and (O, I, J); got {shapes}")
    out, i, j = weight.shape
    if (input1.shape[-1], input2.shape[-1]) != (i, j):
        raise ShapeError(f"bilinear: the weight takes {i} and {j} features; got {shapes}")
    if bias is not None and bias.shape != (out,):
        raise ShapeError(f"bilinear: the weight {weight.shape} has {out} outputs, the bias is {bias.shape}")
    lead = input1.shape[:-1]
    # one product with all outputs side by side, then one dot product for each of them
    halfway = (input1 @ weight.permute(1, 0, 2).reshape(i, out * j)).reshape(*lead, out, j)
    y = (halfway @ input2.reshape(*lead, j, 1)).reshape(*lead, out)
    return y if bias is None else y + bias
