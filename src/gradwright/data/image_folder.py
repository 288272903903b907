"""Images by class: files to one uint8 array, each looked at by its header before any is decoded."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.limits import MAX_BYTES, size_in_words
from gradwright.data.messages import plural, shown
from gradwright.data.progress import watched
from gradwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MAX_PIXELS", "read_images"]

MAX_PIXELS = 2**26
"""Pixels of one image: 67 million, 8192 by 8192."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")  # Pillow's others call programs or are seldom looked after
_GREY = ("1", "L", "LA", "La")
_COLOUR = ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr")


@dataclass(frozen=True)
class _Header:
    """What an image's header says: (height, width), Pillow's mode, whether it is grey, has alpha, has frames."""

    size: tuple[int, int]
    mode: str
    grey: bool
    alpha: bool
    moves: bool


def read_images(files: list[Path], size: tuple[int, int] | None = None) -> tuple[NDArray[np.uint8], list[str]]:
    """Read images of one size.

    Parameters
    ----------
    files : list of Path
        PNG, JPEG, BMP, GIF (its first frame), WebP, PGM or PPM, whatever their endings say.
    size : (height, width), optional
        Resize all to this, bilinearly. Without it they must have one size.

    Returns
    -------
    images : uint8 array, shape (n, height, width) or (n, height, width, 3)
        Three channels (red, green, blue) if any image has colour. Alpha is dropped.
    notes : list of str
        What was dropped or changed.

    Raises
    ------
    DataError
        A file that is no image or is damaged, more than `MAX_PIXELS`, 16 bits a channel, sizes that differ, or
        more bytes in all than `gradwright.data.limits.MAX_BYTES`. All of it but damage is known from the
        headers, before memory is taken.
    ConfigError
        `size` is no pair of whole numbers above 0, or beyond `MAX_PIXELS`.
    """
    if size is not None and not (len(size) == 2 and all(type(n) is int and 0 < n * n <= MAX_PIXELS for n in size)):
        raise ConfigError(f"the image size is {size!r}; expected (height, width) in pixels, such as (32, 32)")
    headers = [_header(path) for path in watched(files, "looking at images")]
    notes: list[str] = []
    height, width = size or _common_size(files, headers)
    grey = all(header.grey for header in headers)
    shape = (len(files), height, width) if grey else (len(files), height, width, 3)
    needed = height * width * len(files) * (1 if grey else 3)
    if needed > MAX_BYTES:
        raise DataError(
            f"cannot read {plural(len(files), 'image')} of {height} by {width}: they take {size_in_words(needed)}; the "
            f"limit is {size_in_words(MAX_BYTES)}. Take fewer or smaller images"
        )
    _add_notes(files, headers, grey, size, notes)
    images = np.empty(shape, np.uint8)
    for i, path in enumerate(watched(files, "reading images")):
        images[i] = _decoded(path, headers[i], grey, (height, width))
    return images, notes


def _header(path: Path) -> _Header:
    where = shown(str(path), 200)
    with _Opened(path) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise DataError(
                f"cannot read {where}: its header claims {height:,} by {width:,}, {width * height / 1e6:,.0f} "
                f"megapixels; the limit is {MAX_PIXELS / 1e6:,.0f} megapixels. Make it smaller"
            )
        if image.mode not in _GREY + _COLOUR:
            raise DataError(
                f"cannot read {where}: its pixels are of mode {shown(image.mode)}, more than 8 bits a channel; "
                "expected 8 bits grey or colour. Convert it, choosing how its values shall be scaled"
            )
        alpha = image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info
        grey = image.mode in _GREY or (image.mode == "P" and _is_grey(image.getpalette() or [1, 2, 3]))
        return _Header((height, width), image.mode, grey, alpha, bool(getattr(image, "is_animated", False)))


def _is_grey(palette: list[int]) -> bool:
    return palette[::3] == palette[1::3] == palette[2::3]


def _decoded(path: Path, header: _Header, grey: bool, size: tuple[int, int]) -> NDArray[Any]:
    with _Opened(path) as image:
        if (image.height, image.width) != header.size or image.mode != header.mode:
            raise DataError(f"cannot read {shown(str(path), 200)}: it was changed while it was being read")
        picture: Image = image.convert("L" if grey else "RGB")
        if header.size != size:
            from PIL.Image import Resampling

            picture = picture.resize((size[1], size[0]), Resampling.BILINEAR)
        return np.asarray(picture)


class _Opened:
    """An image opened by Pillow, every fault of it or its decoder a `DataError` that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Image:
        from PIL import Image

        self._quiet = warnings.catch_warnings()
        self._quiet.__enter__()
        warnings.simplefilter("ignore")  # about size, which is checked, and about metadata, which is not used
        try:
            self._image = Image.open(self.path, formats=_FORMATS)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self._image

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._quiet.__exit__(None, None, None)
        if hasattr(self, "_image"):
            self._image.close()
        if isinstance(error, Exception) and not isinstance(error, DataError):
            raise _fault(self.path, error) from None


def _fault(path: Path, error: Exception) -> DataError:
    """Pillow's decoders raise whatever their format's arithmetic runs into, so any exception is the file's fault."""
    from PIL import Image, UnidentifiedImageError

    where = shown(str(path), 200)
    if isinstance(error, Image.DecompressionBombError):
        return DataError(
            f"cannot read {where}: its header claims more than {MAX_PIXELS / 1e6:,.0f} megapixels, the limit. "
            "Make it smaller"
        )
    if isinstance(error, UnidentifiedImageError):
        with path.open("rb") as file:
            start = shown(file.read(8).decode("latin-1"))
        return DataError(
            f"cannot read {where}: it is no image; it begins with {start}, expected PNG, JPEG, BMP, GIF, "
            "WebP, PGM or PPM. Remove it, or replace it by the image"
        )
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"cannot read {where}: {error.strerror}")
    reason = shown(str(error) or type(error).__name__, 120)
    return DataError(f"cannot read {where}: the image is damaged or cut short ({reason}). Fetch it again, or remove it")


def _common_size(files: list[Path], headers: list[_Header]) -> tuple[int, int]:
    counts = Counter(header.size for header in headers)
    (expected, often), *others = counts.most_common()
    if others:
        odd = next(i for i, header in enumerate(headers) if header.size != expected)
        height, width = headers[odd].size
        raise DataError(
            f"cannot use {shown(str(files[odd]), 200)}: it is {height} by {width} (height by width); expected "
            f"{expected[0]} by {expected[1]}, as {often:,} of {plural(len(files), 'image')} are. Make "
            f"them one size, or have them resized: image_size=({expected[0]}, {expected[1]})"
        )
    return expected


def _add_notes(
    files: list[Path], headers: list[_Header], grey: bool, size: tuple[int, int] | None, notes: list[str]
) -> None:
    def note(chosen: list[bool], words: str) -> None:
        if any(chosen):
            first = shown(files[chosen.index(True)].name)
            notes.append(f"{plural(sum(chosen), 'image')} {words} (first {first})")

    note([header.alpha for header in headers], "with transparency: it was dropped")
    note([header.moves for header in headers], "with several frames: the first was taken")
    if not grey:
        note([header.grey for header in headers], "without colour among coloured ones: grey in three channels")
    if size is not None:
        note([header.size != size for header in headers], f"resized to {size[0]} by {size[1]}, bilinearly")
