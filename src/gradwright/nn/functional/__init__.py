"""Layers and losses as functions: ``gradwright.nn.functional``, usually imported as ``F``."""

from gradwright.engine.functions.lookup import embedding, one_hot
from gradwright.engine.functions.padding import pad
from gradwright.engine.missing import explained
from gradwright.nn.functional import activation as _activation
from gradwright.nn.functional import adaptive_pooling as _adaptive_pooling
from gradwright.nn.functional import convolution as _convolution
from gradwright.nn.functional import interpolation as _interpolation
from gradwright.nn.functional import pooling as _pooling
from gradwright.nn.functional.activation import *  # noqa: F403
from gradwright.nn.functional.adaptive_pooling import *  # noqa: F403
from gradwright.nn.functional.attention import scaled_dot_product_attention
from gradwright.nn.functional.bag import embedding_bag
from gradwright.nn.functional.classification import cross_entropy, nll_loss
from gradwright.nn.functional.convolution import *  # noqa: F403
from gradwright.nn.functional.ctc import ctc_loss
from gradwright.nn.functional.distance import (
    cosine_embedding_loss,
    cosine_similarity,
    normalize,
    pairwise_distance,
    pdist,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from gradwright.nn.functional.dropout import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
)
from gradwright.nn.functional.interpolation import *  # noqa: F403
from gradwright.nn.functional.linear import bilinear, linear
from gradwright.nn.functional.margin import (
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)
from gradwright.nn.functional.multihead import multi_head_attention_forward
from gradwright.nn.functional.normalization import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    rms_norm,
)
from gradwright.nn.functional.pooling import *  # noqa: F403
from gradwright.nn.functional.probability import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    kl_div,
    poisson_nll_loss,
)
from gradwright.nn.functional.regression import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from gradwright.nn.functional.shuffle import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle
from gradwright.nn.functional.unpooling import max_unpool1d, max_unpool2d, max_unpool3d
from gradwright.nn.functional.warping import affine_grid, grid_sample

__all__ = [
    *_activation.__all__,
    *_adaptive_pooling.__all__,
    *_convolution.__all__,
    *_interpolation.__all__,
    *_pooling.__all__,
    "affine_grid",
    "alpha_dropout",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "channel_shuffle",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "embedding",
    "embedding_bag",
    "feature_alpha_dropout",
    "gaussian_nll_loss",
    "grid_sample",
    "group_norm",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "linear",
    "local_response_norm",
    "margin_ranking_loss",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mse_loss",
    "multi_head_attention_forward",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "native_channel_shuffle",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "rms_norm",
    "scaled_dot_product_attention",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

__getattr__ = explained("gradwright.nn.functional", globals())
