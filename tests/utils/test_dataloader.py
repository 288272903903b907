"""`DataLoader` against PyTorch's where nothing is random; seeded, resumable and the same with threads where it is."""

from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils import data as theirs

import gradwright as gw
from gradwright.errors import ConfigError, StateError
from gradwright.utils import data as ours


class Samples:
    """Ten samples with all that collate knows."""

    def __init__(self, lib: Any) -> None:
        self.lib = lib

    def __len__(self) -> int:
        return 10

    def __getitem__(self, i: int) -> Any:
        if i >= 10:
            raise IndexError(i)
        return {"x": self.lib.tensor([float(i), 1.0]), "y": i, "name": str(i)}


def stream(data: Any) -> Any:
    class Numbers(data.IterableDataset):
        def __iter__(self):
            yield from range(10)

        def __len__(self) -> int:
            return 10

    return Numbers()


def plain(value: Any) -> Any:
    """Turn a batch into lists, which compare."""
    if isinstance(value, gw.Tensor | torch.Tensor):
        return [str(value.dtype).removeprefix("torch."), value.tolist()]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


LOADERS = {
    "one at a time": lambda m, lib: m.DataLoader(Samples(lib)),
    "batches": lambda m, lib: m.DataLoader(Samples(lib), batch_size=4),
    "drop_last": lambda m, lib: m.DataLoader(Samples(lib), batch_size=4, drop_last=True),
    "sampler": lambda m, lib: m.DataLoader(Samples(lib), 3, sampler=[5, 1, 9, 0]),
    "batch_sampler": lambda m, lib: m.DataLoader(Samples(lib), batch_sampler=[[1], [3, 2], [9, 8, 7]]),
    "no batches": lambda m, lib: m.DataLoader(Samples(lib), batch_size=None),
    "collate_fn": lambda m, lib: m.DataLoader(range(10), 4, collate_fn=sum),
    "a list": lambda m, lib: m.DataLoader([1.5, 2.5, 3.5], 2),
    "arrays": lambda m, lib: m.DataLoader(np.arange(12.0).reshape(6, 2), 4),
    "tensors": lambda m, lib: m.DataLoader(m.TensorDataset(lib.arange(10), lib.ones(10, 2)), 4),
    "a part of tensors": lambda m, lib: m.DataLoader(m.Subset(m.TensorDataset(lib.arange(10)), [3, 1, 4]), 2),
    "joined": lambda m, lib: m.DataLoader(m.ConcatDataset([range(3), range(5)]), 4),
    "stream": lambda m, lib: m.DataLoader(stream(m), 4),
    "stream, drop_last": lambda m, lib: m.DataLoader(stream(m), 4, drop_last=True),
    "stream, no batches": lambda m, lib: m.DataLoader(stream(m), None),
}


@pytest.mark.parametrize("name", LOADERS)
def test_like_pytorch(name: str) -> None:
    mine, other = LOADERS[name](ours, gw), LOADERS[name](theirs, torch)
    assert len(mine) == len(other)
    found = plain(list(mine))
    assert found == plain(list(other))
    assert found == plain(list(mine))  # a second epoch


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.DataLoader(range(4), batch_size=0),
        lambda m: m.DataLoader(range(4), shuffle=True, sampler=[0]),
        lambda m: m.DataLoader(range(4), batch_size=2, batch_sampler=[[0]]),
        lambda m: m.DataLoader(range(4), batch_size=None, drop_last=True),
        lambda m: m.DataLoader(range(4), num_workers=-1),
        lambda m: m.DataLoader(range(4), prefetch_factor=2),
        lambda m: m.DataLoader(range(4), timeout=-1),
        lambda m: m.DataLoader(stream(m), shuffle=True),
        lambda m: m.DataLoader(stream(m), sampler=[1]),
        lambda m: m.DataLoader(stream(m), batch_sampler=[[1]]),
        lambda m: m.DataLoader([], shuffle=True),
    ],
)
def test_refuses_what_pytorch_refuses(call: Any) -> None:
    with pytest.raises(ValueError):
        call(theirs)
    with pytest.raises(ConfigError):
        call(ours)


def test_length_of_what_has_none() -> None:
    for m in (ours, theirs):

        class Endless(m.IterableDataset):
            def __iter__(self):
                return iter(range(3))

        with pytest.raises(TypeError):
            len(m.DataLoader(Endless()))


def test_a_batch_of_tensors_at_once_is_what_samples_give() -> None:
    class Slow(ours.TensorDataset):
        pass

    columns = (gw.arange(30).reshape(10, 3), gw.rand(10) > 0.5)
    for wrap in (lambda d: d, lambda d: ours.Subset(ours.Subset(d, range(9, 1, -1)), [0, 3, 4])):
        fast, slow = (list(ours.DataLoader(wrap(kind(*columns)), 4)) for kind in (ours.TensorDataset, Slow))
        assert plain(fast) == plain(slow)


# --- shuffling and resuming -------------------------------------------------------------------------------------------
def loader(kind: str, workers: int = 0) -> ours.DataLoader:
    rows = ours.TensorDataset(gw.arange(11))
    own = gw.Generator(4)
    if kind == "sampler":
        return ours.DataLoader(rows, 3, sampler=ours.RandomSampler(rows, generator=own), num_workers=workers)
    if kind == "weights":
        sampler = ours.WeightedRandomSampler([1.0] * 11, 20)
        return ours.DataLoader(rows, 3, sampler=sampler, generator=own, num_workers=workers)
    if kind == "stream":
        return ours.DataLoader(stream(ours), 3, generator=own, num_workers=workers)
    return ours.DataLoader(rows, 3, shuffle=True, generator=own, num_workers=workers)


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("kind", ["shuffle", "sampler", "weights", "stream"])
def test_resumed_after_every_batch(kind: str, workers: int) -> None:
    """Three epochs; at each place the loader is left and another goes on, in another process as it were."""
    whole = loader(kind, workers)
    epochs = [plain(list(whole)) for _ in range(3)]
    if kind != "stream":
        assert epochs[0] != epochs[1]
    length = len(epochs[0])
    for stop in range(2 * length + 1):
        first = loader(kind, workers)
        seen = 0
        state = first.state_dict()
        while seen < stop:
            for _ in first:
                seen += 1
                state = json.loads(json.dumps(first.state_dict()))
                if seen == stop:
                    break
        second = loader(kind, workers)
        second.load_state_dict(state)
        rest = [plain(batch) for _ in range(3) for batch in second]
        expected = [batch for epoch in epochs for batch in epoch][stop:]
        # stopped right after an epoch's last batch, the epoch's end is still to come, so one epoch fewer is seen
        assert rest[: len(expected)] == expected[: len(rest)]
        assert len(rest) >= 2 * length


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    gw.manual_seed(0)
    rows = ours.TensorDataset(gw.arange(20))
    calm = ours.DataLoader(rows, 4, shuffle=True, generator=gw.Generator(9))
    busy = ours.DataLoader(rows, 4, shuffle=True, generator=gw.Generator(9))
    first = [plain(list(calm)) for _ in range(2)]
    second = []
    for _ in range(2):
        epoch = []
        for batch in busy:
            gw.rand(3)  # dropout
            epoch.append(plain(batch))
        second.append(epoch)
    assert first == second
    assert first[0] != first[1]
    for seed, same in ((3, True), (4, False)):
        gw.manual_seed(3)
        a = plain(list(ours.DataLoader(rows, 4, shuffle=True)))
        gw.manual_seed(seed)
        assert (plain(list(ours.DataLoader(rows, 4, shuffle=True))) == a) is same


def test_a_shuffled_epoch_has_every_sample_once_and_in_any_place() -> None:
    """Where sample 0 comes is uniform over epochs: chi-square, 9 degrees of freedom, at 1 in 10,000."""
    shuffled = ours.DataLoader(range(10), 10, shuffle=True, generator=gw.Generator(1))
    epochs = [batch.tolist() for _ in range(1500) for batch in shuffled]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    counts = np.bincount([epoch.index(0) for epoch in epochs], minlength=10)
    assert ((counts - 150) ** 2 / 150).sum() < 33.7


def test_state_refuses_what_is_none() -> None:
    mine = loader("shuffle")
    good = mine.state_dict()
    for wrong in (
        {}, None, {**good, "seed": -1}, {**good, "seed": True}, {**good, "batches": 1.5}, {**good, "generator": None},
        {**good, "generator": [1, 2]}, {**good, "generator": ["a", 2, 3]}, {**good, "sampler": [1, 2, 3]},
    ):  # fmt: skip
        with pytest.raises(StateError, match="DataLoader"):
            mine.load_state_dict(wrong)
    assert mine.state_dict() == good


# --- threads ----------------------------------------------------------------------------------------------------------
class Drawing(ours.Dataset):
    """Samples with noise, as augmentations have it; some take longer than others."""

    def __len__(self) -> int:
        return 24

    def __getitem__(self, i: int) -> Any:
        threading.Event().wait(0.002 * (i % 3))
        return i, gw.rand(2)


def test_threads_change_neither_order_nor_draws() -> None:
    found = [
        plain(list(ours.DataLoader(Drawing(), 3, shuffle=True, generator=gw.Generator(0), num_workers=n)))
        for n in (1, 2, 5)
    ]
    assert found[0] == found[1] == found[2]
    noise = [tuple(pair) for batch in found[0] for pair in batch[1][1]]
    assert len(set(noise)) == 24  # no two samples have the same


def test_threads_pass_errors_on_and_end() -> None:
    class Faulty(ours.Dataset):
        def __len__(self) -> int:
            return 40

        def __getitem__(self, i: int) -> int:
            if i == 7:
                raise RuntimeError("sample 7 cannot be read")
            return i

    batches = iter(ours.DataLoader(Faulty(), 2, num_workers=2))
    got = [next(batches).tolist() for _ in range(3)]
    with pytest.raises(RuntimeError, match="sample 7"):
        next(batches)
    assert got == [[0, 1], [2, 3], [4, 5]]
    for _ in ours.DataLoader(Drawing(), 2, num_workers=2):
        break
    assert not [t for t in threading.enumerate() if t.name.startswith("gradwright-data")]


def test_what_only_processes_could_do_is_refused() -> None:
    for name, value in (("worker_init_fn", print), ("timeout", 3), ("multiprocessing_context", "fork")):
        with pytest.raises(ConfigError, match=name):
            ours.DataLoader(range(3), num_workers=2, **{name: value})
    assert ours.get_worker_info() is None


def test_names() -> None:
    import gradwright.data
    from gradwright.utils.data import DataLoader

    assert gw.utils.data.DataLoader is DataLoader is gradwright.data.DataLoader
    for name in ours.__all__:
        if name not in ("default_convert", "get_worker_info"):
            assert getattr(gradwright.data, name) is getattr(ours, name)


def test_a_loop_of_ones_own_trains() -> None:
    gw.manual_seed(0)
    x = gw.randn(64, 3)
    y = (x.sum(1) > 0).long()
    model = gw.nn.Linear(3, 2)
    optimizer = gw.optim.SGD(model.parameters(), lr=0.5)
    criterion = gw.nn.CrossEntropyLoss()
    for _ in range(20):
        for inputs, targets in ours.DataLoader(ours.TensorDataset(x, y), 16, shuffle=True):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
    assert (model(x).argmax(1) == y).float().mean().item() > 0.95
