"""The loss of label sequences without alignment."""

from __future__ import annotations

from collections.abc import Sequence

from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.loss.base import Loss

__all__ = ["CTCLoss"]


class CTCLoss(Loss):
    """Minus the log-likelihood of label sequences, summed over all their alignments with the input.

    An alignment gives each time a class; without repetitions, and then without blanks, it is the label sequence.

    Parameters
    ----------
    blank : int
        The class of the blank.
    reduction : {"mean", "sum", "none"}
        "mean" divides each row's loss by the number of its labels before it averages.
    zero_infinity : bool
        Let a row whose labels do not fit into its length lose 0 instead of infinity.

    Raises
    ------
    IndexOutOfRangeError, ConfigError, ShapeError
        For a label without a class, a length that does not fit, or shapes that do not.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> log_probs = gw.zeros(3, 1, 2).log_softmax(-1)      # three times, one row, blank and one label
    >>> nn.CTCLoss()(log_probs, gw.tensor([[1]]), [3], [1])  # 6 of the 8 paths spell it
    tensor(0.2877)

    References
    ----------
    A. Graves et al., *Connectionist temporal classification* (ICML 2006), section 4.
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | Sequence[int],
        target_lengths: Tensor | Sequence[int],
    ) -> Tensor:
        """Return the loss of (T, N, C) or (T, C) log-probabilities against (N, S) or (Σ target_lengths,) labels."""
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
