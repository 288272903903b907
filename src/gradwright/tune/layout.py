"""How members are laid out on the machine: so many in a chunk, so many chunks at a time; chosen by measuring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from gradwright.backend import jax_modules
from gradwright.backend.threads import available_cores
from gradwright.tune.memory import memory_budget

if TYPE_CHECKING:
    from gradwright.tune.cohort import Cohort

__all__ = ["Layout", "LayoutChoice", "choose_layout", "fixed_layout"]

#: Members in a chunk where nothing is measured: on CPUs their state then stays in the second cache of small networks.
USUAL = 8
#: Lanes that a fixed layout cuts chunks for, however many cores a machine has.
FIXED_LANES = 2
#: Work that is estimated to take less, in seconds, is not worth compiling other layouts: some seconds each.
WORTH = 60.0
#: Another layout must be faster than the usual one by this share: closer ones would be told apart by noise.
MARGIN = 0.05


@dataclass(frozen=True)
class Layout:
    """How a population's members are computed.

    Attributes
    ----------
    chunk : int >= 1
        Members along the leading axis of a program; 1 is one after the other.
    lanes : int >= 1
        Chunks that are computed at the same time.
    shared : bool
        Whether all members of a chunk see the same batches, so that a first layer is one matrix product for them all.
    """

    chunk: int
    lanes: int
    shared: bool = False

    @property
    def name(self) -> str:
        """Say it in a few words."""
        how = "one after the other" if self.chunk == 1 else f"{self.chunk} members under vmap"
        return (
            how + (", batches shared" if self.shared else "") + (f", {self.lanes} at a time" if self.lanes > 1 else "")
        )


@dataclass(frozen=True)
class LayoutChoice:
    """A layout, and why it was chosen.

    Attributes
    ----------
    layout : Layout
    why : str
    seconds : dict of str to float
        What a member's step took in each layout that was tried.
    """

    layout: Layout
    why: str
    seconds: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as a study's record holds it."""
        return {"name": self.layout.name, **asdict(self.layout), "seconds": self.seconds, "why": self.why}


def choose_layout(cohort: Cohort, say: Callable[[str], None] | None = None) -> LayoutChoice:
    """Choose the layout of members that share a program: the fastest in a short timed probe that fits into memory.

    Where the whole work takes less than compiling the others would, the usual layout is taken unmeasured.
    """
    members = sum(not r.stopped for r in cohort.runners)
    cpu = jax_modules().jax.default_backend() == "cpu"
    devices = len(jax_modules().jax.local_devices())
    lanes = available_cores() if cpu and devices == 1 else 1
    room = max(1, memory_budget() // (cohort.member_bytes * lanes))

    def even(chunk: int) -> int:
        """Cut the members into equal chunks of about this size."""
        each = -(-members // lanes)
        most = max(1, min(chunk, room, each))
        cut = -(-each // -(-each // most))
        return -(-cut // devices) * devices  # each device has as many as any other

    usual = Layout(even(USUAL * devices if cpu else members), lanes)
    budget = memory_budget()
    cohort.programs(usual)  # the epoch's end beside the steps, which alone tell the memory and the time
    while usual.chunk > 1 and cohort.bytes(usual) > budget:  # what XLA needs besides is known once it has compiled
        room = usual.chunk // 2
        usual = Layout(even(room), lanes)
    limit = f"; memory has room for {room} at a time in each of {lanes} lanes" if room < -(-members // lanes) else ""
    if members == 1:
        return LayoutChoice(Layout(devices, 1), "a single member")
    seconds = {usual.name: cohort.time(usual)}
    work = cohort.work() * seconds[usual.name]
    if work < WORTH:
        return LayoutChoice(
            usual, f"all of it takes about {work:.2g} s, too little to compile and time others{limit}", seconds
        )
    if say is not None:
        say(f"timing layouts for about {work:.0f} s of work")
    others = [Layout(even(4 * USUAL * devices), lanes), Layout(even(members), lanes)]
    if devices == 1:
        others = [Layout(1, lanes), Layout(1, 1), *others]
    if cohort.same_order:
        others += [Layout(usual.chunk, lanes, shared=True), Layout(even(members), lanes, shared=True)]
    tried = {usual: seconds[usual.name]}
    for layout in others:
        if layout not in tried and cohort.bytes(layout) <= budget:
            tried[layout] = seconds[layout.name] = cohort.time(layout)
    best = min(tried, key=tried.__getitem__)
    if tried[best] > (1 - MARGIN) * tried[usual]:
        return LayoutChoice(usual, f"no other was faster by more than {MARGIN:.0%}{limit}", seconds)
    return LayoutChoice(best, f"{tried[usual] / tried[best]:.2f} times as fast as {usual.name}{limit}", seconds)


def fixed_layout(cohort: Cohort, say: Callable[[str], None] | None = None) -> LayoutChoice:
    """Return the layout whose chunks the number of members alone decides, so that all machines come to the same bits.

    The size of a chunk decides the last bits of sums. How many chunks are computed at a time does not: that is left to
    the machine, its cores and its memory.
    """
    members = sum(not r.stopped for r in cohort.runners)
    cpu = jax_modules().jax.default_backend() == "cpu"
    devices = len(jax_modules().jax.local_devices())
    most = max(1, min(USUAL, -(-members // FIXED_LANES))) if cpu and devices == 1 else max(1, members)
    cut = -(-members // -(-members // most))
    layout = Layout(-(-cut // devices) * devices, available_cores() if cpu and devices == 1 else 1)
    why = "not measured: cut by the number of trials alone, for machines that share the work"
    cohort.programs(layout)
    while cohort.bytes(layout) > memory_budget() and (layout.lanes > 1 or layout.chunk > devices):
        if layout.lanes > 1:
            layout = Layout(layout.chunk, layout.lanes - 1)
        else:
            layout = Layout(-(-layout.chunk // 2 // devices) * devices, 1)
            why = "memory has no room for the chunks that the machines share; last bits can be others here"
            cohort.programs(layout)
    return LayoutChoice(layout, why)
