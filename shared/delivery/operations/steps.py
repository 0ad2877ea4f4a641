"""The steps of the BuildAndDeploy machine (`infra/build_and_deploy.py`). Each may be repeated after a crash at any point.

    Claim -> Build -> [wait, Poll] ... -> Collect -> HandOver [wait] ...; what fails for good -> Fail

HandOver waits until the environment is free, and has the deployment begin, which goes on by its own machine. When that has ended, the
operation does (`finish`).

A step gets the state and returns the next one: `{"operation_id", "next", "wait"}`, with the seconds until the
next poll. Whoever has ended the operation meanwhile (a
cancel) has the last word: the step then only releases what runs, and the machine ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from shared.core import clock, logs, strict_json
from shared.core.actor import SYSTEM
from shared.core.errors import CadreError, Invalid
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.delivery.building.registry import build_runner
from shared.delivery.building.runner import MAX_LOG, BuildState, Results, UnreadableResults
from shared.delivery.builds.places import give_back, key_in
from shared.delivery.builds.recording import record_completion, set_findings, set_tests, set_times
from shared.delivery.builds.rows import Build, BuildCounter, BuildLog
from shared.delivery.builds.scans import MAX_BYTES, Finding, read_report
from shared.delivery.deployments.deploying import begin
from shared.delivery.deployments.rows import OPEN, Deployment
from shared.delivery.operations.progress import STEPS, built, progress, reached
from shared.delivery.operations.requesting import deployment_of, end_parts, source_of
from shared.delivery.operations.rows import OVERDUE_DEPLOYING, OperationRow
from shared.store import Operation, fetch, get, is_stale, put, save, update, update_with_retry

State = dict[str, Any]
PATIENCE: Final = timedelta(hours=2)
"""How long a build that is there waits for another deployment to its environment."""

_WAITS: Final = {"hand_over": 30}
"""Seconds to the next question: those who wait for an environment have no place any more, so there may be hundreds of them."""


@dataclass(frozen=True)
class Step:
    """The input of a step."""

    operation_id: str
    execution: str
    state: State = field(default_factory=dict)


class OperationEnded(Exception):
    """The operation has ended, or another execution has it."""


class BuildLost(Exception):
    """The runner no longer knows the build."""


def run_step(name: str, step: Step) -> State:
    """Do one step; return the next state."""
    try:
        then = _STEPS[name](step)
    except OperationEnded:
        then = "end"
    if then == "end":
        release(step.operation_id)
    wait = 1 if settings().local else _WAITS.get(then, 10)
    return {"operation_id": step.operation_id, "next": then, "wait": wait}


def claim(step: Step) -> str:
    """Claim the operation for this execution."""

    def change(operation: OperationRow) -> list[Operation]:
        operation.execution, operation.status, operation.step = step.execution, "in_progress", STEPS["QUEUED"]
        operation.postpone()
        build = _build_of(operation)
        if build.status != "pending":
            return []
        build.status = "building"
        return [save(build)]

    update_with_retry(lambda: _own(step, claiming=True), change)
    return "build"


def build(step: Step) -> str:
    """Start the build, unless an execution before this one did. The runner starts the same one only once, as CodeBuild for five minutes."""
    operation = _own(step)
    if operation.handle:
        return "wait"
    handle = build_runner().start(operation.build_id, source_of(operation))

    def change(operation: OperationRow) -> None:
        operation.handle = handle
        operation.postpone()

    try:
        update_with_retry(lambda: _own(step), change)
    except OperationEnded:
        build_runner().cancel(handle)  # it was cancelled while the build began, and its row does not know the handle
        raise
    return "wait"


def poll(step: Step) -> str:
    """Write down where the build is."""
    operation = _own(step)
    state = _state_of(operation)
    if state.ended:
        return "collect"
    counter = _counter_of(operation)
    percent, left = progress(state, counter.phases if counter else None, int(operation.deploying_takes))

    def change(operation: OperationRow) -> None:
        operation.progress = max(int(operation.progress), percent)
        operation.step, operation.eta_seconds = STEPS[state.phase], left
        operation.postpone()

    update_with_retry(lambda: _own(step), change, first=operation)
    return "wait"


def collect(step: Step) -> str:
    """Record the build with what it measured. A build that failed ends its operation."""
    operation = _own(step)
    state, results, findings = _state_of(operation), Results(), None
    reason = None if state.succeeded else state.reason or "The build failed"
    try:
        results = build_runner().results(str(operation.handle))
        findings = _findings(results.scan_report)
    except UnreadableResults as error:
        reason = str(error)
    log = build_runner().log(str(operation.handle))

    def change(operation: OperationRow) -> list[Operation]:
        build = _build_of(operation)
        if build.ended:
            return []
        build.status, build.reason = ("failed", reason) if reason else ("success", None)
        operations = _record_results(build, state, results, findings, log)
        operation.step, operation.eta_seconds = "Collecting results...", None
        operation.progress = max(int(operation.progress), built(state.phases, int(operation.deploying_takes)))
        operation.postpone()
        if reason:
            operation.end("failed", reason)
            operations += end_parts(operation, "failed", reason, SYSTEM, ended=True)
        return operations

    done = update_with_retry(lambda: _own(step), change, first=operation)
    return "end" if done.ended else "hand_over"


def hand_over(step: Step) -> str:
    """Complete the operation of a build alone; else have its deployment begin, once its environment is free."""
    operation = _own(step)
    if operation.handed_over:
        return "end"
    try:
        update_with_retry(lambda: _own(step), _begin_deployment if operation.deployment_id else _complete, first=operation)
    except CadreError as error:
        if is_stale(error):
            raise
        if error.situation is Situation.DEPLOYMENT_IN_PROGRESS and _may_wait(operation):
            return _wait_for_environment(step)
        return _fail(step, _words(error))
    return "end"


def _complete(operation: OperationRow) -> None:
    operation.end("completed")
    operation.progress = 100


def _begin_deployment(operation: OperationRow) -> list[Operation]:
    deployment = deployment_of(operation)
    if deployment is None:
        raise OperationEnded  # erased with its project
    operation.handed_over, operation.step, operation.eta_seconds = True, None, None
    operation.postpone(OVERDUE_DEPLOYING)
    taken = begin(deployment, _build_of(operation).board_id, SYSTEM)
    return [save(deployment), *taken]


def _may_wait(operation: OperationRow) -> bool:
    return clock.now() - clock.parse(_build_of(operation).completed_at or clock.iso()) < PATIENCE


def _wait_for_environment(step: Step) -> str:
    def change(operation: OperationRow) -> None:
        operation.step, operation.eta_seconds = "Waiting for another deployment to end...", None
        operation.postpone()

    update_with_retry(lambda: _own(step), change)
    return "hand_over"


def _words(error: CadreError) -> str:
    return error.fields[0].message if isinstance(error, Invalid) else error.message


def fail(step: Step) -> str:
    """End the operation with an error, and what belongs to it, also if no execution could claim it; what has ended does not change."""
    error = str((step.state.get("error") or {}).get("Error", ""))
    operation = _own(step, claiming=True)
    if error != _SOURCE_REFUSED:
        logs.work_failed("a build failed on our side", "build", operation_id=operation.id, error=error)
    return _fail(step, _REASONS.get(error, "The build could not be run: something failed on our side"))


def _fail(step: Step, reason: str) -> str:
    def change(operation: OperationRow) -> list[Operation]:
        operation.end("failed", reason)
        return end_parts(operation, "failed", reason, SYSTEM)

    update_with_retry(lambda: _own(step, claiming=True), change)
    return "end"


def finish(deployment: Deployment) -> bool:
    """End the operation of a deployment that has ended, as that ended; tell whether it did."""

    def read() -> OperationRow:
        operation = _there(str(deployment.operation_id))
        if operation.ended:
            raise OperationEnded
        return operation

    def change(operation: OperationRow) -> None:
        if deployment.status == "success":
            _complete(operation)
        else:
            operation.end("failed", deployment.failure or deployment.rollback_reason)
            operation.progress = reached(deployment, int(operation.progress))
        operation.released = True  # nothing of its build runs any more

    if not deployment.operation_id or deployment.status in OPEN:
        return False
    try:
        update_with_retry(read, change)
    except OperationEnded:
        return False
    return True


_SOURCE_REFUSED: Final = "SourceRefused"
"""The only error that a customer causes: all others of a step are ours, or of what runs builds."""
_REASONS: Final = {
    "BuildLost": "The build was lost: what ran it was ended",
    _SOURCE_REFUSED: "Builds on AWS clone public repositories of github.com and bitbucket.org",
    "Upstream": "What runs builds does not answer",
}


def release(operation_id: str) -> None:
    """Stop what still runs of an operation that has ended, and take it off the list of unfinished ones."""
    operation = fetch(OperationRow, operation_id)
    if operation is None or operation.released or not operation.ended:
        return
    build_runner().cancel(operation.handle or operation.build_id)

    def change(operation: OperationRow) -> None:
        operation.released = True

    update_with_retry(lambda: _there(operation_id), change, first=operation)


def _record_results(
    build: Build, state: BuildState, results: Results, findings: list[Finding] | None, log: str
) -> list[Operation]:
    set_tests(build, results.tests_passed, results.tests_failed)
    build.coverage, build.artifact_size_bytes = results.coverage, results.artifact_bytes
    build.git_commit_hash = state.commit or build.git_commit_hash
    build.git_branch = state.branch or build.git_branch
    set_times(build, state.started_at, state.ended_at or clock.iso())
    found = set_findings(build, SYSTEM, findings)
    record_completion(build, SYSTEM)
    counter = BuildCounter.of(str(build.proj_id))
    took = dict(state.phases)
    seen = [update(counter, [BuildCounter.phases.set(took)])] if build.status == "success" and took else []
    return [
        save(build),
        *give_back(build, get(*key_in(build.ws_id))),
        put(BuildLog.of(build, log.encode()[-MAX_LOG:].decode(errors="ignore"))),
        *seen,
        *found,
    ]


def _findings(report: str | None) -> list[Finding] | None:
    if report is None:
        return None
    if len(report.encode()) > MAX_BYTES:
        raise UnreadableResults(f"The scan report is larger than {MAX_BYTES:,} bytes")
    try:
        return read_report(strict_json.parse(report.encode(), "The scan report"))
    except (Invalid, ValueError) as error:
        why = error.fields[0].message if isinstance(error, Invalid) else str(error)
        raise UnreadableResults(f"The scan report cannot be read: {why}") from error


def _own(step: Step, *, claiming: bool = False) -> OperationRow:
    """Return the operation of this execution; with `claiming` also one that none has claimed. Raises OperationEnded."""
    operation = fetch(OperationRow, step.operation_id)
    allowed = (step.execution, None) if claiming else (step.execution,)
    if operation is None or operation.ended or operation.execution not in allowed:
        raise OperationEnded
    return operation


def _there(operation_id: str) -> OperationRow:
    operation = fetch(OperationRow, operation_id)
    if operation is None:
        raise OperationEnded
    return operation


def _build_of(operation: OperationRow) -> Build:
    build = fetch(Build, operation.build_id)
    if build is None:
        raise OperationEnded  # erased with its project
    return build


def _state_of(operation: OperationRow) -> BuildState:
    state = build_runner().state(str(operation.handle))
    if state is None:
        raise BuildLost(operation.build_id)
    return state


def _counter_of(operation: OperationRow) -> BuildCounter | None:
    counter = BuildCounter.of(str(operation.proj_id))
    return get(BuildCounter, counter.pk, counter.sk)


_STEPS: Final[dict[str, Callable[[Step], str]]] = {
    "claim": claim,
    "build": build,
    "poll": poll,
    "collect": collect,
    "hand_over": hand_over,
    "fail": fail,
}
