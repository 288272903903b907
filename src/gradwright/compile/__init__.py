"""Imperative steps as compiled programs, one network or a whole population."""

from gradwright.compile.population import Population
from gradwright.compile.step import CompiledStep, compile, place

__all__ = ["CompiledStep", "Population", "compile", "place"]
