"""SVG elements, escaped as they are made, so that no drawing can forget to."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup, escape

__all__ = ["Drawing", "drawing", "element", "label"]


class Drawing(NamedTuple):
    """A picture and what the page's script reads of it.

    Attributes
    ----------
    key : str
        Its name on the page, which also ties `data` to it.
    title : str
        What it shows.
    svg : Markup
        The picture.
    data : dict or None
        What the script shows at each place along the horizontal axis.
    """

    key: str
    title: str
    svg: Markup
    data: dict[str, object] | None = None


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


def drawing(
    key: str,
    *children: str,
    width: float,
    height: float,
    title: str,
    description: str,
    class_: str = "",
    data: dict[str, object] | None = None,
) -> Drawing:
    """A whole picture with a title and a description for those who do not see it.

    Examples
    --------
    >>> dot = drawing("p", element("circle", r=1), width=2, height=2, title="A dot", description="One.")
    >>> "A dot" in dot.svg
    True
    """
    svg = element(
        "svg",
        element("title", title, id=f"chart-{key}-title"),
        element("desc", description, id=f"chart-{key}-desc"),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=width,
        height=height,
        class_=f"drawing {class_}".strip(),
        role="img",
        aria_labelledby=f"chart-{key}-title chart-{key}-desc",
        # Only a picture that answers to keys takes part in the tab order.
        tabindex="0" if data else None,
        data_chart=key if data else None,
    )
    return Drawing(key, title, svg, data)
