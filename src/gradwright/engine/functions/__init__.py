"""The operations as functions of Tensors under PyTorch's names, by family; each family lists its methods too."""

from gradwright.engine.functions import (
    activation,
    arranging,
    comparison,
    distances,
    elementwise,
    grids,
    indexing,
    joining,
    linalg,
    norms,
    reduction,
    rounding,
    scan,
    scattering,
    shape,
    sorting,
    special,
    statistics,
    trigonometric,
)
from gradwright.engine.functions.activation import *  # noqa: F403
from gradwright.engine.functions.arranging import *  # noqa: F403
from gradwright.engine.functions.comparison import *  # noqa: F403
from gradwright.engine.functions.distances import *  # noqa: F403
from gradwright.engine.functions.elementwise import *  # noqa: F403
from gradwright.engine.functions.grids import *  # noqa: F403
from gradwright.engine.functions.indexing import *  # noqa: F403
from gradwright.engine.functions.joining import *  # noqa: F403
from gradwright.engine.functions.linalg import *  # noqa: F403
from gradwright.engine.functions.norms import *  # noqa: F403
from gradwright.engine.functions.reduction import *  # noqa: F403
from gradwright.engine.functions.rounding import *  # noqa: F403
from gradwright.engine.functions.scan import *  # noqa: F403
from gradwright.engine.functions.scattering import *  # noqa: F403
from gradwright.engine.functions.shape import *  # noqa: F403
from gradwright.engine.functions.sorting import *  # noqa: F403
from gradwright.engine.functions.special import *  # noqa: F403
from gradwright.engine.functions.statistics import *  # noqa: F403
from gradwright.engine.functions.trigonometric import *  # noqa: F403

__all__ = [
    *activation.__all__,
    *arranging.__all__,
    *comparison.__all__,
    *distances.__all__,
    *elementwise.__all__,
    *grids.__all__,
    *indexing.__all__,
    *joining.__all__,
    *linalg.__all__,
    *norms.__all__,
    *reduction.__all__,
    *rounding.__all__,
    *shape.__all__,
    *special.__all__,
    *trigonometric.__all__,
    *scan.__all__,
    *scattering.__all__,
    *sorting.__all__,
    *statistics.__all__,
]
