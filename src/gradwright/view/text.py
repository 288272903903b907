"""Text and numbers as a reader wants to see them."""

from __future__ import annotations

import math
import re
from itertools import accumulate

__all__ = [
    "clean",
    "count",
    "duration",
    "figure",
    "joined",
    "listed",
    "many",
    "percent",
    "plural",
    "short",
    "significant",
]

# Characters that reorder, hide or break the text around them: bidirectional controls, zero-width ones,
# separators.
# U+200C and U+200D stay: they shape Persian, Indic and emoji text and reorder nothing.
_UNSEEN = {
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    0x061C,
    0x200B,
    0x200E,
    0x200F,
    0x2028,
    0x2029,
    0x2060,
    0xFEFF,
}
# Controls but for newline and tab, lone surrogates, the above, and the last two of each plane, which are no characters.
_DISGUISES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
    + "".join(map(chr, sorted(_UNSEEN)))
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def clean(text: str) -> str:
    """Replace characters that a page cannot hold or that would disguise the text by a visible name.

    Control characters, lone surrogates, byte-order marks and the bidirectional overrides that make
    ``exe.txt`` out of ``txt.exe`` become ``⟨U+202E⟩`` and the like; newlines and tabs stay.

    Examples
    --------
    >>> clean("price\\u202e\\x07")
    'price⟨U+202E⟩⟨U+0007⟩'
    """
    if text.isascii() and text.isprintable():
        return text
    return _DISGUISES.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def short(text: str, length: int) -> str:
    """Cut a text to at most `length` characters, the end (which tells long names apart) kept as well.

    Examples
    --------
    >>> short("a very long class name, number 17", 16)
    'a very lo…ber 17'
    """
    if len(text) <= length:
        return text
    tail = max(0, (length - 1) * 2 // 5)
    return text[: length - 1 - tail] + "…" + (text[-tail:] if tail else "")


def count(number: float) -> str:
    """A whole number with its thousands apart.

    Examples
    --------
    >>> count(17000)
    '17,000'
    """
    return f"{number:,.0f}" if math.isfinite(number) else "unknown"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """A number and its noun.

    Examples
    --------
    >>> plural(1, "class", "classes"), plural(1200, "row")
    ('1 class', '1,200 rows')
    """
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def many(number: int) -> str:
    """How many times, in words as far as words are usual.

    Examples
    --------
    >>> many(1), many(2), many(5)
    ('once', 'twice', '5 times')
    """
    return {1: "once", 2: "twice"}.get(number, f"{count(number)} times")


def significant(number: float, digits: int = 4) -> str:
    """A number to so many significant digits; without a power of ten while that stays readable.

    Examples
    --------
    >>> significant(53.41187), significant(1234567.0), significant(1.2e-7, 2), significant(float("nan"))
    ('53.41', '1,234,567', '1.2e-7', 'NaN')
    """
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "infinite" if number > 0 else "−infinite"
    if number == 0:
        return "0"
    sign = "−" if number < 0 else ""
    size = abs(number)
    if size < 1e-4 or size >= 1e9:
        mantissa, _, exponent = f"{size:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{sign}{mantissa}e{int(exponent)}"
    places = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{sign}{size:,.{places}f}"


def percent(share: float, places: int = 1) -> str:
    """A share of one, in percent.

    Examples
    --------
    >>> percent(0.9778), percent(1.0)
    ('97.8%', '100.0%')
    """
    return f"{share * 100:.{places}f}%" if math.isfinite(share) else significant(share)


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it.

    Examples
    --------
    >>> duration(0.0123), duration(4.06), duration(125), duration(7380)
    ('12 ms', '4.1 s', '2 min 5 s', '2 h 3 min')
    """
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def joined(items: list[str]) -> str:
    """Items as English lists them.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def listed(items: list[str], limit: int = 6, room: int = 120) -> str:
    """The first few items, shortened, and how many there are besides.

    Examples
    --------
    >>> listed(["0", "1", "2", "3"], limit=2)
    '0, 1 and 2 more'
    """
    items = [short(item, 40) for item in items]
    # Long items fill the room sooner, but one is always told.
    ends = list(accumulate(len(item) for item in items))
    limit = min(limit, max(1, sum(end <= room for end in ends)))
    if len(items) <= limit:
        return joined(items)
    return joined([*items[:limit], f"{len(items) - limit} more"])


def figure(number: float, digits: int = 5) -> str:
    """A number in as few characters as its significant digits take.

    Examples
    --------
    >>> figure(0.5), figure(-3.0), figure(1.23456789e-7), figure(True), figure(1e6)
    ('0.5', '−3', '1.2346e-7', 'True', '1e6')
    """
    if isinstance(number, bool):
        return str(number)
    if not math.isfinite(number):
        return significant(number)
    if number == int(number) and abs(number) < 10**digits:
        return str(int(number)).replace("-", "−")  # 200, and no "-0"
    mantissa, _, exponent = f"{number:.{digits}g}".partition("e")
    text = mantissa.replace("-", "−")
    return f"{text}e{int(exponent)}" if exponent else text
