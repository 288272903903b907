"""`DataLoader`: batches of a data set, shuffled by a seed, gone on with where they stopped."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gradwright.engine.generator import Generator, current_generator, use_generator
from gradwright.errors import ConfigError, StateError
from gradwright.utils.data.collate import default_collate, default_convert
from gradwright.utils.data.combining import Subset, samples
from gradwright.utils.data.dataset import IterableDataset, TensorDataset
from gradwright.utils.data.readahead import read_ahead
from gradwright.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader"]

_END = object()


class DataLoader:
    """Batches of a data set, with PyTorch's arguments.

    The order of an epoch is drawn from a generator of its own, whose seed is one draw from ``generator`` when the epoch
    begins. So with a generator that nothing else uses the order is a function of its seed and the number of the epoch;
    what dropout draws in between changes nothing. `state_dict` between any two batches, and the loader that loads it
    goes on with the very batches that were left, of this and of later epochs.

    Parameters
    ----------
    dataset : Dataset
        Anything with ``__getitem__`` and ``__len__``, or an `IterableDataset`.
    batch_size : int > 0, optional
        None: single samples, as `default_convert` leaves them.
    shuffle : bool
        A new random order for each epoch.
    sampler, batch_sampler : iterable, optional
        Indices, or lists of them, in place of ``shuffle`` and (the latter) of ``batch_size`` and ``drop_last``.
    num_workers : int >= 0
        Threads (not processes) that fetch and collate batches ahead: worth it where ``__getitem__`` reads files or
        unpacks images, not for Python arithmetic. Each batch draws from a generator of its own, so the numbers do not
        depend on how many threads there are. An `IterableDataset` is read by one.
    collate_fn : callable, optional
        From a list of samples to a batch; default: `default_collate`.
    drop_last : bool
        Leave out a last batch that is not full.
    generator : Generator, optional
        Default: the one that `manual_seed` seeds; resuming later epochs then takes its state as well.
    prefetch_factor : int, optional
        How many batches each thread may be ahead; 2.
    pin_memory, persistent_workers, pin_memory_device, in_order
        Without effect: nothing is pinned, threads cost nothing to start, and batches always come in order.

    Raises
    ------
    ConfigError
        Arguments that exclude each other, numbers out of range, or one that only processes could honour.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright.utils.data import DataLoader, TensorDataset
    >>> rows = TensorDataset(gw.arange(10))
    >>> loader = DataLoader(rows, batch_size=4, shuffle=True, generator=gw.Generator(0))
    >>> batches = iter(loader)
    >>> _ = next(batches)
    >>> state = loader.state_dict()
    >>> rest = [x.tolist() for (x,) in batches]
    >>> other = DataLoader(rows, batch_size=4, shuffle=True, generator=gw.Generator(0))
    >>> other.load_state_dict(state)
    >>> [x.tolist() for (x,) in other] == rest
    True
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, prefetch_factor, timeout, worker_init_fn, multiprocessing_context)
        self._in_turn = isinstance(dataset, IterableDataset)
        for name, value in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
            if self._in_turn and (value if name == "shuffle" else value is not None):
                raise ConfigError(f"DataLoader: an IterableDataset has an order of its own; leave {name} out")
        if sampler is not None and shuffle:
            raise ConfigError("DataLoader: sampler option is mutually exclusive with shuffle; use a RandomSampler")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ConfigError(
                    "DataLoader: batch_sampler option is mutually exclusive with batch_size, shuffle, sampler and "
                    "drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ConfigError("DataLoader: batch_size=None makes no batches; leave drop_last out")
        if sampler is None and not self._in_turn:
            sampler = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(() if sampler is None else sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor or (2 if num_workers else None)
        self.generator = generator
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._seed: int | None = None  # of the epoch that is on its way
        self._batches = 0  # of that epoch, given out already
        self._resumed = False

    def __len__(self) -> int:
        if self._in_turn:
            n = len(self.dataset)
            if self.batch_size is None:
                return n
            return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        if not self._resumed:
            self._sampler_state = _state(self._sampler_generator())
            self._seed = int((self.generator or current_generator()).long_words(1)[0])
            self._batches = 0
        self._resumed = False
        assert self._seed is not None
        return self._epoch(self._seed, self._batches)

    def _epoch(self, seed: int, done: int) -> Iterator[Any]:
        jobs = self._stream_jobs(seed, done) if self._in_turn else self._jobs(seed, done)
        workers = min(self.num_workers, 1) if self._in_turn else self.num_workers
        for batch in read_ahead(jobs, workers, self.num_workers * (self.prefetch_factor or 0)):
            if batch is _END:
                break
            done += 1
            self._batches = done
            yield batch
        self._seed, self._batches = None, 0

    # --- what is fetched --------------------------------------------------------------------------------------------
    def _jobs(self, seed: int, done: int) -> Iterator[Callable[[], Any]]:
        """Name the batches of an epoch in order, as calls that fetch one each."""
        own = Generator(seed)
        with use_generator(own):  # a sampler may look for its generator when it is asked for its iterator
            indices = iter(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
        for number in itertools.count():
            with use_generator(own):
                wanted = next(indices, _END)
            if wanted is _END:
                return
            if number >= done:
                job = functools.partial(self._fetch, wanted)
                # a thread's own generator would be the same in all of them: each batch gets one, after the order's
                yield job if self.num_workers == 0 else _drawing_from(Generator((seed + 1 + number) % 2**64), job)

    def _fetch(self, wanted: Any) -> Any:
        if self.batch_sampler is None:
            return self.collate_fn(self.dataset[wanted])
        if self.collate_fn is default_collate and (at_once := _at_once(self.dataset, wanted)) is not None:
            return at_once
        return self.collate_fn(samples(self.dataset, wanted))

    def _stream_jobs(self, seed: int, done: int) -> Iterator[Callable[[], Any]]:
        """The same of samples that come in turn; those given out already are read again and left out."""
        size = self.batch_size or 1
        stream: Iterator[Any] | None = None

        def take() -> Any:
            nonlocal stream
            if stream is None:
                stream = itertools.islice(iter(self.dataset), done * size, None)
            batch = list(itertools.islice(stream, size))
            if not batch or (self.drop_last and len(batch) < size):
                return _END
            return self.collate_fn(batch[0] if self.batch_sampler is None else batch)

        yield from itertools.repeat(take if self.num_workers == 0 else _drawing_from(Generator(seed), take))

    # --- state ------------------------------------------------------------------------------------------------------
    def _sampler_generator(self) -> Generator | None:
        """Return the generator of a sampler that was given with one of its own."""
        for sampler in (self.batch_sampler, getattr(self.batch_sampler, "sampler", None), self.sampler):
            found = getattr(sampler, "generator", None)
            if isinstance(found, Generator):
                return found
        return None

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands, as JSON values: the epoch's seed, the batches given out, the generators' states."""
        on_the_way = self._seed is not None
        return {
            "seed": self._seed,
            "batches": self._batches,
            "generator": _state(self.generator),
            "sampler": self._sampler_state if on_the_way else _state(self._sampler_generator()),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on, at the next ``iter(loader)``, where another loader with the same arguments stood.

        Raises
        ------
        StateError
            What is no state of a loader, or one of a loader with other generators.
        """
        wanted = {"seed", "batches", "generator", "sampler"}
        if not isinstance(state_dict, Mapping) or set(state_dict) != wanted:
            raise StateError(f"DataLoader: expected a state with {sorted(wanted)}, got {str(state_dict)[:80]}")
        seed, batches = state_dict["seed"], state_dict["batches"]
        if not (seed is None or (type(seed) is int and 0 <= seed < 2**64)) or type(batches) is not int or batches < 0:
            raise StateError(f"DataLoader: seed {str(seed)[:40]!r} and batches {str(batches)[:40]!r} are no state's")
        own = {"generator": self.generator, "sampler": self._sampler_generator()}
        for name, generator in own.items():
            if (generator is None) != (state_dict[name] is None):
                raise StateError(
                    f"DataLoader: the state was taken {'without' if generator else 'with'} a generator of the "
                    f"{'loader' if name == 'generator' else 'sampler'}; make the loader with the same arguments"
                )
        for name, generator in own.items():
            if generator is not None:
                _put(generator, state_dict[name])
        self._sampler_state = state_dict["sampler"]
        self._seed, self._batches, self._resumed = seed, batches, seed is not None


def _drawing_from(generator: Generator, job: Callable[[], Any]) -> Callable[[], Any]:
    def drawing() -> Any:
        with use_generator(generator):
            return job()

    return drawing


def _at_once(dataset: Any, indices: Any) -> Any:
    """Return a batch of tensors by one look-up each, where that gives what fetching and collating samples would."""
    while type(dataset) is Subset:
        dataset, indices = dataset.dataset, [dataset.indices[i] for i in indices]
    return dataset.batch(indices) if type(dataset) is TensorDataset else None


def _state(generator: Generator | None) -> list[int] | None:
    return None if generator is None else list(generator.get_state())


def _put(generator: Generator, state: Any) -> None:
    good = isinstance(state, list | tuple) and len(state) == 3
    if not good or not all(type(word) is int and 0 <= word < 2**32 for word in state):
        raise StateError(f"DataLoader: a generator's state is {str(state)[:60]}; expected three words of 32 bits")
    generator.set_state(state)


def _check_workers(
    workers: Any, prefetch_factor: Any, timeout: Any, worker_init_fn: Any, multiprocessing_context: Any
) -> None:
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 0:
        raise ConfigError(f"DataLoader: num_workers is {workers!r}; expected 0 or a number of threads")
    if prefetch_factor is not None and (workers == 0 or not isinstance(prefetch_factor, int) or prefetch_factor < 1):
        raise ConfigError(
            f"DataLoader: prefetch_factor is {prefetch_factor!r} with num_workers={workers}; without workers nothing "
            "is fetched ahead, with them it is 1 or more"
        )
    for name, given in (("timeout", timeout), ("worker_init_fn", worker_init_fn)):
        if given:
            raise ConfigError(f"DataLoader: {name} is for worker processes; workers are threads here, so leave it out")
    if multiprocessing_context is not None:
        raise ConfigError("DataLoader: multiprocessing_context: workers are threads here, so leave it out")
