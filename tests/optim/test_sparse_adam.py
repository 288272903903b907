"""Steps by row-sparse gradients: SparseAdam, and SGD as the plain rule that takes them, against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.engine.row_sparse import RowSparse
from gradwright.errors import ConfigError

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(7, 3))
NUMBERS = RNG.integers(0, 6, (100, 2, 4))  # row 6 is never looked up

CASES = [
    ("SparseAdam", {}),
    ("SparseAdam", {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-3, "maximize": True}),
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "maximize": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.01, "initial_accumulator_value": 0.2}),
]
each_case = pytest.mark.parametrize(("name", "options"), CASES, ids=str)


@pytest.fixture(autouse=True)
def _checked() -> Iterator[None]:
    """PyTorch warns until it is told whether to check its sparse tensors."""
    with torch.sparse.check_sparse_tensor_invariants(True):
        yield


def pair(padding_idx: int | None = None) -> tuple[nn.Embedding, torch.nn.Embedding]:
    """The same table twice, in float64."""
    ours = nn.Embedding.from_pretrained(gw.tensor(TABLE), freeze=False, padding_idx=padding_idx, sparse=True)
    theirs = torch.nn.Embedding.from_pretrained(torch.tensor(TABLE), freeze=False, padding_idx=padding_idx, sparse=True)
    return ours, theirs


def stepped(layer: Any, opt: Any) -> Callable[[Any], Any]:
    def step(index: Any) -> Any:
        opt.zero_grad()
        loss = (layer(index).sin() ** 2).sum()
        loss.backward()
        opt.step()
        return loss

    return step


def same(layer: nn.Embedding, oracle: torch.nn.Embedding, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(
        layer.weight.detach().numpy(), oracle.weight.detach().numpy(), rtol=tolerance, atol=tolerance
    )


# --- trajectories -----------------------------------------------------------------------------------------------------
@each_case
def test_100_steps_are_pytorchs_eager_and_compiled(name, options):
    theirs = pair(padding_idx=2)[1]
    expected = stepped(theirs, getattr(torch.optim, name)(theirs.parameters(), **options))
    runs = []
    for compiled in (False, True):
        layer = pair(padding_idx=2)[0]
        step = stepped(layer, getattr(optim, name)(layer.parameters(), **options))
        runs.append((layer, gw.compile(step) if compiled else step))
    for index in NUMBERS:
        loss = expected(torch.tensor(index)).item()
        for layer, step in runs:
            assert step(gw.tensor(index)).item() == pytest.approx(loss, rel=1e-10)
            same(layer, theirs)
    assert runs[1][1].traces == 1
    for layer, _ in runs:
        moved = np.abs(layer.weight.detach().numpy() - TABLE).max(1)
        assert (moved[[0, 1, 3, 4, 5]] > 1e-3).all()
        np.testing.assert_array_equal(layer.weight.detach().numpy()[[2, 6]], TABLE[[2, 6]])


def test_only_rows_with_a_gradient_change_in_the_table_and_in_the_averages():
    layer, _ = pair()
    opt = optim.SparseAdam(layer.parameters(), lr=0.1)
    step = stepped(layer, opt)
    step(gw.tensor([0, 1, 1, 4]))
    tensors = [layer.weight, *opt.state[layer.weight].values()]
    before = [t.detach().numpy() for t in tensors]
    step(gw.tensor([1, 3]))
    for t, old in zip(tensors, before, strict=True):
        new = t.detach().numpy()
        np.testing.assert_array_equal(new[[0, 2, 4, 5, 6]], old[[0, 2, 4, 5, 6]])
        assert (new[[1, 3]] != old[[1, 3]]).all()


def test_a_layer_of_rows_and_a_dense_layer_in_one_optimizer():
    table, oracle = pair()
    torch.manual_seed(0)
    out, t_out = nn.Linear(3, 2).double(), torch.nn.Linear(3, 2).double()
    out.load_state_dict({k: v.numpy() for k, v in t_out.state_dict().items()})
    ours = optim.SGD([*table.parameters(), *out.parameters()], lr=0.1)
    theirs = torch.optim.SGD([*oracle.parameters(), *t_out.parameters()], lr=0.1)
    a, b = stepped(lambda i: out(table(i)), ours), stepped(lambda i: t_out(oracle(i)), theirs)
    a = gw.compile(a, state=[table, out, ours])
    for index in NUMBERS[:10]:
        assert a(gw.tensor(index)).item() == pytest.approx(b(torch.tensor(index)).item(), rel=1e-10)
    same(table, oracle)
    np.testing.assert_allclose(out.weight.detach().numpy(), t_out.weight.detach().numpy(), rtol=1e-10)


def test_a_bag_trains_a_table_by_its_rows():
    ours = nn.EmbeddingBag.from_pretrained(gw.tensor(TABLE), freeze=False, sparse=True, mode="mean")
    theirs = torch.nn.EmbeddingBag.from_pretrained(torch.tensor(TABLE), freeze=False, sparse=True, mode="mean")
    a = stepped(ours, optim.SparseAdam(ours.parameters(), lr=0.05))
    b = stepped(theirs, torch.optim.SparseAdam(theirs.parameters(), lr=0.05))
    for index in NUMBERS[:20]:
        assert a(gw.tensor(index)).item() == pytest.approx(b(torch.tensor(index)).item(), rel=1e-10)
    same(ours, theirs)


# --- hyperparameters, groups, state -----------------------------------------------------------------------------------
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_groups_and_hyperparameters_that_change_between_steps(compiled):
    (a, x), (b, y) = pair(), pair()
    ours = optim.SparseAdam([{"params": a.parameters()}, {"params": b.parameters(), "lr": 0.05}], lr=0.01)
    theirs = torch.optim.SparseAdam([{"params": x.parameters()}, {"params": y.parameters(), "lr": 0.05}], lr=0.01)
    step = stepped(lambda i: a(i) + b(i[:1]), ours)
    step = gw.compile(step, state=[a, b, ours]) if compiled else step
    expected = stepped(lambda i: x(i) + y(i[:1]), theirs)
    for k, index in enumerate(NUMBERS[:20]):
        for opt in (ours, theirs):
            opt.param_groups[0].update(lr=0.01 / (k + 1), betas=(0.9 / (1 + 0.01 * k), 0.99), eps=1e-8 * (k + 1))
        assert step(gw.tensor(index)).item() == pytest.approx(expected(torch.tensor(index)).item(), rel=1e-10)
    same(a, x)
    same(b, y)
    if compiled:
        assert step.traces == 1


def test_steps_with_a_closure_without_rows_and_without_a_gradient():
    ours, theirs = pair()
    a, b = optim.SparseAdam(ours.parameters(), lr=0.05), torch.optim.SparseAdam(theirs.parameters(), lr=0.05)
    for rows in ([1, 1, 3], [], [1], None, [3]):
        for layer, opt, library in ((ours, a, gw), (theirs, b, torch)):

            def closure(layer: Any = layer, opt: Any = opt, library: Any = library, rows: Any = rows) -> Any:
                opt.zero_grad()
                if rows is None:
                    return None
                loss = (layer(library.tensor(np.array(rows, np.int64))) ** 2).sum()
                loss.backward()
                return loss

            opt.step(closure)
    same(ours, theirs)
    assert a.state_dict()["state"][0]["step"] == int(b.state_dict()["state"][0]["step"]) == 4


def test_state_is_pytorchs_and_goes_on_from_it():
    ours, theirs = pair()
    a, b = optim.SparseAdam(ours.parameters(), lr=0.05), torch.optim.SparseAdam(theirs.parameters(), lr=0.05)
    expected = stepped(theirs, b)
    for index in NUMBERS[:5]:
        expected(torch.tensor(index))
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    a.load_state_dict(b.state_dict())
    mine, other = a.state_dict(), b.state_dict()
    assert mine["param_groups"] == other["param_groups"]
    assert set(mine["state"][0]) == set(other["state"][0])
    step = stepped(ours, a)
    for index in NUMBERS[5:10]:
        assert step(gw.tensor(index)).item() == pytest.approx(expected(torch.tensor(index)).item(), rel=1e-10)
    same(ours, theirs)
    assert repr(a) == repr(b)


def test_float32_stays_float32():
    layer = pair()[0].float()
    opt = optim.SparseAdam(layer.parameters(), lr=0.05)
    for run in (stepped(layer, opt), gw.compile(stepped(layer, opt))):
        run(gw.tensor(NUMBERS[0]))
        assert layer.weight.dtype == np.float32
        assert all(slot.dtype == np.float32 for slot in opt.state[layer.weight].values())


# --- programs ---------------------------------------------------------------------------------------------------------
def test_a_population_trains_as_its_members_would_alone():
    def member(name, lr):
        layer = pair(padding_idx=2)[0]
        layers.append(layer)
        return stepped(layer, getattr(optim, name)(layer.parameters(), lr=lr))

    for name in ("SparseAdam", "SGD"):
        layers: list[nn.Embedding] = []
        members = [{"name": name, "lr": lr} for lr in (0.01, 0.05)]
        population = gw.Population(member, members, [0, 1])
        losses = population.scan(gw.tensor(NUMBERS[:20])).numpy()
        together, layers = layers, []
        for layer, arguments, found in zip(together, members, losses, strict=True):
            step = member(**arguments)
            np.testing.assert_allclose(found, [step(gw.tensor(i)).item() for i in NUMBERS[:20]], rtol=1e-10)
            np.testing.assert_allclose(
                layer.weight.detach().numpy(), layers[-1].weight.detach().numpy(), rtol=1e-10, atol=1e-10
            )
        assert not np.allclose(losses[0], losses[1])


def made(jaxpr: Any, shape: tuple[int, ...]) -> Iterator[str]:
    """Yield the name of each operation in a program, inner ones too, that makes an array of this shape."""
    for equation in jaxpr.eqns:
        inner = [j for v in equation.params.values() for j in (v if isinstance(v, tuple | list) else [v])]
        inner = [getattr(j, "jaxpr", j) for j in inner if hasattr(j, "eqns") or hasattr(j, "jaxpr")]
        for part in inner:
            yield from made(part, shape)
        if not inner and any(v.aval.shape == shape for v in equation.outvars):
            yield equation.primitive.name


def programs(step: Any) -> list[Any]:
    return [p.jaxpr.jaxpr for p in step._programs.values()]


@pytest.mark.parametrize(
    ("sparse", "name", "count"), [(True, "SparseAdam", 3), (True, "SGD", 1), (False, "Adam", None)]
)
def test_nothing_of_the_tables_size_is_made_but_by_scattering_rows(sparse, name, count):
    layer = nn.Embedding(50, 11, sparse=sparse, padding_idx=3)
    opt = getattr(optim, name)(layer.parameters(), lr=0.1)

    @gw.compile
    def step(index):
        opt.zero_grad()
        loss = (layer(index) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        opt.step()
        return loss

    step(gw.tensor(NUMBERS[0]))
    (program,) = programs(step)
    found = list(made(program, (50, 11)))
    if sparse:
        assert found == ["scatter"] * count
    else:
        assert len(set(found)) > 3, "the search finds what a dense gradient costs"


def test_eager_steps_write_only_rows():
    """The table and the averages stay in the same memory: nothing is copied that nobody else holds."""
    layer = nn.Embedding(50, 11, sparse=True)
    opt = optim.SparseAdam(layer.parameters())
    step = stepped(layer, opt)
    step(gw.tensor(NUMBERS[0]))
    tensors = [layer.weight, *opt.state[layer.weight].values()]
    places = [t._array.__array_interface__["data"] for t in tensors]
    kept = layer.weight.detach().numpy()
    for index in NUMBERS[1:4]:
        step(gw.tensor(index))
    assert [t._array.__array_interface__["data"] for t in tensors] == places
    assert (layer.weight.detach().numpy() != kept).any()


def test_scan_runs_the_same_steps():
    (layer, _), (other, _) = pair(), pair()
    a = gw.compile(stepped(layer, optim.SparseAdam(layer.parameters(), lr=0.05)))
    b = stepped(other, optim.SparseAdam(other.parameters(), lr=0.05))
    losses = a.scan(gw.tensor(NUMBERS[:10])).numpy()
    np.testing.assert_allclose(losses, [b(gw.tensor(i)).item() for i in NUMBERS[:10]], rtol=1e-10)


# --- what is refused --------------------------------------------------------------------------------------------------
def test_rules_that_need_all_rows_say_which_do_not():
    layer, _ = pair()
    layer.weight.name = "words"
    opt = optim.Adam(layer.parameters())
    layer(gw.tensor([1])).sum().backward()
    with pytest.raises(
        ConfigError, match=r"Adam: words of shape \(7, 3\) has a row-sparse gradient.* SGD, .*SparseAdam"
    ):
        opt.step()
    np.testing.assert_array_equal(layer.weight.detach().numpy(), TABLE)
    assert opt.state_dict()["state"][0]["step"] == 0
    assert isinstance(layer.weight.grad, RowSparse)


def test_sparse_adam_refuses_ordinary_gradients():
    (layer, _), w = pair(), gw.ones(2, requires_grad=True)
    opt = optim.SparseAdam([layer.weight, w])
    (layer(gw.tensor([1])).sum() + w.sum()).backward()
    with pytest.raises(ConfigError, match=r"parameter 1 of shape \(2,\) has an ordinary gradient.*sparse=True"):
        opt.step()
    np.testing.assert_array_equal(layer.weight.detach().numpy(), TABLE)


@pytest.mark.parametrize("options", [{"momentum": 0.9}, {"weight_decay": 0.1}], ids=str)
@pytest.mark.parametrize("how", ["eager", "compiled", "population"])
def test_sgd_refuses_what_would_move_all_rows(options, how):
    def member():
        layer, _ = pair()
        return stepped(layer, optim.SGD(layer.parameters(), lr=0.1, **options))

    (name,) = options
    index = gw.tensor(NUMBERS[0])
    run = {
        "eager": lambda: member()(index),
        "compiled": lambda: gw.compile(member())(index),
        "population": lambda: gw.Population(member, [{}], [0]).scan(index),
    }[how]
    with pytest.raises(ConfigError, match=f"SGD: .* but {name}={options[name]} would move other rows too"):
        run()


@pytest.mark.parametrize(("key", "value"), [("betas", (1.0, 0.9)), ("betas", (0.9, -0.1)), ("eps", -1), ("lr", -0.1)])
def test_hyperparameters_outside_their_range_are_named(key, value):
    with pytest.raises(ConfigError, match=f"SparseAdam: {key}"):
        optim.SparseAdam(pair()[0].parameters(), **{key: value})


# --- a rule of one's own ----------------------------------------------------------------------------------------------
class Signs(optim.Optimizer):
    """Steps of one length, and a count of them."""

    sparse: ClassVar[bool] = True

    def slots(self, group):
        return ("count",)

    def update(self, xp, p, g, slots, step, h):
        return (p - h["lr"] * xp.sign(g)).astype(p.dtype), {"count": slots["count"] + 1}


def test_a_rule_that_says_it_can_takes_rows():
    layer, _ = pair()
    opt = Signs(layer.parameters(), {"lr": 0.5})
    layer(gw.tensor([1, 4, 4])).sum().backward()
    opt.step()
    moved = TABLE.copy()
    moved[[1, 4]] -= 0.5
    np.testing.assert_allclose(layer.weight.detach().numpy(), moved, rtol=1e-14)
    assert opt.state[layer.weight]["count"].numpy()[:, 0].tolist() == [0, 1, 0, 0, 1, 0, 0]
