"""The build runner on AWS: one CodeBuild project, whose source is named with each build."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from shared.core import aws, clock
from shared.core.keys import sign
from shared.delivery.building import artifacts
from shared.delivery.building.runner import MAX_LOG, PHASES, BuildState, Results, Source, SourceRefused

_SOURCES: Final = {"github.com": "GITHUB", "bitbucket.org": "BITBUCKET"}
"""Where CodeBuild clones public repositories without a connection of the account."""
_OURS: Final = {
    "SUBMITTED": "QUEUED",
    "PROVISIONING": "QUEUED",
    "FINALIZING": "UPLOAD_ARTIFACTS",
    "COMPLETED": "UPLOAD_ARTIFACTS",
}
"""CodeBuild's phases that are a part of one of ours."""
_REASONS: Final = {
    "FAULT": "CodeBuild failed",
    "TIMED_OUT": "The build took longer than it may",
    "STOPPED": "The build was cancelled",
}
_NOTHING_TO_STORE: Final = "no definition for primary artifacts"
"""What CodeBuild says of a buildspec that names no artifacts, which it need not (github.com/aws/aws-codebuild-docker-images, issue 128)."""


class CodeBuildRunner:
    """Its handle is CodeBuild's id of the build."""

    def __init__(self, project: str, bucket: str) -> None:
        self._project, self._bucket = project, bucket

    def start(self, build_id: str, source: Source) -> str:
        kind = _SOURCES.get(urlsplit(source.repository).hostname or "")
        if kind is None:
            raise SourceRefused(source.repository)
        version = source.commit or source.branch
        answer = _codebuild().start_build(
            projectName=self._project,
            sourceTypeOverride=kind,
            sourceLocationOverride=source.repository,
            artifactsOverride=self._artifacts(build_id),
            idempotencyToken=build_id,
            **({"sourceVersion": version} if version else {}),
        )
        handle: str = answer["build"]["id"]
        return handle

    def state(self, handle: str) -> BuildState | None:
        found = self._build(handle)
        if found is None:
            return None
        status, ended = _status(found), bool(found.get("buildComplete"))
        times = {
            name: clock.iso(found[key]) if key in found else None
            for name, key in (("started_at", "startTime"), ("ended_at", "endTime"))
        }
        return BuildState(
            _phase(found.get("currentPhase", "QUEUED")),
            ended,
            status == "SUCCEEDED",
            status == "STOPPED",
            None if status in ("SUCCEEDED", "IN_PROGRESS") else _REASONS.get(status) or _failure(found),
            _seconds(found),
            _in_phase(found),
            found.get("resolvedSourceVersion"),
            **times,
        )

    def results(self, handle: str) -> Results:
        """Return the sums of the build's reports, where coverage counts by its lines, and what it stored."""
        found = self._build(handle) or {}
        arns = found.get("reportArns") or []
        reports = _codebuild().batch_get_reports(reportArns=arns)["reports"] if arns else []
        tests = [report["testSummary"]["statusCounts"] for report in reports if "testSummary" in report]
        lines = [report["codeCoverageSummary"] for report in reports if "codeCoverageSummary" in report]
        covered, missed = (sum(one.get(name, 0) for one in lines) for name in ("linesCovered", "linesMissed"))
        folder = _folder(found, self._bucket)
        size, scan_report = artifacts.read(self._bucket, folder) if folder else (None, None)
        return Results(
            sum(one.get("SUCCEEDED", 0) for one in tests) if tests else None,
            sum(one.get("FAILED", 0) + one.get("ERROR", 0) for one in tests) if tests else None,
            round(100 * covered / (covered + missed), 2) if covered + missed else None,
            scan_report,
            size,
        )

    def log(self, handle: str) -> str:
        place = (self._build(handle) or {}).get("logs") or {}
        if "streamName" not in place:
            return ""
        events = aws.short_call_client("logs").get_log_events(
            logGroupName=place["groupName"], logStreamName=place["streamName"], startFromHead=False
        )["events"]
        return "".join(event["message"] for event in events)[-MAX_LOG:]

    def cancel(self, handle: str) -> None:
        if ":" not in handle:
            return  # our id: nothing was started
        try:
            _codebuild().stop_build(id=handle)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise

    def _artifacts(self, build_id: str) -> dict[str, Any]:
        """Return where a build stores its artifacts: in a folder whose name (128 bits) only it and we know, the same at each try.

        The bucket encrypts what it gets; CodeBuild's own encryption would cost a request to KMS for each file.
        """
        place = {"type": "S3", "location": self._bucket, "path": "builds", "namespaceType": "NONE"}
        files = {"packaging": "NONE", "overrideArtifactName": False, "encryptionDisabled": True}
        return place | {"name": sign("artifacts", build_id)} | files

    def _build(self, handle: str) -> Mapping[str, Any] | None:
        found = _codebuild().batch_get_builds(ids=[handle])["builds"]
        return found[0] if found else None


def _codebuild() -> Any:
    return aws.short_call_client("codebuild", within=10)


def _folder(found: Mapping[str, Any], bucket: str) -> str | None:
    """Return the folder of a build's artifacts, with its slash; None for a build that stored nothing."""
    _, is_ours, folder = str((found.get("artifacts") or {}).get("location", "")).partition(f":s3:::{bucket}/")
    return f"{folder.rstrip('/')}/" if is_ours and folder.startswith("builds/") else None


def _status(found: Mapping[str, Any]) -> str:
    """Return how a build ended; one in which all but the storing of artifacts succeeded, and which names none, has succeeded."""
    status: str = found["buildStatus"]
    failed = [
        phase for phase in found.get("phases", ()) if phase.get("phaseStatus", "SUCCEEDED") not in ("SUCCEEDED", "IN_PROGRESS")
    ]
    if status == "FAILED" and failed and all(_named_nothing(phase) for phase in failed):
        return "SUCCEEDED"
    return status


def _named_nothing(phase: Mapping[str, Any]) -> bool:
    said = "".join(context.get("message", "") for context in phase.get("contexts", ()))
    return phase["phaseType"] == "UPLOAD_ARTIFACTS" and _NOTHING_TO_STORE in said


def _phase(name: str) -> str:
    phase = _OURS.get(name, name)
    return phase if phase in PHASES else "QUEUED"


def _seconds(found: Mapping[str, Any]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for phase in found.get("phases", ()):
        if "durationInSeconds" in phase:
            name = _phase(phase["phaseType"])
            seconds[name] = seconds.get(name, 0.0) + phase["durationInSeconds"]
    return seconds


def _in_phase(found: Mapping[str, Any]) -> float:
    if found.get("buildComplete"):
        return 0.0
    running = [phase["startTime"] for phase in found.get("phases", ()) if "startTime" in phase and "endTime" not in phase]
    return (clock.now() - running[-1]).total_seconds() if running else 0.0


def _failure(found: Mapping[str, Any]) -> str:
    for phase in found.get("phases", ()):
        if phase.get("phaseStatus") == "FAILED":
            said = " ".join(context.get("message", "") for context in phase.get("contexts", ())).strip()
            return f"The phase {phase['phaseType'].lower()} failed" + (f": {said[:300]}" if said else "")
    return "The build failed"
