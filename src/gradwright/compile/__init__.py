"""Imperative steps as compiled programs, one network or a whole population."""

from gradwright.compile.population import Population
from gradwright.compile.step import CompiledStep, compile

__all__ = ["CompiledStep", "Population", "compile"]
