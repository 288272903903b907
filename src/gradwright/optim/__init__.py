"""Update rules, under PyTorch's names."""

from gradwright.engine.missing import explained
from gradwright.optim import lr_scheduler, swa_utils
from gradwright.optim.accumulate import Accumulate
from gradwright.optim.adadelta import Adadelta
from gradwright.optim.adagrad import Adagrad
from gradwright.optim.adam import Adam, AdamW
from gradwright.optim.adamax import Adamax
from gradwright.optim.gradient_descent import GradientDescent
from gradwright.optim.lamb import LAMB
from gradwright.optim.lars import LARS
from gradwright.optim.lbfgs import LBFGS
from gradwright.optim.lion import Lion
from gradwright.optim.lookahead import Lookahead
from gradwright.optim.muon import Muon
from gradwright.optim.nadam import NAdam
from gradwright.optim.newton import Newton
from gradwright.optim.optimizer import Optimizer
from gradwright.optim.radam import RAdam
from gradwright.optim.rmsprop import RMSprop
from gradwright.optim.rprop import Rprop
from gradwright.optim.sgd import SGD
from gradwright.optim.sparse_adam import SparseAdam

__all__ = [
    "LAMB",
    "LARS",
    "LBFGS",
    "SGD",
    "Accumulate",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "GradientDescent",
    "Lion",
    "Lookahead",
    "Muon",
    "NAdam",
    "Newton",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
]

__getattr__ = explained("gradwright.optim", globals())
