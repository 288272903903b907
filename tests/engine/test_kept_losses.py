"""A loss that is added up with its graph is warned of, by line; sums that mean something are not."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import GraphKeptWarning

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def training():
    gw.manual_seed(0)
    model = nn.Linear(3, 1)
    opt = optim.SGD(model.parameters(), lr=0.1)
    x = gw.randn(4, 8, 3)

    def loss_of(i: int) -> gw.Tensor:
        opt.zero_grad()
        return ((model(x[i]) - x[i].sum(1, keepdim=True)) ** 2).mean()

    return model, opt, loss_of


# --- planted mistakes -------------------------------------------------------------------------------------------------
def add_in_place(training):
    _, opt, loss_of = training
    total = 0
    for i in range(4):
        loss = loss_of(i)
        loss.backward()
        opt.step()
        total += loss  # here
    return total


def add_to_a_tensor(training):
    _, opt, loss_of = training
    total = gw.tensor(0.0)
    for i in range(4):
        loss = loss_of(i)
        loss.backward()
        opt.step()
        total += loss  # here
    return total


def add_before_backward(training):
    _, opt, loss_of = training
    total = 0.0
    for i in range(4):
        loss = loss_of(i)
        total = total + loss  # here
        loss.backward()
        opt.step()
    return total


def add_weighted_by_rows(training):
    _, opt, loss_of = training
    total = 0.0
    for i in range(4):
        loss = loss_of(i)
        loss.backward()
        opt.step()
        total += loss * 8 / 32  # here
    return total


def moving_average(training):
    _, opt, loss_of = training
    average = 0.0
    for i in range(4):
        loss = loss_of(i)
        loss.backward()
        opt.step()
        average = 0.9 * average + 0.1 * loss  # here
    return average


def two_losses(training):
    _, opt, loss_of = training
    total = 0.0
    for i in range(4):
        loss = loss_of(i) + 0.1 * loss_of(0)
        loss.backward()
        opt.step()
        total += loss  # here
    return total


def list_of_losses(training):
    _, opt, loss_of = training
    losses = []
    for i in range(4):
        loss = loss_of(i)
        loss.backward()
        opt.step()
        losses.append(loss)
    return sum(losses)  # here


MISTAKES = [
    add_in_place, add_to_a_tensor, add_before_backward, add_weighted_by_rows, moving_average, two_losses, list_of_losses
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda f: f.__name__)
def test_planted_mistakes_are_named_once(mistake, training):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mistake(training)
        mistake(training)
    assert [w.category for w in caught] == [GraphKeptWarning]
    lines = Path(__file__).read_text().splitlines()
    text = lines[caught[0].lineno - 1]
    assert caught[0].filename == __file__
    assert text.endswith("# here")
    message = str(caught[0].message)
    assert text.strip().removesuffix("# here").strip() in message
    assert ".item()" in message
    assert ".detach()" in message


# --- programs that are right ------------------------------------------------------------------------------------------
def numbers(training):
    _, opt, loss_of = training
    total = 0.0
    for i in range(4):
        loss = loss_of(i)
        loss.backward()
        opt.step()
        total += loss.item()


def detached(training):
    _, opt, loss_of = training
    total = gw.tensor(0.0)
    for i in range(4):
        loss = loss_of(i)
        loss.backward()
        opt.step()
        total += loss.detach()


def retained(training):
    _, _opt, loss_of = training
    total = 0.0
    for i in range(4):
        loss = loss_of(i)
        loss.backward(retain_graph=True)
        total = total + loss
    total.backward()


def one_backward_of_a_sum(training):
    _, opt, loss_of = training
    for _ in range(3):
        total = 0.0
        for i in range(4):
            total = total + loss_of(i)
        opt.zero_grad()
        total.backward()
        opt.step()


def one_backward_of_a_list(training):
    _, opt, loss_of = training
    for _ in range(3):
        sum([loss_of(i) for i in range(4)]).backward()
        opt.step()


def truncated_through_time(training):
    _model, _opt, _ = training
    cell = nn.RNNCell(3, 3)
    h = gw.zeros(1, 3)
    for _ in range(3):
        total = 0.0
        for _ in range(4):
            h = cell(gw.ones(1, 3), h)
            total = total + h.sum()
        total.backward()
        h = h.detach()


def parts_shown_after_backward(training):
    _, opt, loss_of = training
    for i in range(4):
        parts = [loss_of(i), 0.1 * loss_of(0), 0.2 * loss_of(1)]
        sum(parts).backward()
        (parts[0] + parts[1] + parts[2]).item()
        opt.step()


def adversaries(training):
    _, _opt, loss_of = training
    for i in range(4):
        one = loss_of(i)
        one.backward()
        other = loss_of(0)
        other.backward()
        (one + other).item()


def penalties(training):
    model, opt, loss_of = training
    for i in range(4):
        loss = loss_of(i)
        for p in model.parameters():
            loss = loss + 0.01 * (p**2).sum()
        loss.backward()
        opt.step()


def inner_gradients(training):
    """First-order meta-learning: gradients of an inner loss free its graph, the outer losses are added up."""
    model, _opt, loss_of = training
    total = 0.0
    for i in range(4):
        inner = loss_of(i)
        slopes = gw.autograd.grad(inner, list(model.parameters()))
        fast = [p - 0.1 * g for p, g in zip(model.parameters(), slopes, strict=True)]
        total = total + (nn.functional.linear(gw.ones(2, 3), *fast) ** 2).mean()
    total.backward()


def without_gradients(training):
    _, _opt, loss_of = training
    loss_of(0).backward()
    total = 0.0
    with gw.no_grad():
        for i in range(4):
            total += loss_of(i)


RIGHT = [
    numbers, detached, retained, one_backward_of_a_sum, one_backward_of_a_list, truncated_through_time,
    parts_shown_after_backward, adversaries, penalties, inner_gradients, without_gradients,
]  # fmt: skip


@pytest.mark.parametrize("program", RIGHT, ids=lambda f: f.__name__)
def test_programs_that_are_right_are_left_alone(program, training):
    program(training)
    program(training)


def test_a_compiled_step_is_left_alone(training):
    model, opt, _ = training

    @gw.compile
    def step(x: gw.Tensor) -> gw.Tensor:
        total = 0.0
        for k in range(3):
            opt.zero_grad()
            loss = (model(x[k]) ** 2).mean()
            loss.backward()
            opt.step()
            total = total + loss
        return total.detach()

    step(gw.ones(3, 2, 3))


def test_a_script_shows_the_line(tmp_path):
    script = tmp_path / "training.py"
    script.write_text(
        "import gradwright as gw\n"
        "w = gw.ones(2, requires_grad=True)\n"
        "total = 0\n"
        "for _ in range(9):\n"
        "    loss = (w ** 2).sum()\n"
        "    loss.backward()\n"
        "    total += loss\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stderr.count("GraphKeptWarning") == 1
    assert "training.py:7: GraphKeptWarning: 'total += loss' adds up losses" in done.stderr
