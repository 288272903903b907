"""What a page that loads nothing brings with it, and the policy that allows only that."""

from __future__ import annotations

import base64
import hashlib
import json

from markupsafe import Markup

__all__ = ["embedded", "policy"]


def policy(style: str, script: str, *, pictures: bool = False) -> str:
    """The Content-Security-Policy that names one inline style and one inline script by their hashes.

    With ``pictures``, images that stand in the page itself may be shown. Even an escape that was missed somewhere
    could neither run a script nor load anything.

    Examples
    --------
    >>> policy("", "").split("; ")[0]
    "default-src 'none'"
    """
    images = "img-src data:; " if pictures else ""
    return (
        f"default-src 'none'; {images}style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def embedded(value: object) -> Markup:
    """JSON that can stand inside a script element: nothing in it can end that element or begin a comment.

    Examples
    --------
    >>> print(embedded("</script>"))
    "\\u003c/script\\u003e"
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
