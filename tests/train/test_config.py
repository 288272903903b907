"""Settings: what is refused and how, and that TOML written is TOML read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gradwright.errors import ConfigError
from gradwright.train import Config, load_toml, parse_config
from gradwright.train.config import to_toml

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "source": st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    "target": st.text(st.characters(exclude_categories=["Cs"])),
    "hidden": st.lists(st.integers(1, 65536), max_size=4),
    "activation": st.sampled_from(["relu", "tanh", "sigmoid"]),
    "dropout": st.floats(0, 1, exclude_max=True),
    "batch_norm": st.booleans(),
    "lr": st.floats(1e-300, 1e300) | st.just("auto"),
    "optimizer": st.sampled_from(["adam", "lamb", "sgd"]),
    "schedule": st.sampled_from(["onecycle", "cosine"]),
    "augment": st.lists(st.sampled_from(["noise", "noise=0.5", "mixup"]), max_size=3),
    "prior": st.sampled_from(["gaussian=2", "student-t"]),
    "clip_norm": st.floats(1e-300, 1e300),
    "seed": st.integers(0, 2**63 - 1),
    "epochs": st.integers(1, 10**9),
}


@example({"source": 'C:\\new\\table "1".csv', "target": "tab\t, line\n, \x7f, \x1b, \u2028"})
@given(st.fixed_dictionaries({"source": VALUES["source"]}, optional={k: v for k, v in VALUES.items() if k != "source"}))
def test_toml_round_trip(values: dict[str, Any]) -> None:
    config = parse_config(values)
    assert parse_config(tomllib.loads(to_toml(config.model_dump()))) == config


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ["source", "missing"]),
        ({"source": "iris", "epoch": 3}, ["'epoch'", "did you mean 'epochs'"]),
        ({"source": "iris", "dropuot": 3}, ["did you mean 'dropout'"]),
        ({"source": "iris", "zzzz": 3}, ["'zzzz'", "known:", "batch_size"]),
        ({"source": "iris", "lr": 0}, ["lr = 0", "greater than 0"]),
        ({"source": "iris", "lr": float("inf")}, ["lr = inf"]),
        ({"source": "iris", "lr": float("nan")}, ["lr = nan"]),
        ({"source": "iris", "weight_decay": float("inf")}, ["weight_decay = inf"]),
        ({"source": "iris", "clip_norm": float("inf")}, ["clip_norm = inf"]),
        ({"source": "iris", "dropout": 1.0}, ["dropout = 1.0"]),
        ({"source": "iris", "hidden": [64, 0]}, ["hidden.1 = 0"]),
        ({"source": "iris", "lr": "automatic"}, ["lr = 'automatic'", "number"]),
        ({"source": "iris", "activation": "gleu"}, ["activation = 'gleu'", "did you mean gelu", "list activations"]),
        ({"source": "iris", "optimizer": "adma"}, ["no optimizer 'adma'", "did you mean adam"]),
        ({"source": "iris", "network": "vgg"}, ["no network 'vgg'", "resnet", "gradwright list networks"]),
        ({"source": "iris", "schedule": "onecylce"}, ["did you mean onecycle"]),
        ({"source": "iris", "init": "xaver"}, ["did you mean xavier"]),
        ({"source": "iris", "augment": ["noise", "nosie=1"]}, ["no augment 'nosie'", "did you mean noise"]),
        ({"source": "iris", "prior": "cauchy=1"}, ["no prior 'cauchy'", "gaussian"]),
        ({"source": "iris", "warmup": 1.0}, ["warmup = 1.0"]),
        ({"source": "iris", "optimizer": "adam=3"}, ["no optimizer 'adam=3'"]),
        ({"source": "iris", "depth": 3}, ["depth = 3: mlp has no such setting; gpt, highway, resnet, tagger have"]),
        ({"source": "iris", "network": "resnet", "hidden": [3]}, ["hidden = (3,)", "mlp has"]),
        ({"source": "iris", "network": "linear", "activation": "tanh"}, ["activation = tanh: linear has no"]),
        ({"source": "iris", "optimizer": "lbfgs", "lookahead": 5, "lr": "auto"}, ["lookahead = 5", "lr = auto"]),
        ({"source": "iris", "optimizer": "rprop", "schedule": "cosine"}, ["schedule = cosine: it means nothing"]),
        ({"source": "iris", "schedule": "plateau", "warmup": 0.1}, ["warmup = 0.1: plateau"]),
        ({"source": "iris", "compare": "tensorflow"}, ["compare", "'torch'"]),
        ({"source": "iris", "epochs": 0, "patience": -1}, ["epochs = 0", "patience = -1"]),
        ({"source": "iris", "seed": -1}, ["seed = -1"]),
        ({"source": "caf\udce9.csv"}, ["source"]),
    ],
)
def test_every_wrong_setting_is_named(values: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(values, "here")
    assert str(caught.value).startswith("here: ")
    for word in words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"lr = ", ["not valid TOML"]),
        (b"lr = 1\nlr = 2\n", ["not valid TOML"]),
        (b"target = 'caf\xe9'", ["not UTF-8", "byte 13"]),
    ],
)
def test_files_that_are_no_toml(tmp_path: Path, content: bytes, words: list[str]) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_toml(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_toml(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_toml(tmp_path)
    path.write_bytes(b"\xef\xbb\xbflr = 0.5\n")
    assert load_toml(path) == {"lr": 0.5}


@pytest.mark.parametrize("rows", [1, 10, 100, 1257, 60_000, 10**7])
@pytest.mark.parametrize("features", [1, 4, 64, 784, 10_000])
def test_defaults_are_filled_in_sensibly(rows: int, features: int) -> None:
    config = Config(source="x").resolved(rows, features)
    assert config.hidden is not None
    assert config.batch_size is not None
    assert all(16 <= w <= 512 for w in config.hidden)
    assert 16 <= config.batch_size <= 128
    assert (config.dropout, config.lr) == (0.1, 1e-3)
    given_ = Config(source="x", hidden=(), dropout=0.0, lr=7.0, batch_size=3)
    assert given_.resolved(rows, features) == given_
    sgd = Config(source="x", optimizer="sgd").resolved(rows, features)
    assert (sgd.lr, sgd.momentum) == (0.05, 0.9)
    resnet = Config(source="x", network="resnet").resolved(rows, features)
    assert (resnet.hidden, resnet.dropout) == (None, None)
    assert parse_config(resnet.model_dump()) == resnet
    assert Config(source="x", optimizer="rprop").resolved(rows, features).batch_size == rows
