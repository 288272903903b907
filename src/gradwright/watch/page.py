"""The live page: one document with its style and script, under a policy that allows them and asking this server."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from gradwright.view.embed import policy
from gradwright.view.text import clean

__all__ = ["render_page"]


def render_page(name: str) -> tuple[bytes, str]:
    """Return the page of a run as bytes, and its Content-Security-Policy.

    Parameters
    ----------
    name : str
        What the run is called; it is escaped like all that comes from outside.

    Examples
    --------
    >>> page, rules = render_page("<b>")
    >>> b"<b>" in page, "connect-src 'self'" in rules
    (False, True)
    """
    style, script = _text("live.css"), _text("live.js")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(_text("live.html")).render(
        name=clean(name), style=Markup(style), script=Markup(script)
    )
    return page.encode(), policy(style, script) + "; connect-src 'self'; frame-ancestors 'none'"


def _text(name: str) -> str:
    return resources.files("gradwright.watch").joinpath("templates", name).read_text(encoding="utf-8")
