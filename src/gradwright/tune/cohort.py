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
from gradwright.train.trainer import block_steps, blocks
from gradwright.tune.layout import Layout
from gradwright.tune.runner import Runner, Until

__all__ = ["Cohort"]

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
    """

    def __init__(self, runners: Sequence[Runner], data: tuple[Any, Any], held: tuple[Any, Any]) -> None:
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
        self._data, self._held = _placed(data), _placed(held)
        self._steps = block_steps(first.trainer.model, np.asarray(data[0][:1]), first.batch_size)
        self._cuts = blocks(first.full, self._steps)
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
        most = 0
        for program in self.programs(layout, ending=False).values():
            said = program.memory_analysis()
            whole = said.argument_size_in_bytes + said.output_size_in_bytes + said.temp_size_in_bytes
            most = max(most, whole - said.alias_size_in_bytes)
        data = sum(a.nbytes for a in self._data)  # an argument of each, there only once
        return layout.lanes * max(most - data, 0) + data

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
        if self.together.full.schedules:
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
        waiting = deque(r for r in self.runners if r.goes_on(until))
        programs = self.programs(layout)
        lanes = max(1, min(layout.lanes, -(-len(waiting) // layout.chunk)))
        errors: list[BaseException] = []

        def lane() -> None:
            try:
                with jax_modules().jax.enable_x64(True):
                    _Lane(self, layout, programs, waiting, until, on_epoch).run()
            except BaseException as error:  # it goes to whoever called run
                self.stopping = True
                errors.append(error)

        threads = [threading.Thread(target=lane, name=f"lane {i}", daemon=True) for i in range(lanes)]
        self.stopping = False
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)  # so that Ctrl-C comes through
        except BaseException:
            self.stopping = True
            for thread in threads:
                thread.join()
            raise
        if errors:
            raise errors[0]

    def settle(self) -> None:
        """Put each member's best weights into its model; the random stream and the optimizer stay where they ended."""
        for runner in self.runners:
            changing = runner.changing
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


def _placed(part: tuple[Any, Any]) -> list[Any]:
    """Put rows where the programs read them: on every device."""
    devices = len(jax_modules().jax.local_devices())
    if devices == 1:
        return [tensor._array for tensor in place(*part)]
    with jax_modules().jax.enable_x64(True):
        return list(Spread(devices).shared([np.asarray(a) for a in part]))


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

    def _next(self) -> Runner | None:
        with self.cohort._lock:
            return self.waiting.popleft() if self.waiting else None

    def run(self) -> None:
        """Train until nobody waits."""
        chunk: _Chunk | None = None
        while not self.cohort.stopping:
            if chunk is None:
                found = [r for _ in range(self.layout.chunk) if (r := self._next()) is not None]
                if not found:
                    return
                chunk = _Chunk(self.cohort, self.layout, found)
            self._epoch(chunk)
            ended = [i for i, r in enumerate(chunk.places) if r is not None and not r.goes_on(self.until)]
            if not ended:
                continue
            chunk.unload()
            for i in ended:
                chunk.places[i] = None
            # a shared order asks that all members of a chunk are at the same epoch
            if not self.layout.shared or all(r is None for r in chunk.places):
                for i, r in enumerate(chunk.places):
                    chunk.places[i] = r or self._next()
            if all(r is None for r in chunk.places):
                chunk = None
            else:
                chunk.load()
        if chunk is not None:
            chunk.unload()

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
            if self.on_epoch is not None:
                with cohort._lock:
                    self.on_epoch(runner)
