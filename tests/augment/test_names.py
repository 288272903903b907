"""Short names: what stands for what, and what is said about others."""

from __future__ import annotations

import pytest

import gradwright as gw
from gradwright import augment as A
from gradwright.errors import ConfigError


@pytest.mark.parametrize("name", list(A.KNOWN))
def test_every_name_builds_its_module_with_its_default_and_with_a_value(name: str):
    known = A.KNOWN[name]
    value = 3 if known.whole else 0.75
    for text, wanted in ((name, known.default), (f" {name} = {value} ", value)):
        (module,) = A.from_names([text], num_classes=4)
        assert type(module) is known.module
        alone = known.module(**{**known.more, known.argument: wanted})
        assert getattr(module, known.argument) == getattr(alone, known.argument)
    assert known.line.endswith(".")
    assert 20 < len(known.line) < 150
    x = {"texts": gw.zeros(3, 5).long()}.get(known.takes, gw.rand(3, 1, 16, 16))
    y = gw.tensor([0, 1, 2])
    change = A.from_names(name, num_classes=4)
    out = change(x, y)[0] if change.takes_targets else change(x)
    assert out.shape == x.shape


def test_the_shelf_has_what_is_promised():
    promised = "shift rotate flip crop scale affine noise brightness contrast erase mixup cutmix token-dropout"
    assert set(promised.split()) <= set(A.KNOWN)


def test_names_come_as_one_text_or_several_and_keep_their_order():
    for names in ("shift,rotate=15", ["shift", "rotate=15"]):
        change = A.from_names(names, shape=(28, 28), fill=-0.5)
        assert [type(m) for m in change] == [A.RandomShift, A.RandomRotation]
        assert change[1].degrees == (-15, 15)
        assert [m.fill for m in change] == [-0.5, -0.5]
        assert change(gw.rand(2, 784)).shape == (2, 784)
    assert A.from_names("brightness", fill=-0.5)[0].black == -0.5
    assert A.from_names("erase", fill=-0.5)[0].value == -0.5
    assert A.from_names("cutmix=0.5", num_classes=7)[0].config() == {"alpha": 0.5, "num_classes": 7}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("rotat=5", ["'rotat'", "did you mean 'rotate'?", ", ".join(A.KNOWN)]),
        ("shift,,flip", ["''", "shift, rotate"]),
        ("zzz", ["'zzz'", "shift, rotate"]),
        ("rotate=far", ["rotate=far", "degrees must be a number", "rotate=10"]),
        ("crop=1.5", ["crop=1.5", "padding must be a whole number", "crop=4"]),
        ("flip=2", ["flip=2", "RandomHorizontalFlip", "from 0 to 1"]),
        ("scale=1", ["scale=1", "above 0"]),
        ("noise=nan", ["noise=nan", "sigma"]),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(names: str, said: list[str]):
    with pytest.raises(ConfigError) as caught:
        A.from_names(names)
    for words in said:
        assert words in str(caught.value)
