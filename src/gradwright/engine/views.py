"""Views: tensors that show another tensor's elements, so that a write to either is seen by both.

Nothing is ever written over: a write gives a tensor another array. So a write to a view is carried to the tensor that
it shows (the *root*), and a write to a root to all its views, as operations of the graph. That keeps gradients right
and works under a compiler's tracing, where arrays cannot be written to at all.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from gradwright.engine.base import Node, TensorBase
from gradwright.engine.mode import mode, no_grad
from gradwright.engine.op import OPERATIONS, Op, set_track
from gradwright.engine.overwritten import remember_overwritten
from gradwright.errors import GraphError

__all__ = ["View", "alias", "check_write", "spread", "track"]


class View:
    """How a tensor follows from its root: the operations in between, each with its metadata and output's place."""

    __slots__ = ("reference", "steps")

    def __init__(self, root: TensorBase, steps: tuple[tuple[Op, dict[str, Any], int], ...], keep: bool) -> None:
        # A detached tensor must not keep the graph behind its root alive.
        self.reference: Any = root if keep else weakref.ref(root)
        self.steps = steps

    @property
    def root(self) -> Any:
        """The tensor that is shown, or None when nobody else holds it any more."""
        return self.reference() if isinstance(self.reference, weakref.ref) else self.reference

    @property
    def detached(self) -> bool:
        """Whether writes pass between root and view outside the graph."""
        return not self.steps


def track(op: Op, base: TensorBase, views: tuple[TensorBase, ...], meta: dict[str, Any]) -> None:
    """Note that ``views``, the results of ``op`` on ``base``, show its elements."""
    view = base._base
    root, steps = base, ()
    if view is not None and not view.detached:
        root, steps = view.root, view.steps
        if op.name == "reshape" and not _folds(base, views[0], root, steps):
            return  # an axis that was moved or cut cannot be folded without copying, here as in PyTorch
    for k, tensor in enumerate(views):
        tensor._base = View(root, (*steps, (op, meta, k)), keep=True)
        _follow(root, tensor)


def _folds(base: TensorBase, view: TensorBase, root: TensorBase, steps: Any) -> bool:
    """Say whether the view can be had without copying."""
    if isinstance(base._array, np.ndarray):
        return np.may_share_memory(base._array, view._array)
    stand_in: Any = np.empty(root._array.shape, np.bool_)  # a tracer has no memory; an array of its shape has
    for op, meta, k in steps:
        shown = op(stand_in, **meta)
        stand_in = shown[k] if isinstance(shown, tuple) else shown
    return np.may_share_memory(stand_in, stand_in.reshape(view._array.shape))


def alias(root: TensorBase, tensor: TensorBase) -> None:
    """Note that ``tensor`` is ``root`` outside the graph, as ``root.data`` and ``root.detach()`` are."""
    tensor._base = View(root, (), keep=False)
    _follow(root, tensor)


def _follow(root: TensorBase, tensor: TensorBase) -> None:
    followers = root._views
    if followers is None:
        root._views = [weakref.ref(tensor)]
        return
    if len(followers) >= 16 and not len(followers) & (len(followers) - 1):
        followers[:] = [r for r in followers if r() is not None]
    followers.append(weakref.ref(tensor))


def check_write(tensor: TensorBase) -> None:
    """Refuse an in-place operation that would change a leaf which a graph was recorded for.

    Raises
    ------
    GraphError
        For a leaf that requires grad, or a view of one, while operations are recorded.
    """
    if not mode.grad:
        return
    view = tensor._base
    root = view.root if view is not None and not view.detached else None
    for which, what in ((tensor, "a leaf"), (root, "a view of a leaf")):
        if which is not None and which._requires_grad and not isinstance(which._node, Node):
            raise GraphError(
                f"an in-place operation on {what} that requires grad would change what its graph recorded. "
                "Do it inside `with no_grad():`, on `.data`, or write `x = x + …`."
            )


def spread(tensor: TensorBase, recorded: bool) -> None:
    """Carry what has been written to ``tensor`` to its root and to all that show it.

    Parameters
    ----------
    tensor : TensorBase
        It already holds what was written.
    recorded : bool
        Whether the write is part of the graph; if not, only arrays are replaced.
    """
    if not recorded:
        with no_grad():
            _spread(tensor, False)
    else:
        _spread(tensor, True)


def _spread(tensor: TensorBase, recorded: bool) -> None:
    view = tensor._base
    if view is not None and (root := view.root) is not None:
        if view.detached:
            root._array = tensor._array
            _spread_except(root, tensor, False)
            if root._base is not None:
                _spread(root, False)
            return
        _replace(root, _put(root, tensor, view.steps), recorded)
        if root._base is not None:  # the root is itself somebody's `.data`
            _spread(root, recorded)
        tensor = root
    _spread_except(tensor, None, recorded)


def _spread_except(root: TensorBase, writer: TensorBase | None, recorded: bool) -> None:
    """Let everything that shows ``root`` show what it holds now."""
    for reference in list(root._views or ()):
        follower = reference()
        if follower is None or follower is writer:
            continue
        view = follower._base
        if view is None or view.root is not root:
            continue
        shown: Any = root
        for op, meta, k in view.steps:
            shown = op(shown, **meta)
            shown = shown[k] if isinstance(shown, tuple) else shown
        array = shown._array
        if view.detached:  # an object of its own: what is written through `.data` is not held against the graph
            follower._array = array[...] if isinstance(array, np.ndarray) else array
            _spread_except(follower, None, False)
        else:
            _replace(follower, shown, recorded)


def _replace(tensor: TensorBase, by: TensorBase, recorded: bool) -> None:
    remember_overwritten(tensor._array)
    tensor._array = by._array
    if recorded:
        tensor._node, tensor._index, tensor._requires_grad = by._node, by._index, by._requires_grad


def _put(root: TensorBase, tensor: TensorBase, steps: tuple[tuple[Op, dict[str, Any], int], ...]) -> Any:
    """Return the root with ``tensor``'s elements in the places that ``tensor`` shows."""
    shape = tuple(root._array.shape)
    if len(steps) == 1 and steps[0][0].name == "getitem":
        return OPERATIONS["set_at"](root, tensor, index=steps[0][1]["index"])
    places: Any = np.arange(int(np.prod(shape))).reshape(shape)
    for op, meta, k in steps:
        places = op(places, **meta)
        places = places[k] if isinstance(places, tuple) else places
    flat = np.asarray(places).ravel()
    if len(np.unique(flat)) != len(flat):
        raise GraphError(
            "an in-place operation on an expanded tensor would write the same element several times; clone() it first"
        )
    reshape = OPERATIONS["reshape"]
    written = OPERATIONS["set_at"](reshape(root, shape=(-1,)), reshape(tensor, shape=(-1,)), index=flat)
    return reshape(written, shape=shape)


set_track(track)
