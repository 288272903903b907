"""Equal runs give equal bits on one core and on two, however an epoch is cut into programs."""

import hashlib
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.backend import threads
from gradwright.errors import ConfigError

# wide enough that XLA and BLAS cut their sums by the number of threads
SCRIPT = """
import os, sys
cores = {int(c) for c in sys.argv[1].split(",")}
os.sched_setaffinity(0, cores)
import hashlib
import numpy as np
import gradwright as gw
from gradwright import nn, optim
from gradwright.backend import one_blas_thread

def trained(compiled):
    gw.manual_seed(0)
    model = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    def step(x, y):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3, 64, 256)).astype("f"), rng.integers(0, 10, (3, 64))
    if compiled:
        gw.compile(step).scan(x, y)
    else:
        for a, b in zip(x, y):
            step(gw.tensor(a), gw.tensor(b))
    return hashlib.sha256(b"".join(v.numpy().tobytes() for v in model.state_dict().values())).hexdigest()

print(gw.get_num_threads(), trained(True))
with one_blas_thread():
    print(trained(False))
"""


def run(script: str, *arguments: str, **variables: str) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PJRT_NPROC"} | variables
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.skipif(threads.available_cores() < 2, reason="needs two cores")
def test_equal_runs_give_equal_hashes_on_one_core_and_on_two():
    first, second = sorted(os.sched_getaffinity(0))[:2]
    one, two = run(SCRIPT, f"{first}"), run(SCRIPT, f"{first},{second}")
    assert one[0] == two[0] == "2"
    assert one == two


def test_the_number_of_threads_is_settled_before_the_first_program():
    script = """
import gradwright as gw, os
gw.set_num_threads(3)
from gradwright.backend import jax_modules
jax_modules()
print(gw.get_num_threads(), os.environ["PJRT_NPROC"])
"""
    assert run(script) == ["3", "3"]
    assert run("import gradwright as gw; print(gw.get_num_threads())", PJRT_NPROC="5") == ["5"]


def test_a_number_that_comes_too_late_is_said_to(monkeypatch):
    monkeypatch.setattr(threads._Threads, "started", 2)
    monkeypatch.setattr(threads._Threads, "asked", None)
    with threads.one_blas_thread():  # puts BLAS back as it was
        with pytest.warns(RuntimeWarning, match=r"keep the 2 threads .* before the first program"):
            gw.set_num_threads(4)
        assert gw.get_num_threads() == 2
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gw.set_num_threads(2)
    with pytest.raises(ConfigError, match="above 0, got 0"):
        gw.set_num_threads(0)
    with pytest.raises(ConfigError):
        gw.set_num_threads(True)


def test_one_blas_thread_is_for_the_block_only():
    from threadpoolctl import threadpool_info

    def blas() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = blas()
    with threads.one_blas_thread():
        assert set(blas()) == {1}
    assert blas() == before


def test_steps_give_the_same_bits_however_they_are_cut_into_programs():
    """A run that goes on from any step cuts its epoch there."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3, 16, 8)).astype("f"), rng.integers(0, 3, (3, 16))

    def trained(*cuts: int) -> str:
        gw.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 20), nn.LayerNorm(20), nn.GELU(), nn.Dropout(0.3), nn.Linear(20, 3))
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)

        @gw.compile
        def step(x: gw.Tensor, y: gw.Tensor) -> gw.Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            return loss.detach()

        losses, start = [], 0
        for n in cuts:
            part = slice(start, start + n)
            losses += step.scan(x[part], y[part]).numpy().tolist() if n else [step(x[start], y[start]).item()]
            start += n or 1
        bits = b"".join(v.numpy().tobytes() for v in model.state_dict().values())
        return hashlib.sha256(bits + np.array(losses).tobytes()).hexdigest()

    whole = trained(3)
    assert trained(1, 1, 1) == whole  # XLA unrolls a loop of one round
    assert trained(0, 0, 0) == whole  # calls
