"""A computation graph as a page of its own, on which one steps forward and backward.

Jinja2 with automatic escaping writes it, and it loads nothing (see `embed.policy`). All sentences and all
states are made here; the script shows and hides.
"""

from __future__ import annotations

from functools import cache

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from gradwright.view.details import details_of, fold_detail
from gradwright.view.drawn import Drawn, drawn_graph
from gradwright.view.embed import embedded, policy
from gradwright.view.graph import Graph
from gradwright.view.picture import picture, template_text
from gradwright.view.story import Story, output_name, story_of
from gradwright.view.text import clean, plural, short
from gradwright.view.words import count_words

__all__ = ["page"]

#: With more operations than this, only the folded picture is drawn.
_DRAWN_IN_FULL = 500
_FEW = 12  # nodes that are drawn larger


def page(graph: Graph, *, title: str | None = None) -> str:
    """Make the page of a graph.

    Examples
    --------
    >>> import gradwright as gw
    >>> text = page(gw.graph(lambda x, y: x * y, 2.0, 3.0), title="<b>")
    >>> "<title>&lt;b&gt;" in text, "http://" in text.replace("http://www.w3.org/2000/svg", "")
    (True, False)
    """
    folded = drawn_graph(graph)
    told = {"folded": (folded, story_of(folded))}
    operations = sum(not node.is_leaf for node in graph.nodes)
    if folded.folded and operations <= _DRAWN_IN_FULL:
        full = drawn_graph(graph, fold=False)
        told["full"] = (full, story_of(full))
    scale = 1.3 if len(folded.all_nodes()) <= _FEW else 1.0
    style = template_text("graph.css") + template_text("page.css")
    script = template_text("page.js")
    text = (
        _environment()
        .get_template("page.html")
        .render(
            policy=policy(style, script),
            style=Markup(style),
            script=Markup(script),
            title=title or _title(folded),
            counts=count_words(graph),
            folded=plural(folded.folded, "operation") if folded.folded else "",
            views={key: picture(drawn, story, key=key, scale=scale) for key, (drawn, story) in told.items()},
            details=[
                *details_of(folded, everything="full" in told or not folded.folded),
                *(fold_detail(node, folded) for node in folded.nodes if node.fold),
            ],
            steps=told["folded"][1].steps,
            note=graph.note,
            small=scale > 1,
            data=embedded({key: _data(drawn, story) for key, (drawn, story) in told.items()}),
        )
    )
    return clean(text)


def _title(drawn: Drawn) -> str:
    name, short_name = drawn.names[len(drawn.graph.nodes) - 1], output_name(drawn)
    if name.startswith("#"):
        return "Computation graph"
    return name if name == short_name else f"{short_name} = {name}"


def _data(drawn: Drawn, story: Story) -> dict[str, object]:
    """What the script needs to know of a picture."""
    folds = {node.id for node in drawn.nodes if node.fold is not None}
    return {
        "steps": [[step.phase, step.nodes, step.edges, step.sentence] for step in story.steps],
        "values": {str(node): step for node, step in story.value_from.items()},
        "gradients": {str(node): step for node, step in story.gradient_from.items()},
        "details": {str(node.id): f"{'f' if node.id in folds else 'n'}{node.id}" for node in drawn.all_nodes()},
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader({"page.html": template_text("page.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short
    return environment
