"""Weights that keep a norm or stay orthogonal: ``nn.utils.parametrizations``."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.creation import eye, zeros
from gradwright.engine.functions.joining import cat
from gradwright.engine.mode import no_grad
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.linalg import matrix_exp, solve, solve_triangular
from gradwright.nn import functional as F
from gradwright.nn.module import Module
from gradwright.nn.utils.parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _tensor_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ConfigError(f"{type(module).__name__} has no parameter or buffer called {name!r:.80}")
    return weight


# --- weight norm ------------------------------------------------------------------------------------------------------
def norm_except(v: Tensor, dim: int) -> Tensor:
    """Return the norms over all axes but ``dim``; for -1 the one norm of everything."""
    if dim == -1:
        return v.square().sum().sqrt()
    axes = [i for i in range(v.ndim) if i != dim % v.ndim]
    return v.square().sum(axes, keepdim=True).sqrt() if axes else v.abs()


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        return v * (g / norm_except(v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn a weight's length and its direction apart.

    Equation: w = g · v / ‖v‖, the norm over all axes but ``dim``.

    Parameters
    ----------
    module : Module
        Changed in place, and returned.
    name : str
        Which parameter; ``parametrizations.<name>.original0`` is g, ``original1`` is v.
    dim : int or None
        The axis that keeps norms of its own (0: one for each output); None: one norm for the whole tensor.

    Examples
    --------
    >>> from gradwright import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape, layer.weight.shape
    ((40, 1), (40, 20))

    References
    ----------
    T. Salimans and D. P. Kingma, *Weight normalization* (NeurIPS 2016), equation 2.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


# --- spectral norm ----------------------------------------------------------------------------------------------------
class _SpectralNorm(Module):
    """Divides by the largest singular value, which a power iteration follows."""

    _u: Any
    _v: Any

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise ShapeError(f"spectral_norm: dim {dim} of a weight of shape {weight.shape}")
        if n_power_iterations <= 0:
            raise ConfigError(f"spectral_norm: n_power_iterations must be at least 1, got {n_power_iterations}")
        self.dim = dim % weight.ndim
        self.eps = eps
        self.n_power_iterations = n_power_iterations
        if weight.ndim > 1:
            matrix = self._matrix(weight)
            for name, n in zip(("_u", "_v"), matrix.shape, strict=True):
                drawn = Tensor(current_generator().normal((n,), weight.dtype))
                self.register_buffer(name, F.normalize(drawn, dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        axes = [self.dim, *(i for i in range(weight.ndim) if i != self.dim)]
        return (weight.permute(*axes) if self.dim else weight).flatten(1)

    @no_grad()
    def _iterate(self, matrix: Tensor, times: int) -> None:
        for _ in range(times):
            self._u._assign(F.normalize(matrix @ self._v, dim=0, eps=self.eps))
            self._v._assign(F.normalize(matrix.T @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # backward needs what this pass used, not what the next one finds
        return weight / (u * (matrix @ v)).sum()

    def right_inverse(self, weight: Tensor) -> Tensor:
        return weight


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value, so that the layer stretches no input.

    Equation: w / σ, σ = uᵀ W v, where u ← W v / ‖W v‖ and v ← Wᵀ u / ‖Wᵀ u‖ are iterated in training whenever the
    weight is read. A weight of more axes is folded to a matrix; a vector is divided by its norm.

    Parameters
    ----------
    module : Module
        Changed in place, and returned.
    name : str
        Which parameter.
    n_power_iterations : int >= 1
        How often u and v are improved at each reading.
    eps : float > 0
        The least norm that is divided by.
    dim : int, optional
        The axis of the outputs: 0, and 1 for transposed convolutions, unless told otherwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> _ = gw.manual_seed(0)
    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(20, 40))
    >>> round(float(gw.linalg.norm(layer.weight.detach(), 2)), 1)
    1.0

    References
    ----------
    T. Miyato et al., *Spectral normalization for generative adversarial networks* (ICLR 2018), algorithm 1.
    """
    return register_parametrization(
        module, name, _SpectralNorm(_tensor_of(module, name), n_power_iterations, output_axis(module, dim), eps)
    )


def output_axis(module: Module, dim: int | None) -> int:
    """Return ``dim``, or unless given the axis of the weight that counts the layer's outputs."""
    if dim is not None:
        return dim
    return int(any(cls.__name__.startswith("ConvTranspose") for cls in type(module).__mro__))


# --- orthogonal -------------------------------------------------------------------------------------------------------
_MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    base: Any

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        n, k = x.shape[-2:]
        wide = n < k
        if wide:
            x, n, k = x.mT, k, n
        if self.orthogonal_map == "householder":
            q = _reflections(x.tril(-1))
            # the diagonal holds signs, which are not learnt
            q = q * x.detach().diagonal(dim1=-2, dim2=-1).trunc().unsqueeze(-2)
        else:
            x = x.tril()
            if n != k:
                x = cat([x, zeros(*x.shape[:-1], n - k, dtype=x.dtype)], -1)
            a = x - x.mT
            if self.orthogonal_map == "matrix_exp":
                q = matrix_exp(a)
            else:
                one = eye(n, dtype=x.dtype)
                q = solve(one - a / 2, one + a / 2)
            q = q[..., :k]
        if self.use_trivialization:
            q = self.base @ q
        return q.mT if wide else q

    def right_inverse(self, weight: Tensor) -> Tensor:
        value = weight.detach().numpy()
        n, k = value.shape[-2:]
        wide = n < k
        tall = np.swapaxes(value, -1, -2) if wide else value
        if not self.use_trivialization:
            if self.orthogonal_map != "householder":
                return weight  # which matrix the map would send here is not known
            out = _reflectors(tall)
            return Tensor(np.ascontiguousarray(np.swapaxes(out, -1, -2) if wide else out))
        if n == k:
            base = tall if _is_orthogonal(tall) else _nearest_frame(tall)
        else:
            more = current_generator().normal((*tall.shape[:-1], abs(n - k)), tall.dtype)
            base = _nearest_frame(np.concatenate([tall, more], -1))
        self.base = Tensor(np.ascontiguousarray(base))
        minus = np.zeros(value.shape, value.dtype)  # which every map sends to the identity: reflections want the sign
        rows = np.arange(min(n, k))
        minus[..., rows, rows] = -1
        return Tensor(minus)


def _reflections(a: Tensor) -> Tensor:
    """Return the first columns of H₁ H₂ …, Hᵢ = I - τᵢ vᵢ vᵢᵀ with τᵢ = 2 / ‖vᵢ‖², vᵢ the columns of a and a 1 above.

    The product is I - V T Vᵀ, where T⁻¹ is the upper triangle of VᵀV with 1/τᵢ on its diagonal (T. Joffrain et al.,
    *Accumulating Householder transformations, revisited*, ACM TOMS 32, 2006).
    """
    n, k = a.shape[-2:]
    one = eye(n, k, dtype=a.dtype)
    v = a + one
    squares = v.mT @ v
    inverse = squares.triu(1) + (squares * eye(k, dtype=a.dtype)) / 2
    return one - v @ solve_triangular(inverse, v[..., :k, :].mT, upper=True)


def _reflectors(x: np.ndarray) -> np.ndarray:
    """Return reflectors whose product has the columns of Q in x = QR, diag(R) > 0, and signs on the diagonal."""
    h, tau = np.linalg.qr(x, mode="raw")
    a = np.array(np.swapaxes(h, -1, -2))
    rows = np.arange(a.shape[-1])
    signs = np.sign(a[..., rows, rows])
    a[..., rows, rows] = np.where(tau == 0, -signs, signs)  # 0: no reflection was needed in this column
    return a


def _is_orthogonal(q: np.ndarray) -> bool:
    product = np.swapaxes(q, -1, -2) @ q
    return np.allclose(product, np.eye(q.shape[-1]), atol=10 * q.shape[-2] * np.finfo(q.dtype).eps)


def _nearest_frame(x: np.ndarray) -> np.ndarray:
    """Return Q of x = QR, diag(R) > 0."""
    q, r = np.linalg.qr(x)
    return np.asarray(q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :])


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep a weight's columns orthonormal (its rows, where it is wide).

    Equations: with A = X - Xᵀ for the lower triangle X, Q = exp(A) (matrix_exp) or (I - A/2)⁻¹ (I + A/2) (cayley);
    or a product of reflections whose vectors are the columns of X (householder). With trivialization the weight is
    B Q, B the orthogonal matrix that it began with.

    Parameters
    ----------
    module : Module
        Changed in place, and returned.
    name : str
        Which parameter, of two axes or a batch of matrices. It is made orthogonal (by QR) when it is not; only for
        matrix_exp and cayley without trivialization it starts elsewhere.
    orthogonal_map : {"matrix_exp", "cayley", "householder"}, optional
        matrix_exp for square weights and householder for others, unless told otherwise.
    use_trivialization : bool
        Whether B is kept.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(20, 40))
    >>> bool(gw.allclose(layer.weight.T @ layer.weight, gw.eye(20), atol=1e-5))
    True

    References
    ----------
    M. Lezcano-Casado, *Trivializations for gradient-based optimization on manifolds* (NeurIPS 2019).
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ShapeError(f"orthogonal: expected a matrix or a batch of them, got a weight of shape {weight.shape}")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-1] == weight.shape[-2] else "householder"
    if orthogonal_map not in _MAPS:
        raise ConfigError(f"orthogonal: orthogonal_map must be one of {', '.join(_MAPS)}, got {orthogonal_map!r:.80}")
    made = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
