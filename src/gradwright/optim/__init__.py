"""Update rules, under PyTorch's names."""

from gradwright.engine.missing import explained
from gradwright.optim import lr_scheduler
from gradwright.optim.adam import Adam, AdamW
from gradwright.optim.optimizer import Optimizer
from gradwright.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]

__getattr__ = explained("gradwright.optim", globals())
