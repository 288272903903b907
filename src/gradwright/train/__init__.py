"""The training loop, its callbacks and records, and the whole job from a source to a result."""

from gradwright.train.callbacks import Callback
from gradwright.train.checkpoints import CheckpointStore, read_checkpoint, write_checkpoint
from gradwright.train.config import Config, load_toml, parse_config
from gradwright.train.folder import RunFolder
from gradwright.train.history import History
from gradwright.train.job import run_job
from gradwright.train.lr_suggestion import LRFind
from gradwright.train.prepared import Reporter
from gradwright.train.rate_range import lr_find
from gradwright.train.saved import SavedRun, load_run
from gradwright.train.stopping import EarlyStopping
from gradwright.train.trainer import Trainer
from gradwright.train.use import evaluate_run, predict_blocks, predict_rows

__all__ = [
    "Callback",
    "CheckpointStore",
    "Config",
    "EarlyStopping",
    "History",
    "LRFind",
    "Reporter",
    "RunFolder",
    "SavedRun",
    "Trainer",
    "evaluate_run",
    "load_run",
    "load_toml",
    "lr_find",
    "parse_config",
    "predict_blocks",
    "predict_rows",
    "read_checkpoint",
    "run_job",
    "write_checkpoint",
]
