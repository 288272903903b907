"""The operations as functions of Tensors under PyTorch's names, by family; each family lists its methods too."""

from gradwright.engine.functions import (
    activation,
    comparison,
    elementwise,
    indexing,
    linalg,
    reduction,
    rounding,
    shape,
    special,
    trigonometric,
)
from gradwright.engine.functions.activation import *  # noqa: F403
from gradwright.engine.functions.comparison import *  # noqa: F403
from gradwright.engine.functions.elementwise import *  # noqa: F403
from gradwright.engine.functions.indexing import *  # noqa: F403
from gradwright.engine.functions.linalg import *  # noqa: F403
from gradwright.engine.functions.reduction import *  # noqa: F403
from gradwright.engine.functions.rounding import *  # noqa: F403
from gradwright.engine.functions.shape import *  # noqa: F403
from gradwright.engine.functions.special import *  # noqa: F403
from gradwright.engine.functions.trigonometric import *  # noqa: F403

__all__ = [
    *activation.__all__,
    *comparison.__all__,
    *elementwise.__all__,
    *indexing.__all__,
    *linalg.__all__,
    *reduction.__all__,
    *rounding.__all__,
    *shape.__all__,
    *special.__all__,
    *trigonometric.__all__,
]
