"""Taking the traffic back: by itself after a failed step, and by a person afterwards. A rollback that fails is said and can be repeated."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from shared.core import clock, logs
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, NotFound, Upstream
from shared.core.situations import Situation
from shared.delivery.deployments.lease import PENDING_LEASE, LeaseLost, release
from shared.delivery.deployments.rows import Deployment, Environment, record_end
from shared.delivery.deployments.strategies import weights_of
from shared.delivery.targets import target_of
from shared.delivery.targets.port import Target, TargetFailed
from shared.events import EventType, record
from shared.store import Operation, fetch, load, retrying, save, stale, update, write

ROLLBACK_WINDOW: Final = timedelta(hours=24)
"""How long after its end a deployment can be rolled back: our choice. The version before it is kept until the next success."""


def roll_back(actor: Actor, deployment_id: str, reason: str) -> Deployment:
    """Give the traffic back to the version before a deployment that has ended. Four round trips, and what the target takes.

    Raises NotFound, Forbidden, Invalid for a deployment in another state, Upstream if the target does not do it: then it can be repeated.
    """
    environment, deployment = retrying(lambda _: _begin(actor, deployment_id, reason))
    return _undo_taken(environment, deployment, actor)


def stop(actor: Actor, deployment_id: str, reason: str, beside: Callable[[Deployment], list[Operation]]) -> Deployment:
    """Take the traffic back from a deployment that goes on, with what `beside` returns for it in the same transaction.

    The fence rises, so the execution that has it does nothing any more. Four round trips, and what the target takes.
    Raises NotFound, Forbidden, Conflict(RUN_STATUS) for one that is over or being rolled back, Upstream as `roll_back`.
    """

    def attempt(_: int) -> tuple[Environment, Deployment]:
        environment, deployment = _read(actor, deployment_id)
        if deployment.status not in ("pending", "in_progress") or environment.deployment_id != deployment.id:
            raise Conflict(Situation.RUN_STATUS, "The deployment is over, or its traffic is being taken back")
        return _take(environment, deployment, actor, reason, beside(deployment))

    environment, deployment = retrying(attempt)
    return _undo_taken(environment, deployment, actor)


def take_back(environment_id: str, reason: str) -> None:
    """Begin to take the traffic back from what goes on in an environment; the job `deployments` goes on with it when the lease is over."""

    def attempt(_: int) -> None:
        environment = fetch(Environment, environment_id)
        held = environment.deployment_id if environment is not None else None
        deployment = fetch(Deployment, held) if held else None
        if environment is not None and deployment is not None and deployment.status != "rolling_back":
            _take(environment, deployment, SYSTEM, reason, [])

    retrying(attempt)


def _undo_taken(environment: Environment, deployment: Deployment, actor: Actor) -> Deployment:
    target = target_in(environment)
    try:
        return _undo_or_give_up(target, environment, deployment, actor)
    except LeaseLost:  # this took so long that the job took over
        return fetch(Deployment, deployment.id) or deployment


def target_in(environment: Environment) -> Target:
    """Return what an environment deploys to. Raises TargetFailed for a target that this deployment of the platform does not have."""
    return target_of(environment.target, str(environment.proj_id), environment.name, int(environment.secret_number))


def _undo_or_give_up(target: Target, environment: Environment, deployment: Deployment, actor: Actor) -> Deployment:
    try:
        return undo(target, environment, deployment, actor)
    except TargetFailed as error:
        give_up(environment, deployment, str(error))
        words = f"The rollback failed, and can be repeated: {error}"
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, words) from error


def begin_rollback(deployment: Deployment, actor: Actor, reason: str) -> None:
    """Set what says that a rollback is under way; not yet written."""
    deployment.status, deployment.phase, deployment.rollback_reason = "rolling_back", "rollback", reason
    deployment.failure = None
    record(
        deployment,
        EventType.DEPLOYMENT_STEPPED,
        actor,
        item_id=deployment.item_id,
        environment=deployment.environment,
        share=0,
        reason=reason,
    )


def undo(target: Target, environment: Environment, deployment: Deployment, actor: Actor) -> Deployment:
    """Give the traffic back, remove the new version, and end the deployment. Raises TargetFailed, LeaseLost."""
    version, previous = deployment.new_version, deployment.previous_version
    if deployment.shifted:
        target.set_weights(weights_of(str(version), previous, 0), int(environment.fence))
    if version is not None and version != previous:
        remove_quietly(target, deployment, version, int(environment.fence))
    moment = clock.iso()
    if deployment.shifted or deployment.completed_at:  # it had traffic, or had ended before
        deployment.status, deployment.rolled_back_at = "rolled_back", moment
    else:
        deployment.status, deployment.failure = "failed", deployment.rollback_reason
    deployment.completed_at = deployment.completed_at or moment
    record_end(deployment, actor)
    # what had the traffic is noted at its start
    before = deployment.previous_id if deployment.started_at else environment.current_id
    write(release(environment, before), save(deployment))
    return deployment


def give_up(environment: Environment, deployment: Deployment, reason: str) -> None:
    """End a deployment whose rollback failed: where its traffic is, nobody knows. The environment is free, so that it can be repeated."""
    deployment.status, deployment.failure = "failed", f"The rollback failed: {reason}"
    deployment.completed_at = clock.iso()
    record_end(deployment, SYSTEM)
    write(release(environment, environment.current_id), save(deployment))
    logs.work_failed("a rollback failed", "rollback", deployment_id=deployment.id, reason=reason)


def remove_quietly(target: Target, deployment: Deployment, version: str, fence: int) -> None:
    """Remove a version that has no traffic. That it is still there harms nobody, so a failure is only said."""
    try:
        target.remove(version, fence)
    except TargetFailed as error:
        deployment.note = f"The version {version} could not be removed: {error}"


def _begin(actor: Actor, deployment_id: str, reason: str) -> tuple[Environment, Deployment]:
    environment, deployment = _read(actor, deployment_id)
    _refuse(deployment, environment)
    return _take(environment, deployment, actor, reason, [])


def _read(actor: Actor, deployment_id: str) -> tuple[Environment, Deployment]:
    deployment = load(Deployment, deployment_id, actor, Permission.DEPLOYMENT_WRITE)
    environment = fetch(Environment, deployment.environment_id)
    if environment is None:
        raise NotFound(Environment.NAME)
    return environment, deployment


def _take(
    environment: Environment, deployment: Deployment, actor: Actor, reason: str, beside: list[Operation]
) -> tuple[Environment, Deployment]:
    """Take the environment for a rollback, and return both rows as they are written."""
    begin_rollback(deployment, actor, reason)
    taken, row = _taken(environment, deployment), Environment(*Environment.key(environment.id))
    actions: list[Any] = [getattr(Environment, name).set(value) for name, value in taken.items()]
    unchanged = Environment.version == environment.version  # it has its holder, its fence and its target
    write(save(deployment), update(row, [*actions, Environment.version.add(1)], unchanged, stale), *beside)
    for name, value in taken.items():
        setattr(environment, name, value)
    return environment, deployment


def _taken(environment: Environment, deployment: Deployment) -> dict[str, Any]:
    return {
        "deployment_id": deployment.id,
        "launch": int(environment.launch) + 1,
        "fence": int(environment.fence) + 1,
        "lease_until": clock.epoch() + PENDING_LEASE,
    }


def _refuse(deployment: Deployment, environment: Environment) -> None:
    """Raise Invalid for a deployment that cannot be rolled back."""
    reason = ""
    if deployment.status not in ("success", "failed"):
        shown = "in_progress" if deployment.status == "rolling_back" else deployment.status
        reason = f"Only a deployment that succeeded or failed can be rolled back; this one is {shown}"
    elif environment.latest_id != deployment.id:
        reason = "A later deployment to this environment has taken its place"
    elif clock.now() - clock.parse(str(deployment.completed_at)) > ROLLBACK_WINDOW:
        reason = f"A deployment can be rolled back within {ROLLBACK_WINDOW.days * 24} hours after its end"
    elif deployment.previous_version is None and deployment.status == "success":
        reason = "There was no version before it"
    if reason:
        raise Invalid(FieldError("status", reason, deployment.status))
