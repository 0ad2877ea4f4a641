"""The build runner on AWS, against CodeBuild's own service model: what it sends is valid, and what it reads is what CodeBuild answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from shared.delivery.building import codebuild
from shared.delivery.building.codebuild import CodeBuildRunner
from shared.delivery.building.runner import Results, Source, SourceRefused

HANDLE, BUILD = "builder:0190a0a0", "0190a0a0-0000-7000-8000-000000000000"
BEGAN, ENDED = datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 10, 1, tzinfo=UTC)
REPORTS = ["arn:aws:codebuild:us-east-1:1:report/a:1", "arn:aws:codebuild:us-east-1:1:report/b:2"]
RUNNER = CodeBuildRunner("builder")


@pytest.fixture
def aws_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("codebuild", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(codebuild, "_codebuild", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def found(stubber: Stubber, **build: Any) -> None:
    answer = {"id": HANDLE, "buildStatus": "IN_PROGRESS", "startTime": BEGAN} | build
    stubber.add_response("batch_get_builds", {"builds": [answer]}, {"ids": [HANDLE]})


def test_a_build_names_its_own_source_and_is_started_once(aws_answers):
    asked = {
        "projectName": "builder", "sourceTypeOverride": "GITHUB", "sourceLocationOverride": "https://github.com/acme/shop.git",
        "sourceVersion": "abc123", "idempotencyToken": BUILD,
    }  # fmt: skip
    aws_answers.add_response("start_build", {"build": {"id": HANDLE}}, asked)
    assert RUNNER.start(BUILD, Source("https://github.com/acme/shop.git", "main", "abc123")) == HANDLE


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


def test_a_build_that_was_never_started_is_not_stopped_and_one_that_is_gone_is_no_error(aws_answers):
    RUNNER.cancel(BUILD)
    aws_answers.add_client_error("stop_build", "ResourceNotFoundException")
    RUNNER.cancel(HANDLE)
    aws_answers.add_response("batch_get_builds", {"builds": [], "buildsNotFound": [HANDLE]}, {"ids": [HANDLE]})
    assert RUNNER.state(HANDLE) is None
