"""Structures from a stranger: whatever they hold, one typed error, before any memory is taken."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradwright as gw
from gradwright import nn
from gradwright.errors import StateError
from gradwright.nn.structure import LAYERS, from_structure, to_structure


def nested(depth):
    structure = {"layer": "ReLU"}
    for _ in range(depth):
        structure = {"layer": "Sequential", "parts": {"0": structure}}
    return structure


def linear(n, m, **more):
    return {"layer": "Linear", "in_features": n, "out_features": m, **more}


HOSTILE = {
    "nothing": None,
    "a list": [],
    "a string": "Linear",
    "no layer": {"in_features": 3},
    "layer is a list": {"layer": ["Linear"]},
    "an unknown layer": {"layer": "os.system", "command": "true"},
    "a very long name": {"layer": "x" * 1_000_000},
    "a loss": {"layer": "CrossEntropyLoss"},
    "Module itself": {"layer": "Module"},
    "a missing argument": {"layer": "Linear", "in_features": 3},
    "an unknown argument": linear(3, 3, init="zeros"),
    "self": linear(3, 3, self=1),
    "an argument that is no string": {"layer": "ReLU", 3: 1},
    "a negative size": linear(-1, 3),
    "two negative sizes": linear(-3, -3),
    "a fraction": linear(2.5, 3),
    "a whole float": linear(3.0, 3),
    "a truth value for a size": linear(True, 3),
    "text for a size": linear("3", 3),
    "a list for a size": linear([3], 3),
    "null for a size": linear(None, 3),
    "text for a flag": linear(3, 3, bias="no"),
    "a number for a flag": linear(3, 3, bias=1),
    "an absurd size": linear(2**60, 3),
    "a size of 5000 digits": linear(10**5000, 3),
    "two large sizes": linear(2**24, 2**24),
    "16 GiB": linear(2**16, 2**16),
    "many layers of 512 MiB": {"layer": "Sequential", "parts": {str(i): linear(2**13, 2**14) for i in range(100)}},
    "a wide batch norm": {"layer": "BatchNorm1d", "num_features": 2**40},
    "nan for eps": {"layer": "BatchNorm1d", "num_features": 3, "eps": float("nan")},
    "inf for eps": {"layer": "BatchNorm1d", "num_features": 3, "eps": float("inf")},
    "text for eps": {"layer": "BatchNorm1d", "num_features": 3, "eps": "1e-5"},
    "text for momentum": {"layer": "BatchNorm1d", "num_features": 3, "momentum": "0.1"},
    "a rate of 2": {"layer": "Dropout", "p": 2},
    "nan for a rate": {"layer": "Dropout", "p": float("nan")},
    "a whole number too large for a float": {"layer": "Dropout", "p": 10**400},
    "a fraction for an axis": {"layer": "Softmax", "dim": 0.5},
    "parts in a list": {"layer": "Sequential", "parts": [{"layer": "ReLU"}]},
    "no parts": {"layer": "Sequential"},
    "parts and more": {"layer": "Sequential", "parts": {}, "x": 1},
    "a part that is none": {"layer": "Sequential", "parts": {"0": 1}},
    "a dotted name": {"layer": "Sequential", "parts": {"a.b": {"layer": "ReLU"}}},
    "an empty name": {"layer": "Sequential", "parts": {"": {"layer": "ReLU"}}},
    "a name that hides an attribute": {"layer": "Sequential", "parts": {"_modules": {"layer": "ReLU"}}},
    "a name that hides a method": {"layer": "Sequential", "parts": {"forward": {"layer": "ReLU"}}},
    "a numbered part that is no string": {"layer": "Sequential", "parts": {0: {"layer": "ReLU"}}},
    "101 levels": nested(101),
    "900 levels": nested(900),
    "a bad layer deep inside": {
        "layer": "Sequential",
        "parts": {"0": {"layer": "Sequential", "parts": {"0": {"layer": "?"}}}},
    },
}


@pytest.mark.parametrize("structure", HOSTILE.values(), ids=HOSTILE)
def test_hostile_structures_are_refused_in_one_way_and_take_no_memory(structure):
    tracemalloc.start()
    try:
        with pytest.raises(StateError) as caught:
            from_structure(structure)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(sorted(LAYERS)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["layer", "parts", "in_features", "out_features", "p", "dim", "0", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_json_gives_a_module_or_a_state_error(structure):
    try:
        module = from_structure(structure)
    except StateError:
        return
    assert isinstance(module, nn.Module)


def test_100_levels_are_built():
    x = gw.tensor([-1.0, 2.0])
    np.testing.assert_array_equal(from_structure(nested(100))(x).numpy(), [0, 2])


def test_names_of_parts_are_kept():
    net = nn.Sequential({"first": nn.Linear(2, 3), "act": nn.Tanh(), "last": nn.Linear(3, 1, bias=False)})
    text = json.dumps(to_structure(net))
    again = from_structure(json.loads(text))
    assert list(again.state_dict()) == ["first.weight", "first.bias", "last.weight"]
    again.load_state_dict(net.state_dict())
    x = gw.randn(4, 2)
    np.testing.assert_array_equal(again(x).detach().numpy(), net(x).detach().numpy())


def test_only_known_layers_can_be_written():
    class Mine(nn.Linear):
        pass

    class Linear(nn.Module):
        pass

    for module in (Mine(2, 2), Linear(), nn.Sequential(nn.ReLU(), Mine(2, 2)), nn.MSELoss()):
        with pytest.raises(StateError, match="not a layer that a file can name"):
            to_structure(module)
