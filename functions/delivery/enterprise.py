"""enterprise, section 6: builds."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from shared.core import clock
from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.delivery.builds import recording
from shared.edge.contracts.base import StrictRequest
from shared.edge.contracts.enterprise import ENTERPRISE
from shared.edge.contracts.fields import OneLine
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.enterprise.delivery import Build, ScanStatus, build

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
