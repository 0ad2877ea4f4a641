"""enterprise, section 6 and "Async Operations": builds, and the operations that make them."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from shared.core import clock
from shared.core.actor import Permission
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.delivery.builds import recording
from shared.delivery.operations import requesting
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.enterprise import ENTERPRISE
from shared.edge.contracts.fields import OneLine
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

routes = Routes(ENTERPRISE, "delivery")

_SEMVER: Final = (  # semver.org, "Is there a suggested regular expression?", with digits of ASCII only
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$"
)
Version = Annotated[str, Field(max_length=128, pattern=_SEMVER, description="A semantic version (semver.org)")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{4,64}$", description="A commit's hash; git takes four digits at least")]
Branch = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\s~^:?*\[\\\-][^\s~^:?*\[\\]*$")]
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


class BuildAndDeploy(StrictRequest):
    version_tag: Version | None = None
    git_branch: Branch | None = None
    git_commit_hash: Commit | None = None


class BuildLog(Shape):
    """The end of a build's log, 200,000 bytes at most."""

    build_id: str
    text: str


@routes.post(
    "/features/{feature_id}/build-and-deploy",
    "features.buildAndDeploy",
    status=202,
    permission=Permission.DEPLOYMENT_WRITE,
    errors=(Situation.PROJECT_ARCHIVED, Situation.PROVIDER_NOT_CONFIGURED),
)
async def build_and_deploy(feature_id: str, caller: Caller, body: BuildAndDeploy | None = None) -> AcceptedOperation:
    """Build the project's repository, by default the head of its own branch, as its `buildspec.yml` says."""
    body = body or BuildAndDeploy()
    new = requesting.BuildRequest(body.version_tag, body.git_branch, body.git_commit_hash)
    return accepted(requesting.request_build(caller, feature_id, new))


@routes.get("/operations/{operation_id}", "operations.get", permission=Permission.DEPLOYMENT_READ)
async def get_operation(operation_id: str, caller: Caller) -> Operation:
    """Get how far an operation is. Operations are kept for 30 days."""
    return operation(requesting.get_operation(caller, operation_id))


@routes.post(
    "/operations/{operation_id}/cancel",
    "operations.cancel",
    permission=Permission.DEPLOYMENT_WRITE,
    addition=True,
    errors=(Situation.RUN_STATUS,),
)
async def cancel_operation(operation_id: str, caller: Caller) -> Operation:
    """Cancel an operation with its build. What runs of it is stopped within seconds."""
    return operation(requesting.cancel_operation(caller, operation_id))


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
