"""A machine of tests: it runs nothing, and does what it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from shared.sandboxes.machines.port import MachineState, MachineUnavailable, Start

ISOLATION = ("a fake of the tests",)


@dataclass
class FakeMachine:
    """`started` and `stopped` hold what was asked for; `dead` the starts that have ended."""

    started: list[Start] = field(default_factory=list)
    stopped: list[tuple[str, int]] = field(default_factory=list)
    dead: dict[str, str] = field(default_factory=dict)
    running: set[tuple[str, int]] = field(default_factory=set)
    unavailable: bool = False
    one_place: bool = False

    def place_of(self, sandbox_id: str, start_number: int) -> dict[str, Any]:
        return {"sandbox_id": sandbox_id, "number": start_number}

    def start(self, start: Start) -> dict[str, Any]:
        self._answer()
        self.started.append(start)
        self.running.add((start.sandbox_id, start.start_number))
        return self.place_of(start.sandbox_id, start.start_number) | {"isolation": list(ISOLATION)}

    def stop(self, machine: dict[str, Any]) -> None:
        self._answer()
        place = (machine["sandbox_id"], int(machine["number"]))
        if place in self.running:  # a second stop finds nothing
            self.running.remove(place)
            self.stopped.append(place)

    def look(self, machine: dict[str, Any]) -> MachineState:
        self._answer()
        how = self.dead.get(machine["sandbox_id"])
        return MachineState(how is None, how, ISOLATION)

    def _answer(self) -> None:
        if self.unavailable:
            raise MachineUnavailable("The sandbox host does not answer")


@contextmanager
def machine_in_force() -> Iterator[FakeMachine]:
    machine = FakeMachine()
    with (
        patch("shared.sandboxes.lifecycle.steps.machines", lambda: machine),
        patch("shared.sandboxes.lifecycle.living.machines", lambda: machine),
    ):
        yield machine


__all__ = ["ISOLATION", "FakeMachine", "machine_in_force"]
