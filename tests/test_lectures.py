"""Scripts as lectures, homework and tutorials write them, run with PyTorch and with the import changed.

Each takes the modules as parameters and numbers drawn by NumPy, so that both start from the same values; what it
returns is compared.
"""

# ruff: noqa: RUF007, RUF059 - as lectures write
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gradwright


@dataclass
class Library:
    """What a script imports."""

    torch: Any
    nn: Any
    F: Any
    optim: Any


THEIRS = Library(torch, torch.nn, torch.nn.functional, torch.optim)
OURS = Library(gradwright, gradwright.nn, gradwright.nn.functional, gradwright.optim)

SCRIPTS: list[tuple[Callable[..., Any], tuple[str, ...]]] = []


def script(*later: str) -> Callable[[Any], Any]:
    """Add a script; ``later`` are the layers of `nn` that are not there yet, and without which it cannot run."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        SCRIPTS.append((function, later))
        return function

    return add


def plain(value: Any) -> Any:
    """Turn tensors into arrays, in whatever containers they come."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "detach"):
        return np.array(value.detach().numpy())
    return value


def agree(ours: Any, theirs: Any, path: str = "") -> None:
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), path
        for key in theirs:
            agree(ours[key], theirs[key], f"{path}.{key}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), path
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            agree(a, b, f"{path}[{i}]")
    elif isinstance(theirs, np.ndarray | float):
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype, path
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5, err_msg=path)
    else:
        assert ours == theirs, path


# --- scripts ----------------------------------------------------------------------------------------------------------
@script()
def one_neuron_by_hand(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch
    x1 = torch.Tensor([2.0]).double()
    x1.requires_grad = True
    x2 = torch.Tensor([0.0]).double()
    x2.requires_grad = True
    w1 = torch.Tensor([-3.0]).double()
    w1.requires_grad = True
    w2 = torch.Tensor([1.0]).double()
    w2.requires_grad = True
    b = torch.Tensor([6.8813735870195432]).double()
    b.requires_grad = True
    n = x1 * w1 + x2 * w2 + b
    o = torch.tanh(n)
    o.backward()
    # and by hand, against the chain rule and a finite difference
    do_dn = 1 - o.data.item() ** 2
    h = 1e-4
    with torch.no_grad():
        bumped = torch.tanh(x1 * (w1 + h) + x2 * w2 + b)
    slope = (bumped.item() - o.item()) / h
    assert abs(slope - w1.grad.item()) < 1e-3
    assert abs(do_dn * x1.item() - w1.grad.item()) < 1e-6
    return o, x1.grad.item(), x2.grad.item(), w1.grad.item(), w2.grad.item(), f"{o.item():.6f}"


@script()
def the_autograd_tutorial(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    z = y * y * 3
    out = z.mean()
    assert y.grad_fn is not None
    assert x.grad_fn is None
    out.backward()
    a = torch.tensor([2.0, 3.0], requires_grad=True)
    b = torch.tensor([6.0, 4.0], requires_grad=True)
    Q = 3 * a**3 - b**2
    external_grad = torch.tensor([1.0, 1.0])
    Q.backward(gradient=external_grad)
    assert bool((9 * a**2 == a.grad).numpy(force=True).all())
    v = torch.tensor(r.normal(size=3), dtype=torch.float, requires_grad=True)
    w = v * 2
    while float((w.data * w.data).sum()) < 1000:
        w = w * 2
    w.backward(torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float))
    c = torch.tensor(r.normal(size=(2, 2)), dtype=torch.float32)
    flags = [c.requires_grad]
    c = (c * 3) / (c - 1)
    flags.append(c.requires_grad)
    c.requires_grad_(True)
    flags += [c.requires_grad, (c * c).sum().requires_grad]
    with torch.no_grad():
        flags.append((x**2).requires_grad)
    d = x.detach()
    flags += [d.requires_grad, bool(x.eq(d).numpy().all())]
    return out, x.grad, a.grad, b.grad, v.grad, flags


@script()
def tensors_of_the_first_day(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch
    data = [[1, 2], [3, 4]]
    x_data = torch.tensor(data)
    x_np = torch.from_numpy(np.array(data))
    x_ones = torch.ones_like(x_data)
    x_rand = torch.rand_like(x_data, dtype=torch.float)
    assert x_rand.shape == (2, 2)
    shape = (2, 3)
    tensor = torch.zeros(shape)
    described = f"{tensor.dtype}".removeprefix("torch."), tuple(tensor.shape), f"{tensor.device}"
    t = torch.ones(4, 4)
    first, last = t[0], t[..., -1]
    y1 = t @ t.T
    y2 = t.matmul(t.T)
    z = t * (t + 1)
    agg = z.sum()
    agg_item = agg.item()
    t.add_(5)
    n = t.numpy()
    moved = t.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    return (
        x_data,
        x_np,
        x_ones,
        list(described),
        first * 1,
        last * 1,
        y1,
        y2,
        z,
        agg_item,
        type(agg_item).__name__,
        n,
        moved,
    )


@script()
def bigrams_by_counting(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch
    words = ["emma", "olivia", "ava", "isabella", "sophia", "mia"]
    chars = sorted(set("".join(words)))
    stoi = {s: i + 1 for i, s in enumerate(chars)}
    stoi["."] = 0
    itos = {i: s for s, i in stoi.items()}
    V = len(stoi)
    N = torch.zeros((V, V), dtype=torch.int32)
    for w in words:
        chs = [".", *w, "."]
        for ch1, ch2 in zip(chs, chs[1:], strict=False):
            N[stoi[ch1], stoi[ch2]] += 1
    P = (N + 1).float()
    P /= P.sum(1, keepdim=True)
    g = torch.Generator().manual_seed(2147483647)
    out, ix = [], 0
    for _ in range(50):
        p = P[ix]
        ix = torch.multinomial(p, num_samples=1, replacement=True, generator=g).item()
        out.append(itos[ix])
        if ix == 0:
            break
    assert out
    log_likelihood, n = 0.0, 0
    for w in words:
        chs = [".", *w, "."]
        for ch1, ch2 in zip(chs, chs[1:], strict=False):
            log_likelihood += torch.log(P[stoi[ch1], stoi[ch2]])
            n += 1
    nll = -log_likelihood
    return N, P, f"{nll=}"[:12], nll / n, f"{nll / n:.4f}"


@script()
def bigrams_by_a_network(lib: Library, r: np.random.Generator) -> Any:
    torch, F = lib.torch, lib.F
    xs = torch.tensor(r.integers(0, 27, 50))
    ys = torch.tensor(r.integers(0, 27, 50))
    num = xs.nelement()
    W = torch.tensor(r.normal(size=(27, 27)), dtype=torch.float32, requires_grad=True)
    losses = []
    for _ in range(20):
        xenc = F.one_hot(xs, num_classes=27).float()
        logits = xenc @ W
        counts = logits.exp()
        probs = counts / counts.sum(1, keepdim=True)
        loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()
        losses.append(loss.item())
        W.grad = None
        loss.backward()
        W.data += -50 * W.grad
    return losses, W, xenc.dtype == torch.float32


@script()
def a_character_mlp_with_an_embedding(lib: Library, r: np.random.Generator) -> Any:
    torch, F = lib.torch, lib.F
    X = torch.tensor(r.integers(0, 27, (60, 3)))
    Y = torch.tensor(r.integers(0, 27, 60))
    f32 = torch.float32
    C = torch.tensor(r.normal(size=(27, 2)), dtype=f32)
    W1 = torch.tensor(r.normal(size=(6, 20)) * 0.3, dtype=f32)
    b1 = torch.tensor(r.normal(size=20), dtype=f32)
    W2 = torch.tensor(r.normal(size=(20, 27)) * 0.1, dtype=f32)
    b2 = torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    total = sum(p.nelement() for p in parameters)
    for p in parameters:
        p.requires_grad = True
    lossi, picks = [], r.integers(0, 60, (30, 16))
    for i in range(30):
        ix = torch.tensor(picks[i])
        emb = C[X[ix]]
        h = torch.tanh(emb.view(-1, 6) @ W1 + b1)
        logits = h @ W2 + b2
        loss = F.cross_entropy(logits, Y[ix])
        for p in parameters:
            p.grad = None
        loss.backward()
        lr = 0.1 if i < 20 else 0.01
        for p in parameters:
            p.data += -lr * p.grad
        lossi.append(loss.log10().item() if hasattr(loss, "log10") else math.log10(loss.item()))
    return total, lossi, C, W1, b1, W2, b2


@script()
def cross_entropy_backwards_by_hand(lib: Library, r: np.random.Generator) -> Any:
    torch, F = lib.torch, lib.F
    n = 8
    Yb = torch.tensor(r.integers(0, 5, n))
    logits = torch.tensor(r.normal(size=(n, 5)), dtype=torch.float32, requires_grad=True)
    logit_maxes = logits.max(1, keepdim=True).values
    norm_logits = logits - logit_maxes
    counts = norm_logits.exp()
    counts_sum = counts.sum(1, keepdim=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[range(n), Yb].mean()
    for t in (logprobs, probs, counts, counts_sum, counts_sum_inv, norm_logits, logit_maxes):
        t.retain_grad()
    loss.backward()
    dlogprobs = torch.zeros_like(logprobs)
    with torch.no_grad():
        mask = F.one_hot(Yb, num_classes=5)
    dlogprobs = dlogprobs - mask / n
    dprobs = (1.0 / probs) * dlogprobs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts = counts_sum_inv * dprobs
    dcounts_sum = (-(counts_sum**-2)) * dcounts_sum_inv
    dcounts = dcounts + torch.ones_like(counts) * dcounts_sum
    dnorm_logits = counts * dcounts
    checks = []
    for mine, t in [
        (dlogprobs, logprobs), (dprobs, probs), (dcounts_sum_inv, counts_sum_inv), (dcounts_sum, counts_sum),
        (dcounts, counts), (dnorm_logits, norm_logits),
    ]:  # fmt: skip
        checks.append(torch.allclose(mine, t.grad, atol=1e-6))
        checks.append((mine - t.grad).abs().max().item() < 1e-6)
    dlogits = F.softmax(logits, 1).detach()
    fast = (dlogits - mask.float()) / n
    checks.append(torch.allclose(fast, logits.grad, atol=1e-6))
    return checks, logits.grad, logit_maxes.grad.shape == (n, 1)


@script()
def linear_regression_from_scratch(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch
    true_w = torch.tensor([2, -3.4])
    true_b = 4.2
    X = torch.tensor(r.normal(size=(100, 2)), dtype=torch.float32)
    y = torch.matmul(X, true_w) + true_b
    y += torch.tensor(r.normal(0, 0.01, y.shape), dtype=torch.float32)
    features, labels = X, y.reshape((-1, 1))
    order = r.permutation(100).tolist()

    def data_iter(batch_size: int, features: Any, labels: Any) -> Any:
        for i in range(0, len(features), batch_size):
            batch = torch.tensor(order[i : min(i + batch_size, len(features))])
            yield features[batch], labels[batch]

    w = torch.normal(0, 0.01, size=(2, 1), requires_grad=True)
    w.data.copy_(torch.tensor([[0.01], [-0.02]]))
    b = torch.zeros(1, requires_grad=True)

    def linreg(X: Any, w: Any, b: Any) -> Any:
        return torch.matmul(X, w) + b

    def squared_loss(y_hat: Any, y: Any) -> Any:
        return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2

    def sgd(params: Any, lr: float, batch_size: int) -> None:
        with torch.no_grad():
            for param in params:
                param -= lr * param.grad / batch_size
                param.grad.zero_()

    printed = []
    for epoch in range(3):
        for X, y in data_iter(10, features, labels):
            loss = squared_loss(linreg(X, w, b), y)
            loss.sum().backward()
            sgd([w, b], 0.03, 10)
        with torch.no_grad():
            train_l = squared_loss(linreg(features, w, b), labels)
            printed.append(f"epoch {epoch + 1}, loss {float(train_l.mean()):.3f}")
    return printed, true_w - w.reshape(true_w.shape), true_b - b, len(features)


@script()
def softmax_regression_from_scratch(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch
    W = torch.tensor(r.normal(0, 0.1, (10, 3)), dtype=torch.float32, requires_grad=True)
    b = torch.zeros(3, requires_grad=True)
    X = torch.tensor(r.normal(size=(30, 10)), dtype=torch.float32)
    y = torch.tensor(r.integers(0, 3, 30))

    def softmax(X: Any) -> Any:
        X_exp = torch.exp(X)
        partition = X_exp.sum(1, keepdim=True)
        return X_exp / partition

    def net(X: Any) -> Any:
        return softmax(torch.matmul(X.reshape((-1, W.shape[0])), W) + b)

    def cross_entropy(y_hat: Any, y: Any) -> Any:
        return -torch.log(y_hat[range(len(y_hat)), y])

    def accuracy(y_hat: Any, y: Any) -> float:
        if len(y_hat.shape) > 1 and y_hat.shape[1] > 1:
            y_hat = y_hat.argmax(axis=1) if lib is THEIRS else y_hat.argmax(1)
        cmp = y_hat.type(y.dtype) == y
        return float(cmp.type(y.dtype).sum())

    losses = []
    for _ in range(10):
        loss = cross_entropy(net(X), y)
        loss.mean().backward()
        losses.append(loss.sum().item())
        for p in (W, b):
            p.data -= 0.5 * p.grad
            p.grad.data.zero_()
    return losses, accuracy(net(X), y) / len(y), W, b


@script()
def two_layers_with_numpy_like_steps(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch
    dtype, device = torch.float, torch.device("cpu")
    N, D_in, H, D_out = 16, 20, 10, 4
    x = torch.tensor(r.normal(size=(N, D_in)), device=device, dtype=dtype)
    y = torch.tensor(r.normal(size=(N, D_out)), device=device, dtype=dtype)
    w1 = torch.tensor(r.normal(size=(D_in, H)), device=device, dtype=dtype)
    w2 = torch.tensor(r.normal(size=(H, D_out)), device=device, dtype=dtype)
    a1, a2 = w1.clone().requires_grad_(), w2.clone().requires_grad_()
    learning_rate, losses = 1e-4, []
    for _ in range(20):
        h = x.mm(w1)
        h_relu = h.clamp(min=0)
        y_pred = h_relu.mm(w2)
        loss = (y_pred - y).pow(2).sum().item()
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h_relu.t().mm(grad_y_pred)
        grad_h_relu = grad_y_pred.mm(w2.t())
        grad_h = grad_h_relu.clone()
        grad_h = grad_h * (h >= 0).to(dtype)
        grad_w1 = x.t().mm(grad_h)
        w1 -= learning_rate * grad_w1
        w2 -= learning_rate * grad_w2
        auto = (x.mm(a1).clamp(min=0).mm(a2) - y).pow(2).sum()
        auto.backward()
        losses.append((loss, auto.item()))
        with torch.no_grad():
            a1 -= learning_rate * a1.grad
            a2 -= learning_rate * a2.grad
            a1.grad.zero_()
            a2.grad.zero_()
    assert torch.allclose(w1, a1, atol=1e-4)
    return losses, w1, w2, a1, a2


@script()
def a_sine_by_a_polynomial(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch

    class LegendrePolynomial3(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, input: Any) -> Any:
            ctx.save_for_backward(input)
            return 0.5 * (5 * input**3 - 3 * input)

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            (input,) = ctx.saved_tensors
            return grad_output * 1.5 * (5 * input**2 - 1)

    dtype = torch.double
    x = torch.linspace(-math.pi, math.pi, 200, dtype=dtype)
    y = torch.sin(x)
    a = torch.full((), 0.0, dtype=dtype, requires_grad=True)
    b = torch.full((), -1.0, dtype=dtype, requires_grad=True)
    c = torch.full((), 0.0, dtype=dtype, requires_grad=True)
    d = torch.full((), 0.3, dtype=dtype, requires_grad=True)
    learning_rate, seen = 5e-5, []
    P3 = LegendrePolynomial3.apply
    for t in range(100):
        y_pred = a + b * P3(c + d * x)
        loss = (y_pred - y).pow(2).sum()
        if t % 20 == 19:
            seen.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for p in (a, b, c, d):
                p -= learning_rate * p.grad
                p.grad = None
    return seen, f"y = {b.item():.4f} * P3({d.item():.4f} x)", a.item(), c.item()


@script()
def a_module_with_parameters_of_its_own(lib: Library, r: np.random.Generator) -> Any:
    torch, nn, optim = lib.torch, lib.nn, lib.optim

    class Polynomial3(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Parameter(torch.zeros(()))
            self.b = nn.Parameter(torch.ones(()))
            self.c = nn.Parameter(torch.full((), 0.1))
            self.d = nn.Parameter(torch.full((), -0.1))

        def forward(self, x: Any) -> Any:
            return self.a + self.b * x + self.c * x**2 + self.d * x**3

        def string(self) -> str:
            return f"y = {self.a.item():.3f} + {self.b.item():.3f} x"

    x = torch.linspace(-math.pi, math.pi, 200)
    y = torch.sin(x)
    model = Polynomial3()
    criterion = nn.MSELoss(reduction="sum")
    optimizer = optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)
    losses = []
    for _ in range(50):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, model.string(), [name for name, _ in model.named_parameters()]


@script("LayerNorm", "Embedding", "ModuleList")
def a_small_transformer(lib: Library, r: np.random.Generator) -> Any:
    torch, nn, F = lib.torch, lib.nn, lib.F
    n_embd, block_size, vocab = 8, 6, 11

    class Head(nn.Module):
        def __init__(self, head_size: int) -> None:
            super().__init__()
            self.key = nn.Linear(n_embd, head_size, bias=False)
            self.query = nn.Linear(n_embd, head_size, bias=False)
            self.value = nn.Linear(n_embd, head_size, bias=False)
            self.register_buffer("tril", torch.tril(torch.ones(block_size, block_size)))
            self.dropout = nn.Dropout(0.0)

        def forward(self, x: Any) -> Any:
            B, T, C = x.shape
            k = self.key(x)
            q = self.query(x)
            wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
            wei = wei.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
            wei = F.softmax(wei, dim=-1)
            wei = self.dropout(wei)
            return wei @ self.value(x)

    class Block(nn.Module):
        def __init__(self, n_head: int) -> None:
            super().__init__()
            self.heads = nn.ModuleList([Head(n_embd // n_head) for _ in range(n_head)])
            self.proj = nn.Linear(n_embd, n_embd)
            self.ffwd = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.ReLU(), nn.Linear(4 * n_embd, n_embd))
            self.ln1 = nn.LayerNorm(n_embd)
            self.ln2 = nn.LayerNorm(n_embd)

        def forward(self, x: Any) -> Any:
            y = self.ln1(x)
            x = x + self.proj(torch.cat([h(y) for h in self.heads], dim=-1))
            return x + self.ffwd(self.ln2(x))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token_embedding_table = nn.Embedding(vocab, n_embd)
            self.position_embedding_table = nn.Embedding(block_size, n_embd)
            self.blocks = nn.Sequential(Block(2), Block(2))
            self.lm_head = nn.Linear(n_embd, vocab)

        def forward(self, idx: Any, targets: Any = None) -> Any:
            B, T = idx.shape
            x = self.token_embedding_table(idx) + self.position_embedding_table(torch.arange(T))
            logits = self.lm_head(self.blocks(x))
            if targets is None:
                return logits, None
            B, T, C = logits.shape
            return logits, F.cross_entropy(logits.view(B * T, C), targets.view(B * T))

        def generate(self, idx: Any, max_new_tokens: int) -> Any:
            for _ in range(max_new_tokens):
                logits, _ = self(idx[:, -block_size:])
                probs = F.softmax(logits[:, -1, :], dim=-1)
                idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
            return idx

    model = Model()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.tensor(r.normal(0, 0.3, tuple(p.shape)), dtype=torch.float32))
    data = torch.tensor(r.integers(0, vocab, 200), dtype=torch.long)
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for step in range(8):
        starts = [(step * 7 + i * 31) % 180 for i in range(4)]
        xb = torch.stack([data[i : i + block_size] for i in starts])
        yb = torch.stack([data[i + 1 : i + block_size + 1] for i in starts])
        logits, loss = model(xb, yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    generated = model.generate(torch.zeros((1, 1), dtype=torch.long), max_new_tokens=9)
    assert generated.shape == (1, 10)
    assert 0 <= min(generated[0].tolist()) <= max(generated[0].tolist()) < vocab
    return losses, sum(p.numel() for p in model.parameters()), list(model.state_dict())


@script()
def a_training_loop(lib: Library, r: np.random.Generator) -> Any:
    torch, nn, optim = lib.torch, lib.nn, lib.optim
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    if hasattr(net, "to"):
        net = net.to(device)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.tensor(r.normal(0, 0.4, tuple(p.shape)), dtype=torch.float32))
    inputs = torch.tensor(r.normal(size=(40, 4)), dtype=torch.float32)
    labels = torch.tensor(r.integers(0, 3, 40))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    printed = []
    net.train()
    for epoch in range(3):
        running_loss = 0.0
        for i in range(0, 40, 10):
            xb, yb = inputs[i : i + 10].to(device), labels[i : i + 10].to(device)
            optimizer.zero_grad()
            outputs = net(xb)
            loss = criterion(outputs, yb)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        printed.append(f"[{epoch + 1}] loss: {running_loss / 4:.3f}")
    net.eval()
    correct = total = 0
    with torch.no_grad():
        predicted = net(inputs).argmax(1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()
    state = {k: v.clone() for k, v in net.state_dict().items()}
    return printed, correct, total, state


@script()
def logistic_regression(lib: Library, r: np.random.Generator) -> Any:
    torch, nn = lib.torch, lib.nn
    X = torch.from_numpy(r.normal(size=(50, 2)).astype(np.float32))
    y = torch.from_numpy((r.uniform(size=50) > 0.4).astype(np.float32)).view(-1, 1)

    class Model(nn.Module):
        def __init__(self, n: int) -> None:
            super().__init__()
            self.linear = nn.Linear(n, 1)

        def forward(self, x: Any) -> Any:
            return torch.sigmoid(self.linear(x))

    n_samples, n_features = X.shape
    model = Model(n_features)
    with torch.no_grad():
        model.linear.weight.fill_(0.3)
        model.linear.bias.zero_()
    criterion = nn.BCELoss()
    optimizer = lib.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(30):
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        y_predicted_cls = (model(X) > 0.5).float()
        acc = (y_predicted_cls == y).float().mean()
    [w, b] = model.parameters()
    return loss, acc, w[0][0].item(), b, f"{acc:.4f}"


@script()
def hooks_and_kept_gradients(lib: Library, r: np.random.Generator) -> Any:
    torch, nn = lib.torch, lib.nn
    grads: dict[str, Any] = {}

    def save_grad(name: str) -> Callable[[Any], None]:
        def hook(grad: Any) -> None:
            grads[name] = grad

        return hook

    x = torch.tensor([[1.0, -2.0]], requires_grad=True)
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, -4.0]]))
        layer.bias.zero_()
    activations: dict[str, Any] = {}
    handle = layer.register_forward_hook(lambda m, i, o: activations.update(out=o.detach()))
    y = layer(x)
    z = y.relu()
    y.register_hook(save_grad("y"))
    z.retain_grad()
    h = z.register_hook(lambda grad: grad * 2)
    out = (z**2).sum()
    out.backward()
    handle.remove()
    h.remove()
    activations.clear()
    layer(x)
    return grads, z.grad, x.grad, layer.weight.grad, len(activations)


@script()
def a_relu_of_ones_own(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch

    class MyReLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, input: Any) -> Any:
            ctx.save_for_backward(input)
            return input.clamp(min=0)

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            (input,) = ctx.saved_tensors
            grad_input = grad_output.clone()
            return grad_input * (input >= 0).to(grad_input.dtype)

    f32 = torch.float32
    x = torch.tensor(r.normal(size=(16, 10)), dtype=f32)
    y = torch.tensor(r.normal(size=(16, 2)), dtype=f32)
    w1 = torch.tensor(r.normal(size=(10, 12)), dtype=f32, requires_grad=True)
    w2 = torch.tensor(r.normal(size=(12, 2)), dtype=f32, requires_grad=True)
    losses = []
    for _ in range(10):
        relu = MyReLU.apply
        y_pred = relu(x @ w1) @ w2
        loss = (y_pred - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            w1 -= 1e-4 * w1.grad
            w2 -= 1e-4 * w2.grad
            w1.grad.zero_()
            w2.grad.zero_()
    return losses, w1, w2


@script()
def a_recurrent_network_step_by_step(lib: Library, r: np.random.Generator) -> Any:
    torch, F = lib.torch, lib.F
    V, H = 6, 5

    def init(*shape: int) -> Any:
        return torch.tensor(r.normal(0, 0.3, shape), dtype=torch.float32, requires_grad=True)

    Wxh, Whh, Why, bh, by = init(V, H), init(H, H), init(H, V), init(H), init(V)
    text = torch.tensor(r.integers(0, V, 20))
    losses = []
    for _ in range(5):
        h, outputs = torch.zeros(1, H), []
        for t in range(len(text) - 1):
            x = F.one_hot(text[t : t + 1], num_classes=V).float()
            h = torch.tanh(x @ Wxh + h @ Whh + bh)
            outputs.append(h @ Why + by)
        loss = F.cross_entropy(torch.cat(outputs), text[1:])
        params = [Wxh, Whh, Why, bh, by]
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            for p, g in zip(params, grads, strict=True):
                p -= 0.5 * g.clamp_(-0.1, 0.1)
        losses.append(loss.item())
    states = torch.stack([o[0] for o in outputs])
    return losses, states, Wxh, Whh, Why, bh, by


@script()
def gradients_by_finite_differences(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch
    torch.set_default_dtype(torch.float64)
    try:
        x = torch.tensor(r.normal(size=4), requires_grad=True)

        def f(x: Any) -> Any:
            return (torch.sin(x) * x.exp()).sum() + (x[0] * x[1]).abs()

        (analytic,) = torch.autograd.grad(f(x), x)
        numeric, eps = [], 1e-6
        for i in range(len(x)):
            e = torch.eye(4)[i] * eps
            with torch.no_grad():
                numeric.append(((f(x + e) - f(x - e)) / (2 * eps)).item())
        assert torch.allclose(analytic, torch.tensor(numeric), atol=1e-6)
        (first,) = torch.autograd.grad(f(x), x, create_graph=True)
        hessian = [torch.autograd.grad(first[i], x, retain_graph=True)[0].tolist() for i in range(4)]
        return analytic, hessian
    finally:
        torch.set_default_dtype(torch.float32)


@script()
def a_walk_through_the_graph(lib: Library, r: np.random.Generator) -> Any:
    torch = lib.torch
    a = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(-3.0, requires_grad=True)
    c = torch.tensor(10.0)
    d = a * b + c
    L = d.tanh() * a

    def trace(fn: Any, depth: int = 0) -> list[tuple[int, bool]]:
        found = [(depth, hasattr(fn, "variable"))]
        for parent, _ in fn.next_functions:
            if parent is not None:
                found += trace(parent, depth + 1)
        return found

    tree = trace(L.grad_fn)
    L.backward()
    return [list(t) for t in tree], a.grad, b.grad, c.grad is None, L.is_leaf, a.is_leaf


# --- the runs ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("run", "later"), SCRIPTS, ids=[f.__name__ for f, _ in SCRIPTS])
def test_a_script_gives_what_pytorch_gives(run: Callable[..., Any], later: tuple[str, ...]):
    absent = [name for name in later if name not in gradwright.nn.__all__]
    if absent:
        pytest.skip(f"needs the layers {', '.join(absent)}, which come with the other layers")
    theirs = plain(run(THEIRS, np.random.default_rng(0)))
    ours = plain(run(OURS, np.random.default_rng(0)))
    agree(ours, theirs)


def test_scripts_import_as_they_did_before(tmp_path: Path):
    text = """
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch import Tensor
from torch.autograd import Function, grad
from torch.nn import Linear, Parameter

torch.manual_seed(0)
net = nn.Sequential(Linear(2, 3), nn.ReLU())
opt = optim.SGD(net.parameters(), lr=0.1)
loss = F.mse_loss(net(torch.randn(4, 2)), torch.zeros(4, 3))
loss.backward()
opt.step()
assert isinstance(loss, torch.Tensor) and isinstance(net[0].weight, Parameter) and isinstance(loss, Tensor)
print(f"{loss.item():.3f}", torch.__version__ != "")
"""
    for library in ("torch", "gradwright"):
        source = text.replace("import torch\n", f"import {library} as torch\n").replace(
            "import torch.", f"import {library}."
        )
        exec(compile(source.replace("from torch", f"from {library}"), library, "exec"), {})
