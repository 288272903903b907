"""What the functions refuse: wrong shapes, labels without a class."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.checks import check_values
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.tensor import Tensor
from gradwright.errors import DTypeError, IndexOutOfRangeError, ShapeError

__all__ = ["broadcastable", "check_labels", "need_floats", "need_tensors", "one_dtype", "same_shape", "weight_fits"]


def need_tensors(name: str, *values: Any) -> None:
    """Refuse anything but Tensors."""
    for value in values:
        need_tensor(name, value)


def need_floats(name: str, **tensors: Any) -> None:
    """Refuse anything but Tensors of floats; the keywords are the arguments' names. None is left out."""
    for argument, value in tensors.items():
        if value is None:
            continue
        need_tensor(name, value)
        if value.dtype.kind not in "fV":
            raise DTypeError(f"{name}: {argument} must be floating, got {value.dtype}: call .float() first")


def one_dtype(name: str, input: Tensor, weight: Tensor) -> None:
    """Refuse data of one floating dtype beside weights of another: NumPy's numbers are float64, a network's float32."""
    a, b = input._array.dtype, weight._array.dtype
    if a is not b and a != b and a.kind == b.kind == "f":
        raise DTypeError(
            f"{name}: the input is {a}, the weight {b}; convert the data, x.to(gradwright.{b}), or the network, "
            f"model.to(gradwright.{a})"
        )


def same_shape(name: str, **tensors: Tensor) -> None:
    """Refuse tensors of different shapes, even where they would broadcast: (n,) against (n, 1) is a mistake."""
    need_tensors(name, *tensors.values())
    (first, a), *others = tensors.items()
    for other, b in others:
        if a.shape == b.shape:
            continue
        hint = ""
        if a.numel() == b.numel():
            hint = f" Broadcasting them would compare every {first} with every {other}; use {other}.reshape{a.shape}."
        raise ShapeError(f"{name}: {first} {a.shape} and {other} {b.shape} must have the same shape.{hint}")


def broadcastable(name: str, **tensors: Tensor) -> tuple[int, ...]:
    """Return the common shape, which has to be that of one of the tensors.

    For the losses in which PyTorch lets one side be repeated without a warning. Where both sides would be repeated, as
    (n,) against (n, 1), it is a mistake here too.
    """
    need_tensors(name, *tensors.values())
    shapes = {argument: t.shape for argument, t in tensors.items()}
    try:
        common = np.broadcast_shapes(*shapes.values())
    except ValueError:
        common = None
    if common is None or common not in shapes.values():
        found = " and ".join(f"{argument} {shape}" for argument, shape in shapes.items())
        wrong = "do not fit together" if common is None else f"would be repeated on both sides, to {common}"
        raise ShapeError(f"{name}: shapes {wrong}: {found}. Give them the same shape, with reshape or squeeze.")
    return common


def weight_fits(name: str, input: Tensor, weight: Tensor | None, classes: int) -> None:
    """Refuse a class weight that is not one number a class."""
    if weight is None:
        return
    need_tensors(name, weight)
    if weight.shape != (classes,):
        raise ShapeError(
            f"{name}: weight needs one number for each of the {classes} classes of input {input.shape}, "
            f"so the shape ({classes},); got {weight.shape}"
        )


def check_labels(name: str, target: Tensor, classes: int, ignore_index: int | None, averaged: bool = True) -> None:
    """Refuse labels without a class, naming the first; and, where an average is asked for, nothing but ignored ones.

    A compiled step checks the labels that it is given before it runs.
    """
    if target.dtype.kind not in "iu":
        raise DTypeError(f"{name}: class labels must be integers, got {target.dtype}; use target.long()")

    def check(labels: np.ndarray) -> None:
        bad = (labels < 0) | (labels >= classes)
        if not bad.any():
            return
        if ignore_index is not None:
            ignored = labels == ignore_index
            if averaged and ignored.all():
                raise IndexOutOfRangeError(
                    f"{name}: all {labels.size} targets are {ignore_index}, which is ignored, so there is no loss"
                )
            bad &= ~ignored
            if not bad.any():
                return
        where = np.argwhere(bad)[0]
        row = int(where[0]) if len(where) == 1 else tuple(int(i) for i in where)
        raise IndexOutOfRangeError(
            f"{name}: the label in row {row} is {labels[tuple(where)]}, but {classes} classes have labels 0 "
            f"to {classes - 1} "
            f"({int(bad.sum())} of {labels.size} labels are out of range)"
        )

    check_values(target._array, check)
