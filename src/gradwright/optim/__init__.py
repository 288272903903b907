"""Update rules, under PyTorch's names."""

from gradwright.optim.adam import Adam, AdamW
from gradwright.optim.optimizer import Optimizer
from gradwright.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
