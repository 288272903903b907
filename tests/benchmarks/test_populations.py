"""That the benchmark of populations compares equal work: the same losses and scores from everybody."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
if not (FOLDER / "sweeps").is_dir():
    pytest.skip("the benchmarks are not here", allow_module_level=True)
pytest.importorskip("torch")
sys.path.append(str(FOLDER))  # at the end, so that nothing of ours is shadowed

from sweeps import eager, jobs, ours, vmapped  # noqa: E402


@pytest.fixture(scope="module")
def job():
    """Two strong decays by two rates, on two splits with batches and weights of their own; the last half of them."""
    settings = [jobs.Setting(lr, decay, 0.0, 0) for lr in (3e-3, 1e-2) for decay in (0.01, 0.1)]
    rows = np.arange(569)
    splits = [(rows[:128], rows[300:]), (rows[128:256], rows[300:])]
    return replace(jobs.seeds(2), settings=settings, splits=splits).part(4)


@pytest.fixture(scope="module")
def reference(job):
    return eager.torch_eager(job, 1)()


def test_members_are_the_product_of_settings_and_splits(job):
    whole = replace(job, chosen=None)
    assert len(whole) == 8
    assert [split for _, split in whole.members[:4]] == [0, 1, 0, 1]
    assert job.members == [whole.members[i] for i in jobs.spread(8, 4)]
    assert not job.shared
    assert jobs.sweep(1).shared
    assert [len(jobs.JOBS[name](1)) for name in ("sweep", "folds", "seeds")] == [64, 20, 32]


@pytest.mark.parametrize("make", [ours.gradwright_one_by_one, ours.gradwright_population])
def test_ours_does_pytorchs_work(job, reference, make):
    found = make(job)()
    np.testing.assert_allclose(found.loss, reference.loss, rtol=2e-5)
    np.testing.assert_allclose(found.accuracy, reference.accuracy, atol=1e-6)


def test_vmapped_pytorch_does_eager_pytorchs_work(job, reference):
    found = vmapped.torch_vmap(job, 1)()
    np.testing.assert_allclose(found.loss, reference.loss, rtol=2e-5)
    np.testing.assert_allclose(found.accuracy, reference.accuracy, atol=1e-6)


def test_optuna_trains_each_member_once(job, reference):
    found = eager.optuna_study(job, 1)()
    np.testing.assert_array_equal(found.loss, reference.loss)


def test_operations_are_counted_by_hand(job):
    forward = 2 * (30 * 32 + 32 * 2)
    backward = 2 * forward - 2 * 30 * 32  # weights and inputs of each layer, but not of the data
    assert job.operations == 4 * 2 * (4 * 32 * (forward + backward) + 269 * forward)


def test_alpha_of_scikit_learn_is_the_decay_times_the_batch():
    """One step of plain descent: PyTorch's coupled decay and ``alpha`` over the batch move a weight alike."""
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((jobs.BATCH, 3)), np.arange(jobs.BATCH) % 2
    moved = []
    for alpha in (0.0, 0.1 * jobs.BATCH):
        network = MLPClassifier((4,), solver="sgd", momentum=0, learning_rate_init=1.0, alpha=alpha, random_state=0)
        network.set_params(batch_size=jobs.BATCH, shuffle=False)
        network.partial_fit(x, y, classes=[0, 1])
        moved.append(network.coefs_[0])
    start = MLPClassifier((4,), solver="sgd", learning_rate_init=1e-300, random_state=0, batch_size=jobs.BATCH)
    start.partial_fit(x, y, classes=[0, 1])
    np.testing.assert_allclose(moved[0] - moved[1], 0.1 * start.coefs_[0], rtol=1e-9)
