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
from shared.delivery.deployments.rows import Deployment, Environment, record_end
from shared.delivery.deployments.strategies import shares_of
from shared.events import EventType, record
from shared.store import Operation, create, load, save, update, write
from shared.work.boards.counting import require_writable

PRODUCTION = "production"


@dataclass(frozen=True)
class NewDeployment:
    """How a build is deployed. `canary_percentage` is for the strategy canary, `approval_notes` for production."""

    environment: str
    strategy: str = "blue_green"
    canary_percentage: int | None = None
    approval_notes: str | None = None


def request_deployment(actor: Actor, build_id: str, new: NewDeployment) -> Deployment:
    """Request the deployment of a build; the event of its row starts it. Two round trips.

    Raises NotFound("build"), Forbidden, Invalid (build without success, missing field, environment without target),
    Conflict(DEPLOYMENT_IN_PROGRESS, PROJECT_ARCHIVED).
    """
    build = load(Build, build_id, actor, Permission.DEPLOYMENT_WRITE)
    refuse(actor, build, new, is_built=True)
    deployment = new_deployment(actor, build, new)
    taken = begin(deployment, build.board_id, actor)
    write(create(deployment), *taken)
    return deployment


def new_deployment(actor: Actor, build: Build, new: NewDeployment) -> Deployment:
    """Build the row of a deployment that nothing has begun."""
    return Deployment.new(
        new_id(),
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


def begin(deployment: Deployment, board_id: str, actor: Actor) -> list[Operation]:
    """Have a deployment begin with the write of its row, by its event; return what goes into the same transaction.

    The board says whether the project is archived or its workspace deleted.

    That raises Conflict(DEPLOYMENT_IN_PROGRESS, PROJECT_ARCHIVED), and Invalid for an environment without a target.
    """
    deployment.phase = "start"
    record(
        deployment,
        EventType.DEPLOYMENT_REQUESTED,
        actor,
        item_id=deployment.item_id,
        environment=deployment.environment,
    )
    return [_take(deployment), require_writable(board_id)]


def abandon(deployment: Deployment, actor: Actor, reason: str) -> Operation:
    """End a deployment whose build is not to be deployed; return the write."""
    deployment.status, deployment.failure, deployment.completed_at = "failed", reason, clock.iso()
    record_end(deployment, actor)
    return save(deployment)


def get_deployment(actor: Actor, deployment_id: str) -> Deployment:
    """Return a deployment. One round trip. Raises NotFound, Forbidden."""
    return load(Deployment, deployment_id, actor, Permission.DEPLOYMENT_READ)


def refuse(actor: Actor, build: Build, new: NewDeployment, *, is_built: bool) -> None:
    """Raise Forbidden or Invalid for a deployment that cannot be; `is_built`: it is of a build that must have succeeded."""
    if new.environment == PRODUCTION and not actor.may(Permission.DEPLOYMENT_APPROVE, build.ws_id, build.org_id):
        raise Forbidden("Only who may approve deployments deploys to production")
    errors = []
    if is_built and build.status != "success":
        errors.append(FieldError("build_id", f"Only a successful build can be deployed; this one is {build.status}"))
    if new.strategy == "canary" and new.canary_percentage is None:
        errors.append(FieldError("canary_percentage", "The strategy canary needs a percentage"))
    if new.environment == PRODUCTION and not new.approval_notes:
        errors.append(FieldError("approval_notes", "A deployment to production needs the notes of its approval"))
    if errors:
        raise Invalid(*errors)


def without_target(environment: str) -> Invalid:
    words = "This environment has no target: set one by PUT /projects/{project_id}/environments/{environment}"
    return Invalid(FieldError("environment", words, environment))


def _take(deployment: Deployment) -> Operation:
    """Return the write by which a deployment takes its environment, if no other holds it."""

    def refusal(raw: dict[str, Any] | None) -> CadreError:
        if raw is None:
            return without_target(deployment.environment)
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
