"""Data larger than memory: read in blocks, shuffled by a seed, gone on with at any step."""

from gradwright.data.streaming.oversize import must_stream
from gradwright.data.streaming.part import StreamPart
from gradwright.data.streaming.streamed import Streamed, stream

__all__ = ["StreamPart", "Streamed", "must_stream", "stream"]
