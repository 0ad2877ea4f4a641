"""A machine of tests: it runs nothing, and does what it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from shared.core.settings import settings
from shared.sandboxes.machines.port import MachineState, MachineUnavailable, Start

ISOLATION = ("a fake of the tests",)


@dataclass
class FakeMachine:
    """`started` and `stopped` hold what was asked for, `forgotten` whose files were removed; `dead` the starts that have ended."""

    started: list[Start] = field(default_factory=list)
    stopped: list[tuple[str, int]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
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

    def stop(self, machine: dict[str, Any], *, forget: bool = False) -> None:
        self._answer()
        if forget:
            self.forgotten.append(machine["sandbox_id"])
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


@dataclass
class Executions:
    """What was begun of the state machine; a name that was used begins nothing, as at AWS."""

    names: list[str] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)

    def start(self, _: Any, machine: str, name: str, data: dict[str, Any]) -> str:
        assert len(name) <= 80  # the longest that Step Functions takes
        if name not in self.names:
            self.names.append(name)
            self.inputs.append(data)
        return f"{machine}:{name}"

    def steps(self) -> list[tuple[str, str]]:
        """The steps and sandboxes of what was begun since the last call."""
        begun, self.inputs = self.inputs, []
        return [(one["next"], one["sandbox_id"]) for one in begun]


@contextmanager
def executions_noted() -> Iterator[Executions]:
    noted = Executions()
    known = replace(settings(), sandbox_lifecycle_machine="arn:aws:states:us-east-1:1:stateMachine:SandboxLifecycle")
    with (
        patch("shared.core.machines.start_execution", noted.start),
        patch("shared.sandboxes.lifecycle.machine.settings", lambda: known),
    ):
        yield noted


__all__ = ["ISOLATION", "Executions", "FakeMachine", "executions_noted", "machine_in_force"]
