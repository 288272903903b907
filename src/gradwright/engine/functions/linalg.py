"""Matrix products."""

from __future__ import annotations

from gradwright.engine.functions.calling import binary
from gradwright.engine.ops import linalg

__all__ = ["matmul"]

matmul = binary(linalg.matmul, "Return the matrix product, broadcasting the leading axes.")


class LinalgMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    matmul = matmul
