"""A toy population over four virtual devices, for the test beside."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import compiler_options, jax_modules
from gradwright.compile.mesh import Spread

jax, jnp, lax = jax_modules().jax, jax_modules().numpy, jax_modules().lax


def member(state: Any, fixed: Any, numbers: Any, arrays: Any, rows: Any) -> Any:
    """Train a linear map by hand-written gradients, its rate and its order of batches its own."""

    def step(state: Any, at: Any) -> Any:
        w, count = state
        x, y = arrays[0][at], arrays[1][at]
        error = jnp.tanh(x @ w) - y
        w = w - numbers["lr"] * (x.T @ (error * (1 - jnp.tanh(x @ w) ** 2)) / len(x) + fixed * w)
        return (w, count + 1), jnp.mean(error**2)

    return lax.scan(step, state, rows)


def main() -> None:
    """Compare four devices with one."""
    assert len(jax.devices()) == 4

    def run(members: slice, own_order: bool, devices: list[Any] | None) -> Any:
        """Train some of the members; returns what they come to as NumPy arrays."""
        everyone = jax.vmap(member, in_axes=(0, 0, 0, None, 0 if own_order else None))
        state = (weights[members], np.zeros(len(weights[members]), "i4"))
        spread = Spread(len(state[0]), devices)
        assert len(spread.devices) == (min(len(state[0]), 4) if devices is None else 1)
        program = jax.jit(
            spread.over(everyone, own=(True, True, True, False, own_order)),
            donate_argnums=0,
            compiler_options=compiler_options(),
        )
        placed = spread.own(state)
        order = spread.own(rows[members]) if own_order else spread.shared(rows[0])
        numbers = {"lr": rates[members]}
        arguments = (placed, spread.own(decays[members]), spread.own(numbers), spread.shared((x, y)), order)
        if devices is None:
            text = program.lower(*arguments).compile().as_text()
            assert not any(word in text for word in ("all-reduce", "all-gather", "all-to-all", "collective-permute"))
        outcome = program(*arguments)
        assert devices is not None or len(outcome[0][0].sharding.device_set) == len(spread.devices)
        assert placed[0].is_deleted()
        if members == slice(None) and len(state[0]) == 8:  # compiled ahead, NumPy arrays as they are
            own = (True, True, True, False, own_order)
            ahead = jax.jit(
                spread.over(everyone, own),
                in_shardings=spread.shardings(own),
                donate_argnums=0,
                compiler_options=compiler_options(),
            )
            inputs = (state, decays, numbers, (x, y), rows)
            again = ahead.lower(*jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), inputs)).compile()(
                *inputs
            )
            for mine, theirs in zip(jax.tree.leaves(again), jax.tree.leaves(outcome), strict=True):
                np.testing.assert_array_equal(mine, theirs)
        return jax.tree.leaves(spread.cut(outcome))

    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(60, 7)).astype("f4"), draw.normal(size=(60, 3)).astype("f4")
    one_device = jax.devices()[:1]
    for members, share in ((8, 2), (6, 2), (3, 1)):
        weights = draw.normal(size=(members, 7, 3)).astype("f4")
        decays, rates = draw.random((2, members)).astype("f4") * np.float32([[0.01], [1]])
        rows = draw.integers(60, size=(members, 40, 16))
        own_order = members != 3
        several = run(slice(None), own_order, None)
        assert [len(array) for array in several] == [members] * 3
        assert several[2].shape == (members, 40)
        assert (several[1] == 40).all()
        # the same to the bit as each device's share alone; as all on one device, to rounding (the width of the program
        # decides how XLA cuts its sums)
        for first in range(0, members, share):
            alone = run(slice(first, first + share), own_order, one_device)
            for mine, theirs in zip(alone, several, strict=True):
                np.testing.assert_array_equal(mine, theirs[first : first + share])
        for mine, theirs in zip(run(slice(None), own_order, one_device), several, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1.3e-6, atol=1e-5)
    print("4 devices: 8, 6 and 3 members the same\ndonated\nno collectives")


if __name__ == "__main__":
    main()
