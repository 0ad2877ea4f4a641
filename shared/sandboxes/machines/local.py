"""Sandboxes of a laptop: processes of a small host on loopback that the local stack starts (`local/sandboxes`).

PUT /sandboxes/{id}/{start number}   what `Start` says -> {"isolation"}; the same start only once
GET /sandboxes/{id}/{start number}   {"alive", "exit", "isolation"}; 404: there is none
DELETE /sandboxes/{id}/{start number}   ends it; with ?forget=1 its files are removed
"""

from typing import Any

from shared.core.errors import CadreError
from shared.core.outbound import request_json
from shared.sandboxes.machines.port import MachineState, MachineUnavailable, Start

_WHO = "The sandbox host"


class LocalMachine:
    """Asks the host by HTTP."""

    one_place = False

    def __init__(self, address: str, key: str) -> None:
        self._address, self._key = address, key

    def place_of(self, sandbox_id: str, start_number: int) -> dict[str, Any]:
        return {"sandbox_id": sandbox_id, "number": start_number}

    def start(self, start: Start) -> dict[str, Any]:
        place = self.place_of(start.sandbox_id, start.start_number)
        told = {
            "token": start.token,
            "platform_url": start.platform_url,
            "socket_url": start.socket_url,
            "resources": start.resources,
            "environment": start.environment,
        }
        answer = self._ask("PUT", place, told)
        return place | {"isolation": (answer or {}).get("isolation", [])}

    def stop(self, machine: dict[str, Any], *, forget: bool = False) -> None:
        self._ask("DELETE", machine, more="?forget=1" if forget else "")

    def look(self, machine: dict[str, Any]) -> MachineState:
        answer = self._ask("GET", machine)
        if answer is None:
            return MachineState(False, "The host does not know it")
        return MachineState(bool(answer["alive"]), answer.get("exit"), tuple(answer.get("isolation", ())))

    def _ask(self, method: str, machine: dict[str, Any], body: dict[str, Any] | None = None, more: str = "") -> Any:
        """Return what the host answers; None for 404."""
        url = f"{self._address}/sandboxes/{machine['sandbox_id']}/{int(machine['number'])}{more}"
        try:
            status, answer = request_json(_WHO, method, url, headers={"Authorization": f"Bearer {self._key}"}, json=body)
        except CadreError as error:
            raise MachineUnavailable(str(error)) from error
        if status == 404:
            return None
        if status >= 400:
            raise MachineUnavailable(f"{_WHO} answered {status}")
        return answer
