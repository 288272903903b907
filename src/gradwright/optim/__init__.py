"""Update rules, under PyTorch's names."""

from gradwright.engine.missing import explained
from gradwright.optim import lr_scheduler
from gradwright.optim.adam import Adam, AdamW
from gradwright.optim.optimizer import Optimizer
from gradwright.optim.sgd import SGD
from gradwright.optim.sparse_adam import SparseAdam

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Optimizer",
    "lr_scheduler",
]
__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Optimizer",
    "SparseAdam",
]

__getattr__ = explained("gradwright.optim", globals())
