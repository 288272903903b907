"""Norms of gradients, weights and updates, and that measuring them changes nothing."""

from __future__ import annotations

import numpy as np
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.train.norms import NORMS, layer_norms, norms_before


def test_norms_are_pytorchs():
    gw.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    model[2].bias.requires_grad_(False)
    other = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    other.load_state_dict({k: torch.tensor(v.numpy()) for k, v in model.state_dict().items()})
    opt = optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.1)
    theirs = torch.optim.Adam(list(other.parameters())[:3], lr=0.1)
    x = np.random.default_rng(0).standard_normal((8, 3)).astype("f")
    model(gw.tensor(x)).square().sum().backward()
    other(torch.tensor(x)).square().sum().backward()
    before, old = norms_before(list(model.parameters())), [p.detach().clone() for p in other.parameters()]
    opt.step()
    theirs.step()
    found = layer_norms(list(model.parameters()), before)
    expected = [
        [float(p.grad.norm()), float(o.norm()), float((p.detach() - o).norm())]
        for p, o in zip(other.parameters(), old, strict=True)
    ]
    expected[3][0] = 0.0  # no gradient here
    assert found.shape == (4, len(NORMS))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_sparse_gradients_have_norms():
    table = nn.Embedding(4, 2, sparse=True)
    table(gw.tensor([1, 1, 2])).sum().backward()
    before = norms_before([table.weight])
    np.testing.assert_allclose(layer_norms([table.weight], before).numpy()[0, [0, 2]], [np.sqrt(2 * 4 + 2 * 1), 0])


def test_an_epoch_whose_last_step_is_measured_gives_the_same_bits():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 16, 8)).astype("f"), rng.integers(0, 3, (4, 16))

    def trained(measured: bool):
        gw.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 20), nn.ReLU(), nn.Dropout(0.3), nn.Linear(20, 3))
        opt, parameters = optim.Adam(model.parameters(), lr=0.01), list(model.parameters())

        def step(x, y, measure):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            before = norms_before(parameters) if measure else None
            opt.step()
            return (loss.detach(), layer_norms(parameters, before)) if measure else (loss.detach(),)

        plain = gw.compile(lambda x, y: step(x, y, False), state=[model, opt])
        norms = None
        if measured:
            plain.scan(x[:3], y[:3])
            old = [p.detach().numpy() for p in parameters]
            last = gw.compile(lambda x, y: step(x, y, True), state=[model, opt])
            norms = last.scan(x[3:], y[3:])[1].numpy()[0]
            steps = [np.linalg.norm(p.detach().numpy() - o) for p, o in zip(parameters, old, strict=True)]
            np.testing.assert_allclose(norms[:, 2], steps, rtol=1e-4)
            np.testing.assert_allclose(norms[:, 1], [np.linalg.norm(o) for o in old], rtol=1e-5)
        else:
            plain.scan(x, y)
        return [p.detach().numpy() for p in parameters]

    for a, b in zip(trained(False), trained(True), strict=True):
        np.testing.assert_array_equal(a, b)
