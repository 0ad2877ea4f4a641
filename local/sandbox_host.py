"""The sandbox host (`local.sandboxes`) as a child process."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.host_process import HostProcess


class SandboxHost(HostProcess):
    """One host over one folder. `environment` is what functions find it by."""

    module = "local.sandboxes"

    def __init__(self, folder: Path, log: Path) -> None:
        super().__init__(folder, log, secrets.token_urlsafe(32))

    @property
    def environment(self) -> dict[str, str]:
        return {"CADRE_SANDBOX_HOST": self.url, "CADRE_SANDBOX_HOST_KEY": self.secret}

    def ended_with_the_stack(self) -> Iterator[tuple[str, int]]:
        """Yield the sandboxes that nobody stopped before the stack ended, with the number of their start."""
        for place in sorted(self.folder.glob("*/number")):
            text = place.read_text()
            if text.isdigit():
                yield place.parent.name, int(text)


def start_again(states: Any, machine: str, sandboxes: Iterator[tuple[str, int]]) -> int:
    """Let the state machine start sandboxes again that should run; return how many. What was stopped meanwhile, it does not start."""
    count = 0
    for sandbox_id, number in sandboxes:
        about = {"sandbox_id": sandbox_id, "start_number": number, "next": "start", "seconds": 0}
        name = f"sandbox-{sandbox_id}-{number}-start-{secrets.token_hex(4)}"
        states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(about))
        count += 1
    return count
