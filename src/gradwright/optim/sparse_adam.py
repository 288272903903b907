"""Adam for row-sparse gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.optim.optimizer import Optimizer, same_dtype, steps_taken

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam on the rows that have a gradient; all others, and their averages, stay as they are.

    Equations, for each row r of the gradient G, t counting the steps of the whole parameter:
    m_r ← β₁m_r + (1 - β₁)G_r; v_r ← β₂v_r + (1 - β₂)G_r²;
    θ_r ← θ_r - γ · [sqrt(1 - β₂ᵗ) / (1 - β₁ᵗ)] · m_r / ( sqrt(v_r) + ε ).
    Unlike :class:`Adam`'s, ε is added before the bias correction; and a row that is seldom looked up keeps the momentum
    it had. So it is not Adam with zeros left out, but what is meant for large tables of which a batch uses few rows.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
        With row-sparse gradients, as ``nn.Embedding(…, sparse=True)`` has.
    lr : float >= 0
        γ, the learning rate.
    betas : (float, float), each in [0, 1)
        β₁ and β₂, the decay of the averages.
    eps : float >= 0
        ε.
    maximize : bool
        Step with the gradient instead.

    Raises
    ------
    ConfigError
        In ``step``, for a parameter with an ordinary gradient.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> table = nn.Embedding.from_pretrained(gw.ones(4, 2), freeze=False, sparse=True)
    >>> opt = gw.optim.SparseAdam(table.parameters(), lr=0.1)
    >>> table(gw.tensor([2, 2])).sum().backward(); opt.step(); table.weight.detach()
    tensor([[1.0000, 1.0000],
            [1.0000, 1.0000],
            [0.9000, 0.9000],
            [1.0000, 1.0000]])

    References
    ----------
    D. P. Kingma and J. Ba, *Adam* (ICLR 2015), the reordered form at the end of section 2. PyTorch's SparseAdam.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "betas", "eps")
    below_one: ClassVar[tuple[str, ...]] = ("betas",)
    sparse: ClassVar[bool] = True
    dense: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "eps": eps, "maximize": maximize})

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the two averages."""
        return ("exp_avg", "exp_avg_sq")

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Return γ · sqrt(1 - β₂ᵗ) / (1 - β₁ᵗ)."""
        beta1, beta2 = h["betas"]
        count = steps_taken(xp, count)
        return {"size": h["lr"] * xp.sqrt(1 - beta2**count) / (1 - beta1**count)}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new rows of the parameter and of the averages."""
        beta1, beta2 = h["betas"]
        if h["maximize"]:
            g = -g
        m = slots["exp_avg"] + (1 - beta1) * (g - slots["exp_avg"])
        v = slots["exp_avg_sq"] + (1 - beta2) * (g * g - slots["exp_avg_sq"])
        new = p - step["size"].astype(p.dtype) * m / (xp.sqrt(v) + h["eps"])
        return same_dtype(new, p), {"exp_avg": same_dtype(m, p), "exp_avg_sq": same_dtype(v, p)}
