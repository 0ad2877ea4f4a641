"""Names, descriptions and argument models of the tools that agents call; `shared.runs.toolbox` executes them.

A tool returns JSON text. Every prompt expects these shapes:

    read_card            the card, with the keys of `context.render_context`
    list_documents       {"documents": [{id, type, title, status, version}]}
    read_document        {id, type, title, content}
    read_siblings        {"cards": [{id, title, type, status, priority, lane_number}]}
    write_document       {id, title, version}       create_card   {id, title, lane_number}      create_task  {id, title}
    the others           any object; an error is a text that says how to correct the call
"""

import copy
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from shared.agents.providers.port import ToolSpec
from shared.core import texts
from shared.core.errors import FieldError, Invalid

OneLine = AfterValidator(texts.one_line)
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), OneLine]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), AfterValidator(texts.seen)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), OneLine]
Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Priority = Literal["low", "medium", "high", "critical"]
CardType = Literal["epic", "feature", "task", "bug", "blueprint", "doc"]
LaneChoice = Annotated[int | str, Field(description="A lane's number (0 to 10) or its name")]
_REF = "A name of your own for this one (for example `login-api`), usable as a reference later in this run"


class Arguments(BaseModel):
    """Base of all argument models; it rejects unknown arguments, so that the model learns of its mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class ReadCard(Arguments):
    """Read the card you work on: its facts, description, acceptance criteria and comments."""

    card_id: Reference | None = Field(None, description="Another card of the same project; yours when left out")


class ListDocuments(Arguments):
    """List the project's documents (without their content)."""


class ReadDocument(Arguments):
    """Read one document in full."""

    document_id: Reference


class ReadSiblings(Arguments):
    """Read the other cards of the board: what exists already and what is in progress."""


class WriteDocument(Arguments):
    """Write a project document in Markdown. Writing the same type and title again makes a new version."""

    type: Literal["blueprint", "prd", "mvp", "agent_playbook", "architecture", "custom"]
    title: Title
    content: Annotated[str, StringConstraints(min_length=1, max_length=100_000)] = Field(description="Markdown")


class CreateCard(Arguments):
    """Create a card on the board. It becomes a child of the card you work on."""

    title: Title
    description: Prose
    type: CardType = "task"
    priority: Priority = "medium"
    lane: LaneChoice | None = None
    estimated_hours: float | None = Field(None, gt=0, le=1000)
    ref: Reference | None = Field(None, description=_REF)


class CreateTask(Arguments):
    """Create a task of the card you work on, for an agent or a person to pick up."""

    title: Title
    description: Prose
    task_type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")] = Field(
        "implementation", description="What kind of work: analysis, design, implementation, test, deployment, documentation"
    )
    priority: Priority = "medium"
    depends_on: list[Reference] = Field(default_factory=list, max_length=50, description="Refs or ids of earlier tasks")
    ref: Reference | None = Field(None, description=_REF)


class AddDependency(Arguments):
    """Say that one card waits for another. `card` and `depends_on` are card ids or refs given in create_card."""

    card: Reference
    depends_on: Reference
    type: Literal["blocks", "relates_to", "duplicates"] = "blocks"


class Comment(Arguments):
    """Comment on the card you work on, in Markdown."""

    content: Prose


class RaiseDiscovery(Arguments):
    """Record something found on the way that needs its own work."""

    type: Literal[
        "bug",
        "optimization",
        "clarification_needed",
        "new_component",
        "security_issue",
        "performance_issue",
        "missing_requirement",
        "integration_issue",
        "technical_debt",
    ]
    description: Prose
    priority: Priority = "medium"


class MoveCard(Arguments):
    """Move the card you work on to another lane."""

    to_lane: LaneChoice
    reason: Prose


class BlockCard(Arguments):
    """Block the card you work on: it cannot go on until somebody acts."""

    reason: Prose


class CardFields(Arguments):
    """The fields of a card an agent may change. Null is a field that is left out, as models fill in what they have nothing to say about."""

    title: Title | None = None
    description: Prose | None = None
    type: CardType | None = None
    priority: Priority | None = None
    status: Literal["draft", "ready", "in_progress"] | None = None
    labels: list[Label] | None = Field(None, max_length=20)
    estimated_hours: float | None = Field(None, gt=0, le=1000)
    acceptance_criteria: list[Prose] | None = Field(None, max_length=50)


class UpdateCard(Arguments):
    """Change fields of the card you work on. Only the fields you name change."""

    fields: CardFields

    @model_validator(mode="after")
    def _require_a_field(self) -> "UpdateCard":
        if not self.fields.model_dump(exclude_none=True):
            raise ValueError("name at least one field to change")
        return self


TOOLS: dict[str, type[Arguments]] = {
    "read_card": ReadCard,
    "list_documents": ListDocuments,
    "read_document": ReadDocument,
    "read_siblings": ReadSiblings,
    "write_document": WriteDocument,
    "create_card": CreateCard,
    "create_task": CreateTask,
    "add_dependency": AddDependency,
    "comment": Comment,
    "raise_discovery": RaiseDiscovery,
    "move_card": MoveCard,
    "block_card": BlockCard,
    "update_card": UpdateCard,
}
READ_ONLY = frozenset({"read_card", "list_documents", "read_document", "read_siblings"})


def _inline_refs(node: Any, definitions: dict[str, Any]) -> Any:
    """Return the schema with every `$ref` replaced by its definition, and without Pydantic's titles.

    Some providers reject `$ref`; titles cost tokens with every provider.
    """
    if isinstance(node, list):
        return [_inline_refs(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if reference := node.get("$ref"):
        return _inline_refs(definitions[reference.rsplit("/", 1)[1]], definitions)
    inlined: dict[str, Any] = {}
    for key, item in node.items():
        if key == "properties":  # its keys are names of arguments; one of them may be "title"
            inlined[key] = {name: _inline_refs(value, definitions) for name, value in item.items()}
        elif key != "$defs" and not (key == "title" and isinstance(item, str)):
            inlined[key] = _inline_refs(item, definitions)
    return inlined


@cache
def _schema(name: str) -> dict[str, Any]:
    raw = TOOLS[name].model_json_schema()
    schema: dict[str, Any] = _inline_refs(raw, raw.get("$defs", {}))
    schema.pop("description", None)
    schema.setdefault("properties", {})
    return schema


def spec(name: str) -> ToolSpec:
    """Return the specification of one tool; raise KeyError for an unknown name."""
    return ToolSpec(name, " ".join((TOOLS[name].__doc__ or "").split()), copy.deepcopy(_schema(name)))


def specs(names: tuple[str, ...] | list[str]) -> tuple[ToolSpec, ...]:
    return tuple(spec(name) for name in names)


def parse_arguments(name: str, raw: dict[str, Any]) -> Arguments:
    """Validate the arguments of a call; raise Invalid with a message that tells the model what to change."""
    model = TOOLS.get(name)
    if model is None:
        known = ", ".join(sorted(TOOLS))
        raise Invalid(FieldError("name", "no such tool", name), message=f"There is no tool {name!r}. The tools are: {known}.")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = [
            FieldError(".".join(str(step) for step in problem["loc"]) or name, problem["msg"])
            for problem in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    summary = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
    raise Invalid(*problems, message=f"The arguments of {name} are not right: {summary}. Correct them and call {name} again.")
