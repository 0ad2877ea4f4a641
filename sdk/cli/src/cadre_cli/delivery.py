"""From a feature to what people use: build, deploy, roll back."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ai_agents.errors import APIError, OperationFailedError
from cadre_cli.commands import Context, check_id, command, given
from cadre_cli.output import Columns, plain

if TYPE_CHECKING:
    from ai_agents.models import Deployment, Operation
    from cadre_cli.session import Session

_ACCEPTED: Columns = {
    "Operation": "operation_id", "Status": "status", "Makes": "resource_type", "ID": "resource_id", "Build": "build_id",
}  # fmt: skip
_OPERATION: Columns = {"Operation": "operation_id", "Status": "status", "Step": "current_step", "Result": "result_url"}
_BUILD: Columns = {
    "Build": "id", "Number": "build_number", "Status": "status", "Version": "version_tag", "Commit": "git_commit_hash",
    "Branch": "git_branch", "Tests passed": "tests_passed", "Tests failed": "tests_failed", "Coverage (%)": "code_coverage_percent",
    "Scan": "security_scan_status", "Reason": "failure_reason",
}  # fmt: skip
_BUILDS: Columns = {
    "ID": "id", "Number": "build_number", "Status": "status", "Version": "version_tag", "Commit": "git_commit_hash",
    "Created": "created_at",
}  # fmt: skip
_DEPLOYMENTS: Columns = {
    "ID": "id", "Status": "status", "Environment": "environment", "Strategy": "deployment_strategy",
    "Traffic (%)": "traffic_percentage", "Created": "created_at",
}  # fmt: skip
_DEPLOYMENT: Columns = {
    "Deployment": "id", "Build": "build_id", "Status": "status", "Environment": "environment", "Strategy": "deployment_strategy",
    "Traffic (%)": "traffic_percentage", "Health": "health_check_status", "Errors (%)": "error_rate_percent",
    "Analysis": "analysis", "Failure": "failure_reason", "Rollback": "rollback_reason",
}  # fmt: skip
_PAGE = 100  # entries that the platform gives in one answer at most
_LOG_LINES = 20  # of a build that failed
_LOOK = 2.0  # seconds between two looks at a deployment: the free plan has a hundred requests a minute


class EnvironmentName(StrEnum):
    DEV = "dev"
    STAGING = "staging"
    PRODUCTION = "production"


class BuildStatus(StrEnum):
    PENDING = "pending"
    BUILDING = "building"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DeploymentStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class Strategy(StrEnum):
    BLUE_GREEN = "blue_green"
    CANARY = "canary"
    ROLLING = "rolling"
    RAMP = "ramp"


FeatureId = Annotated[str, typer.Argument(metavar="FEATURE", callback=check_id, help="The feature's id: a card of type feature.")]
BuildId = Annotated[str, typer.Argument(metavar="BUILD", callback=check_id, help="The build's id.")]
EnvironmentOption = Annotated[EnvironmentName, typer.Option("--environment", "--env", help="Where to.")]
StrategyOption = Annotated[Strategy | None, typer.Option(help="How the traffic comes to the new version.")]
Canary = Annotated[int | None, typer.Option(min=0, max=100, help="Percent of the traffic that a canary gets first.")]
Notes = Annotated[str | None, typer.Option(help="Your approval, for production: why this may go there.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end, with its progress.")]
Timeout = Annotated[float | None, typer.Option(min=0, help="Seconds after which it is not waited for any more.")]


def declare(app: typer.Typer) -> None:
    command(app)(build)
    command(app)(builds)
    command(app)(deploy)
    command(app)(deployments)
    command(app)(rollback)


def build(
    context: Context,
    feature: FeatureId,
    branch: Annotated[str | None, typer.Option(help="The branch, if not the repository's own.")] = None,
    commit: Annotated[str | None, typer.Option(help="The commit, if not the head of the branch.")] = None,
    version: Annotated[str | None, typer.Option(help="The semantic version of what is built.")] = None,
    environment: Annotated[
        EnvironmentName | None,
        typer.Option("--environment", "--env", help="Where it is deployed to. By default dev, if that is set up."),
    ] = None,
    strategy: StrategyOption = None,
    canary: Canary = None,
    notes: Notes = None,
    wait: Wait = True,
    timeout: Timeout = None,
) -> None:
    """Build a feature's repository as its buildspec.yml says, and deploy the build."""
    api, what = context.session.api, given(git_branch=branch, git_commit_hash=commit, version_tag=version)
    accepted = api.features.build_and_deploy(feature, **what, **_how(environment, strategy, canary, notes))
    if not wait:
        context.output.one(accepted, _ACCEPTED)
        return
    with context.output.progress("Waiting for the build") as tell:

        def show(state: "Operation") -> None:
            left = f"about {state.eta_seconds} s left" if state.eta_seconds else ""
            tell(state.progress_percent, state.current_step or state.status, left)

        try:
            ended = api.operations.wait(accepted, on_progress=show, timeout=timeout)
        except OperationFailedError as error:
            _show_failed(context, error.operation)
            raise
        except KeyboardInterrupt:
            context.output.say(f"Operation {accepted.operation_id} goes on.")
            raise
    _show_result(context, ended)


def builds(
    context: Context,
    feature: FeatureId,
    status: Annotated[BuildStatus | None, typer.Option(help="Only those with this status.")] = None,
) -> None:
    """List the builds of a feature, newest first."""
    found = context.session.api.builds.list(feature, page_size=_PAGE, **given(status=status))
    context.output.rows(list(found.all()), _BUILDS)


def deploy(
    context: Context,
    build_id: BuildId,
    environment: EnvironmentOption = EnvironmentName.DEV,
    strategy: StrategyOption = None,
    canary: Canary = None,
    notes: Notes = None,
    wait: Wait = True,
    timeout: Timeout = None,
) -> None:
    """Deploy a build. A new version that is worse than the old one is taken back, and the exit status is 1."""
    api = context.session.api
    started = api.builds.deploy(build_id, **_how(environment, strategy, canary, notes))
    if not wait:
        context.output.one(started, _DEPLOYMENT)
        return
    with context.output.progress(f"Deploying to {environment.value}") as tell:
        try:
            ended = api.deployments.wait(
                started.id, on_progress=lambda one: tell(one.traffic_percentage, stage_of(one)), timeout=timeout, every=_LOOK
            )
        except OperationFailedError as error:
            context.output.one(error.operation, _DEPLOYMENT)
            raise
        except KeyboardInterrupt:
            context.output.say(f"Deployment {started.id} goes on.")
            raise
    context.output.one(ended, _DEPLOYMENT)


def deployments(
    context: Context,
    build_id: BuildId,
    status: Annotated[DeploymentStatus | None, typer.Option(help="Only those with this status.")] = None,
) -> None:
    """List the deployments of a build, newest first."""
    found = context.session.api.deployments.list(build_id, page_size=_PAGE, **given(status=status))
    context.output.rows(list(found.all()), _DEPLOYMENTS)


def rollback(
    context: Context,
    deployment: Annotated[str, typer.Argument(metavar="DEPLOYMENT", callback=check_id, help="The deployment's id.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the deployment.")],
) -> None:
    """Give the traffic back to the version before: of the last deployment of an environment, within 24 hours."""
    context.output.one(context.session.api.deployments.rollback(deployment, reason=reason), _DEPLOYMENT)


def stage_of(state: "Deployment") -> str:
    """Return where a deployment is, in words: its strategy, its share of the traffic and what was measured there."""
    if state.status == "pending":
        return "Waiting to begin"
    words = [f"{state.deployment_strategy.replace('_', '-')}: {state.traffic_percentage} % of the traffic"]
    words += [state.health_check_status] if state.health_check_status else []
    words += [f"{state.error_rate_percent:g} % errors"] if state.error_rate_percent is not None else []
    words += [state.analysis] if state.analysis else []
    return ", ".join(words)


def _show_result(context: Context, ended: "Operation") -> None:
    """Show what an operation made: a build, or a deployment of it."""
    kind, _, made = (ended.result_url or "").strip("/").partition("/")
    if kind == "builds":
        context.output.one(context.session.api.builds.get(made), _BUILD)
    elif kind == "deployments":
        context.output.one(context.session.api.deployments.get(made), _DEPLOYMENT)
    else:
        context.output.one(ended, _OPERATION)


def _show_failed(context: Context, operation: "Operation") -> None:
    """Show an operation that failed, and to a person the end of its build's log."""
    said = plain(operation)
    kind, _, made = (said.get("build_url") or said.get("resource_url") or "").strip("/").partition("/")
    if kind == "builds" and not context.output.as_json:
        for line in _end_of_log(context.session, made):
            context.output.say(line)
    context.output.one(operation, _OPERATION)


def _end_of_log(session: "Session", build_id: str) -> list[str]:
    try:
        return session.api.builds.log(build_id).text.splitlines()[-_LOG_LINES:]
    except APIError:
        return []  # the failure is what is said


def _how(environment: EnvironmentName | None, strategy: Strategy | None, canary: int | None, notes: str | None) -> Any:
    """Return how a build is deployed. A percentage is a canary's."""
    chosen = strategy or (Strategy.CANARY if canary is not None else None)
    return given(environment=environment, deployment_strategy=chosen, canary_percentage=canary, approval_notes=notes)
