"""How much memory a file may ask for, checked before it is given any.

A compressed file of one megabyte can unpack to a gigabyte, and a header can claim a terabyte. So every reader
of arrays first compares what is *claimed* with what is *there*:

- more than `MAX_BYTES` (8 GiB) of unpacked values is refused, whoever sends it;
- more than `SMALL_BYTES` (256 MiB) is refused when it is over `MAX_RATIO` (100) times the compressed size:
  real images shrink 2 to 10 times, one-hot tables perhaps 50 times, bombs 1,000 times;
- more than `DEFLATE_RATIO` (1,032) times is refused at any size, because the deflate format cannot do it,
  so the claim is false.

Columns (Parquet, Arrow) are packed by dictionaries and run lengths, which shrink honest flags and repeated
texts some hundred times, so there the limit above `SMALL_BYTES` is `TABLE_RATIO` (1,000) times.

>>> check_unpacked("'small.npz'", claimed=1000, stored=100)
>>> check_unpacked("'bomb.npz'", claimed=2**30, stored=2**20)
Traceback (most recent call last):
...
gradwright.errors.DataError: cannot read 'bomb.npz': it would unpack from 1.0 MiB to 1.0 GiB (1,024 ...
"""

from __future__ import annotations

from gradwright.errors import DataError

__all__ = [
    "DEFLATE_RATIO",
    "MAX_BYTES",
    "MAX_RATIO",
    "SMALL_BYTES",
    "TABLE_RATIO",
    "check_columns",
    "check_unpacked",
    "size_in_words",
]

MAX_BYTES = 8 * 2**30
SMALL_BYTES = 256 * 2**20
MAX_RATIO = 100
DEFLATE_RATIO = 1032
TABLE_RATIO = 1000


def size_in_words(count: int) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> size_in_words(100), size_in_words(1536), size_in_words(2**40)
    ('100 bytes', '1.5 KiB', '1.0 TiB')
    """
    if count < 1024:
        return f"{count} bytes"
    power = min((count.bit_length() - 1) // 10, 6)
    return f"{count / 1024**power:,.1f} {'KMGTPE'[power - 1]}iB"


def check_unpacked(what: str, *, claimed: int, stored: int) -> None:
    """Refuse a claim about unpacked size that is too large for memory or for the file it stands in.

    Parameters
    ----------
    what : str
        What is being read, quoted, for the message.
    claimed : int
        Unpacked size in bytes, as the file's header claims.
    stored : int
        Compressed size in bytes, as it really lies in the file.

    Raises
    ------
    DataError
        When one of the three limits is passed.
    """
    if claimed < 0:
        raise DataError(f"cannot read {what}: its header claims a negative size; the file is damaged or forged")
    if claimed > MAX_BYTES:
        raise DataError(
            f"cannot read {what}: its header claims {size_in_words(claimed)} of values in a file of "
            f"{size_in_words(stored)}; the limit is {size_in_words(MAX_BYTES)}. Take fewer rows or a "
            "smaller dtype, or save X.npy and y.npy and train in blocks: gradwright.data.stream('folder')"
        )
    ratio = claimed / max(stored, 1)
    slack = 4096  # a header's claim about a nearly empty file is no bomb
    if claimed > slack and (ratio > DEFLATE_RATIO or (claimed > SMALL_BYTES and ratio > MAX_RATIO)):
        raise DataError(
            f"cannot read {what}: it would unpack from {size_in_words(stored)} to {size_in_words(claimed)} "
            f"({ratio:,.0f} times), which is what a decompression bomb does; the limit is {MAX_RATIO} times "
            f"above {size_in_words(SMALL_BYTES)}. If the file is really yours, save it uncompressed"
        )


def check_columns(what: str, *, claimed: int, stored: int) -> None:
    """Refuse a claim about a columnar file that is too large for memory or for the file.

    Takes and raises what `check_unpacked` does.

    Examples
    --------
    >>> check_columns("'flags.parquet'", claimed=2**28, stored=2**20)
    >>> check_columns("'bomb.parquet'", claimed=2**30, stored=2**20)
    Traceback (most recent call last):
    ...
    gradwright.errors.DataError: cannot read 'bomb.parquet': it would unpack from 1.0 MiB to 1.0 GiB (1,024 ...
    """
    if claimed > MAX_BYTES:
        raise DataError(
            f"cannot read {what}: it claims {size_in_words(claimed)} of values in a file of {size_in_words(stored)}; "
            f"the limit is {size_in_words(MAX_BYTES)}. Take fewer rows or columns, or train from Parquet in blocks:\n"
            "    streamed = gradwright.data.stream('rows.parquet', target='label')\n"
            "    trainer.fit(streamed.train, streamed.validation.arrays())"
        )
    ratio = claimed / max(stored, 1)
    if claimed > SMALL_BYTES and ratio > TABLE_RATIO:
        raise DataError(
            f"cannot read {what}: it would unpack from {size_in_words(stored)} to {size_in_words(claimed)} "
            f"({ratio:,.0f} times), which is what a decompression bomb does; the limit is {TABLE_RATIO:,} times above "
            f"{size_in_words(SMALL_BYTES)}. If the file is really yours, take fewer rows, or save it uncompressed"
        )
