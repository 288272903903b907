"""Initial values, drawn from the one random stream: ``gradwright.nn.init``."""

from gradwright.nn.init.filling import (
    constant_,
    dirac_,
    eye_,
    normal_,
    ones_,
    trunc_normal_,
    uniform_,
    zeros_,
)
from gradwright.nn.init.lsuv import lsuv_
from gradwright.nn.init.matrices import orthogonal_, sparse_
from gradwright.nn.init.output_bias import output_bias_
from gradwright.nn.init.scaled import (
    calculate_gain,
    fans,
    kaiming_normal_,
    kaiming_uniform_,
    xavier_normal_,
    xavier_uniform_,
)
from gradwright.nn.init.schemes import SCHEMES, Scheme, initialize_
from gradwright.nn.init.variance import VarianceInfo, compare_variance, plot_variance, variance_info

__all__ = [
    "SCHEMES", "Scheme", "VarianceInfo", "calculate_gain", "compare_variance", "constant_", "dirac_", "eye_", "fans",
    "initialize_", "kaiming_normal_", "kaiming_uniform_", "lsuv_", "normal_", "ones_", "orthogonal_", "output_bias_",
    "plot_variance", "sparse_", "trunc_normal_", "uniform_", "variance_info", "xavier_normal_", "xavier_uniform_",
    "zeros_",
]  # fmt: skip
