"""The network layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gradwright.report.records import RunRecord
from gradwright.report.text import count, plural

__all__ = ["LayerRow", "LayersInfo", "layers_info", "layers_words", "shape_text"]


class LayerRow(NamedTuple):
    """One layer, with the share of all parameters that is its own."""

    path: str
    type: str
    detail: str
    output_shape: str
    parameters: int
    share: float


class LayersInfo(NamedTuple):
    """All layers in order, and what they add up to."""

    rows: tuple[LayerRow, ...]
    parameters: int
    trainable: int


def shape_text(shape: Sequence[int | None] | None) -> str:
    """Write a shape; the size of a batch, which is not fixed, is called n.

    Examples
    --------
    >>> shape_text([None, 128]), shape_text([]), shape_text(None)
    ('n × 128', 'one number', '')
    """
    if shape is None:
        return ""
    return " × ".join("n" if size is None else count(size) for size in shape) or "one number"


def layers_info(record: RunRecord) -> LayersInfo:
    """Collect the layers of a run's network.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> layers_info(example_record()).rows[0].output_shape
    'n × 128'
    """
    network = record.network
    total = network["parameters"]
    return LayersInfo(
        tuple(
            LayerRow(
                layer["path"],
                layer["type"],
                layer["detail"] or "",
                shape_text(layer["output_shape"]),
                layer["parameters"],
                layer["parameters"] / total if total else 0.0,
            )
            for layer in network["layers"]
        ),
        total,
        total if network["trainable"] is None else network["trainable"],
    )


def layers_words(info: LayersInfo) -> str:
    """Say how large the network is, and where its parameters are.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> layers_words(layers_info(example_record()))
    '5 layers with 26,122 parameters, all of them trained. Layer 2 (Linear) holds 63% of them.'
    """
    frozen = info.parameters - info.trainable
    trained = "all of them trained" if not frozen else f"{count(info.trainable)} of them trained"
    words = f"{plural(len(info.rows), 'layer')} with {plural(info.parameters, 'parameter')}, {trained}."
    largest = max(info.rows, key=lambda row: row.parameters, default=None)
    if largest is not None and largest.share > 0.3 and len(info.rows) > 1:
        words += f" Layer {largest.path} ({largest.type}) holds {largest.share * 100:.0f}% of them."
    return words
