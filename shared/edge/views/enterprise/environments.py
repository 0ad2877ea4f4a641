"""enterprise: environments of projects."""

from typing import Annotated, Any

from pydantic import Field

from shared.delivery.deployments.rows import SETTINGS
from shared.delivery.deployments.rows import Environment as EnvironmentRow
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.views.enterprise.deployments import EnvironmentName


class Analysis(StrictRequest):
    """How long each step is looked at, and how many requests the gate needs to decide."""

    window_seconds: Annotated[int, Field(ge=1, le=3_600)] = SETTINGS["window_seconds"]
    minimum_requests: Annotated[int, Field(ge=1, le=1_000_000)] = SETTINGS["minimum_requests"]


class Environment(Shape):
    project_id: str
    environment: EnvironmentName
    target: dict[str, Any]
    analysis: Analysis
    current_deployment_id: str | None
    """The deployment that has the traffic."""
    active_deployment_id: str | None
    """The deployment that is in progress."""
    created_at: str
    updated_at: str


class EnvironmentWithSecret(Environment):
    hook_secret: str | None
    """What signs the requests to a deploy hook."""


def environment(row: EnvironmentRow) -> Environment:
    return Environment(**_fields(row))


def environment_with_secret(row: EnvironmentRow, secret: str | None) -> EnvironmentWithSecret:
    return EnvironmentWithSecret(**_fields(row), hook_secret=secret)


def _fields(row: EnvironmentRow) -> dict[str, Any]:
    return {
        "project_id": row.proj_id,
        "environment": row.name,
        "target": row.target,
        "analysis": Analysis(window_seconds=row.window, minimum_requests=row.minimum),
        "current_deployment_id": row.current_id,
        "active_deployment_id": row.deployment_id,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
