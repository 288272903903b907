"""Structures from a stranger: whatever they hold, one typed error, before any memory is taken."""

from __future__ import annotations

import functools
import json
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradwright as gw
from gradwright import nn
from gradwright.engine.skeleton import skeleton
from gradwright.errors import StateError
from gradwright.nn.structure import LAYERS, _build, _without_drawing, from_structure, to_structure


def nested(depth):
    structure = {"layer": "ReLU"}
    for _ in range(depth):
        structure = {"layer": "Sequential", "parts": {"0": structure}}
    return structure


def linear(n, m, **more):
    return {"layer": "Linear", "in_features": n, "out_features": m, **more}


def layer(kind, **arguments):
    return {"layer": kind, **arguments}


def convolution(**more):
    return layer("Conv2d", **{"in_channels": 3, "out_channels": 4, "kernel_size": 3, **more})


BLOCK = layer("TransformerEncoderLayer", d_model=4, nhead=2, dim_feedforward=4)

HOSTILE = {
    "a kernel of 10⁹": convolution(kernel_size=10**9),
    "a kernel of 2²⁴ in each direction": convolution(kernel_size=[2**24, 2**24]),
    "a kernel of a million": convolution(kernel_size=10**6),
    "a kernel of 0": convolution(kernel_size=0),
    "a negative kernel": convolution(kernel_size=-3),
    "three numbers for two axes": convolution(kernel_size=[3, 3, 3]),
    "a kernel in text": convolution(kernel_size="33"),
    "a kernel of lists": convolution(kernel_size=[[3], [3]]),
    "a kernel of a million numbers": convolution(kernel_size=[3] * 10**6),
    "no groups": convolution(groups=0),
    "negative groups": convolution(groups=-1),
    "groups that do not divide": convolution(groups=2),
    "no channels and no groups": convolution(in_channels=0, out_channels=0, groups=0),
    "negative channels": convolution(in_channels=-3, out_channels=-4),
    "a stride of 0": convolution(stride=0),
    "a negative dilation": convolution(dilation=-1),
    "a negative padding": convolution(padding=-1),
    "an unknown padding": convolution(padding="everywhere"),
    "an unknown padding mode": convolution(padding_mode="x" * 999),
    "a text of 10 MB": convolution(padding_mode="x" * 10**7),
    "two bytes of channels each way": convolution(in_channels=2**16, out_channels=2**16),
    "a wide transposed convolution": layer(
        "ConvTranspose3d", in_channels=2**10, out_channels=2**10, kernel_size=[64, 64, 64]
    ),
    "an absurd embedding": layer("Embedding", num_embeddings=2**24, embedding_dim=2**24),
    "padding outside an embedding": layer("Embedding", num_embeddings=3, embedding_dim=2, padding_idx=7),
    "an absurd bilinear layer": layer("Bilinear", in1_features=2**20, in2_features=2**20, out_features=2**20),
    "an absurd layer norm": layer("LayerNorm", normalized_shape=[2**20, 2**20, 2**20]),
    "10⁷ recurrent layers": layer("LSTM", input_size=1, hidden_size=1, num_layers=10**7),
    "a wide recurrent layer": layer("GRU", input_size=2**20, hidden_size=2**20),
    "a projection wider than the state": layer("LSTM", input_size=1, hidden_size=2, proj_size=3),
    "no heads": layer("MultiheadAttention", embed_dim=4, num_heads=0),
    "absurd attention": layer("MultiheadAttention", embed_dim=2**22, num_heads=1),
    "10⁷ blocks": layer("TransformerEncoder", encoder_layer=BLOCK, num_layers=10**7),
    "a transformer of 10⁷ layers": layer("Transformer", d_model=4, nhead=2, num_encoder_layers=10**7),
    "a number for a block": layer("TransformerEncoder", encoder_layer=3, num_layers=2),
    "an unknown block": layer("TransformerEncoder", encoder_layer=layer("Popen"), num_layers=2),
    "a broken block": layer("TransformerEncoder", encoder_layer=convolution(groups=0), num_layers=2),
    "an unknown activation": {**BLOCK, "activation": "system"},
    "a layer for an activation": {**BLOCK, "activation": layer("ReLU")},
    "an activation for a highway": layer("Highway", size=3, activation="__import__"),
    "a residual connection round nothing": layer("Residual", module=None),
    "a residual connection without a module": layer("Residual"),
    "a residual connection round a list": layer("Residual", module=[layer("ReLU")]),
    "101 residual connections": functools.reduce(lambda m, _: layer("Residual", module=m), range(101), layer("ReLU")),
    "wide layers in a residual connection": layer("Residual", module=linear(2**16, 2**16)),
    "a list of numbered parts": {"layer": "ModuleList", "parts": {"1": layer("ReLU")}},
    "a million parts": {"layer": "Sequential", "parts": {str(i): layer("ReLU") for i in range(10**6)}},
    "a part of a dictionary that hides a method": {"layer": "ModuleDict", "parts": {"keys": layer("ReLU")}},
    "sharing with nobody": {**linear(3, 3), "shared": {"weight": "other"}},
    "sharing in a list": {**linear(3, 3), "shared": ["weight"]},
    "sharing inside": {"layer": "Sequential", "parts": {"0": {**linear(3, 3), "shared": {}}}},
    "parameters in a list": layer("ParameterList", values=[1]),
    "10⁷ blocks of a language model": layer("GPT", vocab_size=2, block_size=2, width=2, depth=10**7),
    "a language model of 2²⁴ words": layer("GPT", vocab_size=2**24, block_size=2, width=64),
    "a residual network without end": layer("ResNet", depth=6 * 10**6 + 2, width=1),
    "a residual network too wide": layer("ResNet", depth=8, width=2**20),
    "10⁷ highways": layer("HighwayNetwork", in_features=1, width=1, depth=10**7, out_features=1),
    "20,000 hidden layers": layer("MLP", in_features=1, hidden=[1] * 20_000, out_features=1),
    "9,999 hidden layers": layer("MLP", in_features=1, hidden=[1] * 9_999, out_features=1),
    "a hidden layer of text": layer("MLP", in_features=1, hidden=["1"], out_features=1),
    "an image of no size": layer("LeNet", shape=[1, 0, 0]),
    "an image of 2²⁴ pixels each way": layer("LeNet", shape=[1, 2**24, 2**24]),
    "a tagger of 2²⁴ units": layer("RecurrentTagger", num_embeddings=2, embedding_dim=2, hidden_size=2**24, num_tags=2),
    "a step of no depth": layer("StochasticDepth", p=2.0),
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
    start = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(StateError) as caught:
            from_structure(structure)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 10
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


# --- every layer ------------------------------------------------------------------------------------------------------
EXAMPLES = {
    "AdaptiveAvgPool1d": {"output_size": 3},
    "AdaptiveAvgPool2d": {"output_size": (3, None)},
    "AdaptiveAvgPool3d": {"output_size": (1, 2, 3)},
    "AdaptiveMaxPool1d": {"output_size": 3},
    "AdaptiveMaxPool2d": {"output_size": (3, 2), "return_indices": True},
    "AdaptiveMaxPool3d": {"output_size": 2},
    "AvgPool1d": {"kernel_size": 2, "padding": 1},
    "AvgPool2d": {"kernel_size": (2, 3), "stride": (1, 2), "divisor_override": 5},
    "AvgPool3d": {"kernel_size": 2, "count_include_pad": False},
    "BatchNorm1d": {"num_features": 3, "momentum": None},
    "BatchNorm2d": {"num_features": 3, "affine": False},
    "BatchNorm3d": {"num_features": 3, "track_running_stats": False},
    "Bilinear": {"in1_features": 2, "in2_features": 3, "out_features": 4, "bias": False},
    "ChannelShuffle": {"groups": 2},
    "CircularPad1d": {"padding": 1},
    "CircularPad2d": {"padding": (1, 2, 0, 1)},
    "CircularPad3d": {"padding": 2},
    "ConstantPad1d": {"padding": (1, 2), "value": 3.5},
    "ConstantPad2d": {"padding": 1, "value": 3},
    "ConstantPad3d": {"padding": 1, "value": -1.0},
    "Conv1d": {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "padding": "same", "groups": 2},
    "Conv2d": {"in_channels": 3, "out_channels": 2, "kernel_size": (3, 1), "stride": 2, "padding_mode": "reflect"},
    "Conv3d": {"in_channels": 1, "out_channels": 2, "kernel_size": 2, "dilation": (1, 2, 1), "bias": False},
    "ConvTranspose1d": {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "stride": 2, "output_padding": 1},
    "ConvTranspose2d": {"in_channels": 4, "out_channels": 6, "kernel_size": (2, 3), "groups": 2},
    "ConvTranspose3d": {"in_channels": 1, "out_channels": 1, "kernel_size": 2, "bias": False},
    "ELU": {"alpha": 2.0},
    "Embedding": {"num_embeddings": 5, "embedding_dim": 3, "padding_idx": 1, "max_norm": 2.0},
    "EmbeddingBag": {"num_embeddings": 5, "embedding_dim": 3, "mode": "sum"},
    "Fold": {"output_size": (4, 5), "kernel_size": 2},
    "GELU": {"approximate": "tanh"},
    "GRU": {"input_size": 2, "hidden_size": 3, "bidirectional": True},
    "GRUCell": {"input_size": 2, "hidden_size": 3, "bias": False},
    "GroupNorm": {"num_groups": 2, "num_channels": 4, "affine": False},
    "Highway": {"size": 3, "activation": "tanh", "bias": -1.0},
    "InstanceNorm1d": {"num_features": 3, "affine": True},
    "InstanceNorm2d": {"num_features": 3, "track_running_stats": True},
    "InstanceNorm3d": {"num_features": 3},
    "LPPool1d": {"norm_type": 2, "kernel_size": 2},
    "LPPool2d": {"norm_type": 1.5, "kernel_size": (2, 1)},
    "LPPool3d": {"norm_type": 2, "kernel_size": 2, "ceil_mode": True},
    "LSTM": {"input_size": 2, "hidden_size": 3, "num_layers": 2, "dropout": 0.25, "proj_size": 2},
    "LSTMCell": {"input_size": 2, "hidden_size": 3},
    "LayerNorm": {"normalized_shape": (2, 3), "bias": False},
    "Linear": {"in_features": 2, "out_features": 3},
    "LocalResponseNorm": {"size": 2, "k": 0.5},
    "MaxPool1d": {"kernel_size": 2, "dilation": 2},
    "MaxPool2d": {"kernel_size": (2, 3), "return_indices": True},
    "MaxPool3d": {"kernel_size": 2, "ceil_mode": True},
    "MaxUnpool1d": {"kernel_size": 2, "stride": 3},
    "MaxUnpool2d": {"kernel_size": (2, 3), "padding": 1},
    "MaxUnpool3d": {"kernel_size": 2},
    "MultiheadAttention": {"embed_dim": 4, "num_heads": 2, "kdim": 3, "add_bias_kv": True, "dropout": 0.1},
    "PReLU": {"num_parameters": 3, "init": 0.5},
    "Permute": {"dims": (0, 2, 1)},
    "PixelShuffle": {"upscale_factor": 2},
    "PixelUnshuffle": {"downscale_factor": 2},
    "RMSNorm": {"normalized_shape": 4, "eps": None},
    "RNN": {"input_size": 2, "hidden_size": 3, "nonlinearity": "relu"},
    "RNNCell": {"input_size": 2, "hidden_size": 3, "nonlinearity": "relu"},
    "ReflectionPad1d": {"padding": 1},
    "ReflectionPad2d": {"padding": (1, 1, 2, 0)},
    "ReflectionPad3d": {"padding": 1},
    "ReplicationPad1d": {"padding": 1},
    "ReplicationPad2d": {"padding": 1},
    "ReplicationPad3d": {"padding": 1},
    "Residual": {"module": nn.Linear(2, 3), "shortcut": nn.Sequential(nn.Linear(2, 3, bias=False), nn.Tanh())},
    "StochasticDepth": {"p": 0.25, "mode": "batch"},
    "Threshold": {"threshold": 0.5, "value": 2.0},
    "Transformer": {"d_model": 4, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 3},
    "TransformerDecoder": {
        "decoder_layer": nn.TransformerDecoderLayer(4, 2, 3),
        "num_layers": 2,
        "norm": nn.LayerNorm(4),
    },
    "TransformerDecoderLayer": {"d_model": 4, "nhead": 2, "dim_feedforward": 3, "norm_first": True},
    "TransformerEncoder": {"encoder_layer": nn.TransformerEncoderLayer(4, 2, 3, activation="gelu"), "num_layers": 3},
    "TransformerEncoderLayer": {"d_model": 4, "nhead": 2, "dim_feedforward": 3, "activation": "gelu", "bias": False},
    "Unflatten": {"dim": 1, "unflattened_size": (2, 3)},
    "Unfold": {"kernel_size": (2, 1), "stride": 2},
    "Upsample": {"scale_factor": 2.0, "mode": "bilinear", "align_corners": True},
    "UpsamplingBilinear2d": {"size": (3, 4)},
    "UpsamplingNearest2d": {"scale_factor": 2},
    "ZeroPad1d": {"padding": 1},
    "ZeroPad2d": {"padding": (1, 2, 3, 4)},
    "ZeroPad3d": {"padding": 1},
}


def example(name):
    parts = {"a": nn.Linear(2, 3), "b": nn.ModuleList([nn.ReLU(), nn.Linear(3, 1)])}
    if name == "ModuleList":
        return nn.ModuleList(parts.values())
    if name in ("Sequential", "ModuleDict"):
        return LAYERS[name](parts)
    return LAYERS[name](**EXAMPLES.get(name, {}))  # those that are missing take nothing that they need


@pytest.mark.parametrize("name", [n for n in LAYERS if n not in nn.models.__all__])
def test_every_layer_is_written_and_built_again(name):
    module = example(name)
    written = json.loads(json.dumps(to_structure(module)))
    draws = gw.current_generator().get_state()
    again = from_structure(written, draw=False)
    assert gw.current_generator().get_state() == draws
    assert type(again) is type(module)
    assert repr(again) == repr(module)
    assert to_structure(again) == written
    assert [(k, v.shape, v.dtype) for k, v in again.state_dict().items()] == [
        (k, v.shape, v.dtype) for k, v in module.state_dict().items()
    ]
    again.load_state_dict(module.state_dict())
    for key, value in module.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[key].numpy(), value.numpy())
    for part in again.modules():
        assert "reset_parameters" not in vars(part), "a network that was loaded can be initialised anew"


def test_a_layer_that_is_built_draws_its_weights_once():
    structure = to_structure(nn.Sequential(nn.Linear(4, 3), nn.LSTM(3, 2)))
    gw.manual_seed(0)
    built = from_structure(structure)
    gw.manual_seed(0)
    made = nn.Sequential(nn.Linear(4, 3), nn.LSTM(3, 2))
    for ours, theirs in zip(built.parameters(), made.parameters(), strict=True):
        np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())


LARGE = {
    "linear": linear(2**13, 2**14),
    "convolution": convolution(in_channels=2**10, out_channels=2**11, kernel_size=7),
    "transposed convolution": layer("ConvTranspose2d", in_channels=2**10, out_channels=2**10, kernel_size=8),
    "embedding": layer("Embedding", num_embeddings=2**20, embedding_dim=128, padding_idx=0),
    "embedding bag": layer("EmbeddingBag", num_embeddings=2**20, embedding_dim=128),
    "bilinear": layer("Bilinear", in1_features=2**9, in2_features=2**9, out_features=2**9),
    "batch norm": layer("BatchNorm2d", num_features=2**24),
    "instance norm": layer("InstanceNorm2d", num_features=2**24, affine=True, track_running_stats=True),
    "layer norm": layer("LayerNorm", normalized_shape=[2**12, 2**12]),
    "RMS norm": layer("RMSNorm", normalized_shape=[2**12, 2**12]),
    "group norm": layer("GroupNorm", num_groups=2, num_channels=2**24),
    "prelu": layer("PReLU", num_parameters=2**24),
    "lstm": layer("LSTM", input_size=2**11, hidden_size=2**11, num_layers=2, bidirectional=True),
    "lstm cell": layer("LSTMCell", input_size=2**12, hidden_size=2**12),
    "attention": layer("MultiheadAttention", embed_dim=2**12, num_heads=8, add_bias_kv=True),
    "encoder": layer(
        "TransformerEncoder",
        encoder_layer=layer("TransformerEncoderLayer", d_model=2**10, nhead=8, dim_feedforward=2**12),
        num_layers=12,
    ),
    "transformer": layer("Transformer", d_model=2**10, nhead=8),
    "highway": layer("Highway", size=2**12),
}


@pytest.mark.parametrize("structure", LARGE.values(), ids=LARGE)
def test_counting_takes_no_memory(structure):
    tracemalloc.start()
    try:
        with skeleton(2**28) as bones, _without_drawing():
            _build(structure)
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()
    assert bones.numbers >= 2**24


def test_arguments_that_no_file_can_hold_are_named():
    block = nn.TransformerEncoderLayer(4, 2, 3, activation=gw.tanh)
    with pytest.raises(StateError, match="TransformerEncoderLayer with an activation of its own"):
        to_structure(nn.Sequential(block))


def test_many_copies_of_a_layer_without_weights_are_counted():
    started = time.process_time()
    with pytest.raises(StateError, match="parts"):
        from_structure({"layer": "TransformerEncoder", "encoder_layer": {"layer": "Identity"}, "num_layers": 2**24})
    assert time.process_time() - started < 5


def test_a_network_that_was_changed_since_it_was_built_is_not_written_as_it_was():
    lenet = nn.models.LeNet(10)
    lenet.classifier[4] = nn.Linear(84, 3)
    with pytest.raises(StateError, match="no longer what its arguments build"):
        to_structure(lenet)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)
    encoder.layers[1].dropout1.p = 0.4
    with pytest.raises(StateError, match="no longer what its arguments build"):
        to_structure(encoder)
