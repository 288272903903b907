"""The gradient of a batch in parts is the whole batch's."""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, IndexOutOfRangeError, ShapeError
from gradwright.train.accumulation import accumulated

ROWS = 23  # in 5 parts: 5 + 5 + 5 + 5 + 3


def data(kind):
    rng = np.random.default_rng(0)
    x = gw.tensor(rng.standard_normal((ROWS, 6)))
    labels = rng.integers(0, 4, ROWS)
    if kind == "ignored":
        labels[:7] = 9  # the whole first part, and more
    y = {
        "labels": labels,
        "ignored": labels,
        "numbers": rng.standard_normal((ROWS, 4)),
        "signs": rng.choice([-1.0, 1.0], (ROWS, 4)),
        "truth": rng.integers(0, 2, (ROWS, 4)).astype("d"),
        "shares": rng.dirichlet(np.ones(4), ROWS),
        "places": rng.integers(0, 2, (ROWS, 2)),
    }[kind]
    return x, gw.tensor(y)


WEIGHT = gw.tensor([0.1, 2.0, 1.0, 7.0], dtype=gw.float64)
CASES = {
    "labels": (lambda: nn.CrossEntropyLoss(), "labels"),
    "weights": (lambda: nn.CrossEntropyLoss(weight=WEIGHT), "labels"),
    "ignored": (lambda: nn.CrossEntropyLoss(ignore_index=9), "ignored"),
    "all of it": (lambda: nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=9, label_smoothing=0.1), "ignored"),
    "sum": (lambda: nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=9, reduction="sum"), "ignored"),
    "probabilities": (lambda: nn.CrossEntropyLoss(weight=WEIGHT), "shares"),
    "log-probabilities": (lambda: nn.NLLLoss(WEIGHT, ignore_index=9), "ignored"),
    "each place": (lambda: nn.CrossEntropyLoss(weight=WEIGHT[:2]), "places"),
    "pos_weight": (lambda: nn.BCEWithLogitsLoss(pos_weight=WEIGHT, weight=WEIGHT), "truth"),
    "squares": (lambda: nn.MSELoss(), "numbers"),
    "sum of squares": (lambda: nn.MSELoss(reduction="sum"), "numbers"),
    "absolute": (lambda: nn.L1Loss(), "numbers"),
    "huber": (lambda: nn.HuberLoss(), "numbers"),
    "margin": (lambda: nn.MultiMarginLoss(weight=WEIGHT), "labels"),
    "soft margin": (lambda: nn.SoftMarginLoss(), "signs"),
    "batchmean": (lambda: nn.KLDivLoss(reduction="batchmean"), "shares"),
    "one's own": (lambda: lambda output, y: ((output - y) ** 4).sum(1).mean(), "numbers"),
}


def network() -> nn.Sequential:
    gw.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4)).double()


@pytest.mark.parametrize("parts", [1, 2, 5, ROWS])
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_the_whole_batchs(name, parts):
    make, kind = CASES[name]
    (x, y), criterion, model = data(kind), make(), network()
    if kind == "places":  # two places a row, of two classes
        model.append(nn.Unflatten(1, (2, 2)))
    wanted = criterion(model(x), y)
    wanted.backward()
    expected = [p.grad.numpy() for p in model.parameters()]
    model.zero_grad()
    output, loss = accumulated(model, criterion, x, y, parts)
    np.testing.assert_allclose(loss.item(), wanted.item(), rtol=1e-12)
    np.testing.assert_allclose(output.numpy(), model(x).detach().numpy(), rtol=1e-12, atol=1e-14)
    assert not output.requires_grad
    assert not loss.requires_grad
    for p, e in zip(model.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), e, rtol=1e-12, atol=1e-12 * np.abs(e).max())
    assert getattr(criterion, "reduction", "mean") == getattr(make(), "reduction", "mean")


def test_steps_compiled_in_parts_are_those_of_whole_batches():
    x, y = data("ignored")
    results = []
    for parts in (1, 4):
        model, criterion = network(), nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=9)
        opt = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        @gw.compile
        def step(x: gw.Tensor, y: gw.Tensor) -> tuple[gw.Tensor, gw.Tensor]:
            opt.zero_grad()  # noqa: B023
            found = accumulated(model, criterion, x, y, parts)  # noqa: B023
            opt.step()  # noqa: B023
            return found

        outputs, losses = step.scan(gw.stack([x, x]), gw.stack([y, y]))
        results.append([outputs.numpy(), losses.numpy(), *(p.detach().numpy() for p in model.parameters())])
    for whole, in_parts in zip(*results, strict=True):
        np.testing.assert_allclose(in_parts, whole, rtol=1e-12, atol=1e-13)


def test_a_compiled_loop_carries_statistics_and_the_random_stream():
    x, y = data("labels")
    results = []
    for compiled in (False, True):
        gw.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4)).double()
        criterion = nn.CrossEntropyLoss()

        def step(x: gw.Tensor, y: gw.Tensor) -> gw.Tensor:
            model.zero_grad()  # noqa: B023
            return accumulated(model, criterion, x, y, 5)[1]  # noqa: B023

        step = gw.compile(step) if compiled else step
        losses = [step(x, y).item() for _ in range(2)]
        results.append([np.array(losses), *(t.numpy() for t in model.state_dict().values())])
        results[-1] += [p.grad.numpy() for p in model.parameters()]
    for eager, program in zip(*results, strict=True):
        np.testing.assert_allclose(program, eager, rtol=1e-10, atol=1e-13)
    with pytest.raises(IndexOutOfRangeError, match="row 3 is 7"):
        step(x, gw.where(gw.arange(ROWS) == 3, 7, y))


def test_row_sparse_gradients_are_accumulated_without_a_loop():
    rows, y = gw.tensor([[0, 1], [1, 2], [2, 0], [3, 3]]), gw.tensor([0, 1, 0, 1])
    tables = []
    for parts in (1, 2):
        gw.manual_seed(0)
        table = nn.Embedding(5, 2, sparse=True)
        opt = optim.SGD(table.parameters(), lr=1.0)

        @gw.compile
        def step(x: gw.Tensor, y: gw.Tensor) -> gw.Tensor:
            opt.zero_grad()  # noqa: B023
            loss = accumulated(lambda x: table(x).sum(1), nn.CrossEntropyLoss(), x, y, parts)[1]  # noqa: B023
            opt.step()  # noqa: B023
            return loss

        step(rows, y)
        tables.append(table.weight.detach().numpy())
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-6)


def test_a_program_keeps_the_activations_of_one_part():
    needed = []
    for parts in (1, 8):
        model, criterion = nn.Sequential(*[nn.Linear(32, 32) for _ in range(3)]), nn.MSELoss()

        @gw.compile
        def step(x: gw.Tensor, y: gw.Tensor) -> gw.Tensor:
            model.zero_grad()  # noqa: B023
            return accumulated(model, criterion, x, y, parts)[1]  # noqa: B023

        step(gw.ones(512, 32), gw.zeros(512, 32))
        (program,) = step._compiled.values()
        needed.append(program.memory_analysis().temp_size_in_bytes)
    assert needed[1] < needed[0] / 2


def test_dropout_draws_for_each_part():
    model = nn.Sequential(nn.Dropout(0.5))
    w = gw.ones(1, requires_grad=True)
    output, _ = accumulated(lambda x: model(x) * w, nn.MSELoss(), gw.ones(8, 50), gw.zeros(8, 50), 2)
    kept = output.numpy() != 0
    assert 0.3 < kept.mean() < 0.7
    assert not np.array_equal(kept[:4], kept[4:])


def test_gradients_are_added_to_those_there():
    x, y = data("numbers")
    model = network()
    nn.MSELoss()(model(x), y).backward()
    once = [p.grad.numpy() for p in model.parameters()]
    accumulated(model, nn.MSELoss(), x, y, 3)
    for p, g in zip(model.parameters(), once, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), 2 * g, rtol=1e-12, atol=1e-15)


def test_what_is_refused():
    x, y = data("labels")
    model = network()
    with pytest.raises(ConfigError, match="whole number above 0, got 0"):
        accumulated(model, nn.MSELoss(), x, y, 0)
    with pytest.raises(ShapeError, match="same number of rows"):
        accumulated(model, nn.MSELoss(), x, y[:4], 2)
    with pytest.raises(ConfigError, match="not 'none'"):
        accumulated(model, nn.CrossEntropyLoss(reduction="none"), x, y, 2)
    with pytest.raises(ConfigError, match="a row for each of the batch"):
        accumulated(model, nn.BCEWithLogitsLoss(weight=gw.ones(ROWS, 4)), x, data("truth")[1], 2)
    with pytest.raises(IndexOutOfRangeError, match="all 23 targets are 9"):
        accumulated(model, nn.CrossEntropyLoss(ignore_index=9), x, gw.full((ROWS,), 9), 2)
    bad = y.clone()
    bad[22] = 4
    with pytest.raises(IndexOutOfRangeError, match="row 22 is 4"):
        accumulated(model, nn.CrossEntropyLoss(), x, bad, 2)
    assert all(p.grad is None for p in model.parameters())
