"""The random stream: published vectors, JAX's own cipher, one stream eagerly and traced."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from jax.extend import random as jax_random
from scipy import stats

from gradwright.backend import random_bits, uniform_from_bits
from gradwright.backend.random import threefry
from gradwright.engine.random import Generator, current_generator, manual_seed, rand, randn, use_generator
from gradwright.errors import ConfigError


def words(*values: int) -> list[np.ndarray]:
    return [np.array([v], np.uint32) for v in values]


ZERO, ONES, PI = (0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0x13198A2E, 0x03707344)


@pytest.mark.parametrize(
    ("rounds", "key", "counter", "expected"),
    [
        (20, ZERO, ZERO, (0x6B200159, 0x99BA4EFE)),
        (20, ONES, ONES, (0x1CB996FC, 0xBB002BE7)),
        (20, PI, (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
        (13, ZERO, ZERO, (0x9D1C5EC6, 0x8BD50731)),
        (13, ONES, ONES, (0xFD36D048, 0x2D17272C)),
        (13, PI, (0x243F6A88, 0x85A308D3), (0xBA3E4725, 0xF27D669E)),
    ],
)
def test_random123s_known_answers(rounds: int, key: Any, counter: Any, expected: Any):
    for xp in (np, jax.numpy):
        arrays = [xp.asarray(w) for w in (*words(*key), *words(*counter))]
        assert tuple(int(w[0]) for w in threefry(*arrays, rounds=rounds)) == expected


def test_threefry_of_20_rounds_is_jaxs():
    r = np.random.default_rng(0)
    key = r.integers(0, 2**32, 2, dtype=np.uint32)
    x0, x1 = r.integers(0, 2**32, (2, 1000), dtype=np.uint32)
    arrays = np.broadcast_arrays(key[0], key[1], x0, x1)
    theirs = jax_random.threefry2x32_p.bind(*(jax.numpy.asarray(a) for a in arrays))
    for ours, expected in zip(threefry(key[:1], key[1:], x0, x1, rounds=20), theirs, strict=True):
        np.testing.assert_array_equal(ours, np.asarray(expected))


@pytest.mark.parametrize("size", [0, 1, 2, 7, 1000])
def test_bits_are_the_same_eagerly_and_traced(size: int):
    key = np.array([3, 0xFFFFFFFE], np.uint32)
    for draw in (0, 1, 0xFFFFFFFF):
        eager = random_bits(np, key, np.uint32(draw), size)
        traced = jax.jit(lambda k, d: random_bits(jax.numpy, k, d, size))(key, np.uint32(draw))
        assert eager.dtype == np.uint32
        assert eager.shape == (size,)
        np.testing.assert_array_equal(eager, np.asarray(traced))


@pytest.mark.parametrize("size", [1, 5, 6])
def test_a_generator_goes_on_inside_a_trace_as_it_would_eagerly(size: int):
    eager = Generator(11)
    expected = [eager.uniform((size,)), eager.normal((size,)), eager.uniform((2, size))]

    def step(key, draws):
        traced = Generator(0)
        traced.key._array, traced.draws._array = key, draws
        return [
            traced.uniform((size,)),
            traced.normal((size,)),
            traced.uniform((2, size)),
        ], traced.draws._array

    start = Generator(11)
    found, draws = jax.jit(step)(start.key._array, start.draws._array)
    assert int(draws) == eager.get_state()[2] == 3
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1.3e-6, atol=1e-5)
    np.testing.assert_array_equal(found[2], expected[2])


def test_a_population_of_streams_under_vmap():
    keys = np.stack([Generator(seed).key.numpy() for seed in (1, 2, 3)])
    stacked = jax.vmap(lambda key: uniform_from_bits(jax.numpy, random_bits(jax.numpy, key, np.uint32(0), 5)))(keys)
    for row, seed in zip(stacked, (1, 2, 3), strict=True):
        np.testing.assert_array_equal(row, Generator(seed).uniform((5,)))


# --- distributions -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_numbers_are_uniform(dtype: type):
    u = Generator(5).uniform((200_000,), dtype)
    assert u.dtype == dtype
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean(dtype=np.float64) - 0.5) < 4 / np.sqrt(12 * u.size)
    assert abs(u.var(dtype=np.float64) - 1 / 12) < 1e-3
    assert stats.kstest(u, "uniform").pvalue > 1e-3


def test_the_largest_word_stays_below_one():
    bits = np.array([0, 0xFF, 0x100, 0xFFFFFFFF], np.uint32)
    for dtype in (np.float32, np.float64):
        np.testing.assert_array_equal(
            uniform_from_bits(np, bits, dtype), np.array([0, 0, 2.0**-24, 1 - 2.0**-24], dtype)
        )


def test_normal_numbers_are_normal():
    z = Generator(6).normal((200_001,))
    assert z.dtype == np.float32
    assert np.isfinite(z).all()
    assert abs(z.mean(dtype=np.float64)) < 4 / np.sqrt(z.size)
    assert abs(z.var(dtype=np.float64) - 1) < 4 * np.sqrt(2 / z.size)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    half = z.size // 2  # sine and cosine of one angle are uncorrelated, also with their squares
    assert abs(np.corrcoef(z[:half], z[half : 2 * half])[0, 1]) < 4 / np.sqrt(half)
    assert abs(np.corrcoef(z[:half] ** 2, z[half : 2 * half] ** 2)[0, 1]) < 4 / np.sqrt(half)


def test_bits_of_every_position_are_fair():
    bits = random_bits(np, np.array([0, 1], np.uint32), np.uint32(0), 100_000)
    shares = np.unpackbits(bits.view(np.uint8)).reshape(-1, 32).mean(0)
    assert np.abs(shares - 0.5).max() < 5 * 0.5 / np.sqrt(bits.size)


# --- streams -----------------------------------------------------------------------------------------------
def test_streams_and_draws_differ():
    seeds = [0, 1, 2, 2**32, 2**32 + 1, 2**64 - 1]
    draws = np.stack([[g.uniform((64,)) for _ in range(3)] for g in map(Generator, seeds)]).reshape(-1, 64)
    assert len(np.unique(draws, axis=0)) == len(draws)
    assert np.abs(np.corrcoef(draws) - np.eye(len(draws))).max() < 0.6


def test_the_same_seed_starts_the_same_stream():
    a, b = Generator(7), Generator(8)
    first = a.normal((3, 2))
    np.testing.assert_array_equal(b.manual_seed(7).normal((3, 2)), first)


def test_the_state_is_saved_and_restored():
    g = Generator(9)
    g.uniform((3,))
    state = g.get_state()
    assert state == (0, 9, 1)
    expected = g.normal((4,))
    other = Generator(0)
    other.set_state(state)
    np.testing.assert_array_equal(other.normal((4,)), expected)
    assert other.get_state() == g.get_state()


def test_the_count_of_draws_wraps_round():
    g = Generator(1)
    g.set_state((0, 1, 2**32 - 1))
    g.uniform((2,))
    assert g.get_state() == (0, 1, 0)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int):
    with pytest.raises(ConfigError, match=f"got {seed}"):
        Generator(seed)


def test_the_current_generator():
    before = current_generator()
    manual_seed(3)
    first = rand(4).tolist()
    with use_generator(Generator(3)) as inner:
        assert current_generator() is inner
        assert rand(4).tolist() == first
    assert current_generator() is before
    with pytest.raises(RuntimeError, match="stop"), use_generator(Generator(3)):
        raise RuntimeError("stop")
    assert current_generator() is before
    assert rand(4).tolist() != first
    manual_seed(0)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_rand_and_randn_have_the_shape_asked_for(shape: tuple[int, ...]):
    for make in (rand, randn):
        x = make(*shape, requires_grad=True)
        assert x.shape == shape
        assert x.dtype == np.float32
        assert x.requires_grad
        assert x.is_leaf
