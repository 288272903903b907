"""Helpers under the name that PyTorch gives them: ``gradwright.nn.utils``."""

from gradwright.nn.clip import clip_grad_norm_, clip_grad_norm_per_layer_, clip_grad_value_

__all__ = ["clip_grad_norm_", "clip_grad_norm_per_layer_", "clip_grad_value_"]
