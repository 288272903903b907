"""SVG elements, escaped as they are made, so that no drawing can forget to."""

from __future__ import annotations

from markupsafe import Markup, escape

__all__ = ["element", "label"]


def element(tag: str, *children: str, **attributes: str | float | None) -> Markup:
    """An element with its attributes and children, all text escaped.

    A trailing underscore of an attribute's name is dropped (``class_``), others become hyphens. Attributes
    that are None are left out. Strings among the children are escaped; `Markup` is taken as it is.

    Examples
    --------
    >>> print(element("text", "a<b", x=1.50, text_anchor="end"))
    <text x="1.5" text-anchor="end">a&lt;b</text>
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = "".join(escape(child) for child in children)
    return Markup(f"<{tag}{written}>{inside}</{tag}>" if children else f"<{tag}{written}/>")


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return str(escape(value))
    return f"{value:.2f}".rstrip("0").rstrip(".")


def label(text: str, x: float, y: float, **attributes: str | float | None) -> Markup:
    """Text at a point.

    Examples
    --------
    >>> print(label("7", 1, 2))
    <text x="1" y="2">7</text>
    """
    return element("text", text, x=x, y=y, **attributes)
