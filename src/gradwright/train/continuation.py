"""What a trained network writes when it goes on with a text."""

from __future__ import annotations

import numpy as np

from gradwright import nn
from gradwright.data import Preparation
from gradwright.engine.random import Generator, use_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import RunError

__all__ = ["continue_text", "samples"]


def continue_text(model: nn.Module, preparation: Preparation, prompt: str, *, tokens: int = 200, seed: int = 0) -> str:
    """Return the text that a network draws, token by token, after a prompt.

    Parameters
    ----------
    model : Module
        One that holds a :class:`gradwright.nn.models.GPT`.
    preparation : Preparation
        With the vocabulary that it was trained on.
    prompt : str
        What it goes on from; the last tokens of it that fit are seen. Without any, it goes on from an unknown token.
    tokens : int
        How many to draw.
    seed : int
        Of the draws; they come from a stream of their own.

    Raises
    ------
    RunError
        The network or the preparation is not one of next tokens.
    """
    gpt = next((m for m in model.modules() if isinstance(m, nn.models.GPT)), None)
    if gpt is None or preparation.tokens is None:
        raise RunError("cannot go on with a text: the network is not one that predicts next tokens (gpt)")
    numbers = preparation.tokens.encode_text(prompt)[-gpt.block_size :]
    given = Tensor(np.asarray([numbers if len(numbers) else [1]], np.int64))
    with use_generator(Generator(seed)):
        out = gpt.generate(given, tokens).numpy()
    return preparation.tokens.decode_text(out[0, given.shape[1] :])


def samples(model: nn.Module, preparation: Preparation, rows: np.ndarray, count: int = 2) -> list[dict[str, str]]:
    """Return a few prompts, the beginnings of windows, and what the network goes on with, for the report."""
    if preparation.tokens is None:
        raise RunError("cannot go on with a text: there is no vocabulary")
    out = []
    for i, row in enumerate(rows[:count]):
        prompt = preparation.tokens.decode_text(row[: max(len(row) // 2, 1)])
        out.append({"prompt": prompt, "text": continue_text(model, preparation, prompt, tokens=120, seed=i)})
    return out
