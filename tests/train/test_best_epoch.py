"""The remark on the best epoch is a function of the rows alone, and the bias it speaks of is there."""

import numpy as np
import pytest

from gradwright.train.best_epoch import best_epoch_remark


def rows(values, name="validation_loss"):
    return [{"epoch": i, name: value} for i, value in enumerate(values, 1)]


def test_it_names_the_best_epoch_and_its_lead_over_the_last():
    detail = best_epoch_remark(rows([1.0, 0.5, 0.7, 0.8, 0.9]))["detail"]
    assert "Epoch 2 was chosen as the best of 5 by its validation loss, 0.5." in detail
    assert "The last 3 have 0.8 on average (those vary by 0.1): the best leads by 0.3," in detail
    detail = best_epoch_remark(rows([0.1, 0.9, 0.8, 0.8, 0.8], "validation_accuracy"), "validation_accuracy")["detail"]
    assert "validation accuracy, 0.9. The last 3 have 0.8 on average: the best leads by 0.1," in detail
    forty = best_epoch_remark(rows([1.0] * 5 + [0.5] + [0.9] * 34))["detail"]
    assert "best of 40" in forty
    assert "The last 4 have 0.9" in forty


@pytest.mark.parametrize("values", [[], [0.5], [0.5, None], [0.5, float("nan")], [0.7, 0.7, 0.7]])
def test_nothing_is_said_where_nothing_was_chosen(values):
    assert best_epoch_remark(rows(values)) is None


def test_nan_and_epochs_without_validation_do_not_count():
    values = [{"epoch": 1, "validation_loss": float("nan")}, {"epoch": 2}, *rows([9, 9, 0.5, 0.7, 0.8, 0.9])[2:]]
    assert "Epoch 3 was chosen as the best of 4" in best_epoch_remark(values)["detail"]


def test_the_direction_may_be_told():
    assert "Epoch 1 " in best_epoch_remark(rows([9.0, 1, 2, 3, 4], "mine"), "mine", "max")["detail"]


def test_the_best_of_many_is_better_than_on_new_data():
    """Among networks that are all alike the best epoch leads by what the remark's equation says."""
    figures = np.random.default_rng(0).normal(size=(2000, 50))
    assert 0.7 * np.sqrt(2 * np.log(50)) < -figures.min(1).mean() < np.sqrt(2 * np.log(50))
