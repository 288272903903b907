"""Run as a script, in a small process: a study whose process is killed again and again, and goes on each time.

Prints one JSON object of what was found, which test_storage_kills.py judges.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from gradwright.tune import Log, Random, Space, StudyStore

SPACE = Space({"lr": Log(1e-4, 1e-1)})
TRIALS, EPOCHS, BATCH = 240, 6, 8


def value_at(number: int, epoch: int) -> float:
    return number + epoch / 100


def go_on(place: str, told: int) -> None:
    """Run what is left of the study; say so once the store is open."""
    store = StudyStore.open(place, "study", SPACE)
    os.write(told, (json.dumps(store.notes) + "\n").encode())
    asked = Random(SPACE, trials=TRIALS).ask(TRIALS)
    ended = {trial.number for trial in store.trials() if trial.state in ("complete", "failed")}
    left = [number for number in range(TRIALS) if number not in ended]
    for i in range(0, len(left), BATCH):
        batch = left[i : i + BATCH]
        store.begin(batch, [asked[number] for number in batch], [{"seed": number} for number in batch])
        for epoch in range(1, EPOCHS + 1):
            with store.together():
                for number in batch:
                    store.report(number, epoch, value_at(number, epoch))
            os.write(told, b".")
        for number in batch:
            os.write(told, b".")
            if number % 9 == 4:
                store.finish(number, "failed", attrs={"problem": "diverged", "epochs": EPOCHS})
            else:
                store.finish(number, "complete", value_at(number, EPOCHS), {"epochs": EPOCHS})
    store.close()


def killed(place: str, after: tuple[int, float] | None) -> tuple[bool, list[str]]:
    """Let it go on in a process that is killed after so many steps and seconds; say whether it ended."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            go_on(place, writer)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        notes = json.loads(said.readline() or b"null")
        if after is not None and notes is not None:
            said.read(after[0])
            time.sleep(after[1])
            os.kill(pid, signal.SIGKILL)
        else:
            said.read()
        status = os.waitpid(pid, 0)[1]
    return status == 0, notes


def main(folder: Path, kills: int) -> dict[str, Any]:
    place = str(folder / "journal.log")
    StudyStore.create(place, "study", SPACE, "minimize").close()
    draw = random.Random(3)
    found: dict[str, Any] = {"kills": 0, "torn": 0, "put back": 0, "links left": 0, "waited": 0.0, "failed": 0}
    ended = False
    for _ in range(400):
        if found["kills"] >= kills or ended:
            break
        begun = time.monotonic()
        ended, notes = killed(place, (draw.randrange(24), draw.uniform(0.0, 0.003)))
        found["waited"] = max(found["waited"], time.monotonic() - begun)
        found["kills"] += not ended
        found["failed"] += notes is None
        found["torn"] += any("torn" in note for note in notes or [])
        found["put back"] += any("run again" in note for note in notes or [])
        found["links left"] += os.path.lexists(f"{place}.lock")
    found["ended while killed"] = ended
    found["ended"] = killed(place, None)[0]
    store = StudyStore.open(place, "study", SPACE, write=False)
    asked = Random(SPACE, trials=TRIALS).ask(TRIALS)
    found["numbers"] = [trial.number for trial in store.trials()] == list(range(TRIALS))
    found["optuna's trials"] = len(store._storage.get_all_trials(0))
    found["right"] = all(
        trial.parameters == asked[trial.number]
        and trial.attrs["seed"] == trial.number
        and trial.curve == {epoch: value_at(trial.number, epoch) for epoch in range(1, EPOCHS + 1)}
        and (trial.state, trial.value)
        == (("failed", None) if trial.number % 9 == 4 else ("complete", value_at(trial.number, EPOCHS)))
        for trial in store.trials()
    )
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
