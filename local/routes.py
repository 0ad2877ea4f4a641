"""The front door's routes: from a public path to the engine's API."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.names import CONTRACT, CONTRACTS, WELL_KNOWN, Contract
from local import LocalError

SOCKETS = {
    "agentworks.terminal": "/agentworks/api/cards/{cardId}/terminal?token={token}",
    "agentworks.workspaceEvents": "/agentworks/api/workspaces/{workspaceId}/events?token={token}",
    "aintandem.sandbox": "/aintandem/ws/sandboxes/{sandbox_id}?token={token}",
    "aintandem.collaboration": "/aintandem/ws/collaborations/{collaboration_id}?token={token}",
    "aintandem.system": "/aintandem/ws/system?token={token}",
    "orchestrator.ws": "/orchestrator/v1/ws",
    "omoios.events": "/omoios/api/v1/ws/events?token={token}",
}
"""The seven documented WebSocket endpoints, as paths of the front door."""


@dataclass(frozen=True)
class Target:
    """The engine's path of a request, and for a WebSocket the documented path, which goes along as a query parameter. `moved` is the public
    path to which a page is redirected instead."""

    contract: Contract
    path: str
    socket: str | None = None
    moved: str | None = None


class Routes:
    """The engine's APIs by contract, read from the outputs of the deployed stacks."""

    def __init__(self, outputs: Mapping[str, Mapping[str, str]]) -> None:
        self._rest: dict[str, str] = {}
        self._socket = ""
        for values in outputs.values():
            if "Contract" in values and "ApiId" in values:
                self._rest[values["Contract"]] = f"/_aws/execute-api/{values['ApiId']}/{values['Stage']}"
            if "SocketApiId" in values:
                self._socket = f"/_aws/execute-api/{values['SocketApiId']}/{values['SocketStage']}"
        missing = [contract.name for contract in CONTRACTS if contract.name not in self._rest]
        if missing or not self._socket:
            raise LocalError(f"the deployment has no API for {', '.join([*missing, *([] if self._socket else ['sockets'])])}")

    @staticmethod
    def contract_of(path: str) -> Contract | None:
        """The contract of a path, by its first segment: errors for unknown paths have that contract's format too."""
        return CONTRACT.get(path.lstrip("/").partition("/")[0])

    def find(self, path: str) -> Target | None:
        """The target of a raw request path without query string; None for an unknown path."""
        if path in WELL_KNOWN:
            return Target(CONTRACT["enterprise"], self._rest["enterprise"] + path)
        name, _, rest = path.lstrip("/").partition("/")
        contract = self.contract_of(path)
        if contract is None:
            return None
        rest = f"/{rest}"
        if any(f"{rest}/".startswith(prefix) for prefix in contract.sockets):
            return Target(contract, self._socket, rest)
        if rest in contract.pages:
            return Target(contract, "", moved=f"{contract.mount}{rest}")
        for place, below in contract.beside:
            if f"{rest}/".startswith(f"{place}/"):
                return Target(contract, self._rest[name] + below + rest.removeprefix(place))
        if any(f"{rest}/".startswith(f"{base}/") for base in contract.retired):
            return Target(contract, self._rest[name] + rest)
        if rest == contract.base or rest.startswith(f"{contract.base}/"):
            return Target(contract, self._rest[name] + rest.removeprefix(contract.base))
        return None


def endpoints(url: str) -> dict[str, object]:
    """The content of `endpoints.json`: every URL of the platform."""
    sockets = url.replace("http", "ws", 1)
    return {
        "url": url,
        "rest": {contract.name: url + contract.mount for contract in CONTRACTS},
        "websockets": {name: sockets + path for name, path in SOCKETS.items()},
        "docs": f"{url}/docs",
        "redoc": f"{url}/redoc",
        "mail": f"{url}/local/mail",
        "health": f"{url}/enterprise{CONTRACT['enterprise'].base}/health",
    }


_NOW = "1970-01-01T00:00:00.000Z"


def problem(
    contract: Contract | None, status: int, code: str, message: str, request_id: str, now: str = _NOW
) -> dict[str, object]:
    """The body of an error of the front door itself, in the contract's format if there is a contract."""
    shapes: dict[str, dict[str, object]] = {
        "agentworks": {"error": {"code": code, "message": message, "timestamp": now, "requestId": request_id}},
        "enterprise": {
            "success": False,
            "status": status,
            "error": {"code": code, "message": message},
            "meta": {"timestamp": now, "request_id": request_id},
        },
        "aintandem": {
            "success": False,
            "error": {"code": code, "message": message},
            "meta": {"request_id": request_id, "timestamp": now},
        },
        "orchestrator": {"error": {"code": code, "message": message, "timestamp": now, "correlation_id": request_id}},
        "omoios": {"detail": message, "error": {"code": code, "message": message, "timestamp": now, "request_id": request_id}},
    }
    return shapes.get(contract.name if contract else "", {"error": {"code": code, "message": message}})
