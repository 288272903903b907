"""Mixed precision against PyTorch's on CPUs: dtypes, values, gradients, trajectories."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import func, nn, optim
from gradwright.errors import ConfigError, DeviceError

HALF = 2.0**-8  # bfloat16's rounding, relative


def tables(library):
    """Return calls by name, in the one library or the other, on the same numbers."""
    F = library.nn.functional
    rng = np.random.default_rng(0)

    def t(*shape, positive=False):
        values = rng.standard_normal(shape).astype("f")
        return library.tensor(np.abs(values) + 0.1 if positive else values)

    x, w, b, im = t(4, 6), t(5, 6), t(5), t(2, 3, 8, 8)
    sq, vol, seq, label = t(4, 4) + 4 * library.eye(4), t(2, 3, 4, 4, 4), t(2, 3, 8), library.tensor([0, 1, 2, 3])
    k1, k2, k3, kt, bil, sign = t(2, 3, 3), t(2, 3, 3, 3), t(2, 3, 2, 2, 2), t(3, 2, 3, 3), t(2, 6, 6), t(4, 6).sign()
    h, him, hvol = x.bfloat16(), im.bfloat16(), vol.bfloat16()
    p = t(4, 6, positive=True) / 8
    ones, zeros, six = library.ones(4, 6), library.zeros(6), library.ones(6)
    return {
        # in bfloat16
        "linear": lambda: F.linear(x, w, b), "linear without bias": lambda: F.linear(x, w),
        "linear of mixed": lambda: F.linear(h, w, b), "matmul": lambda: x @ w.T, "mm": lambda: library.mm(x, w.T),
        "bmm": lambda: library.bmm(im[0], im[1]), "addmm": lambda: library.addmm(library.zeros(4, 5), x, w.T),
        "addbmm": lambda: library.addbmm(library.zeros(8, 8), im[0], im[1]),
        "baddbmm": lambda: library.baddbmm(im[0], im[0], im[1]), "inner": lambda: library.inner(x, w),
        "einsum": lambda: library.einsum("ij,kj->ik", x, w), "vecdot": lambda: library.linalg.vecdot(x, x),
        "tensordot": lambda: library.tensordot(x, w, ([1], [1])),
        "multi_dot": lambda: library.linalg.multi_dot([x, w.T, w]),
        "matrix_power": lambda: library.linalg.matrix_power(sq, 2),
        "conv1d": lambda: F.conv1d(seq, k1), "conv2d": lambda: F.conv2d(im, k2, zeros[:2]),
        "conv3d": lambda: F.conv3d(vol, k3), "conv_transpose2d": lambda: F.conv_transpose2d(im, kt),
        "attention": lambda: F.scaled_dot_product_attention(im, im, im),
        "attention of mixed": lambda: F.scaled_dot_product_attention(him, im, im),
        "prelu": lambda: F.prelu(x, library.tensor([0.1])),
        # in what comes
        "mv": lambda: library.mv(x, x[0]), "dot": lambda: library.dot(x[0], x[1]),
        "addmv": lambda: library.addmv(library.zeros(4), x, x[0]), "outer": lambda: library.outer(x[0], x[1]),
        "bilinear": lambda: F.bilinear(x, x, bil), "kron": lambda: library.kron(x, x),
        "float64": lambda: x.double() @ x.double().T, "embedding": lambda: F.embedding(label, w),
        "softmax": lambda: F.softmax(h, 1), "log_softmax": lambda: F.log_softmax(h, 1), "sum": lambda: h.sum(),
        "mean": lambda: h.mean(), "var": lambda: h.var(), "exp": lambda: h.exp(), "square": lambda: h**2,
        "norm": lambda: library.linalg.vector_norm(h), "cumsum": lambda: h.cumsum(0),
        "logsumexp": lambda: h.logsumexp(0), "gelu": lambda: F.gelu(h), "times a number": lambda: h * 2.5,
        "layer_norm": lambda: F.layer_norm(h, (6,), six, zeros), "rms_norm": lambda: F.rms_norm(h, (6,)),
        "layer_norm of float32": lambda: F.layer_norm(x, (6,), six, zeros),
        "batch_norm": lambda: F.batch_norm(h, zeros.clone(), six.clone(), six, zeros, True),
        "group_norm": lambda: F.group_norm(him, 3, six[:3], zeros[:3]), "instance_norm": lambda: F.instance_norm(him),
        "cosine_similarity": lambda: F.cosine_similarity(h, h), "normalize": lambda: F.normalize(h),
        "max_pool2d": lambda: F.max_pool2d(him, 2), "avg_pool2d": lambda: F.avg_pool2d(him, 2),
        "adaptive_avg_pool2d": lambda: F.adaptive_avg_pool2d(him, 2), "pad": lambda: F.pad(him, (1, 1)),
        "interpolate": lambda: F.interpolate(him, scale_factor=2, mode="bilinear"),
        "gaussian_nll_loss": lambda: F.gaussian_nll_loss(h, h, p.bfloat16()),
        # in the wider of two
        "cat": lambda: library.cat([h, x]), "stack": lambda: library.stack([h, x]), "add": lambda: h + x,
        "where": lambda: library.where(x > 0, h, x), "times a zero-dimensional": lambda: h * library.tensor(2.0),
        # in float32
        "cross_entropy": lambda: F.cross_entropy(h, label), "nll_loss": lambda: F.nll_loss(h, label),
        "mse_loss": lambda: F.mse_loss(h, h * 2), "mse_loss of mixed": lambda: F.mse_loss(h, x * 2),
        "l1_loss": lambda: F.l1_loss(h, x * 2), "smooth_l1_loss": lambda: F.smooth_l1_loss(h, h * 2),
        "huber_loss": lambda: F.huber_loss(h, h * 2), "kl_div": lambda: F.kl_div(h, p, reduction="batchmean"),
        "bce with logits": lambda: F.binary_cross_entropy_with_logits(h, ones.bfloat16()),
        "bce": lambda: F.binary_cross_entropy(p.bfloat16(), ones), "poisson": lambda: F.poisson_nll_loss(h, p),
        "hinge_embedding": lambda: F.hinge_embedding_loss(h, sign), "soft_margin": lambda: F.soft_margin_loss(h, sign),
        "cosine_embedding": lambda: F.cosine_embedding_loss(h, h * 2, library.ones(4)),
        "margin_ranking": lambda: F.margin_ranking_loss(h, -h, ones),
        "triplet_margin": lambda: F.triplet_margin_loss(h, h + 1, h - 1),
        "multi_margin": lambda: F.multi_margin_loss(h, label),
        "multilabel_soft_margin": lambda: F.multilabel_soft_margin_loss(h, ones),
        "prod": lambda: h.prod(), "quantile": lambda: library.quantile(h, 0.5), "trace": lambda: sq.bfloat16().trace(),
        "cdist": lambda: library.cdist(h, h), "inv": lambda: library.linalg.inv(sq.bfloat16()),
        "avg_pool3d": lambda: F.avg_pool3d(hvol, 2), "max_pool3d": lambda: F.max_pool3d(hvol, 2),
        "adaptive_avg_pool3d": lambda: F.adaptive_avg_pool3d(hvol, 2),
        "reflection": lambda: F.pad(him, (1, 1, 1, 1), mode="reflect"),
        "local_response_norm": lambda: F.local_response_norm(him, 2),
    }  # fmt: skip


OURS, THEIRS = tables(gw), tables(torch)


@pytest.mark.parametrize("name", OURS)
def test_dtypes_and_values_are_pytorchs(name):
    with gw.autocast("cpu", dtype=gw.bfloat16):
        ours = OURS[name]()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        theirs = THEIRS[name]()
    assert f"torch.{ours.dtype}" == str(theirs.dtype)
    expected = theirs.detach().double().numpy()
    # each library rounds the inputs, and perhaps parts on the way
    np.testing.assert_allclose(ours.double().numpy(), expected, rtol=4 * HALF, atol=4 * HALF * np.abs(expected).max())


@pytest.mark.parametrize("name", ["linear", "conv2d", "attention", "layer_norm", "batch_norm", "softmax", "sum"])
def test_programs_give_what_eager_runs_give(name):
    call = OURS[name]
    with gw.autocast("cpu"):
        eager = call()
        compiled = gw.compile(lambda: call())()
    assert compiled.dtype == eager.dtype
    np.testing.assert_allclose(
        compiled.double().numpy(),
        eager.double().numpy(),
        rtol=2 * HALF,
        atol=2 * HALF * float(eager.float().abs().max()),
    )


def test_regions_nest_and_end():
    x = gw.ones(2, 2)
    dtypes = []
    with gw.autocast("cpu"):
        dtypes.append((x @ x).dtype.name)
        with gw.autocast("cpu", enabled=False):
            dtypes.append((x @ x).dtype.name)
            with gw.amp.autocast("cuda", dtype=gw.bfloat16):
                dtypes.append((x @ x).dtype.name)
        dtypes.append((x @ x).dtype.name)
        with pytest.raises(ZeroDivisionError), gw.autocast("cpu", enabled=False):
            raise ZeroDivisionError
        assert gw.is_autocast_enabled()
    dtypes.append((x @ x).dtype.name)
    assert dtypes == ["bfloat16", "float32", "bfloat16", "bfloat16", "float32"]
    assert not gw.is_autocast_enabled()

    @gw.autocast("cpu")
    def product(x: gw.Tensor) -> gw.Tensor:
        """Square."""
        return x @ x

    assert product(x).dtype == gw.bfloat16
    assert product.__doc__ == "Square."


def test_what_is_refused():
    with pytest.raises(ConfigError, match=r"must be gradwright.bfloat16, got float16; float16 would need"):
        gw.autocast("cpu", dtype=gw.float16)
    with pytest.raises(ConfigError, match="got float64"):
        gw.autocast("cpu", gw.float64)
    gw.autocast("cpu", gw.float16, enabled=False)
    with pytest.raises(DeviceError):
        gw.autocast("gpu")


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.back = nn.Linear(36, 3)

    def forward(self, x: gw.Tensor) -> gw.Tensor:
        return self.back(self.front(x))


def theirs_like(model: nn.Module) -> torch.nn.Module:
    other = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(36, 3),
    )  # fmt: skip
    names = [name.replace("front.", "").replace("back.", "5.") for name in model.state_dict()]
    values = [torch.tensor(np.array(v.numpy())) for v in model.state_dict().values()]
    other.load_state_dict(dict(zip(names, values, strict=True)))
    return other


def trained(how: str, steps: int = 12):
    """Train by momentum; return losses, weights and gradients' dtypes."""
    gw.manual_seed(0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((steps, 32, 1, 8, 8)).astype("f")
    y = (x.mean((2, 3, 4)) * 20).round().clip(-1, 1).astype("int64") + 1
    model = Small()
    if how == "torch":
        other = theirs_like(model)
        opt = torch.optim.SGD(other.parameters(), lr=0.05, momentum=0.9)
        losses = []
        for a, b in zip(torch.tensor(x), torch.tensor(y), strict=True):
            opt.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(other(a), b)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        return np.array(losses), [v.detach().numpy() for v in other.state_dict().values()]
    opt, criterion = optim.SGD(model.parameters(), lr=0.05, momentum=0.9), nn.CrossEntropyLoss()

    def step(x: gw.Tensor, y: gw.Tensor) -> gw.Tensor:
        opt.zero_grad()
        with gw.autocast("cpu", enabled=how != "float32"):
            loss = criterion(model(x), y)
        loss.backward()
        assert all(p.grad.dtype == p.dtype == gw.float32 for p in model.parameters())
        opt.step()
        return loss.detach()

    if how == "compiled":
        program = gw.compile(step)
        losses = program.scan(x, y).numpy()
        assert program.traces == 1
    else:
        losses = np.array([step(gw.tensor(a), gw.tensor(b)).item() for a, b in zip(x, y, strict=True)])
    return losses, [v.numpy() for v in model.state_dict().values()]


def far(a, b) -> float:
    """Say how far weights are from others, relatively."""
    gap = np.sqrt(sum(np.sum((x.astype("d") - y) ** 2) for x, y in zip(a, b, strict=True)))
    return float(gap / np.sqrt(sum(np.sum(y.astype("d") ** 2) for y in b)))


def test_training_stays_as_close_to_float32s_as_pytorchs():
    eager, compiled, theirs, plain = (trained(how) for how in ("eager", "compiled", "torch", "float32"))
    pytorchs = far(theirs[1], plain[1])
    assert 0 < far(eager[1], plain[1]) < 1.5 * pytorchs < 0.05
    assert 0 < far(compiled[1], plain[1]) < 1.5 * pytorchs
    for losses, _ in (eager, compiled, theirs):
        np.testing.assert_allclose(losses, plain[0], atol=0.02)
    assert plain[0][-1] < plain[0][0]
    assert {a.dtype.name for a in eager[1]} == {"float32", "int64"}  # weights and running statistics


def test_a_population_is_trained_in_lower_precision():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 8, 3)).astype("f")

    def member(lr: float):
        model = nn.Linear(3, 1)
        opt = optim.SGD(model.parameters(), lr=lr)

        def step(x: gw.Tensor) -> gw.Tensor:
            opt.zero_grad()
            with gw.autocast("cpu"):
                y = model(x)
                loss = nn.functional.mse_loss(y, x.sum(1, keepdim=True))
            loss.backward()
            opt.step()
            assert y.dtype == gw.bfloat16
            return loss.detach()

        return step

    together = gw.Population(member, [{"lr": 0.05}, {"lr": 0.1}], seeds=[0, 0]).scan(x).numpy()
    for lr, losses in zip((0.05, 0.1), together, strict=True):
        gw.manual_seed(0)
        step = member(lr)
        alone = [step(gw.tensor(batch)).item() for batch in x]
        np.testing.assert_allclose(losses, alone, rtol=0.02)


def test_a_program_belongs_to_the_precision_it_was_traced_in():
    model = nn.Linear(2, 2)
    program = gw.compile(lambda x: model(x))
    x = gw.ones(1, 2)
    with gw.autocast("cpu"):
        assert program(x).dtype == gw.bfloat16
    assert program(x).dtype == gw.float32
    assert program.traces == 2


LAYERS = [(nn.RNN, False), (nn.GRU, False), (nn.LSTM, False), (partial(nn.LSTM, proj_size=2), False), (nn.GRU, True)]


@pytest.mark.parametrize(("layer", "compiled"), LAYERS)
def test_recurrent_layers(layer, compiled):
    gw.manual_seed(0)
    model = layer(3, 4)
    x = gw.randn(5, 2, 3)

    def run(precise: bool) -> gw.Tensor:
        model.zero_grad()
        with gw.autocast("cpu", enabled=not precise):
            y, _ = model(x)
        y.sum().backward()
        return y.detach()

    step = gw.compile(run) if compiled else run
    y, wanted = step(False), run(True)
    assert y.dtype == gw.float32
    np.testing.assert_allclose(y.numpy(), wanted.numpy(), atol=0.02)
    step(False)
    got = [p.grad.numpy() for p in model.parameters()]
    run(True)
    for a, p in zip(got, model.parameters(), strict=True):
        np.testing.assert_allclose(a, p.grad.numpy(), atol=0.02 * max(1, np.abs(a).max()))


def test_attention_layers():
    gw.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    x = gw.randn(2, 5, 8)
    with gw.autocast("cpu"):
        y = layer(x)
    y.float().sum().backward()
    np.testing.assert_allclose(y.detach().float().numpy(), layer(x).detach().numpy(), atol=0.1)
    assert all(p.grad.dtype == gw.float32 for p in layer.parameters())


def test_what_runs_once_more_on_the_way_back_runs_in_the_same_precision():
    w = gw.randn(3, 3, requires_grad=True)
    seen = []

    def f(x: gw.Tensor) -> gw.Tensor:
        y = x @ w
        seen.append(y.dtype.name)
        return y

    with gw.autocast("cpu"):
        y = func.checkpoint(f, gw.ones(2, 3))
        z = func.vmap(lambda x: x @ w)(gw.ones(2, 3))
    (y.sum() + z.sum()).backward()
    assert set(seen) == {"bfloat16"}
    assert w.grad.dtype == gw.float32


def test_second_derivatives_and_forward_mode():
    w = gw.tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True)
    x = gw.tensor([[1.0, 2.0]], requires_grad=True)
    with gw.autocast("cpu"):
        y = ((x @ w) ** 2).sum()
    (slope,) = gw.autograd.grad(y, [x], create_graph=True)
    (slope**2).sum().backward()
    exact = gw.tensor(w.detach().numpy(), requires_grad=True)
    plain = gw.tensor(x.detach().numpy(), requires_grad=True)
    (wanted,) = gw.autograd.grad(((plain @ exact) ** 2).sum(), [plain], create_graph=True)
    (wanted**2).sum().backward()
    assert slope.dtype == w.grad.dtype == gw.float32
    np.testing.assert_allclose(w.grad.numpy(), exact.grad.numpy(), rtol=0.03)
    with gw.autocast("cpu"):
        value, tangent = func.jvp(lambda x: x @ w.detach(), (x.detach(),), (gw.ones(1, 2),))
    assert value.dtype == tangent.dtype == gw.bfloat16
    np.testing.assert_allclose(tangent.float().numpy(), [[2.5, -0.75]])


def test_statistics_of_a_batch_are_those_of_float32():
    x = gw.randn(64, 3).bfloat16()
    norm = nn.BatchNorm1d(3, momentum=1.0)
    with gw.autocast("cpu"):
        y = norm(x)
    assert y.dtype == gw.bfloat16
    exact = x.double().numpy()
    np.testing.assert_allclose(norm.running_mean.numpy(), exact.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(norm.running_var.numpy(), exact.var(0, ddof=1), rtol=1e-5)


def test_a_network_that_is_all_bfloat16_keeps_its_statistics():
    norm = nn.BatchNorm1d(3).bfloat16()
    norm(gw.randn(64, 3).bfloat16() + 3)
    assert norm.running_mean.dtype == gw.bfloat16
    assert (norm.running_mean.float() > 0.2).all()


def test_sums_of_bfloat16_keep_their_digits():
    assert gw.ones(1000).bfloat16().sum().item() == 1000
    assert gw.full((1000,), 0.5).bfloat16().cumsum(0)[-1].item() == 500
