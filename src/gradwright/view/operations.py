"""Operations in words: their signs, and for each input the local derivative or the rule as a formula.

In the formulas ``g`` is the upstream gradient; braces name the operation's arguments.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ROUTES", "expression_of", "local_formula", "rule_formula", "sign_of"]

_SIGNS = {
    "add": "+",
    "sub": "−",
    "mul": "×",
    "div": "÷",
    "neg": "−",
    "pow": "power",
    "matmul": "@",
    "maximum": "max",
    "minimum": "min",
    "amax": "max",
    "reciprocal": "1/x",
    "getitem": "pick",
}

#: Operations that send the gradient to some of their inputs or elements and nothing to the others.
ROUTES = {"maximum": "larger", "minimum": "smaller", "amax": "largest"}

_EXPRESSIONS = {
    "add": "{x} + {y}",
    "sub": "{x} − {y}",
    "mul": "{x} × {y}",
    "div": "{x} / {y}",
    "neg": "−{x}",
    "pow": "{x} ** {y}",
    "matmul": "{x} @ {y}",
    "reciprocal": "1 / {x}",
    "maximum": "max({x}, {y})",
    "minimum": "min({x}, {y})",
    "amax": "max({x})",
}

#: d node / d argument, number by number.
_LOCAL = {
    ("add", "x"): "1",
    ("add", "y"): "1",
    ("sub", "x"): "1",
    ("sub", "y"): "−1",
    ("mul", "x"): "{y}",
    ("mul", "y"): "{x}",
    ("div", "x"): "1 / {y}",
    ("div", "y"): "−{x} / {y}²",
    ("neg", "x"): "−1",
    ("reciprocal", "x"): "−1 / {x}²",
    ("pow", "x"): "{y} × {x} ** ({y} − 1)",
    ("pow", "y"): "{ans} × log {x}",
    ("square", "x"): "2 × {x}",
    ("sqrt", "x"): "1 / (2 × {ans})",
    ("rsqrt", "x"): "−{ans} / (2 × {x})",
    ("exp", "x"): "{ans}",
    ("expm1", "x"): "{ans} + 1",
    ("log", "x"): "1 / {x}",
    ("log1p", "x"): "1 / (1 + {x})",
    ("sin", "x"): "cos {x}",
    ("cos", "x"): "−sin {x}",
    ("tan", "x"): "1 + {ans}²",
    ("tanh", "x"): "1 − {ans}²",
    ("sigmoid", "x"): "{ans} × (1 − {ans})",
    ("softplus", "x"): "sigmoid {x}",
    ("relu", "x"): "1 where {x} > 0, else 0",
    ("abs", "x"): "the sign of {x}",
    ("maximum", "x"): "1 where {x} is larger, ½ at a tie, else 0",
    ("maximum", "y"): "1 where {y} is larger, ½ at a tie, else 0",
    ("minimum", "x"): "1 where {x} is smaller, ½ at a tie, else 0",
    ("minimum", "y"): "1 where {y} is smaller, ½ at a tie, else 0",
    ("clamp", "x"): "1 within the bounds, else 0",
    ("identity", "x"): "1",
    ("logistic_loss", "x"): "sigmoid {x} − {target}",
}

#: What flows to an argument, where the Jacobian has too many axes to be formed.
_RULES = {
    ("matmul", "x"): "g @ {y}ᵀ",
    ("matmul", "y"): "{x}ᵀ @ g",
    ("linear", "x"): "g @ {weight}",
    ("linear", "weight"): "gᵀ @ {x}",
    ("linear", "bias"): "the rows of g added up",
    ("sum", "x"): "g, repeated for every element that was added up",
    ("expand", "x"): "g, added up over the repeated axes",
    ("reshape", "x"): "g in the shape of {x}",
    ("permute", "x"): "g with its axes put back",
    ("getitem", "x"): "g at what was picked, 0 elsewhere",
    ("embedding", "x"): "g added up at the rows that were picked, 0 elsewhere",
    ("cast", "x"): "g",
    ("where", "x"): "g where the condition holds, else 0",
    ("where", "y"): "g where the condition does not hold, else 0",
    ("amax", "x"): "g at the largest element (shared at a tie), 0 elsewhere",
    ("logsumexp", "x"): "g × softmax {x}",
    ("softmax", "x"): "{ans} × (g − Σ g × {ans})",
    ("log_softmax", "x"): "g − softmax {x} × Σ g",
    ("softmax_cross_entropy", "x"): "g × (softmax {x} − one-hot {target})",
}


def sign_of(op: str) -> str:
    """The operation's sign, or its name where it has none.

    Examples
    --------
    >>> sign_of("mul"), sign_of("exp")
    ('×', 'exp')
    """
    return _SIGNS.get(op, op)


def expression_of(op: str, operands: Mapping[str, str]) -> str:
    """The operation as one would write it.

    Examples
    --------
    >>> expression_of("add", {"x": "a", "y": "b"}), expression_of("exp", {"x": "a"})
    ('a + b', 'exp(a)')
    """
    pattern = _EXPRESSIONS.get(op)
    if pattern is not None and all(f"{{{name}}}" in pattern for name in operands):
        return _filled(pattern, operands)
    return f"{op}({', '.join(operands.values())})"


def local_formula(op: str, argument: str, operands: Mapping[str, str]) -> str:
    """The local derivative with regard to one argument as a formula, or an empty string where none is written down.

    Examples
    --------
    >>> local_formula("mul", "x", {"x": "a", "y": "b", "ans": "c"})
    'b'
    """
    return _filled(_LOCAL.get((op, argument), ""), operands)


def rule_formula(op: str, argument: str, operands: Mapping[str, str]) -> str:
    """The reverse rule for one argument as a formula of the upstream gradient g, or an empty string.

    Examples
    --------
    >>> rule_formula("matmul", "x", {"x": "A", "y": "B"})
    'g @ Bᵀ'
    """
    return _filled(_RULES.get((op, argument), ""), operands)


def _filled(pattern: str, operands: Mapping[str, str]) -> str:
    # not str.format: a pattern may name an operand that is not known, and names may hold braces
    parts = pattern.replace("}", "{").split("{")
    return "".join(operands.get(part, part) if i % 2 else part for i, part in enumerate(parts))
