"""Execute one tool call: check its arguments and call its service."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.agents.catalogue import Agent
from shared.agents.providers.budget import cut
from shared.agents.tools import CardFields, parse_arguments
from shared.core.actor import Actor, Permission, Role
from shared.core.errors import FieldError, Invalid
from shared.runs.toolbox.board_tools import add_dependency, create_card, move_card, read_siblings
from shared.runs.toolbox.call_context import RESULT_LIMIT, CallContext, ToolOutput
from shared.runs.toolbox.card_tools import block_card, comment, read_card, update_card
from shared.runs.toolbox.document_tools import create_task, list_documents, raise_discovery, read_document, write_document

_READ_PERMISSIONS = {Permission.WORKSPACE_READ, Permission.PROJECT_READ, Permission.CARD_READ}
_WRITE_PERMISSIONS = {
    "write_document": Permission.DOCUMENT_WRITE,
    "create_card": Permission.CARD_CREATE,
    "create_task": Permission.CARD_EDIT,
    "add_dependency": Permission.CARD_EDIT,
    "comment": Permission.CARD_EDIT,
    "raise_discovery": Permission.CARD_EDIT,
    "move_card": Permission.CARD_EDIT,
    "block_card": Permission.CARD_EDIT,
    "update_card": Permission.CARD_EDIT,
}


def agent_actor(agent: Agent, ws_id: str, tools: list[str] | tuple[str, ...], project_id: str | None = None) -> Actor:
    """Return the agent as an actor: a member of one workspace with the permissions of its tools only, who sees one project."""
    allowed = _READ_PERMISSIONS | {_WRITE_PERMISSIONS[tool] for tool in tools if tool in _WRITE_PERMISSIONS}
    return Actor(
        id=agent.id,
        name=agent.display_name,
        kind="agent",
        workspaces={ws_id: Role.MEMBER},
        scopes=frozenset(allowed),
        project_id=project_id,
    )


@dataclass(frozen=True)
class Outcome:
    """The outcome of a call: `content` is the text for the model, `effect` is {kind, id, title, ref?} if there is one."""

    content: str
    effect: dict[str, Any] | None = None


Tool = Callable[[Any, Any], ToolOutput]

_TOOLS: dict[str, Tool] = {
    "read_card": read_card,
    "list_documents": list_documents,
    "read_document": read_document,
    "read_siblings": read_siblings,
    "write_document": write_document,
    "create_card": create_card,
    "create_task": create_task,
    "add_dependency": add_dependency,
    "comment": comment,
    "raise_discovery": raise_discovery,
    "move_card": move_card,
    "block_card": block_card,
    "update_card": update_card,
}


_ARGUMENTS: Mapping[str, Mapping[str, str]] = {  # names of tool arguments by the field names of their services, where they differ
    "add_dependency": {"dependency_id": "depends_on"},
    "move_card": {"lane": "to_lane"},
    "update_card": {name: f"fields.{name}" for name in CardFields.model_fields},
}


def execute_tool(context: CallContext, name: str, raw: dict[str, Any]) -> Outcome:
    """Execute one call. Raises a CadreError whose message tells the model what to correct."""
    if name not in context.tools:
        raise Invalid(
            FieldError("name", "not among this agent's tools", name),
            message=f"You have no tool {name!r}. Yours are: {', '.join(context.tools)}.",
        )
    arguments = parse_arguments(name, raw)
    try:
        content, effect = _TOOLS[name](context, arguments)
    except Invalid as error:
        raise _with_argument_names(name, error) from error
    return Outcome(_truncate(json.dumps(content, ensure_ascii=False, default=str), context.result_tokens), effect)


def _with_argument_names(tool: str, error: Invalid) -> Invalid:
    """Translate a service's error for the model: each field gets the name of the tool's argument."""
    names = _ARGUMENTS.get(tool, {})
    fields = [replace(one, field=names.get(one.field, one.field)) for one in error.fields]
    message = "; ".join(f"{one.field}: {one.message}" for one in fields)
    return Invalid(*fields, message=message or error.message, situation=error.situation)


def _truncate(text: str, tokens: int | None) -> str:
    shown = text[:RESULT_LIMIT] if tokens is None else cut(text[:RESULT_LIMIT], tokens)
    return text if shown == text else f"{shown}\n[cut: the first {len(shown):,} of {len(text):,} characters]"
