"""The Tensor: an array and its place in the computation graph."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradwright.backend import to_numpy
from gradwright.engine.base import Node, TensorBase, settle
from gradwright.engine.op import retain, set_tensor_class
from gradwright.engine.ops import activation as act
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing, linalg, reduction
from gradwright.engine.ops import shape as shaping
from gradwright.engine.printing import show
from gradwright.engine.reverse import backward
from gradwright.errors import GraphError, ShapeError

__all__ = ["Parameter", "Tensor"]


class Tensor(TensorBase):
    """An array that remembers how it was computed.

    Made by :func:`tensor` and the creation functions; every operation on Tensors gives a Tensor. With
    ``requires_grad=True`` on a leaf, ``backward()`` on a result leaves the derivative in ``grad``.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> loss = (x ** 2).sum()
    >>> loss.backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ()
    __array_ufunc__ = None  # so that `ndarray * Tensor` comes to __rmul__
    __hash__ = object.__hash__

    # --- what it is -------------------------------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(self._array.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return int(self._array.ndim)

    @property
    def dtype(self) -> np.dtype:
        """Type of the elements."""
        return np.dtype(self._array.dtype)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for this tensor."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    @property
    def is_leaf(self) -> bool:
        """Whether the user made it, rather than an operation that was recorded."""
        return not isinstance(self._node, Node)

    @property
    def grad_fn(self) -> Node | None:
        """The operation that made it, or None for a leaf."""
        return self._node if isinstance(self._node, Node) else None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` left here."""
        grad: Tensor | None = self._grad
        return grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and value.shape != self.shape:
            raise ShapeError(f"grad: a gradient of shape {value.shape} for a tensor of shape {self.shape}")
        self._grad = value

    @property
    def data(self) -> Tensor:
        """The same storage outside the graph; writing to it in place writes to this tensor."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self._set(settle(value))

    @property
    def T(self) -> Tensor:
        """The transpose: axes reversed."""
        return self.permute(*reversed(range(self.ndim)))

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """Return the number of axes."""
        return self.ndim

    def numel(self) -> int:
        """Return the number of elements."""
        return int(np.prod(self.shape))

    # --- out of the graph -------------------------------------------------------------------------------------------
    def detach(self) -> Tensor:
        """Return a tensor with the same storage that is cut off from the graph."""
        alias = Tensor(self._array if trace_is_on() else settle(self))
        alias._base = self
        return alias

    def clone(self) -> Tensor:
        """Return a copy that is part of the graph."""
        return ew.identity(self)

    def numpy(self) -> np.ndarray:
        """Return the numbers as a NumPy array; a copy, so writing to it changes nothing here."""
        if self._requires_grad:
            raise GraphError("numpy() on a tensor that requires grad: call .detach().numpy()")
        return to_numpy(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = np.asarray(self._array)
        return array if dtype is None else array.astype(dtype)

    def item(self) -> Any:
        """Return the one element as a Python number."""
        if self._array.size != 1:
            raise ShapeError(f"item() needs exactly one element; this tensor has shape {self.shape}")
        return self._array.item()

    def tolist(self) -> Any:
        """Return the numbers as nested lists."""
        return np.asarray(self._array).tolist()

    # --- gradients --------------------------------------------------------------------------------------------------
    def backward(
        self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False
    ) -> None:
        """Add the derivative of this tensor to the ``grad`` of every leaf that it depends on.

        Parameters
        ----------
        gradient : Tensor, optional
            Upstream gradient of this tensor's shape; may be left out for a single number (then 1).
        retain_graph : bool, optional
            Keep what the graph stored, for another backward. Default: the value of ``create_graph``.
        create_graph : bool
            Record the derivative, so that it can itself be differentiated.

        Raises
        ------
        GraphError
            Not a scalar and no ``gradient``; nothing requires grad; the graph has been freed.
        """
        backward(self, gradient, retain_graph, create_graph)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients, or stop asking; leaves only."""
        if requires_grad and self.dtype.kind not in "fV":
            raise GraphError(f"only floating tensors can require gradients; this one is {self.dtype}")
        if isinstance(self._node, Node):
            if not requires_grad:
                raise GraphError("this tensor is the result of an operation; use .detach() to cut it off")
            return self
        self._requires_grad = requires_grad
        if not requires_grad:
            self._node = None
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of this inner tensor in ``grad`` too (leaves keep theirs anyway)."""
        if not self._requires_grad:
            raise GraphError("retain_grad() on a tensor with requires_grad=False")
        retain(self)

    # --- operators --------------------------------------------------------------------------------------------------
    def __add__(self, other: Any) -> Tensor:
        return ew.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return ew.add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return ew.sub(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return ew.sub(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return ew.mul(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return ew.mul(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return ew.div(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ew.div(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return ew.pow(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return ew.pow(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return linalg.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return linalg.matmul(other, self)

    def __neg__(self) -> Tensor:
        return ew.neg(self)

    def __abs__(self) -> Tensor:
        return ew.abs(self)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return ew.eq(self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return ew.ne(self, other)

    def __lt__(self, other: Any) -> Tensor:
        return ew.lt(self, other)

    def __le__(self, other: Any) -> Tensor:
        return ew.le(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return ew.gt(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return ew.ge(self, other)

    def __getitem__(self, index: Any) -> Tensor:
        parts = index if isinstance(index, tuple) else (index,)
        parts = tuple(p._array if isinstance(p, Tensor) else p for p in parts)
        return indexing.getitem(self, index=parts if isinstance(index, tuple) else parts[0])

    # --- in place: the storage is replaced, never written over ------------------------------------------------------
    def _assign(self, result: Tensor) -> Tensor:
        if self._requires_grad and self.is_leaf and result._requires_grad:
            raise GraphError(
                "an in-place operation on a tensor that requires grad would change what its graph recorded. "
                "Do it inside `with no_grad():`, on `.data`, or write `x = x + …`."
            )
        if result.shape != self.shape:
            raise ShapeError(f"in place: a result of shape {result.shape} does not fit into {self.shape}")
        result = result.to(self.dtype)
        self._set(result._array)
        if result._requires_grad:  # this tensor is now what the operation made: the graph goes on from there
            self._node, self._index, self._requires_grad = result._node, result._index, True
        return self

    def __iadd__(self, other: Any) -> Tensor:
        return self._assign(self + other)

    def __isub__(self, other: Any) -> Tensor:
        return self._assign(self - other)

    def __imul__(self, other: Any) -> Tensor:
        return self._assign(self * other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self._assign(self / other)

    def add_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """Add ``alpha * other`` in place."""
        return self._assign(self + (other if alpha == 1 else alpha * other))

    def sub_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """Subtract ``alpha * other`` in place."""
        return self._assign(self - (other if alpha == 1 else alpha * other))

    def mul_(self, other: Any) -> Tensor:
        """Multiply in place."""
        return self._assign(self * other)

    def div_(self, other: Any) -> Tensor:
        """Divide in place."""
        return self._assign(self / other)

    def copy_(self, source: Tensor) -> Tensor:
        """Copy another tensor's numbers into this one."""
        if source.shape != self.shape:
            source = source.expand(*self.shape)
        return self._assign(source.to(self.dtype))

    def fill_(self, value: float) -> Tensor:
        """Set every element to ``value``."""
        return self._assign(ew.zeros_like(self) + value)

    def zero_(self) -> Tensor:
        """Set every element to 0."""
        return self._assign(ew.zeros_like(self))

    # --- methods that are functions too -----------------------------------------------------------------------------
    def exp(self) -> Tensor:
        """Return e to the power of each element."""
        return ew.exp(self)

    def log(self) -> Tensor:
        """Return the natural logarithm of each element."""
        return ew.log(self)

    def sqrt(self) -> Tensor:
        """Return the square root of each element."""
        return ew.sqrt(self)

    def rsqrt(self) -> Tensor:
        """Return 1 / sqrt of each element."""
        return ew.rsqrt(self)

    def square(self) -> Tensor:
        """Return the square of each element."""
        return ew.square(self)

    def abs(self) -> Tensor:
        """Return the absolute value of each element."""
        return ew.abs(self)

    def pow(self, exponent: Any) -> Tensor:
        """Return each element to the power ``exponent``."""
        return ew.pow(self, exponent)

    def tanh(self) -> Tensor:
        """Return the hyperbolic tangent of each element."""
        return act.tanh(self)

    def sigmoid(self) -> Tensor:
        """Return 1 / (1 + e⁻ˣ) of each element."""
        return act.sigmoid(self)

    def relu(self) -> Tensor:
        """Return max(x, 0) of each element."""
        return act.relu(self)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """Return each element moved into [min, max]."""
        return ew.clamp(self, low=min, high=max)

    def softmax(self, dim: int) -> Tensor:
        """Return exponentials that add up to 1 along ``dim``."""
        return act.softmax(self, axis=dim)

    def log_softmax(self, dim: int) -> Tensor:
        """Return the logarithm of the softmax along ``dim``, as one operation."""
        return act.log_softmax(self, axis=dim)

    def sum(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Add up all elements, or those along ``dim``."""
        return reduction.sum(self, axis=_axes(dim), keepdims=keepdim)

    def mean(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Average all elements, or those along ``dim``."""
        if self.dtype.kind not in "fV":
            raise GraphError(f"mean() needs a floating tensor; this one is {self.dtype}: call .float() first")
        count = _count(self.shape, dim)
        return self.sum(dim, keepdim) * (1.0 / count if count else math.nan)

    def var(self, dim: Any = None, correction: float = 1, keepdim: bool = False) -> Tensor:
        """Return the variance, divided by N - ``correction`` (1: unbiased, as in PyTorch; 0: biased)."""
        centred = self - self.mean(dim, keepdim=True)
        return (centred * centred).sum(dim, keepdim) / max(_count(self.shape, dim) - correction, 0)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Return the largest element, over all or along ``dim``; ties share the gradient evenly."""
        return reduction.amax(self, axis=_axes(dim), keepdims=keepdim)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Return the index of the (first) largest element."""
        return reduction.argmax(self, axis=dim, keepdims=keepdim)

    def logsumexp(self, dim: int, keepdim: bool = False) -> Tensor:
        """Return log Σ eˣ along ``dim`` without overflow."""
        return reduction.logsumexp(self, axis=dim, keepdims=keepdim)

    def matmul(self, other: Any) -> Tensor:
        """Return the matrix product."""
        return self @ other

    def reshape(self, *shape: Any) -> Tensor:
        """Return the same elements in another shape; one length may be -1."""
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        return shaping.reshape(self, shape=_resolve(self.shape, tuple(wanted)))

    view = reshape

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Fold the axes from ``start_dim`` to ``end_dim`` into one."""
        n = max(self.ndim, 1)
        start, end = start_dim % n, end_dim % n
        shape = self.shape or (1,)
        middle = int(np.prod(shape[start : end + 1]))
        return self.reshape(*shape[:start], middle, *shape[end + 1 :])

    def squeeze(self, dim: int | None = None) -> Tensor:
        """Drop axes of length 1."""
        drop = range(self.ndim) if dim is None else [dim % self.ndim]
        return self.reshape(tuple(n for i, n in enumerate(self.shape) if not (i in drop and n == 1)))

    def unsqueeze(self, dim: int) -> Tensor:
        """Insert an axis of length 1."""
        at = dim % (self.ndim + 1)
        return self.reshape((*self.shape[:at], 1, *self.shape[at:]))

    def permute(self, *dims: int) -> Tensor:
        """Reorder the axes."""
        return shaping.permute(self, axes=tuple(dims))

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Exchange two axes."""
        return shaping.swap(self, dim0, dim1)

    def t(self) -> Tensor:
        """Return the transpose of a matrix."""
        return self.T

    def expand(self, *shape: int) -> Tensor:
        """Repeat axes of length 1 without copying."""
        return shaping.expand(self, shape=tuple(shape))

    def to(self, dtype: Any) -> Tensor:
        """Return the tensor in another dtype."""
        dtype = np.dtype(dtype)
        return self if dtype == self.dtype else ew.cast(self, dtype=dtype)

    def float(self) -> Tensor:
        """Return the tensor in float32."""
        return self.to(np.float32)

    def double(self) -> Tensor:
        """Return the tensor in float64."""
        return self.to(np.float64)

    def long(self) -> Tensor:
        """Return the tensor in int64."""
        return self.to(np.int64)

    def bool(self) -> Tensor:
        """Return the tensor as truth values."""
        return self.to(np.bool_)

    # --- Python's protocols -----------------------------------------------------------------------------------------
    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a tensor without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:  # type: ignore[valid-type]
        if self._array.size != 1:
            raise ShapeError(f"the truth value of a tensor of shape {self.shape} is ambiguous: use .any() or .all()")
        return bool(self._array)

    def __float__(self) -> float:  # type: ignore[valid-type]
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __repr__(self) -> str:
        return show(self)


class Parameter(Tensor):
    """A tensor that a Module learns: a leaf that requires gradients unless told otherwise.

    Parameters
    ----------
    data : Tensor
        The initial values.
    requires_grad : bool
        Whether it is trained.
    """

    __slots__ = ()

    def __init__(self, data: Tensor, requires_grad: bool = True) -> None:
        super().__init__(settle(data))  # not a device buffer that a compiled step will donate
        self._requires_grad = requires_grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


set_tensor_class(Tensor)


def trace_is_on() -> bool:
    """Say whether a step is being traced."""
    from gradwright.engine.tracing import trace_now

    return trace_now.trace is not None


def _axes(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def _count(shape: tuple[int, ...], dim: Any) -> int:
    axes: Sequence[int] = range(len(shape)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    return int(np.prod([shape[a] for a in axes]))


def _resolve(old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...]:
    size = int(np.prod(old))
    if -1 in new:
        rest = -int(np.prod(new))
        if rest > 0 and size % rest == 0:
            new = tuple(size // rest if n == -1 else n for n in new)
    if int(np.prod(new)) != size or -1 in new:
        raise ShapeError(f"reshape: {old} has {size} elements, which do not fit the shape {new}")
    return new
