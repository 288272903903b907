"""PyTorch is the oracle on tiny arrays, where its threads only get in each other's way."""

import pytest
import torch

import gradwright as gw

from .oracles import float64_by_default


@pytest.fixture(autouse=True)
def _one_thread_and_a_fresh_stream():
    torch.set_num_threads(1)
    with gw.use_generator(gw.Generator(0)), float64_by_default():
        yield
