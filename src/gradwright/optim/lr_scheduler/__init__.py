"""Schedules of the learning rate and of any other hyperparameter, under PyTorch's names."""

from gradwright.engine.missing import explained
from gradwright.optim.lr_scheduler.composed import ChainedScheduler, SequentialLR
from gradwright.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from gradwright.optim.lr_scheduler.cyclic import CyclicLR
from gradwright.optim.lr_scheduler.decay import ExponentialLR, PolynomialLR
from gradwright.optim.lr_scheduler.functions import LambdaLR, MultiplicativeLR
from gradwright.optim.lr_scheduler.inverse_sqrt import InverseSqrt
from gradwright.optim.lr_scheduler.linear import ConstantLR, LinearLR
from gradwright.optim.lr_scheduler.one_cycle import OneCycleLR
from gradwright.optim.lr_scheduler.plateau import ReduceLROnPlateau
from gradwright.optim.lr_scheduler.scheduler import LRScheduler
from gradwright.optim.lr_scheduler.steps import MultiStepLR, StepLR
from gradwright.optim.lr_scheduler.swa import SWALR
from gradwright.optim.lr_scheduler.warmup import Cooldown, Warmup
from gradwright.optim.lr_scheduler.warmup_stable_decay import WarmupStableDecay

__all__ = [
    "SWALR",
    "ChainedScheduler",
    "ConstantLR",
    "Cooldown",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "InverseSqrt",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "Warmup",
    "WarmupStableDecay",
]

__getattr__ = explained("gradwright.optim.lr_scheduler", globals())
