"""Checkpoints that survive: one file each, whole or not at all, with its own checksum; and which of them are kept."""

from gradwright.train.checkpoints.file import read_checkpoint, write_checkpoint
from gradwright.train.checkpoints.store import Checkpoint, CheckpointStore

__all__ = ["Checkpoint", "CheckpointStore", "read_checkpoint", "write_checkpoint"]
