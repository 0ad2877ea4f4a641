"""The steps of a deployment: each call takes the environment up, does one thing at the target, and writes what comes next.

The row says what comes next (`phase`), and not the state machine: so a step that is tried again, or another execution, goes on where the
row is. What is done at the target may be done twice, which the port allows: it is done before the row says so, and so at least once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.delivery.builds.rows import Build
from shared.delivery.deployments.analysis import Verdict, judge
from shared.delivery.deployments.lease import LeaseLost, acquire, hold, release
from shared.delivery.deployments.rows import Deployment, Environment
from shared.delivery.deployments.strategies import weights_of
from shared.delivery.deployments.undoing import begin_rollback, give_up, remove_quietly, target_in, undo
from shared.delivery.targets.port import Figures, Release, Target, TargetFailed
from shared.events import EventType, record
from shared.store import fetch, get_many, save, write
from shared.work.projects.rows import Project

PLACING_PAUSE: Final = 5  # seconds between two questions how far the new version is
PLACING_LIMIT: Final = timedelta(minutes=30)
HEALTH_PAUSE: Final = 5  # seconds between a health check that failed and the next one
HEALTH_CHECKS: Final = 3
"""Health checks in a row that fail a version: one may be lost."""


@dataclass(frozen=True)
class Work:
    environment: Environment
    deployment: Deployment

    @property
    def target(self) -> Target:
        return target_in(self.environment)

    @property
    def fence(self) -> int:
        return int(self.environment.fence)

    def go_on(self, phase: str, wait: int = 0) -> dict[str, Any]:
        """Write the deployment with the phase that comes next, after `wait` seconds."""
        self.deployment.phase = phase
        write(hold(self.environment, wait), save(self.deployment))
        return then(phase, wait)


def then(phase: str, wait: int = 0) -> dict[str, Any]:
    """Return what the state machine does next."""
    return {"next": phase, "seconds": wait}


ENDED: Final = "ended"


def advance(deployment_id: str, environment_id: str, launch: int) -> dict[str, Any]:
    """Do the next thing of a deployment, and return what comes after it: `{next, seconds}`. Raises TargetFailed."""
    return _in_hands(deployment_id, environment_id, launch, lambda work: _PHASES[work.deployment.phase](work))


def fail(deployment_id: str, environment_id: str, launch: int, reason: str) -> dict[str, Any]:
    """Begin the rollback of a deployment that cannot go on; one whose rollback cannot go on is given up."""

    def end(work: Work) -> dict[str, Any]:
        if work.deployment.phase != "rollback":
            return _roll_back(work, reason)
        give_up(work.environment, work.deployment, reason)
        return then(ENDED)

    return _in_hands(deployment_id, environment_id, launch, end)


def _in_hands(deployment_id: str, environment_id: str, launch: int, do: Callable[[Work], dict[str, Any]]) -> dict[str, Any]:
    """Take the environment up, read the deployment after that, and do something with both; nothing if it is over or in other hands."""
    try:
        environment = acquire(environment_id, deployment_id, launch)
        deployment = fetch(Deployment, deployment_id)
        if deployment is None:
            raise LookupError(f"The environment {environment_id} is held by a deployment that does not exist: {deployment_id}")
        return do(Work(environment, deployment))
    except LeaseLost:
        return then(ENDED)


def _start(work: Work) -> dict[str, Any]:
    deployment = work.deployment
    deployment.status, deployment.started_at = "in_progress", clock.iso()
    deployment.previous_id = work.environment.current_id
    record(deployment, EventType.DEPLOYMENT_STARTED, SYSTEM, item_id=deployment.item_id, environment=deployment.environment)
    return work.go_on("place")


def _place(work: Work) -> dict[str, Any]:
    """Have the new version made ready, and note which one has the traffic now, and how that does."""
    deployment, target = work.deployment, work.target
    placed = target.deploy(_release(deployment), work.fence)
    if not placed.ready:
        if clock.now() - clock.parse(str(deployment.started_at)) > PLACING_LIMIT:
            raise TargetFailed(f"The new version was not ready after {PLACING_LIMIT.seconds // 60} minutes")
        if deployment.new_version == placed.version:
            return then("place", PLACING_PAUSE)
        deployment.new_version = placed.version
        return work.go_on("place", PLACING_PAUSE)
    deployment.new_version, deployment.previous_version = placed.version, placed.serving
    if placed.serving is not None:
        deployment.baseline = target.figures(placed.serving, work.environment.window).stored()
    return work.go_on("observe")


def _shift(work: Work) -> dict[str, Any]:
    deployment = work.deployment
    work.target.set_weights(_weights(deployment), work.fence)
    deployment.windows = deployment.unhealthy = 0
    _record_step(deployment)
    return work.go_on("observe", work.environment.window)


def _observe(work: Work) -> dict[str, Any]:
    """Check the new version's health, and let the gate decide on what was measured since its share changed."""
    deployment, target = work.deployment, work.target
    if not target.health(str(deployment.new_version)):
        return _is_unhealthy(work)
    deployment.health, deployment.unhealthy = "healthy", 0
    verdict = Verdict("pass")
    if deployment.share:
        deployment.windows += 1
        verdict = _judge(work, target)
        deployment.note = verdict.reason or None
    if verdict.says == "fail":
        return _roll_back(work, verdict.reason)
    if verdict.says == "wait":
        return work.go_on("observe", work.environment.window)
    if deployment.share == 100:
        return work.go_on("finish")
    deployment.step += 1
    return work.go_on("shift")


def _judge(work: Work, target: Target) -> Verdict:
    deployment, minimum = work.deployment, work.environment.minimum
    seconds = int(deployment.windows) * work.environment.window
    new = target.figures(str(deployment.new_version), seconds)
    deployment.figures = new.stored()
    old: Figures | None = None
    if deployment.previous_version and deployment.share < 100:
        old = target.figures(str(deployment.previous_version), seconds)
    if old is None or old.requests < minimum:
        old = deployment.measured_before
    return judge(new, old, minimum, int(deployment.windows))


def _is_unhealthy(work: Work) -> dict[str, Any]:
    deployment = work.deployment
    deployment.health = "unhealthy"
    deployment.unhealthy += 1
    if deployment.unhealthy < HEALTH_CHECKS:
        return work.go_on("observe", HEALTH_PAUSE)
    return _roll_back(work, f"{HEALTH_CHECKS} health checks in a row failed")


def _roll_back(work: Work, reason: str) -> dict[str, Any]:
    begin_rollback(work.deployment, SYSTEM, reason)
    return work.go_on("rollback")


def _finish(work: Work) -> dict[str, Any]:
    """The new version has all traffic. The one before it stays for a rollback, and the one before that is removed."""
    deployment = work.deployment
    before = fetch(Deployment, str(deployment.previous_id)) if deployment.previous_id else None
    if before is not None and before.previous_version not in (None, deployment.new_version, deployment.previous_version):
        remove_quietly(work.target, deployment, str(before.previous_version), work.fence)
    deployment.status, deployment.completed_at = "success", clock.iso()
    record(deployment, EventType.DEPLOYMENT_COMPLETED, SYSTEM, item_id=deployment.item_id, environment=deployment.environment)
    write(release(work.environment, deployment.id), save(deployment))
    return then(ENDED)


def _undo(work: Work) -> dict[str, Any]:
    undo(work.target, work.environment, work.deployment, SYSTEM)
    return then(ENDED)


_PHASES: Final[dict[str, Callable[[Work], dict[str, Any]]]] = {
    "start": _start,
    "place": _place,
    "shift": _shift,
    "observe": _observe,
    "finish": _finish,
    "rollback": _undo,
}


def _weights(deployment: Deployment) -> dict[str, int]:
    return weights_of(str(deployment.new_version), deployment.previous_version, deployment.share)


def _record_step(deployment: Deployment) -> None:
    record(
        deployment,
        EventType.DEPLOYMENT_STEPPED,
        SYSTEM,
        item_id=deployment.item_id,
        environment=deployment.environment,
        share=deployment.share,
    )


def _release(deployment: Deployment) -> Release:
    build, project = get_many([(Build, *Build.key(deployment.build_id)), (Project, *Project.key(str(deployment.proj_id)))])
    if not isinstance(build, Build) or not isinstance(project, Project):
        raise TargetFailed("The build or its project does not exist any more")
    return Release(
        deployment.id,
        build.id,
        build.version_tag,
        build.git_commit_hash,
        build.git_branch,
        build.docker_image_url,
        project.repository_url,
    )
