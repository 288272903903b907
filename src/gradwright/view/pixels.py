"""Pixels as a PNG image, with nothing but the standard library."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from gradwright.errors import ShapeError

__all__ = ["png_of_pixels"]


def png_of_pixels(pixels: np.ndarray) -> bytes:
    """Return (H, W) grey or (H, W, 3) coloured pixels in [0, 1] as a PNG image of 8 bits.

    Raises
    ------
    ShapeError
        When these are no such pixels.

    Examples
    --------
    >>> png_of_pixels(np.eye(2))[1:4]
    b'PNG'

    References
    ----------
    *Portable Network Graphics Specification*, third edition (W3C, 2025), sections 5 and 11.
    """
    colours = pixels.ndim == 3
    if pixels.ndim not in (2, 3) or (colours and pixels.shape[2] != 3) or not pixels.size:
        raise ShapeError(f"png_of_pixels: expected (H, W) or (H, W, 3), got {pixels.shape}")
    height, width = pixels.shape[:2]
    rows = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255).astype(np.uint8).reshape(height, -1)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)  # each line begins with its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if colours else 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
