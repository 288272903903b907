"""The pictures of a report: SVG elements, and what the page's script reads of them."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from gradwright.view.svg import element, label

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
