"""What an Arrow file claims, read from its metadata before Polars is given it.

A buffer's unpacked size and a column's length stand in the file as plain numbers, and Polars allocates what they
say: one flipped bit there ends the whole process. So each record batch's description is read here first, in
the few lines that FlatBuffers takes, and every number in it is held against the bytes that are there. Source of
the layout: Apache Arrow, "Columnar format", version 1.5, "Serialization and interprocess communication".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gradwright.data.claims import Torn, expect, not_whole
from gradwright.data.limits import check_columns

__all__ = ["MAGIC", "check_arrow"]

MAGIC = b"ARROW1"
_DICTIONARY, _RECORD_BATCH = 2, 3  # Message.header_type
_CONTINUED = 0xFFFFFFFF  # stands before a message's size; not before Arrow 0.15


def check_arrow(data: bytes, where: str) -> None:
    """Check all claims about sizes in an Arrow file or stream.

    Parameters
    ----------
    data : bytes
        The whole file: with ``ARROW1`` at both ends, or a stream of messages.
    where : str
        Its name, quoted, for messages.

    Raises
    ------
    DataError
        A position, length or size that cannot be true, or sizes beyond the limits of `gradwright.data.limits`.
    """
    claimed = 0
    try:
        for start, size, body in _blocks(data) if data.startswith(MAGIC) else _messages(data):
            claimed += _claim(_message(data, start, size), body)
            check_columns(where, claimed=claimed, stored=len(data))
    except (struct.error, Torn) as error:
        raise not_whole(where, "Arrow", error) from None


@dataclass(frozen=True)
class _Table:
    """A FlatBuffers table: fields by number, found through the table's list of offsets."""

    data: memoryview
    at: int

    def field(self, number: int) -> int:
        """The field's position, or 0 when it is left out."""
        listing = self.at - _get(self.data, "<i", self.at)
        if 4 + 2 * number >= _get(self.data, "<H", listing):
            return 0
        offset = _get(self.data, "<H", listing + 4 + 2 * number)
        return self.at + offset if offset else 0

    def number(self, field: int, form: str) -> int:
        at = self.field(field)
        return _get(self.data, form, at) if at else 0

    def table(self, field: int) -> _Table | None:
        at = self.field(field)
        return _Table(self.data, at + _get(self.data, "<I", at)) if at else None

    def vector(self, field: int, form: str) -> list[tuple[Any, ...]]:
        at = self.field(field)
        if not at:
            return []
        at += _get(self.data, "<I", at)
        count, size = _get(self.data, "<I", at), struct.calcsize(form)
        expect(at + 4 + count * size <= len(self.data), "a list that leads out of it")
        return list(struct.iter_unpack(form, self.data[at + 4 : at + 4 + count * size]))


def _get(data: memoryview, form: str, at: int) -> int:
    expect(0 <= at <= len(data) - struct.calcsize(form), "a position outside of it")
    return int(struct.unpack_from(form, data, at)[0])


def _blocks(data: bytes) -> Iterator[tuple[int, int, memoryview]]:
    """The messages that a file's footer lists: where the description is, its size, and the body."""
    view = memoryview(data)
    expect(len(data) > 18 and data.endswith(MAGIC), "its end is missing")
    size = _get(view, "<i", len(data) - 10)
    expect(0 < size <= len(data) - 18, "the size of its footer")
    footer = view[len(data) - 10 - size : len(data) - 10]
    root = _Table(footer, _get(footer, "<I", 0))
    for field in (2, 3):
        for offset, description, body in root.vector(field, "<qi4xq"):
            expect(offset >= 8 and description > 8 and body >= 0, "the place of a block")
            end = offset + description + body
            expect(end <= len(data), "a block that leads out of it")
            yield offset, description, view[offset + description : end]


def _messages(data: bytes) -> Iterator[tuple[int, int, memoryview]]:
    """The messages of a stream, one after the other."""
    view, at = memoryview(data), 0
    while at < len(data):
        head = 8 if _get(view, "<I", at) == _CONTINUED else 4
        description = _get(view, "<i", at + head - 4)
        if description == 0:
            return
        start = at + head + description
        expect(description > 0 and start <= len(data), "the size of a message")
        body = _message(data, at, head + description).number(3, "<q")
        expect(0 <= body <= len(data) - start, "a message that is cut short")
        yield at, head + description, view[start : start + body]
        at = start + body


def _message(data: bytes, start: int, size: int) -> _Table:
    view = memoryview(data)
    described = view[start + (8 if _get(view, "<I", start) == _CONTINUED else 4) : start + size]
    return _Table(described, _get(described, "<I", 0))


def _claim(message: _Table, body: memoryview) -> int:
    """How many bytes a batch takes once unpacked."""
    batch = message.table(2)
    if message.number(1, "<B") == _DICTIONARY and batch is not None:
        batch = batch.table(1)
    elif message.number(1, "<B") != _RECORD_BATCH:
        return 0
    expect(batch is not None, "a batch without its description")
    assert batch is not None
    total = 0
    packed = batch.table(3) is not None
    for offset, length in batch.vector(2, "<qq"):
        expect(offset >= 0 and length >= 0 and offset + length <= len(body), "a buffer that leads out of its batch")
        size = length
        if packed and length:
            size = _get(body, "<q", offset)
            size = length - 8 if size == -1 else size
            expect(size >= 0, "the unpacked size of a buffer")
        total += size
    for length, missing in batch.vector(1, "<qq"):
        expect(0 <= missing <= length, "the length of a column")
        total += length // 8  # at least a bit for each value, in columns without buffers too
    expect(batch.number(0, "<q") >= 0, "the length of a batch")
    return total + batch.number(0, "<q")
