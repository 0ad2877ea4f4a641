"""Asking for a build, reading the operation that makes it, and cancelling it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, NotFound
from shared.core.ids import new_id
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.delivery.building.registry import build_runner
from shared.delivery.building.runner import Source
from shared.delivery.builds.places import give_back, key_in
from shared.delivery.builds.recording import new_build, record_completion, write_numbered
from shared.delivery.builds.rows import Build, BuildLog, BuildPlaces
from shared.delivery.deployments.deploying import NewDeployment, abandon, new_deployment, refuse, without_target
from shared.delivery.deployments.rows import OPEN, Deployment, Environment
from shared.delivery.deployments.undoing import stop
from shared.delivery.operations.progress import Where, deploying, reached
from shared.delivery.operations.rows import KEPT, OVERDUE, OperationRow
from shared.events import EventType, record
from shared.store import Operation, RowKey, create, fetch, fetch_all, get, get_many, load, save, update_with_retry
from shared.work.boards.counting import require_writable
from shared.work.items.pending import refuse_unapproved
from shared.work.items.planning import FEATURE, load_type
from shared.work.items.rows import Item
from shared.work.projects.rows import Project


@dataclass(frozen=True)
class BuildRequest:
    """What shall be built; without a branch and a commit it is the head of the repository's own branch."""

    version_tag: str | None = None
    git_branch: str | None = None
    git_commit_hash: str | None = None
    docker_image_url: str | None = None
    """The image that the build makes, for a target of images."""
    deployment: NewDeployment = field(default_factory=lambda: NewDeployment("dev"))
    deploys: bool = False
    """Something was said of the deployment: without a target it is refused, and else the operation is a build alone."""


def request_build(actor: Actor, feature_id: str, new: BuildRequest) -> OperationRow:
    """Ask for a build of a feature, and for its deployment; an event starts the state machine. Four round trips: feature, project with
    environment, number with place, transaction.

    Raises NotFound("feature"), Forbidden, TransitionRefused for one that is not approved, Invalid for a repository that cannot be cloned
    or an environment without target, Conflict (archived project), LimitExceeded(LIMIT_REACHED), and Upstream(PROVIDER_NOT_CONFIGURED)
    where nothing runs builds.
    """
    feature = load_type(actor, feature_id, FEATURE, Permission.DEPLOYMENT_WRITE)
    refuse_unapproved(feature)
    build_runner()
    project, environment = _project_of(feature, new.deployment.environment)
    source = Source(_repository(project), new.git_branch, new.git_commit_hash)
    build = new_build(actor, feature, new_id(), "pending")
    build.version_tag, build.git_branch, build.git_commit_hash = new.version_tag, new.git_branch, new.git_commit_hash
    build.docker_image_url = new.docker_image_url
    operation = OperationRow.new(
        new_id(),
        org_id=feature.org_id,
        ws_id=feature.ws_id,
        proj_id=feature.proj_id,
        item_id=feature.id,
        build_id=build.id,
        source=asdict(source),
        due=clock.epoch() + OVERDUE,
        ttl=clock.epoch() + KEPT,
        created_by=actor.summary,
    )
    build.operation_id = operation.id
    made = _deployment(actor, operation, build, environment, new)
    record(operation, EventType.BUILD_REQUESTED, actor, item_id=feature.id, build_id=build.id)
    write_numbered(build, lambda: [require_writable(feature.board_id), create(operation), *map(create, made)])
    return operation


def _deployment(
    actor: Actor, operation: OperationRow, build: Build, environment: Environment | None, new: BuildRequest
) -> list[Deployment]:
    """Return the deployment that follows a build; none if nothing was said of it, and its environment has no target."""
    if environment is None and not new.deploys:
        return []
    refuse(actor, build, new.deployment, is_built=False)
    if environment is None:
        raise without_target(new.deployment.environment)
    deployment = new_deployment(actor, build, new.deployment)
    deployment.phase, deployment.operation_id = "build", operation.id
    operation.deployment_id = deployment.id
    operation.deploying_takes = environment.window * sum(share > 0 for share in deployment.shares)
    return [deployment]


def get_operation(actor: Actor, operation_id: str) -> OperationRow:
    """Return an operation. One round trip. Raises NotFound, Forbidden."""
    return load(OperationRow, operation_id, actor, Permission.DEPLOYMENT_READ)


def where_is(operation: OperationRow) -> Where:
    """Return how far an operation is. One round trip more while its deployment goes on."""
    percent = int(operation.progress)
    if operation.ended:
        return Where(percent)
    if operation.handed_over:
        deployment, environment = _deployed(operation)
        if deployment is None or environment is None:
            return Where(percent)
        return deploying(deployment, environment.window, percent)
    if operation.eta_seconds is None:
        return Where(percent, operation.step)
    since = (clock.now() - clock.parse(operation.updated_at)).total_seconds()
    return Where(percent, operation.step, max(0, round(float(operation.eta_seconds) - since)))


class _HandedOver(Exception):
    """The deployment goes on by itself: it is stopped, and the operation with it."""


def cancel_operation(actor: Actor, operation_id: str) -> OperationRow:
    """Cancel an operation with its build and its deployment; a deployment that goes on gives the traffic back.

    Three round trips; a running deployment costs more, and what its target takes. The machine stops what runs of a build, seconds later.
    Raises NotFound, Forbidden, Conflict(RUN_STATUS) for one that has ended, and Upstream if the target does not give the traffic back.
    """
    first = load(OperationRow, operation_id, actor, Permission.DEPLOYMENT_WRITE)

    def read() -> OperationRow:
        return load(OperationRow, operation_id, actor, Permission.DEPLOYMENT_WRITE)

    def change(operation: OperationRow) -> list[Operation]:
        _cancel(operation)
        if operation.handed_over:
            raise _HandedOver
        return end_parts(operation, "cancelled", CANCELLED, actor)

    try:
        return update_with_retry(read, change, first=first)
    except _HandedOver:
        return _cancel_deployment(actor, str(first.deployment_id), read)


def cancel_builds(workspace_id: str, reason: str) -> None:
    """Cancel what a workspace builds now, with what would follow it. The machines stop what runs, seconds later."""
    places = get(*key_in(workspace_id))
    held = sorted(places.held) if isinstance(places, BuildPlaces) else []
    for build in fetch_all(Build, held):
        _cancel_for_us(str(build.operation_id), reason)


def _cancel_for_us(operation_id: str, reason: str) -> None:
    first = fetch(OperationRow, operation_id)

    def change(operation: OperationRow) -> list[Operation]:
        if operation.ended or operation.handed_over:
            return []
        operation.end("cancelled")
        return end_parts(operation, "cancelled", reason, SYSTEM)

    if first is not None:
        update_with_retry(lambda: fetch(OperationRow, operation_id) or first, change, first=first)


def _cancel(operation: OperationRow) -> None:
    if operation.ended:
        raise Conflict(Situation.RUN_STATUS, f"The operation has ended: it is {operation.status}")
    operation.end("cancelled")


def _cancel_deployment(actor: Actor, deployment_id: str, read: Callable[[], OperationRow]) -> OperationRow:
    cancelled = []

    def beside(deployment: Deployment) -> list[Operation]:
        operation = read()
        _cancel(operation)
        operation.progress = reached(deployment, int(operation.progress))
        operation.released = True  # nothing of its build runs any more
        cancelled.append(operation)
        return [save(operation)]

    stop(actor, deployment_id, CANCELLED, beside)
    return cancelled[-1]


CANCELLED: Final = "The operation was cancelled"


def end_parts(operation: OperationRow, status: str, reason: str, actor: Actor, *, ended: bool = False) -> list[Operation]:
    """End the build of an operation without results (`ended`: with its results already), and its deployment before it began.

    Returns the writes. One round trip.
    """
    keys: list[RowKey] = [(Build, *Build.key(operation.build_id)), key_in(operation.ws_id)]
    if operation.deployment_id:
        keys.append((Deployment, *Deployment.key(operation.deployment_id)))
    build, places, *deployments = get_many(keys)
    deployment = next(iter(deployments), None)
    writes: list[Operation] = []
    if not ended and isinstance(build, Build) and not build.ended:
        build.status, build.completed_at = status, clock.iso()
        build.reason = reason if status == "failed" else None
        record_completion(build, actor)
        writes += [save(build), *give_back(build, places)]
    if isinstance(deployment, Deployment) and deployment.awaits_build and deployment.status in OPEN:
        writes.append(abandon(deployment, actor, reason))
    return writes


def deployment_of(operation: OperationRow) -> Deployment | None:
    return fetch(Deployment, operation.deployment_id) if operation.deployment_id else None


def _deployed(operation: OperationRow) -> tuple[Deployment | None, Environment | None]:
    deployment = deployment_of(operation)
    return deployment, fetch(Environment, deployment.environment_id) if deployment else None


def get_log(actor: Actor, build_id: str) -> str:
    """Return the end of a build's log: of a running one as the runner has it now, else as it was stored; empty if there is none.

    Two round trips. Raises NotFound, Forbidden, Upstream.
    """
    build = load(Build, build_id, actor, Permission.DEPLOYMENT_READ)
    if build.status == "building" and build.operation_id:
        operation = fetch(OperationRow, build.operation_id)
        return build_runner().log(operation.handle) if operation is not None and operation.handle else ""
    stored = get(BuildLog, *BuildLog.key_of(build.id))
    return stored.text if stored is not None else ""


def _project_of(feature: Item, environment: str) -> tuple[Project, Environment | None]:
    """Return the project of a feature and one of its environments. Raises NotFound."""
    project_id = str(feature.proj_id)
    keys = [Project.key(project_id), Environment.key(Environment.id_of(project_id, environment))]
    project, found = get_many([(Project, *keys[0]), (Environment, *keys[1])])
    if not isinstance(project, Project):
        raise NotFound(Project.NAME)
    return project, found if isinstance(found, Environment) else None


def _repository(project: Project) -> str:
    """Return the address of a project's repository. Raises Invalid for one that cannot be cloned."""
    address = project.repository_url or ""
    schemes = ("https", "file") if settings().local else ("https",)
    if project.repository_type == "svn" or urlsplit(address).scheme not in schemes:
        known = " or ".join(f"{scheme}://" for scheme in schemes)
        raise Invalid(FieldError("repository_url", f"The project needs a git repository at {known} to be built", address))
    return address


def source_of(operation: OperationRow) -> Source:
    """Return what an operation builds."""
    return replace(Source(""), **operation.source)
