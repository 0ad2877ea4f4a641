"""Asking for a build, reading the operation that makes it, and cancelling it."""

from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, NotFound
from shared.core.ids import new_id
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.delivery.building.registry import build_runner
from shared.delivery.building.runner import Source
from shared.delivery.builds.recording import new_build, record_completion, write_numbered
from shared.delivery.builds.rows import Build, BuildLog
from shared.delivery.operations.rows import KEPT, OVERDUE, OperationRow
from shared.events import EventType, record
from shared.store import create, fetch, get, load, save, update_with_retry
from shared.work.boards.counting import require_writable
from shared.work.items.planning import FEATURE, load_type
from shared.work.projects.rows import Project


@dataclass(frozen=True)
class BuildRequest:
    """What shall be built; without a branch and a commit it is the head of the repository's own branch."""

    version_tag: str | None = None
    git_branch: str | None = None
    git_commit_hash: str | None = None


def request_build(actor: Actor, feature_id: str, new: BuildRequest) -> OperationRow:
    """Ask for a build of a feature; its event starts the state machine. Four round trips: feature, project, number, transaction.

    Raises NotFound("feature"), Forbidden, Invalid for a repository that cannot be cloned, Conflict (archived project), and
    Upstream(PROVIDER_NOT_CONFIGURED) where nothing runs builds.
    """
    feature = load_type(actor, feature_id, FEATURE, Permission.DEPLOYMENT_WRITE)
    build_runner()
    project = fetch(Project, str(feature.proj_id))
    if project is None:
        raise NotFound(Project.NAME)
    source = Source(_repository(project), new.git_branch, new.git_commit_hash)
    build = new_build(actor, feature, new_id(), "pending")
    build.version_tag, build.git_branch, build.git_commit_hash = new.version_tag, new.git_branch, new.git_commit_hash
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
    record(operation, EventType.BUILD_REQUESTED, actor, item_id=feature.id, build_id=build.id)
    write_numbered(build, lambda: [require_writable(feature.board_id), create(operation)])
    return operation


def get_operation(actor: Actor, operation_id: str) -> OperationRow:
    """Return an operation. One round trip. Raises NotFound, Forbidden."""
    return load(OperationRow, operation_id, actor, Permission.DEPLOYMENT_READ)


def seconds_left(operation: OperationRow) -> int | None:
    """Return the seconds that an operation still needs, as far as its last state says; None if that is not known or it has ended."""
    if operation.ended or operation.eta_seconds is None:
        return None
    since = (clock.now() - clock.parse(operation.updated_at)).total_seconds()
    return max(0, round(float(operation.eta_seconds) - since))


def cancel_operation(actor: Actor, operation_id: str) -> OperationRow:
    """Cancel an operation with its build; the machine stops what runs of it, seconds later. Three round trips.

    Raises NotFound, Forbidden, and Conflict(RUN_STATUS) for one that has ended.
    """
    first = load(OperationRow, operation_id, actor, Permission.DEPLOYMENT_WRITE)

    def change(operation: OperationRow) -> list[Any]:
        if operation.ended:
            raise Conflict(Situation.RUN_STATUS, f"The operation has ended: it is {operation.status}")
        operation.status, operation.completed_at = "cancelled", clock.iso()
        operation.step = operation.eta_seconds = None
        build = fetch(Build, operation.build_id)
        if build is None or build.ended:
            return []
        build.status, build.completed_at = "cancelled", operation.completed_at
        record_completion(build, actor)
        return [save(build)]

    def read() -> OperationRow:
        return load(OperationRow, operation_id, actor, Permission.DEPLOYMENT_WRITE)

    return update_with_retry(read, change, first=first)


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
