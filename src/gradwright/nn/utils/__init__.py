"""Helpers under the name that PyTorch gives them: ``gradwright.nn.utils``."""

from gradwright.nn.clip import clip_grad_norm_, clip_grad_norm_per_layer_, clip_grad_value_
from gradwright.nn.utils import parametrizations, parametrize, rnn
from gradwright.nn.utils.vectors import get_total_norm, parameters_to_vector, vector_to_parameters
from gradwright.nn.utils.weight_norms import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm

__all__ = [
    "clip_grad_norm_",
    "clip_grad_norm_per_layer_",
    "clip_grad_value_",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
]
