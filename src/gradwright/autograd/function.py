"""Operations that users define, under PyTorch's names."""

from gradwright.engine.function import Function, once_differentiable
from gradwright.engine.function import FunctionContext as FunctionCtx

__all__ = ["Function", "FunctionCtx", "once_differentiable"]
