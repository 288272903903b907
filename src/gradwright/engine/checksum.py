"""Files of safetensors that carry their own checksum, so that damage is seen, whichever byte it strikes.

The header begins with ``{"__metadata__":{"sha256":"…"``: 64 digits, the SHA-256 of the whole file in which these 64
digits are zeros. Other readers of safetensors take them for a free text. It guards against damage, not against forgers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from gradwright.errors import StateError

__all__ = ["checked", "with_checksum"]

_MARK = b'{"__metadata__":{"sha256":"'
_FIRST = 8 + len(_MARK)  # of the digits; eight bytes hold the header's length
_DIGITS = 64


def with_checksum(content: bytes, metadata: Mapping[str, str]) -> list[bytes | memoryview]:
    """Return a file of safetensors with free texts and a checksum in its header, in pieces to be written in turn.

    Parameters
    ----------
    content : bytes
        A file without free texts.
    metadata : mapping from str to str
        The texts to put into it; always in this order, so that equal contents give equal files.
    """
    length = int.from_bytes(content[:8], "little")
    header = {"__metadata__": {"sha256": "0" * _DIGITS, **metadata}, **json.loads(content[8 : 8 + length])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers are aligned
    head = len(text).to_bytes(8, "little") + text
    numbers = memoryview(content)[8 + length :]
    digits = _digest([head, numbers])
    return [head[:_FIRST] + digits + head[_FIRST + _DIGITS :], numbers]


def checked(content: bytes) -> bool:
    """Compare a file with its checksum; False where it has none.

    Raises
    ------
    StateError
        When they do not agree.
    """
    if content[8:_FIRST] != _MARK or len(content) < _FIRST + _DIGITS:
        return False
    end = _FIRST + _DIGITS
    if _digest([content[:_FIRST], b"0" * _DIGITS, memoryview(content)[end:]]) != content[_FIRST:end]:
        raise StateError("its checksum does not fit what is in it: it was cut short or changed after it was written")
    return True


def _digest(parts: Iterable[bytes | memoryview]) -> bytes:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest().encode()
