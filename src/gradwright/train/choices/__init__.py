"""What a configuration can name: each shelf's names, what stands behind them, and a line that explains each."""

from gradwright.train.choices.augmentations import make_augmentation
from gradwright.train.choices.fitting import NETWORK_SETTINGS, settings_in_vain
from gradwright.train.choices.networks import OF_SEQUENCES, make_network
from gradwright.train.choices.optimizers import (
    FULL_BATCH,
    default_decay,
    default_momentum,
    default_rate,
    make_optimizer,
)
from gradwright.train.choices.regularisation import make_penalty
from gradwright.train.choices.schedules import make_schedule
from gradwright.train.choices.shelves import SHELVES, check_choice, shelf_lines

__all__ = [
    "FULL_BATCH",
    "NETWORK_SETTINGS",
    "OF_SEQUENCES",
    "SHELVES",
    "check_choice",
    "default_decay",
    "default_momentum",
    "default_rate",
    "make_augmentation",
    "make_network",
    "make_optimizer",
    "make_penalty",
    "make_schedule",
    "settings_in_vain",
    "shelf_lines",
]
