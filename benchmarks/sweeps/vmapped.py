"""PyTorch's ``torch.func``: all members' modules as one, by ``vmap`` over stacked parameters."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from sweeps.jobs import Job, Trained, stacked

__all__ = ["torch_vmap"]


def torch_vmap(job: Job, threads: int, device: str = "cpu") -> Callable[[], Trained]:
    """One vmapped gradient a step, and Adam on the stacked parameters with a rate and a decay for each member."""
    import torch
    from torch import nn
    from torch.func import functional_call, grad_and_value, vmap

    torch.set_num_threads(threads)

    class Dropout(nn.Module):
        """Dropout whose rate is a tensor, so that each member has its own."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("p", torch.zeros(()))

        def forward(self, x: Any) -> Any:
            """Drop, and scale the rest."""
            return x * ((torch.rand_like(x) >= self.p) / (1 - self.p))

    layers: list[Any] = []
    for a, b in pairwise(job.sizes):
        layers += [nn.Linear(a, b), nn.ReLU()] + ([Dropout()] if job.drops else [])
    model = nn.Sequential(*layers[: -2 if job.drops else -1])
    judged = nn.Sequential(*[m if not isinstance(m, Dropout) else nn.Identity() for m in model])
    names = [name for name, _ in model.named_parameters()]
    rates = torch.from_numpy(job.column("dropout")).to(device)
    buffers = {name: rates for name, _ in model.named_buffers()}
    criterion = nn.CrossEntropyLoss()

    def loss_of(params: dict[str, Any], buffers: dict[str, Any], x: Any, y: Any) -> Any:
        return criterion(functional_call(model, (params, buffers), (x,)), y)

    own = None if job.shared else 0
    gradients = vmap(grad_and_value(loss_of), in_dims=(0, 0, own, own), randomness="different")
    outputs = vmap(lambda params, x: functional_call(judged, params, (x,)), in_dims=(0, own))
    x, y = torch.from_numpy(job.x).to(device), torch.from_numpy(job.y).to(device)
    everyone = [0] if job.shared else list(range(len(job)))
    order = np.stack([job.order(k) for k in everyone], 2)  # (epochs, steps, members, batch)
    order = torch.from_numpy(order[:, :, 0] if job.shared else order).to(device)
    held = np.stack([job.validation(k) for k in everyone])
    held = torch.from_numpy(held[0] if job.shared else held).to(device)
    held_x, held_y = x[held], y[held]
    weights = [torch.from_numpy(w).to(device) for w in stacked([job.weights(k) for k in range(len(job))])]
    shapes = [(-1, *[1] * (w.ndim - 1)) for w in weights]
    lr, decay = (torch.from_numpy(job.column(name)).to(device) for name in ("lr", "weight_decay"))
    decays = [decay.view(shape) for shape in shapes]
    beta1, beta2, eps = 0.9, 0.999, 1e-8

    def run() -> Trained:
        torch.manual_seed(0)
        values = [w.clone() for w in weights]
        params = dict(zip(names, values, strict=True))
        first, second = ([torch.zeros_like(w) for w in values] for _ in range(2))
        losses, accuracies, t = [], [], 0
        for rows in order:
            found = []
            for batch_x, batch_y in zip(x[rows], y[rows], strict=True):
                grads, loss = gradients(params, buffers, batch_x, batch_y)
                t += 1
                rate, root = lr / (1 - beta1**t), (1 - beta2**t) ** 0.5
                with torch.no_grad():
                    for p, name, m, v, d, shape in zip(values, names, first, second, decays, shapes, strict=True):
                        g = torch.addcmul(grads[name], p, d)
                        m.lerp_(g, 1 - beta1)
                        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
                        p.sub_(m.mul(rate.view(shape)).div_(v.sqrt().div_(root).add_(eps)))
                found.append(loss.detach())
            with torch.no_grad():
                accuracies.append((outputs(params, held_x).argmax(-1) == held_y).float().mean(-1))
            losses.append(torch.stack(found).mean(0))
        return Trained(torch.stack(losses, 1).cpu().numpy(), torch.stack(accuracies, 1).cpu().numpy())

    return run
