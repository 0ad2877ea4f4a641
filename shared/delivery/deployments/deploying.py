"""Requesting the deployment of a build, and reading deployments."""

from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, Conflict, FieldError, Forbidden, Invalid
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.delivery.builds.rows import Build
from shared.delivery.deployments.lease import PENDING_LEASE
from shared.delivery.deployments.rows import Deployment, Environment
from shared.delivery.deployments.strategies import shares_of
from shared.events import EventType, record
from shared.store import check, create, load, update, write
from shared.work.boards.counting import ProjectArchived
from shared.work.projects.rows import Project

PRODUCTION = "production"


@dataclass(frozen=True)
class NewDeployment:
    """How a build is deployed. `canary_percentage` is for the strategy canary, `approval_notes` for production."""

    environment: str
    strategy: str = "blue_green"
    canary_percentage: int | None = None
    approval_notes: str | None = None


def request_deployment(actor: Actor, build_id: str, new: NewDeployment, deployment_id: str | None = None) -> Deployment:
    """Request the deployment of a build; the event of its row starts it. Two round trips.

    Raises NotFound("build"), Forbidden, Invalid (build without success, missing field, environment without target),
    Conflict(DEPLOYMENT_IN_PROGRESS, PROJECT_ARCHIVED).
    """
    build = load(Build, build_id, actor, Permission.DEPLOYMENT_WRITE)
    if new.environment == PRODUCTION and not actor.may(Permission.DEPLOYMENT_APPROVE, build.ws_id, build.org_id):
        raise Forbidden("Only who may approve deployments deploys to production")
    _refuse(build, new)
    deployment = Deployment.new(
        deployment_id or new_id(),
        org_id=build.org_id,
        ws_id=build.ws_id,
        proj_id=build.proj_id,
        build_id=build.id,
        item_id=build.item_id,
        requirement_id=build.requirement_id,
        environment=new.environment,
        strategy=new.strategy,
        canary_percentage=new.canary_percentage if new.strategy == "canary" else None,
        approval_notes=new.approval_notes,
        shares=shares_of(new.strategy, new.canary_percentage),
        status="pending",
        phase="start",
        created_by=actor.summary,
    )
    record(deployment, EventType.DEPLOYMENT_REQUESTED, actor, item_id=build.item_id, environment=new.environment)
    project = Project(*Project.key(str(build.proj_id)))
    write(create(deployment), _take(deployment), check(project, Project.status == "active", ProjectArchived))
    return deployment


def get_deployment(actor: Actor, deployment_id: str) -> Deployment:
    """Return a deployment. One round trip. Raises NotFound, Forbidden."""
    return load(Deployment, deployment_id, actor, Permission.DEPLOYMENT_READ)


def _refuse(build: Build, new: NewDeployment) -> None:
    errors = []
    if build.status != "success":
        errors.append(FieldError("build_id", f"Only a successful build can be deployed; this one is {build.status}"))
    if new.strategy == "canary" and new.canary_percentage is None:
        errors.append(FieldError("canary_percentage", "The strategy canary needs a percentage"))
    if new.environment == PRODUCTION and not new.approval_notes:
        errors.append(FieldError("approval_notes", "A deployment to production needs the notes of its approval"))
    if errors:
        raise Invalid(*errors)


def _take(deployment: Deployment) -> Any:
    """Return the write by which a deployment takes its environment, if no other holds it."""

    def refusal(raw: dict[str, Any] | None) -> CadreError:
        if raw is None:
            words = "This environment has no target: set one by PUT /projects/{project_id}/environments/{environment}"
            return Invalid(FieldError("environment", words, deployment.environment))
        holder = Environment.decode(raw).deployment_id
        words = "Another deployment to this environment is in progress"
        return Conflict(Situation.DEPLOYMENT_IN_PROGRESS, words, {"deployment_id": holder})

    actions = [
        Environment.deployment_id.set(deployment.id),
        Environment.latest_id.set(deployment.id),
        Environment.launch.set(1),
        Environment.fence.add(1),
        Environment.version.add(1),
        Environment.lease_until.set(clock.epoch() + PENDING_LEASE),
    ]
    free = Environment.pk.exists() & Environment.deployment_id.does_not_exist()
    return update(Environment(*Environment.key(deployment.environment_id)), actions, free, refusal)
