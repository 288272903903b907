"""What keeps a network from learning its data by heart: ``gradwright.nn.regularization``."""

from gradwright.nn.regularization.depth import StochasticDepth, depth_rates, stochastic_depth
from gradwright.nn.regularization.max_norm import MaxNorm, max_norm_
from gradwright.nn.regularization.noise import GradientNoise, WeightNoise, add_gradient_noise_, weight_noise
from gradwright.nn.regularization.norms import L1, L2, ElasticNet
from gradwright.nn.regularization.penalty import Penalty
from gradwright.nn.regularization.priors import GaussianPrior, LaplacePrior, Prior, StudentTPrior

__all__ = [
    "L1", "L2", "ElasticNet", "GaussianPrior", "GradientNoise", "LaplacePrior", "MaxNorm", "Penalty", "Prior",
    "StochasticDepth", "StudentTPrior", "WeightNoise", "add_gradient_noise_", "depth_rates", "max_norm_",
    "stochastic_depth", "weight_noise",
]  # fmt: skip
