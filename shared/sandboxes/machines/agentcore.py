"""Sandboxes on AWS: each is a session of one Bedrock AgentCore Runtime, a microVM of its own (`infra/sandbox_runtime.py`).

A session is named by its sandbox, so its files are there again after a stop. What a session is asked goes to `cadre_sandbox.runtime` in it:

    {"start": {number, environment, memory_mb, max_processes}} -> {"isolation"}; the same start only once, a later one ends the one before
    {"look": number}                                           -> {"alive", "exit"}

A look at a session that has ended begins a new one, in which nothing runs: it says so, and ends by itself after a minute.
"""

import json
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.core import aws
from shared.sandboxes.machines.port import MachineState, MachineUnavailable, Start

SECONDS: Final = 45
"""For an answer: a session that is begun loads its code first."""
_MAX_ANSWER: Final = 65_536
_PASSING: Final = {
    "ThrottlingException": "AWS takes no more requests for now",
    "ServiceQuotaExceededException": "This AWS account may run no more sandboxes at once",
    "RetryableConflictException": "The machine is being ended",
    "ConflictException": "The machine is being ended",
    "InternalServerException": "AWS could not start the machine",
    "RuntimeClientError": "The machine could not load the sandbox agent",
}


class AgentCoreMachine:
    """Asks the runtime with this ARN."""

    one_place = True

    def __init__(self, runtime: str) -> None:
        self._runtime = runtime

    def place_of(self, sandbox_id: str, start_number: int) -> dict[str, Any]:
        return {"session": f"sandbox-{sandbox_id}", "number": start_number}

    def start(self, start: Start) -> dict[str, Any]:
        place = self.place_of(start.sandbox_id, start.start_number)
        told = start.environment | {
            "CADRE_SANDBOX_ID": start.sandbox_id,
            "CADRE_SANDBOX_TOKEN": start.token,
            "CADRE_SANDBOX_API": start.platform_url,
            "CADRE_SANDBOX_SOCKET": start.socket_url,
        }
        limits = {name: int(start.resources[name]) for name in ("memory_mb", "max_processes")}
        answer = self._ask(place, {"start": {"number": start.start_number, "environment": told, **limits}})
        return place | {"isolation": list(answer.get("isolation", ()))}

    def stop(self, machine: dict[str, Any], *, forget: bool = False) -> None:
        """End the session. Its files AWS itself forgets, fourteen days later: nothing reaches them but the name of a deleted sandbox."""
        about = {"agentRuntimeArn": self._runtime, "runtimeSessionId": machine["session"]}
        try:
            self._client().stop_runtime_session(**about)
        except (ClientError, BotoCoreError) as error:
            if not _is_gone(error):
                raise _unavailable(error) from error

    def look(self, machine: dict[str, Any]) -> MachineState:
        answer = self._ask(machine, {"look": int(machine["number"])})
        return MachineState(bool(answer.get("alive")), answer.get("exit"), tuple(answer.get("isolation", ())))

    def _ask(self, machine: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        about = {"agentRuntimeArn": self._runtime, "runtimeSessionId": machine["session"]}
        told = {"contentType": "application/json", "accept": "application/json", "payload": json.dumps(body).encode()}
        try:
            raw = self._client().invoke_agent_runtime(**about, **told)["response"].read(_MAX_ANSWER)
        except (ClientError, BotoCoreError) as error:
            raise _unavailable(error) from error
        try:
            answer = json.loads(raw)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or "error" in answer:
            raise MachineUnavailable("The machine does not say what it should")
        return answer

    def _client(self) -> Any:
        return aws.short_call_client("bedrock-agentcore", within=SECONDS)


def _is_gone(error: Exception) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "ResourceNotFoundException"


def _unavailable(error: ClientError | BotoCoreError) -> Exception:
    """Return what to raise: a failure that passes, or one that only an operator can mend."""
    if not isinstance(error, ClientError):
        return MachineUnavailable("AWS does not answer")
    code = error.response["Error"]["Code"]
    return MachineUnavailable(_PASSING[code]) if code in _PASSING else error
