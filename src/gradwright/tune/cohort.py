"""Members that share a program, trained side by side: chunks of them under ``vmap``, several chunks at a time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from gradwright.backend import jax_modules
from gradwright.compile import place
from gradwright.compile.mesh import Spread
from gradwright.compile.together import LAID_OUT, Together, compiled
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, StateError
from gradwright.train.trainer import block_steps, blocks
from gradwright.tune.layout import Layout
from gradwright.tune.runner import Runner, Until

__all__ = ["Cohort", "placed", "refuse_shared"]

OnEpoch = Callable[[Runner], None]


class _Programs:
    """What members that are alike are traced and compiled to."""

    def __init__(self) -> None:
        self.together: Together | None = None
        self.programs: dict[Any, Any] = {}
        self.lock = threading.RLock()


class _Known:
    """The programs of the last cohorts: a search trains one batch of like members after the other."""

    MOST = 16

    def __init__(self) -> None:
        self._found: OrderedDict[Any, _Programs] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> _Programs:
        """Return what is known of a key, or a place for what will be."""
        with self._lock:
            found = self._found.pop(key, None) or _Programs()
            self._found[key] = found
            while len(self._found) > self.MOST:
                self._found.popitem(last=False)
            return found


_KNOWN = _Known()


class Cohort:
    """Train members that share a program.

    Members are trained in chunks of one size, whose arrays lie along a leading axis; as many chunks run at a time as
    there are lanes. In a chunk every place has its own epoch: when a member ends, the next one takes its place.

    Parameters
    ----------
    runners : sequence of Runner
        All with one :meth:`Runner.key`.
    data, held : (x, y)
        All rows to train on and to validate with; each runner names its own.
    rows : (data, held), optional
        The same where programs read them, when other cohorts use them too.
    """

    def __init__(
        self,
        runners: Sequence[Runner],
        data: tuple[Any, Any],
        held: tuple[Any, Any],
        rows: tuple[list[Any], list[Any]] | None = None,
    ) -> None:
        self.runners = list(runners)
        first = self.first = self.runners[0]
        self._host_targets = np.asarray(held[1])
        self.same_held = all(
            len(r.held) == len(held[0]) and np.array_equal(r.held, np.arange(len(held[0]))) for r in self.runners
        )
        self.same_order = all(
            r.trainer.seed == first.trainer.seed and np.array_equal(r.rows, first.rows) for r in self.runners
        )
        on = True if first.schedules else self._on(0)  # schedules may raise any number from 0
        judged_on = self._on(1)
        self._inputs = (self._on(0), judged_on)
        arrays = tuple((np.shape(a), str(np.asarray(a[:0]).dtype)) for a in (*data, *held))
        known = _KNOWN.get((first.key(), on, judged_on, arrays, self.same_held))
        with known.lock:
            if known.together is None:
                known.together = Together(
                    first.step, first.judge, first.generator, data, held,
                    batch=first.batch_size, rest=first.rest, judged=len(first.held), on=on, judged_on=judged_on,
                    best=list(first.trainer._judged.state_dict(keep_vars=True).values()),
                )  # fmt: skip
        self.together, self._programs, self._compiling = known.together, known.programs, known.lock
        self.together.check(data, held)
        self._data, self._held = rows or (placed(data), placed(held))
        self._steps = block_steps(first.trainer.model, np.asarray(data[0][:1]), first.batch_size)
        self._cuts = blocks(first.full, self._steps)
        refuse_shared([(r.number, self.together.written(r.states)) for r in self.runners])
        for runner in self.runners:
            if not runner.changing:
                runner.changing, runner.steady = self.together.state(runner.states)
        self._lock = threading.Lock()
        self.stopping = False

    def _on(self, which: int) -> frozenset[int]:
        """Numbers of the step (0) or of the judging (1) that are inputs also where they are 0: those with another value
        for any member."""
        found: set[int] = set()
        for runner in self.runners:
            state = runner.states[which]
            found |= {i for i in range(len(state.numbers)) if not state.off(i, False)}
        return frozenset(found)

    # --- sizes ------------------------------------------------------------------------------------------------------
    @property
    def member_bytes(self) -> int:
        """Memory that one member takes while it is trained, without what XLA holds for a moment."""
        first = self.first
        state = sum(a.nbytes for a in (*first.changing, *first.steady))
        row = sum(int(np.prod(a.shape[1:])) * a.dtype.itemsize for a in self._data)
        most = max((b - a for a, b in self._cuts), default=0)
        laid = most * first.batch_size * row
        return 2 * state + (laid if laid <= LAID_OUT else first.batch_size * row)

    def work(self) -> int:
        """Return how many steps all members together may take."""
        return sum((r.full + (r.rest > 0)) * (r.epochs - r.epoch) for r in self.runners if not r.stopped)

    # --- programs ---------------------------------------------------------------------------------------------------
    def programs(self, layout: Layout, *, ending: bool = True) -> dict[int, Any]:
        """Return the programs for a layout: a block of so many steps, by their number; 0 is the epoch's end."""
        needed = {stop - start for start, stop in self._cuts} | ({0} if ending else set())
        with self._compiling, ThreadPoolExecutor(2) as pool:
            made = {
                steps: pool.submit(self._compile, layout, steps)
                for steps in needed
                if (steps, layout.chunk, layout.shared) not in self._programs
            }
            for steps, future in made.items():
                self._programs[steps, layout.chunk, layout.shared] = future.result()
        return {steps: self._programs[steps, layout.chunk, layout.shared] for steps in needed}

    def bytes(self, layout: Layout) -> int:
        """Return the memory that the programs of a layout take at the same time, as XLA says of each."""
        data, held = (sum(a.nbytes for a in part) for part in (self._data, self._held))  # arguments, there only once
        most = max(_bytes(program) - data for program in self.programs(layout, ending=False).values())
        # judging many rows may take more than the steps; it is known of layouts whose end of an epoch was compiled
        for (steps, chunk, _), program in list(self._programs.items()):
            if steps == 0:
                most = max(most, (_bytes(program) - data - held) * layout.chunk // chunk)
        return layout.lanes * max(most, 0) + data + held

    def _compile(self, layout: Layout, steps: int) -> Any:
        first, chunk = self.first, layout.chunk
        stacked = [[np.broadcast_to(a, (chunk, *a.shape)) for a in part] for part in (first.changing, first.steady)]
        numbers = self._dry_numbers(chunk)
        lead = () if layout.shared else (chunk,)
        if steps:
            order = np.zeros((*lead, steps, first.batch_size), np.int32)
            inside = bool(self._laid_out(steps, chunk) > LAID_OUT)
            own = numbers[:, :steps] if numbers.ndim == 3 else numbers
            return compiled(
                self.together.block(shared=layout.shared, inside=inside),
                (True, True, True, False, not layout.shared),
                (*stacked, own, self._data, order),
                chunk,
            )
        rows = np.zeros((*lead, max(first.rest, 1)), np.int32)
        judged = None if self.same_held else np.zeros((chunk, len(first.held)), np.int32)
        own = numbers[:, -1] if numbers.ndim == 3 else numbers
        return compiled(
            self.together.ending(shared=layout.shared, same_held=self.same_held),
            (True, True, True, True, False, not layout.shared, False, not self.same_held),
            (*stacked, own, self._judge_numbers([first] * chunk), self._data, rows, self._held, judged),
            chunk,
        )

    def _laid_out(self, steps: int, chunk: int) -> int:
        return (
            steps
            * chunk
            * self.first.batch_size
            * sum(int(np.prod(a.shape[1:])) * a.dtype.itemsize for a in self._data)
        )

    def _dry_numbers(self, count: int) -> np.ndarray:
        """Return numbers of the right shape, without a step of any schedule."""
        if self.together.scheduled:
            steps = self.first.full + (self.first.rest > 0)
            return np.zeros((count, steps, len(self.together.full.numbers)))
        return np.stack([self.together.numbers(self.first.states, (), 0)] * count)

    def _numbers_of(self, chunk: _Chunk) -> np.ndarray:
        """Return the numbers of a chunk's members in the coming epoch; only their own schedules go on."""
        steps = self.first.full + (self.first.rest > 0)
        own = [None if r is None else self.together.numbers(r.states, r.schedules, steps) for r in chunk.places]
        stand_in = next(numbers for numbers in own if numbers is not None)
        return np.stack([stand_in if numbers is None else numbers for numbers in own])

    def _judge_numbers(self, runners: list[Runner]) -> np.ndarray:
        return np.stack([self.together.judge_numbers(r.states) for r in runners])

    # --- training ---------------------------------------------------------------------------------------------------
    def run(self, layout: Layout, until: Until = None, on_epoch: OnEpoch | None = None) -> None:
        """Train all members that may go on, up to an epoch (None: to their end).

        Parameters
        ----------
        on_epoch : callable, optional
            Called with the runner after each of its epochs, by one thread at a time.
        """
        self._check_inputs()
        waiting = deque(r for r in self.runners if r.goes_on(until))
        programs = self.programs(layout)
        lanes = max(1, min(layout.lanes, -(-len(waiting) // layout.chunk)))
        errors: list[BaseException] = []

        # not Thread.join: in Python 3.11 an interrupt in it counts the thread as ended while it runs on
        over = [threading.Event() for _ in range(lanes)]

        def lane(ended: threading.Event) -> None:
            try:
                with jax_modules().jax.enable_x64(True):
                    _Lane(self, layout, programs, waiting, until, on_epoch).run()
            except BaseException as error:  # it goes to whoever called run
                self.stopping = True
                errors.append(error)
            finally:
                ended.set()

        threads = [
            threading.Thread(target=lane, args=(ended,), name=f"lane {i}", daemon=True) for i, ended in enumerate(over)
        ]
        self.stopping = False
        try:
            for thread in threads:
                thread.start()
            for ended in over:
                while not ended.wait(0.2):  # so that Ctrl-C comes through
                    pass
        except BaseException:
            self.stopping = True
            for thread, ended in zip(threads, over, strict=True):
                if thread.ident is not None:  # Ctrl-C may come before it was started
                    ended.wait()
            raise
        if errors:
            raise errors[0]

    def _check_inputs(self) -> None:
        """Refuse a number that was 0 for all members when the program was made, and so is no input of it."""
        for which in [0, 1][bool(self.first.schedules) :]:
            for i in sorted(self._on(which) - self._inputs[which]):
                raise StateError(
                    f"{self.first.states[which].numbers[i].path} was 0 for all members when their program was made, "
                    "and no longer is. Let it begin above 0 for one of them at least"
                )

    def settle(self) -> None:
        """Put each member's best weights into its model; the random stream and the optimizer stay where they ended."""
        for runner in self.runners:
            # of a member that failed nothing is left but its best weights: all else is as it was before
            changing = runner.changing if runner.problem is None else self.together.state(runner.states)[0]
            if runner.best is not None:
                changing = self.together.with_kept(changing, runner.best)
            self.together.put_back(runner.states, [np.array(a) for a in changing])
            if runner.best is not None:
                runner.trainer._put(runner.trainer.weights())  # where an average is judged, into the model too
            runner.trainer.model.eval()

    def time(self, layout: Layout) -> float:
        """Return the seconds that a member's step takes in this layout, from one block on copies of the members."""
        programs = self.programs(layout, ending=False)
        steps = max(programs)
        many = layout.chunk * layout.lanes
        runners = [self.runners[i % len(self.runners)] for i in range(many)]
        chunks = [_Chunk(self, layout, runners[i : i + layout.chunk]) for i in range(0, many, layout.chunk)]
        numbers = self._dry_numbers(layout.chunk)
        numbers = numbers[:, :steps] if numbers.ndim == 3 else numbers

        def go(chunk: _Chunk) -> None:
            with jax_modules().jax.enable_x64(True):
                order = chunk.orders(layout.shared)[..., : steps * self.first.batch_size]
                order = order.reshape(*order.shape[:-1], steps, self.first.batch_size)
                chunk.changing, _ = programs[steps](chunk.changing, chunk.steady, numbers, self._data, order)
                jax_modules().jax.block_until_ready(chunk.changing)

        times: list[float] = []
        with ThreadPoolExecutor(layout.lanes) as pool:
            while len(times) < 3 and sum(times) < 1.0:
                started = time.perf_counter()
                list(pool.map(go, chunks))
                times.append(time.perf_counter() - started)
        return min(times) / (steps * many)


def _bytes(program: Any) -> int:
    """Return the memory that a program takes, as XLA says."""
    said = program.memory_analysis()
    whole = said.argument_size_in_bytes + said.output_size_in_bytes + said.temp_size_in_bytes
    return int(whole - said.alias_size_in_bytes)


def placed(part: tuple[Any, Any]) -> list[Any]:
    """Put rows where the programs read them: on every device."""
    devices = len(jax_modules().jax.local_devices())
    if devices == 1:
        return [tensor._array for tensor in place(*part)]
    with jax_modules().jax.enable_x64(True):
        return list(Spread(devices).shared([np.asarray(a) for a in part]))


def refuse_shared(owned: Sequence[tuple[int, Sequence[Any]]]) -> None:
    """Refuse what two members would both change: each has to have its own.

    Parameters
    ----------
    owned : sequence of (number, objects)
        Each member's.
    """
    owner: dict[int, int] = {}
    for number, objects in owned:
        for each in objects:
            other = owner.setdefault(id(each), number)
            if other != number:
                what = f"tensor of shape {each.shape}" if isinstance(each, Tensor) else type(each).__name__
                raise ConfigError(
                    f"members {other} and {number} would both change the same {what}; make a model, an optimizer and "
                    "all that training changes anew for each member"
                )


class _Chunk:
    """The arrays of the members in a chunk, along a leading axis."""

    def __init__(self, cohort: Cohort, layout: Layout, runners: Sequence[Runner | None]) -> None:
        self.cohort = cohort
        self.places: list[Runner | None] = [*runners, *[None] * (layout.chunk - len(runners))]
        self.load()

    def load(self) -> None:
        """Stack the members' arrays; an empty place holds a copy that nobody looks at."""
        there = next(r for r in self.places if r is not None)
        stand_in = [r or there for r in self.places]
        self.changing = [np.stack(parts) for parts in zip(*[r.changing for r in stand_in], strict=True)]
        self.steady = [np.stack(parts) for parts in zip(*[r.steady for r in stand_in], strict=True)]

    def unload(self) -> None:
        """Give the members their arrays back."""
        arrays = [np.asarray(a) for a in self.changing]
        for i, runner in enumerate(self.places):
            if runner is not None:
                runner.changing = [np.array(a[i]) for a in arrays]

    def members(self) -> list[Runner]:
        """Return a runner for each place."""
        there = next(r for r in self.places if r is not None)
        return [r or there for r in self.places]

    def orders(self, shared: bool) -> np.ndarray:
        """Return the rows of the coming epoch: one order, or one for each place."""
        if shared:
            return self.members()[0].order().astype(np.int32)
        made: dict[Any, np.ndarray] = {}  # members of one seed and one place in the data have the same order
        orders = []
        for runner in self.members():
            key = runner.trainer.seed, runner.epoch, id(runner.rows)
            if key not in made:
                made[key] = runner.order().astype(np.int32)
            orders.append(made[key])
        return np.stack(orders)


class _Lane:
    """One chunk after the other, taken from those that wait."""

    def __init__(
        self,
        cohort: Cohort,
        layout: Layout,
        programs: dict[int, Any],
        waiting: deque[Runner],
        until: Until,
        on_epoch: OnEpoch | None,
    ) -> None:
        self.cohort, self.layout, self.programs = cohort, layout, programs
        self.waiting, self.until, self.on_epoch = waiting, until, on_epoch

    def _next(self, epoch: int | None = None) -> Runner | None:
        """Return the next member that waits; with ``epoch`` the next one that is there."""
        with self.cohort._lock:
            found = next((r for r in self.waiting if epoch is None or r.epoch == epoch), None)
            if found is not None:
                self.waiting.remove(found)
            return found

    def _chunk(self) -> _Chunk | None:
        """Return a chunk of members that wait; a shared order asks that all are at the same epoch."""
        first = self._next()
        if first is None:
            return None
        epoch = first.epoch if self.layout.shared else None
        others = [r for _ in range(self.layout.chunk - 1) if (r := self._next(epoch)) is not None]
        return _Chunk(self.cohort, self.layout, [first, *others])

    def run(self) -> None:
        """Train until nobody waits."""
        chunk: _Chunk | None = None
        try:
            while not self.cohort.stopping:
                chunk = chunk or self._chunk()
                if chunk is None:
                    return
                try:
                    self._epoch(chunk)
                except BaseException as error:
                    broken, chunk = chunk, None
                    for runner in filter(None, broken.places):  # its arrays are lost, or amid an epoch
                        runner.stopped = "broken off"
                        runner.problem = f"training broke off in epoch {runner.epoch + 1}: {error}"
                    raise
                self._tell(chunk)
                ended = [i for i, r in enumerate(chunk.places) if r is not None and not r.goes_on(self.until)]
                if not ended:
                    continue
                chunk.unload()
                for i in ended:
                    chunk.places[i] = None
                if not self.layout.shared:
                    for i, r in enumerate(chunk.places):
                        chunk.places[i] = r or self._next()
                if all(r is None for r in chunk.places):
                    chunk = None
                else:
                    chunk.load()
        finally:
            if chunk is not None:
                chunk.unload()

    def _tell(self, chunk: _Chunk) -> None:
        """Tell of an epoch when all members have taken it down, so that whoever raises finds them in order."""
        if self.on_epoch is not None:
            for runner in filter(None, chunk.places):
                with self.cohort._lock:
                    self.on_epoch(runner)

    def _epoch(self, chunk: _Chunk) -> None:
        cohort, first, layout = self.cohort, self.cohort.first, self.layout
        started = time.perf_counter()
        members = chunk.members()
        order = chunk.orders(layout.shared)
        whole = order[..., : first.full * first.batch_size]
        whole = whole.reshape(*order.shape[:-1], first.full, first.batch_size)
        more = cohort._judge_numbers(members)
        numbers = cohort._numbers_of(chunk)
        losses, scores = [], []
        for start, stop in cohort._cuts:
            own = numbers[:, start:stop] if numbers.ndim == 3 else numbers
            chunk.changing, outputs = self.programs[stop - start](
                chunk.changing, chunk.steady, own, cohort._data, whole[..., start:stop, :]
            )
            losses.append(outputs[0])
            scores.append(outputs[1])
        rows = order[..., first.full * first.batch_size :][..., : first.rest] if first.rest else order[..., :1]
        judged = None if cohort.same_held else np.stack([r.held for r in members]).astype(np.int32)
        own = numbers[:, -1] if numbers.ndim == 3 else numbers
        chunk.changing, last, figures, finite = self.programs[0](
            chunk.changing, chunk.steady, own, more, cohort._data, rows, cohort._held, judged
        )
        if first.rest:
            losses.append(last[0][:, None])
            scores.append(last[1][:, None])
        all_losses = np.concatenate([np.asarray(a) for a in losses], axis=1)
        all_scores = np.concatenate([np.asarray(a) for a in scores], axis=1)
        all_figures, finite = [np.asarray(f) for f in figures], np.asarray(finite)
        kept = None
        seconds = (time.perf_counter() - started) / sum(r is not None for r in chunk.places)
        for i, runner in enumerate(chunk.places):
            if runner is None:
                continue
            if not (finite[i] and np.isfinite(all_losses[i]).all()):
                runner.fail(all_losses[i])
            else:
                y = cohort._host_targets if cohort.same_held else cohort._host_targets[runner.held]
                if runner.take(all_losses[i], all_scores[i], [f[i] for f in all_figures], y):
                    kept = kept or [np.asarray(a) for a in cohort.together.kept(chunk.changing)]
                    runner.best = [np.array(a[i]) for a in kept]
                runner.history[-1]["seconds"] = seconds
