"""What every augmentation must do: its own draw for each sample, off in evaluation, the same compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright import augment as A
from gradwright import nn
from gradwright.errors import ConfigError, DTypeError, ShapeError

from .every import Case, call, cases, samples, tensors

each_case = pytest.mark.parametrize("case", cases(), ids=lambda c: c.name)


@each_case
def test_evaluation_changes_nothing_and_draws_nothing(case: Case):
    case.module.eval()
    state = gw.current_generator().get_state()
    x = tensors(samples())
    out = call(case, x)
    assert gw.current_generator().get_state() == state
    if isinstance(case.module, A.RandomCrop):  # the middle of 7 by 6 pixels
        np.testing.assert_array_equal(out[0].numpy(), x["images"].numpy()[:, :, 1:6, 1:5])
    else:
        assert out[0] is (x["images"] if case.kind == "pairs" else x[case.kind])
    if case.kind == "pairs":
        assert out[1] is x["labels"]


@each_case
def test_each_sample_has_its_own_draw_and_a_seed_repeats_it(case: Case):
    case.module.train()
    found = []
    for _ in range(2):
        gw.manual_seed(5)
        found += [call(case, tensors(samples(same=case.kind != "pairs"))) for _ in range(2)]
    first, later, again, _ = ([t.numpy() for t in out] for out in found)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(first, later, strict=True))
    assert len({row.tobytes() for row in first[0]}) > 1


@each_case
def test_the_dtype_is_kept(case: Case):
    case.module.train()
    for dtype in (np.float32, np.float64):
        out = call(case, tensors(samples(dtype=dtype)))
        assert all(t.dtype == (np.int64 if case.kind == "texts" else dtype) for t in out)


@each_case
def test_the_arguments_are_kept_and_printed(case: Case):
    config = case.module.config()
    again = type(case.module)(**config)
    assert again.config() == config
    assert repr(again) == repr(case.module)
    for key in case.module.hyperparameters:
        assert f"{key}={config[key]!r}" in repr(again)
    assert set(case.other) <= set(case.module.hyperparameters)


def test_nothing_happens_at_strength_nothing():
    x = gw.rand(4, 3, 5, 5)
    y = gw.tensor([0, 1, 2, 0])
    quiet = [
        A.RandomShift(0), A.RandomCrop(5), A.RandomHorizontalFlip(0.0), A.GaussianNoise(0.0, 0.0), A.ColorJitter(),
        A.RandomErasing(0.0), A.FeatureDropout(0.0), A.Cutout(0),
    ]  # fmt: skip
    for module in quiet:
        np.testing.assert_array_equal(module(x).numpy(), x.numpy())
    for module in (A.RandomRotation(0), A.RandomScale(0), A.RandomAffine(0), A.RandomShift(0, subpixel=True)):
        np.testing.assert_allclose(module(x).numpy(), x.numpy(), atol=1e-6)
    for mix in (A.MixUp(0, 3), A.CutMix(0, 3)):
        a, b = mix(x, y)
        np.testing.assert_array_equal(a.numpy(), x.numpy())
        np.testing.assert_array_equal(b.numpy(), np.eye(3)[y.numpy()])


# --- compiled ---------------------------------------------------------------------------------------------------------
_DIFFERENTIATED = ("RandomShift", "RandomBrightness", "RandomErasing", "MixUp")  # one of each kind


@pytest.mark.slow
def test_all_of_them_in_one_compiled_step_are_the_same_as_eager_for_every_strength():
    made = cases()

    def step(images: gw.Tensor, rows: gw.Tensor, texts: gw.Tensor, labels: gw.Tensor) -> list[Any]:
        x = {"images": images, "rows": rows, "texts": texts, "labels": labels}
        outs: list[Any] = []
        for case in made:
            own = dict(x)
            if case.name in _DIFFERENTIATED:
                own["images"] = images.detach().requires_grad_()
            out = call(case, own)
            outs += out
            if case.name in _DIFFERENTIATED:
                (out[0] * out[0]).sum().backward()
                outs.append(own["images"].grad)
        return outs

    x = tensors(samples())
    compiled = gw.compile(step, state=[c.module for c in made])

    def both() -> None:
        gw.manual_seed(11)
        eager = step(*x.values())
        state = gw.current_generator().get_state()
        gw.manual_seed(11)
        traced = compiled(*x.values())
        assert gw.current_generator().get_state() == state
        assert len(eager) == len(traced) == len(made) + 2 + 5  # two mix targets; a shift stands there twice
        for a, b in zip(eager, traced, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), rtol=1.3e-6, atol=1e-5)

    both()
    for case in made:
        for key, value in case.other.items():
            before = getattr(case.module, key)
            if np.all(before):  # zero stands in the program's text
                assert before != value
                setattr(case.module, key, value)
    both()
    assert compiled.traces == 1


def _member(degrees: float, p: float, sigma: float, alpha: float) -> Any:
    change = A.Compose(
        [A.RandomRotation(degrees), A.RandomHorizontalFlip(p), A.GaussianNoise(sigma=sigma), A.MixUp(alpha, 3)]
    )  # fmt: skip

    def step(x: gw.Tensor, y: gw.Tensor) -> Any:
        return list(change(x, y))

    return step


@pytest.mark.long
def test_members_of_a_population_have_their_own_strengths_and_draws():
    strengths = [(10.0, 0.5, 0.1, 0.3), (0.0, 0.0, 0.0, 0.0), (60.0, 1.0, 0.5, 1.0)]
    keys = ("degrees", "p", "sigma", "alpha")
    x = gw.rand(2, 4, 5, 6)
    y = gw.tensor([[0, 1, 2, 0], [2, 1, 1, 0]])
    everyone = gw.Population(_member, [dict(zip(keys, s, strict=True)) for s in strengths], seeds=[0, 1, 2])
    images, targets = everyone.scan(x, y)
    assert images.shape == (3, 2, 4, 5, 6)
    for i, strength in enumerate(strengths):
        with gw.random.use_generator(gw.Generator(i)):
            alone = _member(*strength)
            for j in range(2):
                a, b = alone(x[j], y[j])
                np.testing.assert_allclose(images[i, j].numpy(), a.numpy(), rtol=1.3e-6, atol=1e-5)
                np.testing.assert_allclose(targets[i, j].numpy(), b.numpy(), rtol=1.3e-6, atol=1e-5)


# --- one after the other ----------------------------------------------------------------------------------------------
def test_they_chain_in_sequential_and_compose_and_switch_off_with_the_network():
    x = gw.rand(4, 1, 6, 6)
    parts = [A.RandomRotation(20), A.RandomShift(1), A.GaussianNoise()]
    gw.manual_seed(1)
    by_hand = x
    for part in parts:
        by_hand = part(by_hand)
    for chain in (nn.Sequential(*parts), A.Compose(parts)):
        gw.manual_seed(1)
        np.testing.assert_array_equal(chain(x).numpy(), by_hand.numpy())
    network = nn.Sequential(A.Compose(parts), nn.Flatten(), nn.Linear(36, 2)).eval()
    np.testing.assert_array_equal(network(x).detach().numpy(), network(x).detach().numpy())


def test_compose_hands_targets_to_those_that_mix_and_rows_their_shape():
    change = A.Compose([A.RandomHorizontalFlip(1.0), A.MixUp(0.0, 3)], shape=(2, 3, 4))
    x, y = gw.rand(5, 24), gw.tensor([0, 1, 2, 1, 0])
    out, soft = change(x, y)
    np.testing.assert_array_equal(out.numpy(), x.numpy().reshape(5, 2, 3, 4)[..., ::-1].reshape(5, 24))
    np.testing.assert_array_equal(soft.numpy(), np.eye(3)[y.numpy()])
    assert change.takes_targets
    assert not A.Compose(list(change)[:1]).takes_targets
    with pytest.raises(ConfigError, match="MixUp mixes targets"):
        change(x)
    change.eval()
    assert change(x, y)[1] is y
    np.testing.assert_array_equal(change(x).numpy(), x.numpy())
    with pytest.raises(ShapeError, match=r"\(5, 23\)"):
        change(gw.rand(5, 23))


# --- refusals ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", [c for c in cases() if c.kind == "images"], ids=lambda c: c.name)
def test_what_is_no_image_is_refused_by_name(case: Case):
    if isinstance(case.module, A.GaussianNoise):
        assert case.module(gw.rand(3, 4)).shape == (3, 4)
        return
    for training in (True, False):
        case.module.train(training)
        with pytest.raises(ShapeError, match=rf"{case.name}.*\(3, 4\)"):
            case.module(gw.rand(3, 4))
        with pytest.raises(DTypeError, match=rf"{case.name}.*int64"):
            case.module(gw.zeros(2, 3, 7, 6).long())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: A.RandomShift(-1), "RandomShift: pixels"),
        (lambda: A.RandomHorizontalFlip(1.5), "RandomHorizontalFlip: p"),
        (lambda: A.RandomRotation(-3), "degrees"),
        (lambda: A.RandomRotation((5, 1)), "degrees"),
        (lambda: A.RandomRotation("10"), "degrees"),
        (lambda: A.RandomRotation(1, interpolation="cubic"), "cubic"),
        (lambda: A.RandomScale(1), "scale"),
        (lambda: A.RandomAffine(1, translate=(2, 0)), "translate"),
        (lambda: A.RandomAffine(1, translate=0.1), "translate"),
        (lambda: A.RandomAffine(1, shear=90), "shear"),
        (lambda: A.RandomAffine(1, scale=(0.0, 1.0)), "scale"),
        (lambda: A.RandomCrop(0), "size"),
        (lambda: A.RandomCrop(2, padding=(1, 2, 3)), "padding"),
        (lambda: A.RandomCrop(2, padding_mode="wrap"), "wrap"),
        (lambda: A.GaussianNoise(sigma=-1), "sigma"),
        (lambda: A.ColorJitter(brightness=-0.1), "brightness"),
        (lambda: A.ColorJitter(contrast=(-1, 1)), "contrast"),
        (lambda: A.RandomErasing(scale=(0.5, 1.5)), "scale"),
        (lambda: A.RandomErasing(ratio=(0, 1)), "ratio"),
        (lambda: A.RandomErasing(value="mean"), "value"),
        (lambda: A.Cutout(-1), "size"),
        (lambda: A.TokenDropout(-0.1), "p"),
        (lambda: A.FeatureDropout(2), "p"),
        (lambda: A.MixUp(-1), "alpha"),
        (lambda: A.CutMix(1.0, 0), "num_classes"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(make: Any, said: str):
    with pytest.raises(ConfigError) as caught:
        make()
    assert said in str(caught.value)
