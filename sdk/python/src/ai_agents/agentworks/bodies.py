# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:e020d7852aa5bb9751f0c360134d4a4f7ed6c82885c70fcaa22ab7ac6d684aad

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ApproveRunRequest(TypedDict):
    """`maxCost`: the new limit, in USD, of a run that waits for its own budget."""

    maxCost: NotRequired[float | None]


class CancelRunRequest(TypedDict):
    reason: NotRequired[str | None]


class LaneConfiguration(TypedDict):
    """Not defined by the document: a project's settings for one of the eleven lanes of its new board."""

    laneNumber: int
    name: NotRequired[str | None]
    wipLimit: NotRequired[int | None]
    autoTriggerAgent: NotRequired[str | None]


class LogoutRequest(TypedDict):
    refreshToken: NotRequired[str | None]


class MoveCardRequest(TypedDict):
    toLaneId: str
    position: NotRequired[int | float | None]
    reason: NotRequired[str | None]


class ProjectsSettingsChanges(TypedDict):
    autoTriggerAgents: NotRequired[bool | None]
    requireApprovalForDeployment: NotRequired[bool | None]
    maxConcurrentRuns: NotRequired[int | None]
    defaultWipLimits: NotRequired[dict[str, int] | None]
    customLaneConfig: NotRequired[list[LaneConfiguration] | None]


class RejectRunRequest(TypedDict):
    reason: NotRequired[str | None]


class TagInfoInput(TypedDict):
    key: str
    value: str
    color: NotRequired[str | None]


class TriggerAgentRunRequest(TypedDict):
    provider: NotRequired[str | None]
    model: NotRequired[str | None]
    temperature: NotRequired[float | None]
    maxTokens: NotRequired[int | None]
    context: NotRequired[str | None]
    parameters: NotRequired[dict[str, Any] | None]


class UpdateCardRequest(TypedDict):
    """A field that is left out stays unchanged. Null clears `description`, `assigneeId`, `estimatedHours` and `dueDate`."""

    title: NotRequired[str | None]
    description: NotRequired[str | None]
    type: NotRequired[Literal["epic", "feature", "task", "bug", "blueprint", "doc"] | None]
    status: NotRequired[Literal["draft", "ready", "in_progress", "blocked", "done"] | None]
    priority: NotRequired[Literal["low", "medium", "high", "critical"] | None]
    assigneeId: NotRequired[str | None]
    labels: NotRequired[list[str] | None]
    tags: NotRequired[list[TagInfoInput] | None]
    estimatedHours: NotRequired[int | float | None]
    dueDate: NotRequired[str | None]
    customFields: NotRequired[dict[str, Any] | None]


class CreateCardRequest(TypedDict):
    laneId: str
    parentId: NotRequired[str | None]
    title: str
    description: NotRequired[str | None]
    type: Literal["epic", "feature", "task", "bug", "blueprint", "doc"]
    priority: NotRequired[Literal["low", "medium", "high", "critical"]]
    assigneeId: NotRequired[str | None]
    position: NotRequired[int | float | None]
    labels: NotRequired[list[str]]
    tags: NotRequired[list[TagInfoInput]]
    estimatedHours: NotRequired[int | float | None]
    dueDate: NotRequired[str | None]
    customFields: NotRequired[dict[str, Any]]


class CreateProjectRequest(TypedDict):
    name: str
    slug: str
    description: NotRequired[str | None]
    settings: NotRequired[ProjectsSettingsChanges | None]
    repositoryUrl: NotRequired[str | None]
    documentationUrl: NotRequired[str | None]
