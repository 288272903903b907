"""The battery's rows of linear algebra: matrices far from singular, eigenvalues and singular values far apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .operations import Row, Sample, real
from .rows_shape import joined

Shape = tuple[int, ...]
BATCHES: tuple[Shape, ...] = ((), (2,), (0,), (2, 1))


def sound(r: np.random.Generator, *shape: int) -> np.ndarray:
    """Square matrices with determinants far from 0."""
    return np.eye(shape[-1]) * 1.5 + r.uniform(-0.4, 0.4, shape)


def spread(r: np.random.Generator, *shape: int) -> np.ndarray:
    """Matrices of any shape with the singular values 1, 2, … up to a tenth."""
    m, n = shape[-2:]
    k = min(m, n)
    u, v = (np.linalg.qr(r.normal(size=(*shape[:-2], j, k)))[0] for j in (m, n))
    return (u * (np.arange(k) + 1 + r.uniform(-0.1, 0.1, k))) @ np.swapaxes(v, -1, -2)


def definite(r: np.random.Generator, *shape: int) -> np.ndarray:
    """Symmetric matrices with the eigenvalues 1, 2, … up to a tenth."""
    n = shape[-1]
    q = np.linalg.qr(r.normal(size=shape))[0]
    return (q * (np.arange(n) + 1 + r.uniform(-0.1, 0.1, n))) @ np.swapaxes(q, -1, -2)


def symmetric(arrays: list[Any]) -> list[Any]:
    """Only the symmetric part of a matrix moves: half of it would be read, and the gradient is of the whole."""
    return [(arrays[0] + arrays[0].mT) * 0.5, *arrays[1:]]


def squares(draw: Any, *metas: dict[str, Any]) -> Any:
    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for meta in metas or ({},):
            for batch in BATCHES:
                yield Sample((draw(r, *batch, 2, 2),), meta)
            yield Sample((draw(r, 3, 3),), meta)
            yield Sample((draw(r, 1, 1),), meta)
            yield Sample((draw(r, 0, 0),), meta)

    return samples


def systems(*metas: dict[str, Any]) -> Any:
    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for meta in metas or ({},):
            for a, b in (((2, 2), (2, 3)), ((3, 3), (3, 1)), ((2, 2, 2), (2, 1)), ((2, 2), (2, 2, 1))):
                yield Sample((sound(r, *a), real(r, *b)), meta)
            for a, b in (((2, 2), (2, 0)), ((0, 2, 2), (2, 1)), ((0, 0), (0, 2))):
                yield Sample((sound(r, *a), real(r, *b)), meta)

    return samples


def oblongs(shapes: tuple[Shape, ...], *metas: dict[str, Any]) -> Any:
    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for meta in metas or ({},):
            for shape in shapes:
                yield Sample((spread(r, *shape),), meta)

    return samples


TALL: tuple[Shape, ...] = ((2, 2), (3, 2), (2, 3, 2), (0, 3, 2), (3, 0))
ANY: tuple[Shape, ...] = ((2, 2), (3, 2), (2, 3), (2, 2, 3), (0, 3, 2))


def _signless(out: Any) -> Any:
    """What does not change with the common sign of a column of Q and a row of R."""
    q, r = out
    return joined((q * q, r * r))


def _pairs(out: Any) -> Any:
    """Eigenvalues and what does not change with an eigenvector's sign."""
    w, v = out
    return v * v * w.reshape((*w.shape[:-1], 1, w.shape[-1])) + v * v


def _triples(out: Any) -> Any:
    """Singular values and what does not change with the common sign of u and v."""
    u, s, vh = out
    k = s.shape[-1]
    u, vh = u[..., :k], vh[..., :k, :]
    return (u * s.reshape((*s.shape[:-1], 1, k)) * s.reshape((*s.shape[:-1], 1, k))) @ vh + ((u * u) @ (vh * vh))


def _torch_qr(x: torch.Tensor, complete: bool) -> Any:
    return torch.linalg.qr(x, "complete" if complete else "reduced")


def _torch_cofactor(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.det(x)[..., None, None] * torch.linalg.inv(x).mT


ROWS = [
    Row("inv", torch.linalg.inv, squares(sound)),
    Row("solve", torch.linalg.solve, systems()),
    Row(
        "solve_triangular",
        torch.linalg.solve_triangular,
        systems(*({"upper": upper, "unitriangular": unit} for upper in (False, True) for unit in (False, True))),
    ),
    Row("cholesky", torch.linalg.cholesky, squares(definite), before=symmetric),
    Row("det", torch.linalg.det, squares(sound)),
    Row("cofactor", _torch_cofactor, squares(sound)),
    Row("slogdet", torch.linalg.slogdet, squares(sound), after=lambda out: out[0] + out[1]),
    Row("matrix_exp", torch.linalg.matrix_exp, squares(sound)),
    Row("qr", _torch_qr, oblongs(TALL, {"complete": False}), after=_signless),
    Row(
        "eigh",
        lambda x, lower: torch.linalg.eigh(x, "L" if lower else "U"),
        squares(definite, {"lower": True}, {"lower": False}),
        before=symmetric,
        after=_pairs,
    ),
    Row(
        "svd", lambda x, full: torch.linalg.svd(x, full), oblongs(ANY, {"full": False}, {"full": True}), after=_triples
    ),
    Row(
        "pinv",
        lambda x, atol, rtol, hermitian: torch.linalg.pinv(x, atol=atol, rtol=rtol),
        oblongs(ANY, {"atol": 0.0, "rtol": 1e-6, "hermitian": False}),
    ),
]
