"""enterprise, section 6 and "Async Operations": builds, and the operations that make them."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from functions.delivery import lists, tracing
from functions.delivery.hook_protocol import callbacks
from shared.core import clock
from shared.core.actor import Permission
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.delivery.builds import recording
from shared.delivery.deployments import deploying, environments, undoing
from shared.delivery.operations import requesting
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.enterprise import ENTERPRISE
from shared.edge.contracts.fields import Form, OneLine, Seen, WebAddress
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.enterprise.delivery import (
    AcceptedOperation,
    Build,
    Operation,
    ScanStatus,
    accepted,
    build,
    operation,
)
from shared.edge.views.enterprise.deployments import Deployment, EnvironmentName, Strategy, deployment
from shared.edge.views.enterprise.environments import Analysis, Environment, EnvironmentWithSecret, environment_with_secret
from shared.edge.views.enterprise.environments import environment as shown

routes = Routes(ENTERPRISE, "delivery")
tracing.publish(routes)
lists.publish(routes)

_SEMVER: Final = (  # semver.org, "Is there a suggested regular expression?", with digits of ASCII only
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$"
)
Version = Annotated[
    str,
    Field(max_length=128, description="A semantic version (semver.org)"),
    Form(_SEMVER, "Should be a semantic version (semver.org), such as 1.2.0"),
]
Commit = Annotated[
    str,
    Field(description="A commit's hash; git takes four digits at least"),
    Form(r"^[0-9a-fA-F]{4,64}$", "Should be the hash of a commit: 4 to 64 hexadecimal digits"),
]
Branch = Annotated[
    str,
    Field(min_length=1, max_length=255),
    Form(r"^[^\s~^:?*\[\\\-][^\s~^:?*\[\\]*$", "Should be the name of a branch as git takes it, such as main"),
]
Image = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), OneLine]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Bytes = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
Percent = Annotated[int | float, Field(ge=0, le=100)]
Time = Annotated[
    str, AfterValidator(lambda text: clock.iso(clock.parse(text))), WithJsonSchema({"type": "string", "format": "date-time"})
]


class CreateBuild(StrictRequest):
    version_tag: Version
    git_commit_hash: Commit
    git_branch: Branch
    docker_image_url: Image | None = None
    docker_image_size_bytes: Bytes | None = None
    tests_passed: Count | None = None
    tests_failed: Count | None = None
    code_coverage_percent: Percent | None = None
    security_scan_status: ScanStatus | None = None
    status: Literal["success", "failed", "cancelled"] | None = None
    started_at: Time | None = None
    scan_report: Annotated[dict[str, Any], Field(description="SARIF 2.1.0 or CycloneDX 1.x with vulnerabilities")] | None = None


@routes.post(
    "/features/{feature_id}/builds",
    "builds.create",
    status=201,
    permission=Permission.DEPLOYMENT_WRITE,
    errors=(Situation.PROJECT_ARCHIVED,),
)
async def create_build(feature_id: str, body: CreateBuild, caller: Caller) -> Build:
    """Record a build that ran elsewhere. Without a status it failed if a test or the scan did; a scan report is counted by severity."""
    new = recording.NewBuild(
        body.version_tag,
        body.git_commit_hash,
        body.git_branch,
        body.status,
        body.docker_image_url,
        body.docker_image_size_bytes,
        body.tests_passed,
        body.tests_failed,
        body.code_coverage_percent,
        body.security_scan_status,
        body.scan_report,
        body.started_at,
    )
    return build(recording.record_build(caller, feature_id, new))


@routes.get("/builds/{build_id}", "builds.get", permission=Permission.DEPLOYMENT_READ)
async def get_build(build_id: str, caller: Caller) -> Build:
    """Get a build. What was neither told nor measured is absent."""
    return build(recording.get_build(caller, build_id))


# -- deployments

Notes = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), Seen]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000), Seen]


class DeployBuild(StrictRequest):
    environment: EnvironmentName
    deployment_strategy: Strategy = "blue_green"
    canary_percentage: Annotated[int, Field(ge=0, le=100, description="Required for the strategy canary")] | None = None
    approval_notes: Annotated[Notes, Field(description="Required for production")] | None = None


class RollbackDeployment(StrictRequest):
    reason: Reason


@routes.post(
    "/builds/{build_id}/deploy",
    "builds.deploy",
    status=201,
    permission=Permission.DEPLOYMENT_WRITE,
    errors=(Situation.PROJECT_ARCHIVED, Situation.DEPLOYMENT_IN_PROGRESS),
)
async def deploy_build(build_id: str, body: DeployBuild, caller: Caller) -> Deployment:
    """Deploy a successful build to an environment, whose target is set by `PUT /projects/{project_id}/environments/{environment}`.

    One deployment at a time works in an environment. Production needs `deployments:approve` and notes.
    """
    new = deploying.NewDeployment(body.environment, body.deployment_strategy, body.canary_percentage, body.approval_notes)
    return deployment(deploying.request_deployment(caller, build_id, new))


@routes.get("/deployments/{deployment_id}", "deployments.get", permission=Permission.DEPLOYMENT_READ)
async def get_deployment(deployment_id: str, caller: Caller) -> Deployment:
    """Get a deployment, with what its target measured last."""
    return deployment(deploying.get_deployment(caller, deployment_id))


@routes.post(
    "/deployments/{deployment_id}/rollback",
    "deployments.rollback",
    permission=Permission.DEPLOYMENT_WRITE,
    errors=(Situation.EXTERNAL_SERVICE_UNAVAILABLE,),
)
async def roll_back_deployment(deployment_id: str, body: RollbackDeployment, caller: Caller) -> Deployment:
    """Give the traffic back to the version before: of a deployment that succeeded or failed, the last of its environment, within 24 hours.

    If the target does not do it, the answer is 503 and the rollback can be repeated.
    """
    return deployment(undoing.roll_back(caller, deployment_id, body.reason))


# -- environments

Word = Annotated[str, StringConstraints(min_length=1, max_length=500), OneLine]


class HookTarget(StrictRequest):
    """A deploy hook: signed requests to an address of yours, as the callback of this operation describes."""

    kind: Literal["hook"]
    url: WebAddress


class LambdaTarget(StrictRequest):
    """An alias of a Lambda function of images. The role's name begins with `cadre-deploy-`, and
    it trusts this platform with the project's id as the external id."""

    kind: Literal["lambda"]
    function: Annotated[
        str,
        Form(
            r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[a-zA-Z0-9_-]{1,64}$",
            "Should be the ARN of a Lambda function, without a version",
        ),
    ]
    alias: Annotated[
        str, Form(r"^[a-zA-Z][a-zA-Z0-9_-]{0,127}$", "Should be the name of an alias: a letter, then letters, digits, - and _")
    ]
    role_arn: Annotated[
        str,
        Field(max_length=600),
        Form(
            r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/cadre-deploy-[a-zA-Z0-9_+=,.@-]+$",
            "Should be the ARN of a role whose name begins with cadre-deploy-",
        ),
    ]


class ProcessTarget(StrictRequest):
    """On the local stack only: a process for each version, started in a checkout of the build's commit; it listens on `$PORT`."""

    kind: Literal["process"]
    command: Annotated[list[Word], Field(min_length=1, max_length=50)]


class SetEnvironment(StrictRequest):
    target: Annotated[HookTarget | LambdaTarget | ProcessTarget, Field(discriminator="kind")]
    analysis: Analysis = Analysis()
    rotate_secret: Annotated[bool, Field(description="Give the deploy hook another secret; the one before is void at once")] = (
        False
    )


@routes.put(
    "/projects/{project_id}/environments/{environment}",
    "environments.set",
    permission=Permission.DEPLOYMENT_APPROVE,
    addition=True,
    secret=True,
    errors=(Situation.DEPLOYMENT_IN_PROGRESS,),
    callbacks=callbacks(),
)
async def set_environment(
    project_id: str, environment: EnvironmentName, body: SetEnvironment, caller: Caller
) -> EnvironmentWithSecret:
    """Set where a project's builds are deployed to in an environment, and how a deployment is judged there.

    With another target, what was deployed before cannot be rolled back any more. The answer has the secret of a deploy hook.
    """
    new = environments.NewEnvironment(body.target.model_dump(), body.analysis.model_dump(), body.rotate_secret)
    row = environments.set_environment(caller, project_id, environment, new)
    return environment_with_secret(row, environments.hook_secret(row))


@routes.get(
    "/projects/{project_id}/environments/{environment}",
    "environments.get",
    permission=Permission.DEPLOYMENT_READ,
    addition=True,
)
async def get_environment(project_id: str, environment: EnvironmentName, caller: Caller) -> Environment:
    """Get an environment of a project: its target, and what is deployed there."""
    return shown(environments.get_environment(caller, project_id, environment))


# -- operations


class BuildAndDeploy(StrictRequest):
    version_tag: Version | None = None
    git_branch: Branch | None = None
    git_commit_hash: Commit | None = None
    docker_image_url: Annotated[Image, Field(description="The image that the build makes, for a target of images")] | None = None
    environment: EnvironmentName = "dev"
    deployment_strategy: Strategy = "blue_green"
    canary_percentage: Annotated[int, Field(ge=0, le=100, description="Required for the strategy canary")] | None = None
    approval_notes: Annotated[Notes, Field(description="Required for production")] | None = None


_OF_DEPLOYMENT: Final = {"environment", "deployment_strategy", "canary_percentage", "approval_notes"}


class BuildLog(Shape):
    """The end of a build's log, 200,000 bytes at most."""

    build_id: str
    text: str


@routes.post(
    "/features/{feature_id}/build-and-deploy",
    "features.buildAndDeploy",
    status=202,
    permission=Permission.DEPLOYMENT_WRITE,
    errors=(Situation.LANE_TRANSITION, Situation.PROJECT_ARCHIVED, Situation.PROVIDER_NOT_CONFIGURED, Situation.LIMIT_REACHED),
)
async def build_and_deploy(feature_id: str, caller: Caller, body: BuildAndDeploy | None = None) -> AcceptedOperation:
    """Build the project's repository, by default the head of its own branch, as its `buildspec.yml` says, and deploy the build.

    If nothing is said of the deployment and `dev` has no target, there is nothing to deploy to: `resource_type` is then `build`.
    """
    body = body or BuildAndDeploy()
    to = deploying.NewDeployment(body.environment, body.deployment_strategy, body.canary_percentage, body.approval_notes)
    new = requesting.BuildRequest(
        body.version_tag,
        body.git_branch,
        body.git_commit_hash,
        body.docker_image_url,
        to,
        deploys=not body.model_fields_set.isdisjoint(_OF_DEPLOYMENT),
    )
    return accepted(requesting.request_build(caller, feature_id, new))


@routes.get("/operations/{operation_id}", "operations.get", permission=Permission.DEPLOYMENT_READ)
async def get_operation(operation_id: str, caller: Caller) -> Operation:
    """Get how far an operation is. Operations are kept for 30 days."""
    row = requesting.get_operation(caller, operation_id)
    return operation(row, requesting.where_is(row))


@routes.post(
    "/operations/{operation_id}/cancel",
    "operations.cancel",
    permission=Permission.DEPLOYMENT_WRITE,
    addition=True,
    errors=(Situation.RUN_STATUS, Situation.EXTERNAL_SERVICE_UNAVAILABLE),
)
async def cancel_operation(operation_id: str, caller: Caller) -> Operation:
    """Cancel an operation with its build, of which what runs is stopped within seconds, and with its deployment.

    A deployment that goes on gives the traffic back at once. If its target does not do it, the answer is 503, and the rollback can be
    repeated.
    """
    row = requesting.cancel_operation(caller, operation_id)
    return operation(row, requesting.where_is(row))


@routes.get(
    "/builds/{build_id}/log",
    "builds.log",
    permission=Permission.DEPLOYMENT_READ,
    addition=True,
    errors=(Situation.EXTERNAL_SERVICE_UNAVAILABLE,),
)
async def get_log(build_id: str, caller: Caller) -> BuildLog:
    """Get the end of a build's log, also while it runs; empty for a build that ran elsewhere."""
    return BuildLog(build_id=bare_id(build_id), text=requesting.get_log(caller, build_id))
