"""The build runner on AWS, against CodeBuild's own service model: what it sends is valid, and what it reads is what CodeBuild answers."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from local.building import Limits
from local.building import artifacts as of_laptops
from shared.core import keys
from shared.delivery.building import artifacts, codebuild
from shared.delivery.building.codebuild import CodeBuildRunner
from shared.delivery.building.runner import Results, Source, SourceRefused, UnreadableResults
from shared.delivery.builds.scans import MAX_BYTES

HANDLE, BUILD = "builder:0190a0a0", "0190a0a0-0000-7000-8000-000000000000"
BEGAN, ENDED = datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 10, 1, tzinfo=UTC)
REPORTS = ["arn:aws:codebuild:us-east-1:1:report/a:1", "arn:aws:codebuild:us-east-1:1:report/b:2"]
RUNNER = CodeBuildRunner("builder", "stored")
TOKEN = "k3J0-secret_of_22_chars"
FOLDER = f"builds/{TOKEN}/"


@pytest.fixture
def aws_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("codebuild", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(codebuild, "_codebuild", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(artifacts, "_s3", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def lists(stubber: Stubber, files: dict[str, int], start: str | None = None, following: str | None = None) -> None:
    """A page of the build's folder: its files with their sizes, from `start` on; `following` begins the next one."""
    contents = [{"Key": FOLDER + name, "Size": size} for name, size in files.items()]
    more = {"IsTruncated": True, "NextContinuationToken": following} if following else {"IsTruncated": False}
    asked = {"Bucket": "stored", "Prefix": FOLDER} | ({"ContinuationToken": start} if start else {})
    stubber.add_response("list_objects_v2", {"Contents": contents, **more}, asked)


def holds(stubber: Stubber, name: str, body: bytes) -> None:
    answer = {"Body": StreamingBody(io.BytesIO(body), len(body))}
    stubber.add_response("get_object", answer, {"Bucket": "stored", "Key": FOLDER + name})


def stored(stubber: Stubber, **build: Any) -> None:
    found(stubber, artifacts={"location": f"arn:aws:s3:::stored/{FOLDER.rstrip('/')}"}, **build)


def found(stubber: Stubber, **build: Any) -> None:
    answer = {"id": HANDLE, "buildStatus": "IN_PROGRESS", "startTime": BEGAN} | build
    stubber.add_response("batch_get_builds", {"builds": [answer]}, {"ids": [HANDLE]})


def test_a_build_names_its_own_source_and_its_own_folder_and_is_started_once(aws_answers, monkeypatch):
    monkeypatch.setattr(keys, "_root", lambda: b"key")
    folder = {
        "type": "S3", "location": "stored", "path": "builds", "namespaceType": "NONE", "name": keys.sign("artifacts", BUILD),
        "packaging": "NONE", "overrideArtifactName": False, "encryptionDisabled": True,
    }  # fmt: skip
    asked = {
        "projectName": "builder", "sourceTypeOverride": "GITHUB", "sourceLocationOverride": "https://github.com/acme/shop.git",
        "sourceVersion": "abc123", "idempotencyToken": BUILD, "artifactsOverride": folder,
    }  # fmt: skip
    for _ in range(2):  # CodeBuild finds the first one by its token if nothing else that is asked has changed
        aws_answers.add_response("start_build", {"build": {"id": HANDLE}}, asked)
        assert RUNNER.start(BUILD, Source("https://github.com/acme/shop.git", "main", "abc123")) == HANDLE
    assert len(folder["name"]) == 22  # 128 bits


@pytest.mark.parametrize("address", ["https://example.com/x.git", "https://github.com.example.com/x", "file:///etc"])
def test_what_codebuild_cannot_clone_is_refused(aws_answers, address):
    with pytest.raises(SourceRefused):
        RUNNER.start(BUILD, Source(address))


def test_a_running_build_is_in_its_phase(aws_answers):
    phases = [
        {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "durationInSeconds": 1},
        {"phaseType": "PROVISIONING", "phaseStatus": "SUCCEEDED", "durationInSeconds": 9},
        {"phaseType": "INSTALL", "startTime": BEGAN},
    ]
    found(aws_answers, currentPhase="INSTALL", phases=phases)
    state = RUNNER.state(HANDLE)
    assert (state.phase, state.ended, state.reason, state.phases) == ("INSTALL", False, None, {"QUEUED": 10.0})
    assert state.in_phase > 0


@pytest.mark.parametrize(
    ("status", "succeeded", "cancelled", "reason"),
    [("SUCCEEDED", True, False, None), ("STOPPED", False, True, "The build was cancelled"),
     ("TIMED_OUT", False, False, "The build took longer than it may"), ("FAILED", False, False, "The phase build failed: exit status 1"),
     ("FAULT", False, False, "CodeBuild failed")],
)  # fmt: skip
def test_a_build_that_ended_says_how(aws_answers, status, succeeded, cancelled, reason):
    failed = [{"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"message": "exit status 1"}]}]
    found(
        aws_answers, buildStatus=status, buildComplete=True, currentPhase="COMPLETED", endTime=ENDED, phases=failed,
        resolvedSourceVersion="abc",
    )  # fmt: skip
    state = RUNNER.state(HANDLE)
    assert (state.ended, state.succeeded, state.cancelled, state.reason) == (True, succeeded, cancelled, reason)
    assert (state.commit, state.started_at, state.ended_at) == ("abc", "2026-01-01T10:00:00.000Z", "2026-01-01T10:01:00.000Z")


def test_results_are_the_sums_of_its_reports(aws_answers):
    found(aws_answers, reportArns=REPORTS)
    tests = {"total": 5, "statusCounts": {"SUCCEEDED": 3, "FAILED": 1, "ERROR": 1, "SKIPPED": 2}, "durationInNanoSeconds": 1}
    reports = [
        {"type": "TEST", "testSummary": tests},
        {"type": "CODE_COVERAGE", "codeCoverageSummary": {"linesCovered": 35, "linesMissed": 5}},
    ]
    aws_answers.add_response("batch_get_reports", {"reports": reports}, {"reportArns": REPORTS})
    assert RUNNER.results(HANDLE) == Results(3, 2, 87.5)
    found(aws_answers)
    assert RUNNER.results(HANDLE) == Results()  # no report: nothing was measured


def test_what_a_build_on_aws_stored_is_measured_and_its_scan_report_is_read(aws_answers, bucket):
    stored(aws_answers)
    lists(bucket, {"app.zip": 700, "reports/a.sarif": 200}, following="two")
    lists(bucket, {"reports/b.sarif": 100}, start="two")
    holds(bucket, "reports/a.sarif", b'{"version": "2.1.0"}')
    assert RUNNER.results(HANDLE) == Results(scan_report='{"version": "2.1.0"}', artifact_bytes=1_000)


def test_without_artifacts_nothing_is_measured(aws_answers, bucket):
    stored(aws_answers)
    lists(bucket, {})
    assert RUNNER.results(HANDLE) == Results()


@pytest.mark.parametrize("location", ["arn:aws:s3:::another/builds/x", "arn:aws:s3:::stored/", "arn:aws:s3:::stored/x", ""])
def test_only_folders_of_builds_in_our_bucket_are_read(aws_answers, bucket, location):
    found(aws_answers, artifacts={"location": location})
    assert RUNNER.results(HANDLE) == Results()


@pytest.mark.parametrize(
    ("files", "reason"),
    [({"a": 400_000_000, "b": 100_000_001}, "larger than 500,000,000 bytes"),
     ({f"{one:05}": 1 for one in range(10_001)}, "more than 10,000 artifacts")],
)  # fmt: skip
def test_artifacts_on_aws_have_the_limits_of_a_laptop(aws_answers, bucket, files, reason):
    stored(aws_answers)
    lists(bucket, files, following="more")  # which is not asked for
    with pytest.raises(UnreadableResults, match=reason):
        RUNNER.results(HANDLE)
    laptop = Limits()
    assert laptop.artifact_bytes == artifacts.MAX_ARTIFACT_BYTES
    assert laptop.report_bytes == MAX_BYTES
    assert of_laptops._MOST_FILES == artifacts.MAX_FILES
    assert of_laptops._SCAN_REPORTS == artifacts.SCAN_REPORTS


def test_of_a_scan_report_that_is_too_large_so_much_is_read_that_it_is_refused(aws_answers, bucket):
    stored(aws_answers)
    lists(bucket, {"bom.json": 2})  # it was replaced after it was listed
    holds(bucket, "bom.json", b" " * (2 * MAX_BYTES))
    report = RUNNER.results(HANDLE).scan_report
    assert report is not None
    assert len(report) == MAX_BYTES + 1


NOTHING = {"phaseType": "UPLOAD_ARTIFACTS", "phaseStatus": "FAILED",
           "contexts": [{"statusCode": "CLIENT_ERROR", "message": "no definition for primary artifacts in buildspec"}]}  # fmt: skip


def test_a_build_whose_buildspec_names_no_artifacts_has_succeeded(aws_answers):
    ended = {"buildStatus": "FAILED", "buildComplete": True, "currentPhase": "COMPLETED", "endTime": ENDED}
    done = {"phaseType": "BUILD", "phaseStatus": "SUCCEEDED"}
    found(aws_answers, phases=[done, NOTHING, {"phaseType": "COMPLETED"}], **ended)
    state = RUNNER.state(HANDLE)
    assert (state.succeeded, state.reason) == (True, None)
    found(aws_answers, phases=[{"phaseType": "BUILD", "phaseStatus": "FAILED"}, NOTHING], **ended)
    state = RUNNER.state(HANDLE)
    assert (state.succeeded, state.reason) == (False, "The phase build failed")
    missing = NOTHING | {"contexts": [{"message": "no matching artifact paths found"}]}
    found(aws_answers, phases=[done, missing], **ended)
    state = RUNNER.state(HANDLE)
    assert (state.succeeded, state.reason) == (False, "The phase upload_artifacts failed: no matching artifact paths found")


def test_a_build_that_was_never_started_is_not_stopped_and_one_that_is_gone_is_no_error(aws_answers):
    RUNNER.cancel(BUILD)
    aws_answers.add_client_error("stop_build", "ResourceNotFoundException")
    RUNNER.cancel(HANDLE)
    aws_answers.add_response("batch_get_builds", {"builds": [], "buildsNotFound": [HANDLE]}, {"ids": [HANDLE]})
    assert RUNNER.state(HANDLE) is None
