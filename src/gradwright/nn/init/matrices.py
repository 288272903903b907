"""Orthogonal and sparse weights."""

from __future__ import annotations

import math

import numpy as np

from gradwright.engine.random import Generator, current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.init.filling import normal_

__all__ = ["orthogonal_", "sparse_"]


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a random orthogonal matrix, so that W x is as long as x.

    Equation: W = gain·Q with QR = A, A standard normal, the signs taken so that the diagonal of R is positive (then
    every orthogonal matrix is equally likely). WWᵀ = gain²·I when the matrix is wide, WᵀW = gain²·I when it is tall.

    Parameters
    ----------
    tensor : (out, in, …)
        More than 2 axes count as the matrix (out, all others).
    gain : float
        Factor; see :func:`calculate_gain`.

    Raises
    ------
    ShapeError
        When the tensor has fewer than 2 axes.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.nn.init.orthogonal_(gw.zeros(3, 5))
    >>> gw.allclose(w @ w.T, gw.eye(3), atol=1e-6)
    True

    References
    ----------
    A. Saxe, J. McClelland and S. Ganguli, *Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks* (ICLR 2014). F. Mezzadri, *How to generate random matrices from the classical compact groups* (Notices of
    the AMS 54, 2007), for the signs.
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_: expected at least 2 axes (out, in, …), got shape {tensor.shape}")
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    a = np.asarray((generator or current_generator()).normal((rows, columns), np.float64))
    q, r = np.linalg.qr(a if rows >= columns else a.T)
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    tensor._set((gain * (q if rows >= columns else q.T)).reshape(tensor.shape).astype(tensor.dtype))
    return tensor


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers of which, in each column, the same share at random places is 0.

    Parameters
    ----------
    tensor : (rows, columns)
    sparsity : float in [0, 1]
        The share of each column that is 0, rounded up to whole elements.
    std : float
        Standard deviation of the others; their mean is 0.

    Raises
    ------
    ShapeError
        When the tensor is no matrix.
    ConfigError
        When ``sparsity`` is no share.

    Examples
    --------
    >>> import gradwright as gw
    >>> (gw.nn.init.sparse_(gw.zeros(10, 4), 0.25) == 0).sum(0)
    tensor([3, 3, 3, 3])

    References
    ----------
    J. Martens, *Deep learning via Hessian-free optimization* (ICML 2010), section 5.
    """
    if tensor.ndim != 2:
        raise ShapeError(f"sparse_: expected a matrix, got shape {tensor.shape}")
    if not 0 <= sparsity <= 1:
        raise ConfigError(f"sparse_: sparsity is a share, from 0 to 1; got {sparsity}")
    generator = generator or current_generator()
    normal_(tensor, 0.0, std, generator)
    order = np.argsort(np.asarray(generator.fine_uniform(tensor.shape)), axis=0)  # of each column, at random
    values = np.array(tensor.detach().numpy())
    np.put_along_axis(values, order[: math.ceil(sparsity * tensor.shape[0])], 0, axis=0)
    tensor._set(values)
    return tensor
