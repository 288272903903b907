"""The Tensor: an array and its place in the computation graph."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.engine.base import Node, TensorBase, settle
from gradwright.engine.creation import CreationMethods
from gradwright.engine.functions.activation import ActivationMethods
from gradwright.engine.functions.comparison import ComparisonMethods
from gradwright.engine.functions.conversion import ConversionMethods
from gradwright.engine.functions.elementwise import ElementwiseMethods
from gradwright.engine.functions.indexing import IndexingMethods
from gradwright.engine.functions.inplace import InPlaceMethods
from gradwright.engine.functions.linalg import LinalgMethods
from gradwright.engine.functions.norms import NormMethods
from gradwright.engine.functions.operators import OperatorMethods
from gradwright.engine.functions.protocols import PythonMethods
from gradwright.engine.functions.reduction import ReductionMethods
from gradwright.engine.functions.refill import RandomMethods
from gradwright.engine.functions.rounding import RoundingMethods
from gradwright.engine.functions.scan import ScanMethods
from gradwright.engine.functions.scattering import ScatteringMethods
from gradwright.engine.functions.shape import ShapeMethods
from gradwright.engine.functions.sorting import SortingMethods
from gradwright.engine.functions.special import SpecialMethods
from gradwright.engine.functions.statistics import StatisticsMethods
from gradwright.engine.functions.trigonometric import TrigonometricMethods
from gradwright.engine.hooks import RemovableHandle, register, register_after
from gradwright.engine.missing import TENSOR_HINTS, no_such_name
from gradwright.engine.mode import mode
from gradwright.engine.op import retain, set_tensor_class
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.overwritten import remember_overwritten
from gradwright.engine.printing import show
from gradwright.engine.reverse import backward
from gradwright.engine.row_sparse import RowSparse
from gradwright.engine.tracing import trace_now
from gradwright.engine.views import alias, check_write, spread
from gradwright.errors import DTypeError, GraphError, ShapeError

__all__ = ["Parameter", "Tensor"]


class Tensor(
    OperatorMethods,
    ElementwiseMethods,
    TrigonometricMethods,
    RoundingMethods,
    SpecialMethods,
    ActivationMethods,
    ComparisonMethods,
    ReductionMethods,
    ShapeMethods,
    IndexingMethods,
    LinalgMethods,
    NormMethods,
    ScanMethods,
    ScatteringMethods,
    SortingMethods,
    StatisticsMethods,
    InPlaceMethods,
    CreationMethods,
    RandomMethods,
    ConversionMethods,
    PythonMethods,
    TensorBase,
):
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
        """The gradient that ``backward`` left here; a :class:`RowSparse` where ``sparse=True`` asked for one."""
        grad: Tensor | None = self._grad
        return grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and not isinstance(value, Tensor | RowSparse):
            raise DTypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
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

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """Return the number of axes."""
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        """Return the number of elements."""
        return math.prod(self._array.shape)

    nelement = numel

    # --- out of the graph -------------------------------------------------------------------------------------------
    def detach(self) -> Tensor:
        """Return a tensor with the same storage that is cut off from the graph."""
        array = self._array if trace_now.trace is not None else settle(self)
        # another array object: what is written through `.data` is not held against the graph, as in PyTorch
        detached = Tensor(array[...] if isinstance(array, np.ndarray) else array)
        alias(self, detached)
        return detached

    def clone(self, *, memory_format: Any = None) -> Tensor:
        """Return a copy that is part of the graph."""
        return ew.identity(self)

    # --- gradients --------------------------------------------------------------------------------------------------
    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
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
        inputs : Tensor or sequence of Tensor, optional
            Leave gradients only in these, which need not be leaves.

        Raises
        ------
        GraphError
            Not a scalar and no ``gradient``; nothing requires grad; the graph has been freed.
        """
        backward(self, gradient, retain_graph, create_graph, inputs)

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

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Let a function see every gradient of this tensor; what it returns, unless None, takes the gradient's place.

        Hooks run in the order of their registration, on the gradient that one backward has added up; those of inner
        tensors while backward passes by, those of leaves at its end.

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook away.

        Examples
        --------
        >>> import gradwright as gw
        >>> x = gw.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda g: g * 10)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([20., 40.])
        """
        return register(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Let a function see this leaf whenever backward has added to its ``grad``."""
        return register_after(self, hook)

    @property
    def retains_grad(self) -> bool:
        """Whether :meth:`retain_grad` was called on this inner tensor."""
        kept = self._node.retained if isinstance(self._node, Node) else None
        return kept is not None and any(reference() is self for _, reference in kept)

    # --- in place ---------------------------------------------------------------------------------------------------
    def _assign(self, result: Tensor) -> Tensor:
        """Take over the result of an operation: every in-place method ends here."""
        check_write(self)
        if result.shape != self.shape:
            raise ShapeError(f"in place: a result of shape {result.shape} does not fit into {self.shape}")
        if result._array.dtype != self._array.dtype:
            result = result.to(self.dtype)
        recorded = mode.grad and (result._requires_grad or self._requires_grad)
        if recorded and not result._requires_grad:
            result = ew.where(np.True_, result, self)  # what was here before still counts in the graph: with slope 0
        remember_overwritten(self._array)
        trace = trace_now.trace
        if trace is not None:
            trace.check_write(self, result._array)
        self._array = result._array
        if recorded:  # this tensor is now what the operation made: the graph goes on from there
            self._node, self._index, self._requires_grad = result._node, result._index, True
        if self._base is not None or self._views is not None:
            spread(self, recorded)
        return self

    def __repr__(self) -> str:
        return show(self)

    def __getattr__(self, name: str) -> Any:
        raise no_such_name("Tensor", name, dir(type(self)), TENSOR_HINTS)


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
        if not isinstance(data, Tensor):
            raise DTypeError(
                f"Parameter: expected a Tensor, got {type(data).__name__}; make one with gradwright.tensor(…)"
            )
        super().__init__(settle(data))  # not a device buffer that a compiled step will donate
        self._requires_grad = requires_grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


set_tensor_class(Tensor)
