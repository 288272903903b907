"""Random tensors: their distributions, and one stream eagerly and in compiled steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

import gradwright as gw
from gradwright.engine.generator import Generator
from gradwright.errors import ConfigError, DeviceError

N = 100_000


def drawn(draw: Callable[[], Any], seed: int = 5) -> np.ndarray:
    gw.manual_seed(seed)
    array: np.ndarray = draw().numpy()
    return array


CONTINUOUS: list[tuple[str, Callable[[], Any], Any]] = [
    ("rand", lambda: gw.rand(N), stats.uniform()),
    ("randn", lambda: gw.randn(N), stats.norm()),
    ("randn float64", lambda: gw.randn(N, dtype=gw.float64), stats.norm()),
    ("normal", lambda: gw.normal(3.0, 2.0, (N,)), stats.norm(3, 2)),
    ("normal of tensors", lambda: gw.normal(gw.full((N,), 3.0), 2.0), stats.norm(3, 2)),
    ("uniform_", lambda: gw.empty(N).uniform_(-1, 4), stats.uniform(-1, 5)),
    ("normal_", lambda: gw.empty(N).normal_(1, 3), stats.norm(1, 3)),
    ("exponential_", lambda: gw.empty(N).exponential_(2), stats.expon(scale=0.5)),
    ("log_normal_", lambda: gw.empty(N, dtype=gw.float64).log_normal_(0.5, 0.7), stats.lognorm(0.7, scale=np.exp(0.5))),
    ("cauchy_", lambda: gw.empty(N, dtype=gw.float64).cauchy_(1, 2), stats.cauchy(1, 2)),
]


@pytest.mark.parametrize(("name", "draw", "expected"), CONTINUOUS, ids=[n for n, _, _ in CONTINUOUS])
def test_continuous_distributions(name: str, draw: Callable[[], Any], expected: Any):
    assert stats.kstest(drawn(draw), expected.cdf).pvalue > 1e-3


def chi_square(found: np.ndarray, expected: Any) -> float:
    counts = np.bincount(found, minlength=len(expected))
    kept = np.asarray(expected) > 0
    assert counts[~kept].sum() == 0
    weights = np.asarray(expected)[kept]
    return float(stats.chisquare(counts[kept], counts.sum() * weights / weights.sum()).pvalue)


@pytest.mark.parametrize(("low", "high"), [(0, 2), (0, 7), (-5, 6), (10, 110)])
def test_whole_numbers_are_equally_likely(low: int, high: int):
    found = drawn(lambda: gw.randint(low, high, (N,)))
    assert found.min() == low
    assert found.max() == high - 1
    assert chi_square(found - low, np.ones(high - low)) > 1e-3


def test_whole_numbers_over_the_widest_range():
    found = drawn(lambda: gw.randint(-(2**63), 2**63 - 1, (N,)))
    assert stats.kstest(found.astype(float) / 2**63, stats.uniform(-1, 2).cdf).pvalue > 1e-3
    whole = drawn(lambda: gw.empty(N, dtype=gw.int8).random_())
    assert whole.min() >= 0
    assert chi_square(whole, np.ones(128)) > 1e-3
    assert chi_square(drawn(lambda: gw.empty(N).random_(4)).astype(int), np.ones(4)) > 1e-3
    assert chi_square(drawn(lambda: gw.empty(N).random_(2, 6)).astype(int) - 2, np.ones(4)) > 1e-3
    assert set(drawn(lambda: gw.empty(100, dtype=gw.bool).random_()).tolist()) == {False, True}


def test_permutations_are_equally_likely():
    gw.manual_seed(1)
    orders = [tuple(gw.randperm(4).tolist()) for _ in range(6000)]
    names = {order: i for i, order in enumerate(sorted(set(orders)))}
    assert len(names) == 24
    assert chi_square(np.array([names[o] for o in orders]), np.ones(24)) > 1e-3
    assert sorted(gw.randperm(1000).tolist()) == list(range(1000))


def test_bernoulli():
    p = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    found = drawn(lambda: gw.bernoulli(gw.tensor(np.tile(p, (20_000, 1))))).mean(0)
    assert found[0] == 0
    assert found[-1] == 1
    assert (np.abs(found - p) < 4 * np.sqrt(p * (1 - p) / 20_000) + 1e-12).all()
    for draw in (lambda: gw.empty(N).bernoulli_(0.3), lambda: gw.empty(N).bernoulli_(gw.tensor(0.3))):
        assert abs(drawn(draw).mean() - 0.3) < 4 * np.sqrt(0.21 / N)


def test_geometric():
    found = drawn(lambda: gw.empty(N, dtype=gw.int64).geometric_(0.3))
    assert found.min() == 1
    expected = stats.geom(0.3).pmf(np.arange(1, 12))
    assert chi_square(found[found < 12] - 1, expected) > 1e-3


WEIGHTS = [0.0, 1.0, 2.0, 0.0, 5.0, 0.5, 0.0]


def test_multinomial_with_replacement():
    found = drawn(lambda: gw.multinomial(gw.tensor(WEIGHTS), N, replacement=True))
    assert chi_square(found, WEIGHTS) > 1e-3
    rows = drawn(lambda: gw.multinomial(gw.tensor([WEIGHTS, WEIGHTS[::-1]]), N, replacement=True))
    assert chi_square(rows[0], WEIGHTS) > 1e-3
    assert chi_square(rows[1], WEIGHTS[::-1]) > 1e-3


def test_multinomial_with_weights_far_below_the_step_of_float32():
    weights = np.array([1.0, 1e-9, 1e-9])
    found = drawn(lambda: gw.multinomial(gw.tensor(weights * 2**40), 1000, replacement=True))
    assert set(found.tolist()) <= {0, 1, 2}
    tiny = np.full(2**13, 2.0**-13)
    assert chi_square(drawn(lambda: gw.multinomial(gw.tensor(tiny), 20 * 2**13, replacement=True)), tiny) > 1e-3


def test_multinomial_without_replacement_draws_one_after_the_other():
    p = np.array([0.1, 0.2, 0.3, 0.4])
    pairs = drawn(lambda: gw.multinomial(gw.tensor(np.tile(p, (40_000, 1))), 2))
    assert (pairs[:, 0] != pairs[:, 1]).all()
    expected = np.array([[0 if i == j else p[i] * p[j] / (1 - p[i]) for j in range(4)] for i in range(4)])
    assert chi_square(pairs[:, 0] * 4 + pairs[:, 1], expected.ravel()) > 1e-3
    assert sorted(gw.multinomial(gw.tensor(p), 4).tolist()) == [0, 1, 2, 3]


def test_half_precision_stays_below_one():
    for dtype, step in ((gw.float16, 2.0**-11), (gw.bfloat16, 2.0**-8)):
        u = gw.rand(50_000, dtype=dtype).float().numpy()
        assert u.max() < 1
        assert (u / step == np.round(u / step)).all()


# --- one stream -------------------------------------------------------------------------------------------------------
BIT_FOR_BIT: dict[str, Callable[[], Any]] = {
    "rand": lambda: gw.rand(7),
    "rand float64": lambda: gw.rand(3, dtype=gw.float64),
    "uniform_": lambda: gw.empty(5).uniform_(-1, 1),
    "randint": lambda: gw.randint(-3, 1000, (4, 5)),
    "randint wide": lambda: gw.randint(-(2**62), 2**63, (5,)),
    "randperm": lambda: gw.randperm(50),
    "bernoulli": lambda: gw.bernoulli(gw.full((50,), 0.3)),
    "multinomial": lambda: gw.multinomial(gw.tensor([[0.1, 0.0, 0.7], [3.0, 1.0, 1.0]]), 20, replacement=True),
    "without replacement": lambda: gw.multinomial(gw.tensor([0.1, 0.2, 0.3, 0.4]), 3),
    "random_": lambda: gw.zeros(5, dtype=gw.int32).random_(),
    "words": lambda: gw.tensor(gw.current_generator().words(5)),
}
TO_ROUNDING: dict[str, Callable[[], Any]] = {
    "randn": lambda: gw.randn(7),
    "normal": lambda: gw.normal(gw.ones(4), 2.0),
    "exponential_": lambda: gw.empty(5).exponential_(3.0),
}


@pytest.mark.parametrize("name", [*BIT_FOR_BIT, *TO_ROUNDING])
def test_compiled_steps_draw_the_eager_numbers(name: str):
    draw = BIT_FOR_BIT.get(name) or TO_ROUNDING[name]
    gw.manual_seed(11)
    eager = [draw().numpy() for _ in range(2)]
    state = gw.get_rng_state().tolist()
    gw.manual_seed(11)
    step = gw.compile(lambda: draw() + 0)
    compiled = [step().numpy() for _ in range(2)]
    assert step.traces == 1
    assert gw.get_rng_state().tolist() == state
    for a, b in zip(compiled, eager, strict=True):
        assert a.dtype == b.dtype
        if name in BIT_FOR_BIT:
            np.testing.assert_array_equal(a, b)
        else:  # NumPy's logarithm and XLA's differ in the last digit
            np.testing.assert_allclose(a, b, rtol=1.3e-6, atol=1e-6)


def test_probabilities_computed_inside_the_step():
    logits = gw.tensor([0.3, -1.0, 2.0])

    def sample() -> Any:
        return gw.multinomial(logits.softmax(0), 6, replacement=True)

    gw.manual_seed(3)
    eager = sample().tolist()
    gw.manual_seed(3)
    assert gw.compile(sample)().tolist() == eager


# --- generators -------------------------------------------------------------------------------------------------------
def test_a_generator_of_its_own():
    before = gw.get_rng_state().tolist()
    a, b = gw.Generator().manual_seed(4), gw.Generator(device="cpu").manual_seed(4)
    draws: list[Callable[[Any], Any]] = [
        lambda g: gw.rand(2, generator=g),
        lambda g: gw.randn(2, generator=g),
        lambda g: gw.randint(0, 9, (2,), generator=g),
        lambda g: gw.randperm(5, generator=g),
        lambda g: gw.bernoulli(gw.full((5,), 0.5), generator=g),
        lambda g: gw.multinomial(gw.ones(5), 2, generator=g),
        lambda g: gw.normal(0.0, 1.0, (2,), generator=g),
        lambda g: gw.empty(2).uniform_(generator=g),
        lambda g: gw.empty(2).normal_(generator=g),
        lambda g: gw.empty(2).exponential_(generator=g),
        lambda g: gw.empty(2).bernoulli_(generator=g),
        lambda g: gw.empty(2).random_(5, generator=g),
    ]
    for draw in draws:
        assert draw(a).tolist() == draw(b).tolist()
    assert gw.get_rng_state().tolist() == before
    assert a.initial_seed() == 4
    assert a.device == gw.device("cpu")
    assert a.seed() == a.initial_seed() != 4
    with pytest.raises(DeviceError):
        gw.Generator("cuda")


def test_the_state_of_the_current_generator():
    gw.manual_seed(3)
    assert gw.initial_seed() == 3
    gw.rand(2)
    state = gw.get_rng_state()
    first = gw.rand(3).tolist()
    gw.set_rng_state(state)
    assert gw.rand(3).tolist() == first
    gw.set_rng_state(state)
    with gw.fork_rng():
        gw.rand(100)
        gw.manual_seed(9)
    assert gw.rand(3).tolist() == first
    seed = gw.seed()
    first = gw.rand(3).tolist()
    gw.random.manual_seed(seed)
    assert gw.rand(3).tolist() == first
    with pytest.raises(ConfigError, match="three numbers"):
        gw.set_rng_state(gw.zeros(5))
    assert isinstance(Generator(np.int64(3)), Generator)
