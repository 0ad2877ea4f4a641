"""The port of machines: what starts, stops and looks at the runtime of a sandbox. `local` and `agentcore` implement it."""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Start:
    """What a machine is told at its start. It gets no key of ours, only a token that is bound to this start of this sandbox."""

    sandbox_id: str
    start_number: int
    token: str
    platform_url: str
    """Base of the aintandem API, as the sandbox reaches it."""
    socket_url: str
    resources: dict[str, Any]
    environment: dict[str, str]


@dataclass(frozen=True)
class MachineState:
    """`alive`: whether it runs. `exit`: how it ended, in words. `isolation`: what is in force, in words for people."""

    alive: bool
    exit: str | None = None
    isolation: tuple[str, ...] = ()


class Machine(Protocol):
    """Every method may be repeated: a second start of the same start number finds the first, a second stop finds nothing."""

    one_place: bool
    """Whether all starts of a sandbox have the same place: then a newer start has replaced the older one, and to stop the older one
    would stop the newer."""

    def place_of(self, sandbox_id: str, start_number: int) -> dict[str, Any]:
        """Return what finds the machine of a start, also if nobody knows whether it began (JSON)."""

    def start(self, start: Start) -> dict[str, Any]:
        """Start it and return its place, with the isolation that is in force (`isolation`). Raises MachineUnavailable."""

    def stop(self, machine: dict[str, Any], *, forget: bool = False) -> None:
        """End it and every process of it; with `forget` remove what it has stored. Raises MachineUnavailable."""

    def look(self, machine: dict[str, Any]) -> MachineState:
        """Return its state. Raises MachineUnavailable."""


class MachineUnavailable(Exception):
    """What runs machines does not answer, or has no room now: says why."""
