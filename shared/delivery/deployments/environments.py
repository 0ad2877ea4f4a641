"""The environments of a project: where their builds are deployed to, and how a deployment is judged there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, NotFound
from shared.core.outbound import refusal_of
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.delivery.deployments.rows import Environment
from shared.delivery.targets import hook_secret_of
from shared.events import EventType, record
from shared.store import RowKey, authorize, create, get_many, id_of, retrying, save, stale, write
from shared.work.projects.rows import Project

NAMES: Final = ("dev", "staging", "production")


@dataclass(frozen=True)
class NewEnvironment:
    """The configuration of an environment. `target` has its `kind` and what that needs."""

    target: dict[str, Any]
    analysis: dict[str, Any]
    rotate_secret: bool = False


def set_environment(actor: Actor, project_id: str, name: str, new: NewEnvironment) -> Environment:
    """Set where a project's builds are deployed to in an environment. Two round trips.

    Another target knows no earlier version: what was deployed cannot be rolled back any more.
    Raises NotFound("project"), Forbidden, Invalid for a target that cannot be reached, Conflict(DEPLOYMENT_IN_PROGRESS).
    """
    _refuse(new.target)
    return retrying(lambda _: _set(actor, project_id, name, new))


def get_environment(actor: Actor, project_id: str, name: str) -> Environment:
    """Return an environment. One round trip. Raises NotFound, Forbidden."""
    _, environment = _read(actor, project_id, name, Permission.DEPLOYMENT_READ)
    if environment is None:
        raise NotFound(Environment.NAME)
    return environment


def list_environments(actor: Actor, project_id: str) -> list[Environment]:
    """Return the environments of a project that are set up. One round trip. Raises NotFound("project"), Forbidden."""
    _, found = _read_all(actor, project_id, NAMES, Permission.DEPLOYMENT_READ)
    return [one for one in found if one is not None]


def hook_secret(environment: Environment) -> str | None:
    """Return the secret that signs what the environment's deploy hook is asked; None if it has no hook."""
    if environment.target["kind"] != "hook":
        return None
    return hook_secret_of(f"{environment.proj_id}/{environment.name}", int(environment.secret_number))


def _set(actor: Actor, project_id: str, name: str, new: NewEnvironment) -> Environment:
    project, environment = _read(actor, project_id, name, Permission.DEPLOYMENT_APPROVE)
    if environment is None:
        environment = Environment.new(
            Environment.id_of(project.id, name),
            org_id=project.org_id,
            ws_id=project.ws_id,
            proj_id=project.id,
            name=name,
            target=new.target,
            analysis=new.analysis,
        )
        record(environment, EventType.ENVIRONMENT_UPDATED, actor, name=name, target=new.target["kind"])
        write(create(environment, stale))
        return environment
    if environment.deployment_id:
        words = "A deployment to this environment is in progress"
        raise Conflict(Situation.DEPLOYMENT_IN_PROGRESS, words, {"deployment_id": environment.deployment_id})
    if environment.target != new.target:
        environment.current_id = environment.latest_id = None
    environment.target, environment.analysis = new.target, new.analysis
    if new.rotate_secret:
        environment.secret_number += 1
    record(environment, EventType.ENVIRONMENT_UPDATED, actor, name=name, target=new.target["kind"])
    write(save(environment))
    return environment


def _read(actor: Actor, project_id: str, name: str, permission: Permission) -> tuple[Project, Environment | None]:
    project, (environment,) = _read_all(actor, project_id, [name], permission)
    return project, environment


def _read_all(
    actor: Actor, project_id: str, names: Sequence[str], permission: Permission
) -> tuple[Project, list[Environment | None]]:
    bare = id_of(Project, project_id)
    keys: list[RowKey] = [(Environment, *Environment.key(Environment.id_of(bare, name))) for name in names]
    project, *found = get_many([(Project, *Project.key(bare)), *keys])
    if not isinstance(project, Project) or project.deleted_at or project.status == "deleted":
        raise NotFound(Project.NAME)
    authorize(project, actor, permission)
    return project, [one if isinstance(one, Environment) else None for one in found]


def _refuse(target: dict[str, Any]) -> None:
    if target["kind"] == "hook" and (reason := refusal_of(target["url"])):
        raise Invalid(FieldError("target.url", reason, target["url"]))
    if target["kind"] == "process" and not settings().local_versions:
        raise Invalid(FieldError("target.kind", "Processes are a target of the local stack only", "process"))
