"""What a Parquet file claims, read from its metadata and page headers before Polars is given it.

A page's number of values stands in its header, and Polars allocates what it says: one flipped bit there ends the
whole process. So footer and page headers are read here first, in the few lines that Thrift's compact form takes, and
every number is held against the bytes that are there. Sources of the layouts: Apache Parquet, "File format" and
``parquet.thrift``; Apache Thrift, "Compact protocol encoding".
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

from gradwright.data.claims import Torn, expect, not_whole
from gradwright.data.limits import check_columns
from gradwright.data.messages import shown
from gradwright.errors import DataError

__all__ = ["check_parquet"]

_MAGIC = b"PAR1"
_BOOLEANS, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _MAP, _STRUCT = (1, 2), (4, 5, 6), 7, 8, (9, 10), 11, 12
_DICTIONARY, _DATA_2 = 7, 8  # fields of a page's header; 5 is that of data of version 1


def check_parquet(path: Path, *, whole: bool = True) -> None:
    """Check all claims about sizes in a Parquet file, of which only footer and page headers are read.

    Parameters
    ----------
    path : Path
        The file.
    whole : bool
        Whether all of it is to be in memory at once; otherwise the limits hold for each of its row groups.

    Raises
    ------
    DataError
        A position, length or count that cannot be true, or sizes beyond the limits of `gradwright.data.limits`.
    """
    where = shown(str(path), 200)
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            expect(size >= 12, f"it has {size} bytes")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                _check(data, where, whole)
    except OSError as error:
        raise DataError(f"cannot read {where}: {error.strerror or error}") from None
    except Torn as error:
        raise not_whole(where, "Parquet", error) from None


def _check(data: mmap.mmap, where: str, whole: bool) -> None:
    end = len(data) - 8
    expect(data[:4] == _MAGIC and data[-4:] == _MAGIC, "it does not begin and end with PAR1")
    size = int.from_bytes(data[end : end + 4], "little")
    expect(size <= end - 4, "the size of its footer")
    footer = _Thrift(data, end - size, end).struct()
    total = 0
    for group in _structs(footer, 4):
        expect(_number(group, 3) >= 0, "the rows of a row group")
        total = total if whole else 0
        for column in _structs(group, 1):
            total += _column(data, column.get(3), end - size)
            check_columns(where, claimed=total, stored=len(data))


def _column(data: mmap.mmap, column: Any, end: int) -> int:
    """How many bytes a column's pages take once unpacked, after a look at each page's header."""
    if not isinstance(column, dict):
        raise Torn("a column without its description")
    at = min(_number(column, 9), _number(column, 11) or _number(column, 9))
    values, stop = _number(column, 5), at + _number(column, 7)
    if values == 0:
        return 0
    expect(values > 0 and 4 <= at <= stop <= end, "the place of a column")
    total = seen = 0
    while at < stop and seen < values:
        thrift = _Thrift(data, at, stop)
        page = thrift.struct()
        unpacked, packed = _number(page, 2), _number(page, 3)
        at = thrift.at + packed
        expect(unpacked >= 0 and packed >= 0 and at <= stop, "the size of a page")
        total += unpacked
        before = seen
        for kind in (5, _DICTIONARY, _DATA_2):
            header = page.get(kind)
            if header is None:
                continue
            if not isinstance(header, dict):
                raise Torn("the header of a page")
            count = _number(header, 1)
            expect(0 <= count <= max(values, 1), "the number of values of a page")
            if kind != _DICTIONARY:
                seen += count
            for field in (2, 3, 5, 6) if kind == _DATA_2 else ():
                expect(0 <= _number(header, field) <= max(values, unpacked), "the header of a page")
        total += seen - before  # a byte for each value at least, however few bytes a run of them took
    return total


def _number(struct: dict[int, Any], field: int) -> int:
    value = struct.get(field, 0)
    expect(isinstance(value, int), "a number that is none")
    return int(value)


def _structs(struct: dict[int, Any], field: int) -> list[dict[int, Any]]:
    value = struct.get(field, [])
    expect(isinstance(value, list) and all(isinstance(item, dict) for item in value), "a list that is none")
    return list(value)


class _Thrift:
    """A reader of Thrift's compact form: structs as dicts by field number; texts are skipped and stand as None."""

    def __init__(self, data: mmap.mmap, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def struct(self, depth: int = 0) -> dict[int, Any]:
        expect(depth < 16, "metadata that is nested deeply")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            kind, step = head & 15, head >> 4
            number = number + step if step else self._zigzag()
            fields[number] = kind == 1 if kind in _BOOLEANS else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _INTEGERS:
            return self._zigzag()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in _LISTS:
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            expect(count <= self.end - self.at, "a list that leads out of it")
            return [self._value(head & 15, depth + 1) for _ in range(count)]
        if kind == _MAP:
            count = self._varint()
            expect(count <= self.end - self.at, "a map that leads out of it")
            kinds = self._byte() if count else 0
            for _ in range(count):
                self._value(kinds >> 4, depth + 1)
                self._value(kinds & 15, depth + 1)
            return None
        if kind in (*_BOOLEANS, 3):
            return self._byte()
        expect(kind in (_DOUBLE, _BINARY), "an unknown kind of field")
        self._skip(8 if kind == _DOUBLE else self._varint())
        return None

    def _byte(self) -> int:
        self._skip(1)
        return self.data[self.at - 1]

    def _skip(self, count: int) -> None:
        self.at += count
        expect(self.at <= self.end, "metadata that leads out of it")

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            expect(shift < 70, "a number of too many bytes")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
