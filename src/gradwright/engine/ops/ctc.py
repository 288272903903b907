"""Connectionist temporal classification: the likelihood of a label sequence, summed over all its alignments.

The labels, with a blank before, between and after them, are the states of a chain that a path walks through in time:
it stays, goes on by one, or skips a blank between two different labels. One pass over time adds up the paths, in
logarithms (α). A second one goes back with the probabilities of having come from each predecessor, which are the
softmax of what the first pass added up, and gives the probability of each state at each time (γ). That is also the
gradient: d log L / d log p[t, c] = the sum of γ over the states of class c. Its own derivative takes the same two
passes with tangents beside the values.

A. Graves et al., *Connectionist temporal classification* (ICML 2006).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradwright.backend import scan
from gradwright.engine.op import Op, general
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.shape import reshape
from gradwright.errors import GraphError

__all__ = ["ctc", "ctc_curvature", "ctc_posterior"]


class _Chain(NamedTuple):
    """The states of each row: L = 2S + 1 of them, the last of shorter label sequences not used."""

    classes: Any  # (N, L)
    entry: Any  # (3, N, L): 0, or -inf where no path comes from this one of the three predecessors
    ends: Any  # (2, N, L): the two states in which a path may end, the last blank and the last label
    running: Any  # (T, N, 1): whether the row has not ended yet


def _chain(xp: Any, x: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int) -> _Chain:
    n, s = targets.shape
    targets = xp.where(xp.arange(s) < target_lengths[:, None], targets, blank)
    pairs = xp.stack([xp.full_like(targets, blank), targets], -1).reshape(n, 2 * s)
    classes = xp.concatenate([pairs, xp.full((n, 1), blank, targets.dtype)], 1)
    before = xp.concatenate([xp.full((n, 2), blank, targets.dtype), classes], 1)[:, : 2 * s + 1]
    skips = xp.where((classes != blank) & (classes != before), 0.0, -xp.inf).astype(x.dtype)
    place = xp.arange(2 * s + 1) - 2 * target_lengths[:, None]
    return _Chain(
        classes,
        xp.stack([xp.zeros_like(skips), xp.zeros_like(skips), skips]),
        xp.stack([place == 0, place == -1]),
        xp.arange(x.shape[0])[:, None, None] < input_lengths[:, None],
    )


def _exp(xp: Any, x: Any, top: Any) -> Any:
    """Return e^(x - top), and 0 where both are -inf."""
    return xp.exp(x - xp.where(top == -xp.inf, 0, top))


def _logsumexp(xp: Any, x: Any) -> Any:
    top = x.max(0)
    return xp.log(_exp(xp, x, top).sum(0)) + top


def _three(xp: Any, a: Any, fill: float) -> Any:
    """Return what stands where a path comes from: in the state itself, the one before, the one before that."""
    n, states = a.shape
    padded = xp.concatenate([xp.full((n, 2), fill, a.dtype), a], 1)
    return xp.stack([a, padded[:, 1 : states + 1], padded[:, :states]])


def _back(xp: Any, parts: Any) -> Any:
    """Add up what the states send to where they came from: the transpose of ``_three``."""
    _, n, states = parts.shape
    padded = xp.concatenate([parts, xp.zeros((3, n, 2), parts.dtype)], 2)
    return parts[0] + padded[1, :, 1 : states + 1] + padded[2, :, 2:]


def _start(xp: Any, chain: _Chain) -> Any:
    """Return α before the first step: a path in front of the first blank, from which it goes there or on by one."""
    places = xp.zeros(chain.classes.shape, chain.entry.dtype) + xp.arange(
        chain.classes.shape[1], dtype=chain.entry.dtype
    )
    return xp.where(places == 0, 0, -xp.inf).astype(chain.entry.dtype)


def _ended(xp: Any, alpha: Any, chain: _Chain) -> tuple[Any, Any]:
    """Return log L as (N, 1), and the probability of each state to be the end, as (N, L)."""
    ends = xp.where(chain.ends, alpha, -xp.inf)
    total = _logsumexp(xp, ends.max(2, keepdims=True))
    return total, _exp(xp, ends, total).sum(0)


def _step(xp: Any, alpha: Any, emission: Any, running: Any, entry: Any) -> tuple[Any, Any, Any]:
    """Return α after one step, what it was added up from, and the sum; a row that has ended stays as it is."""
    terms = _three(xp, alpha, -xp.inf) + entry
    total = _logsumexp(xp, terms)
    return xp.where(running, total + emission, alpha), terms, total


def _shares(xp: Any, terms: Any, total: Any, running: Any) -> Any:
    """Return with which probability a path came from each of the three."""
    stays = xp.asarray([1, 0, 0], terms.dtype)[:, None, None]
    return xp.where(running, _exp(xp, terms, total), stays)


def _of_classes(xp: Any, states: Any, chain: _Chain, classes: int) -> Any:
    """Add up what (T, N, L) says of states over the states of each class, while the rows run."""
    hot = (chain.classes[:, :, None] == xp.arange(classes)).astype(states.dtype)
    counted = xp.swapaxes(xp.where(chain.running, states, 0), 0, 1)
    return xp.swapaxes(xp.matmul(counted, hot), 0, 1)


def _ctc(
    xp: Any, x: Any, targets: Any, input_lengths: Any, target_lengths: Any, *, blank: int, zero_infinity: bool
) -> Any:
    chain = _chain(xp, x, targets, input_lengths, target_lengths, blank)

    def forward(alpha: Any, now: Any) -> tuple[Any, Any]:
        emission, running = now
        return _step(xp, alpha, emission, running, chain.entry)[0], None

    emissions = xp.take_along_axis(x, chain.classes[None], 2)
    alpha, _ = scan(xp, forward, _start(xp, chain), (emissions, chain.running))
    loss = -_ended(xp, alpha, chain)[0][:, 0]
    return xp.where(loss == xp.inf, 0, loss).astype(x.dtype) if zero_infinity else loss


def _posterior(
    xp: Any, x: Any, targets: Any, input_lengths: Any, target_lengths: Any, *, blank: int, zero_infinity: bool
) -> Any:
    chain = _chain(xp, x, targets, input_lengths, target_lengths, blank)

    def forward(alpha: Any, now: Any) -> tuple[Any, Any]:
        emission, running = now
        alpha, terms, total = _step(xp, alpha, emission, running, chain.entry)
        return alpha, (_shares(xp, terms, total, running),)

    def backward(gamma: Any, now: Any) -> tuple[Any, Any]:
        return _back(xp, now[0] * gamma), gamma

    emissions = xp.take_along_axis(x, chain.classes[None], 2)
    alpha, shares = scan(xp, forward, _start(xp, chain), (emissions, chain.running))
    total, gamma = _ended(xp, alpha, chain)
    _, gammas = scan(xp, backward, gamma, shares, reverse=True)
    found = _of_classes(xp, gammas, chain, x.shape[2])
    if zero_infinity:
        return found
    # the slope of an infinite loss is NaN, as in PyTorch
    return xp.where((total == -xp.inf) & chain.running, xp.nan, found).astype(x.dtype)


def _curvature(xp: Any, x: Any, v: Any, targets: Any, input_lengths: Any, target_lengths: Any, *, blank: int) -> Any:
    # the two passes of _posterior, each value with its derivative when x moves in the direction v
    chain = _chain(xp, x, targets, input_lengths, target_lengths, blank)

    def forward(state: Any, now: Any) -> tuple[Any, Any]:
        (alpha, d_alpha), (emission, d_emission, running) = state, now
        alpha, terms, total = _step(xp, alpha, emission, running, chain.entry)
        shares = _shares(xp, terms, total, running)
        d_terms = _three(xp, d_alpha, 0.0)
        d_total = (shares * d_terms).sum(0)
        return (alpha, d_total + d_emission * running), (shares, shares * (d_terms - d_total))

    def backward(state: Any, now: Any) -> tuple[Any, Any]:
        (gamma, d_gamma), (shares, d_shares) = state, now
        return (_back(xp, shares * gamma), _back(xp, shares * d_gamma + d_shares * gamma)), (d_gamma,)

    emissions, d_emissions = (xp.take_along_axis(a, chain.classes[None], 2) for a in (x, v))
    start = _start(xp, chain)
    (alpha, d_alpha), kept = scan(xp, forward, (start, xp.zeros_like(start)), (emissions, d_emissions, chain.running))
    _, gamma = _ended(xp, alpha, chain)
    d_gamma = gamma * (d_alpha - (gamma * d_alpha).sum(1, keepdims=True))
    _, (d_gammas,) = scan(xp, backward, (gamma, d_gamma), kept, reverse=True)
    return _of_classes(xp, d_gammas, chain, x.shape[2])


def _rule(
    g: Any, x: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool
) -> Any:
    meta = {"blank": blank, "zero_infinity": zero_infinity}
    return -(reshape(g, shape=(1, -1, 1)) * ctc_posterior(x, targets, input_lengths, target_lengths, **meta))


def _ahead(
    t: Any, x: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool
) -> Any:
    meta = {"blank": blank, "zero_infinity": zero_infinity}
    return -sum_(t * ctc_posterior(x, targets, input_lengths, target_lengths, **meta), axis=(0, 2))


def _curve(v: Any, x: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int) -> Any:
    return ctc_curvature(x, v, targets, input_lengths, target_lengths, blank=blank)


def _no_third() -> Any:
    raise GraphError("ctc_loss: third derivatives are not there; it can be differentiated twice")


#: -log L of each row: log-probabilities (T, N, C), labels (N, S), lengths (N,) and (N,)
ctc: Op = general("ctc", _ctc, vjp=[_rule, None, None, None], jvp=[_ahead, None, None, None])

#: d log L / d x
ctc_posterior: Op = general(
    "ctc_posterior",
    _posterior,
    vjp=[
        lambda g, x, targets, input_lengths, target_lengths, blank: _curve(
            g, x, targets, input_lengths, target_lengths, blank
        ),
        *[None] * 3,
    ],
    jvp=[
        lambda t, x, targets, input_lengths, target_lengths, blank: _curve(
            t, x, targets, input_lengths, target_lengths, blank
        ),
        *[None] * 3,
    ],
)

#: the second derivative of log L, a symmetric matrix, times v
ctc_curvature: Op = general(
    "ctc_curvature",
    _curvature,
    vjp=[
        _no_third,
        lambda g, x, targets, input_lengths, target_lengths, blank: _curve(
            g, x, targets, input_lengths, target_lengths, blank
        ),
        *[None] * 3,
    ],
    jvp=[
        _no_third,
        lambda t, x, targets, input_lengths, target_lengths, blank: _curve(
            t, x, targets, input_lengths, target_lengths, blank
        ),
        *[None] * 3,
    ],
)
