"""The built-in data sets: real, small, and on every machine, because scikit-learn's package carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BUILTIN", "load_builtin"]

BUILTIN: dict[str, str] = {
    "digits": "1,797 handwritten digits of 8 by 8 pixels (10 classes)",
    "iris": "150 flowers, 4 measurements (3 species)",
    "wine": "178 wines, 13 chemical measurements (3 growers)",
    "breast-cancer": "569 tumours, 30 measurements (malignant or benign)",
    "diabetes": "442 patients, 10 measurements (progression after a year)",
}
"""The names, each with one line about the set."""


def load_builtin(name: str) -> tuple[pl.DataFrame | NDArray[Any], pl.Series]:
    """Load a built-in set.

    Parameters
    ----------
    name : str
        One of `BUILTIN`.

    Returns
    -------
    features : polars.DataFrame, or uint8 array (1797, 8, 8) for digits
        Columns by their real names. The diabetes columns are in their own units, not scaled beforehand.
    target : polars.Series
        Class names as text (digits: the digit as a whole number), or the quantity.

    Examples
    --------
    >>> features, target = load_builtin("wine")
    >>> features.columns[0], target.name, target.len()
    ('alcohol', 'target', 178)
    """
    import polars as pl
    from sklearn import datasets

    if name == "digits":
        bunch = datasets.load_digits()
        return bunch.images.astype(np.uint8), pl.Series("target", bunch.target.astype(np.int64))
    if name == "diabetes":
        bunch = datasets.load_diabetes(scaled=False)
        target = pl.Series("target", bunch.target)
    else:
        load = {
            "iris": datasets.load_iris,
            "wine": datasets.load_wine,
            "breast-cancer": datasets.load_breast_cancer,
        }
        bunch = load[name]()
        target = pl.Series("target", np.asarray(bunch.target_names)[bunch.target].astype(str).tolist())
    names = [str(column) for column in bunch.feature_names]
    return pl.DataFrame({column: bunch.data[:, i] for i, column in enumerate(names)}), target
