"""Many networks at once: search, cross-validation, seeds, comparisons, ablations."""

from gradwright.tune.parameters import Choice, Integer, Linear, Log, Parameter
from gradwright.tune.space import Space

__all__ = ["Choice", "Integer", "Linear", "Log", "Parameter", "Space"]
