"""Data larger than memory: read in blocks, shuffled by a seed, gone on with at any step."""

from gradwright.data.streaming.part import StreamPart
from gradwright.data.streaming.streamed import Streamed, stream

__all__ = ["StreamPart", "Streamed", "stream"]
