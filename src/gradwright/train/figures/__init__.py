"""What is said about a part of the data, one kind of task a file."""

from gradwright.train.figures.classes import of_classes
from gradwright.train.figures.labels import of_labels
from gradwright.train.figures.next_tokens import of_next_tokens, token_losses
from gradwright.train.figures.quantities import of_quantities, of_several
from gradwright.train.figures.running import RunningFigures, running_figures
from gradwright.train.figures.spans import is_bio, spans
from gradwright.train.figures.tags import of_tags

__all__ = [
    "RunningFigures",
    "is_bio",
    "of_classes",
    "of_labels",
    "of_next_tokens",
    "of_quantities",
    "of_several",
    "of_tags",
    "running_figures",
    "spans",
    "token_losses",
]
