"""What sandboxes ask of a model, through the platform: no key of a provider is ever in a sandbox. Additions to aintandem's document."""

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field, model_validator

from shared.core.actor import Permission
from shared.core.errors import CadreError
from shared.core.situations import Situation
from shared.edge.contracts.aintandem import AINTANDEM
from shared.edge.contracts.base import Request, Shape
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.aintandem.failures import Failure
from shared.sandboxes.completions import asking
from shared.sandboxes.completions.rows import Completion

RequestId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="Made by the sandbox: the same id is the same call")
]
Word = Annotated[str, Field(min_length=1, max_length=200)]
PATH = "/sandboxes/{sandbox_id}/completions/{request_id}"


def publish(routes: Routes) -> None:
    """Add the operations of this module to those of the area."""
    own: dict[str, Any] = {"permission": Permission.AGENT_RUN, "addition": True, "for_sandboxes": True}
    clashes = (Situation.SANDBOX_STATUS, Situation.IDEMPOTENCY_KEY_USED)
    routes.put(PATH, "completions.ask", status=202, errors=clashes, **own)(ask)
    routes.get(PATH, "completions.get", **own)(get)


class AskedCall(Request):
    id: Word
    name: Word
    arguments: dict[str, Any] = {}


class AskedMessage(Request):
    """`tool_calls` are those of an assistant's message, `tool_call_id` names the one whose result a tool's message is."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Annotated[str, Field(max_length=500_000)] = ""
    tool_calls: Annotated[list[AskedCall], Field(max_length=50)] = []
    tool_call_id: Word | None = None

    @model_validator(mode="after")
    def _names_its_call(self) -> "AskedMessage":
        if (self.role == "tool") != (self.tool_call_id is not None):
            raise ValueError("A message of a tool has a tool_call_id, and no other one has")
        return self


class AskedTool(Request):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    description: Annotated[str, Field(max_length=5_000)] = ""
    parameters: dict[str, Any] = {"type": "object", "properties": {}}


class AskCompletion(Request):
    """`agent` is the one of the sandbox's agents that asks, `message_id` the message that it works on."""

    agent: Annotated[str, Field(max_length=100)] | None = None
    messages: Annotated[list[AskedMessage], Field(min_length=1, max_length=500)]
    tools: Annotated[list[AskedTool], Field(max_length=100)] = []
    message_id: Annotated[str, Field(max_length=64)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "AskCompletion":
        if all(one.role == "system" for one in self.messages):
            raise ValueError("One message at least is not of the system")
        return self


class ReplyCall(Shape):
    """`problem` says why the arguments of the model could not be read; they are empty then."""

    id: str
    name: str
    arguments: dict[str, Any]
    problem: str | None = None


class Reply(Shape):
    content: str
    tool_calls: list[ReplyCall]
    stop: str


class CompletionState(Shape):
    request_id: str
    status: Literal["pending", "done", "failed"]
    reply: Reply | None
    error: Failure | None


async def ask(sandbox_id: str, request_id: RequestId, body: AskCompletion, caller: Caller) -> CompletionState:
    """Ask the model of the workspace. The answer is fetched with GET; the event `completion` on the sandbox's socket says when."""
    return _shown(asking.ask(caller, sandbox_id, request_id, body.model_dump()))


async def get(sandbox_id: str, request_id: RequestId, caller: Caller) -> CompletionState:
    """Fetch the answer of a model. It is kept for a day."""
    return _shown(asking.find(caller, sandbox_id, request_id))


def _shown(call: Completion) -> CompletionState:
    return CompletionState.model_validate(
        {"request_id": call.sk, "status": call.status, "reply": call.reply, "error": _failure(call.error)}
    )


def _failure(error: dict[str, Any] | None) -> dict[str, str] | None:
    if error is None:
        return None
    problem = AINTANDEM.problem(CadreError(Situation[error["situation"]], error["reason"]))
    return {"code": problem.code, "message": problem.reason or problem.message}
