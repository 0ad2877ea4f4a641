"""Requests of the area `delivery`: the document's own, where it shows one."""

from typing import Any

import pytest

from shared.core import clock
from shared.delivery.builds import places
from shared.delivery.builds.recording import NewBuild, record_build
from shared.delivery.deployments.deploying import NewDeployment, request_deployment
from shared.delivery.deployments.environments import NewEnvironment, set_environment
from shared.delivery.deployments.rows import Environment
from shared.delivery.operations import requesting
from shared.delivery.operations.rows import OperationRow
from shared.delivery.targets.port import Figures
from shared.store import fetch, save, write
from shared.work.projects.rows import Project
from tests.samples.planning import feature, requirement
from tests.samples.stage import Sample, Samples, Stage

BUILD: dict[str, Any] = {
    "version_tag": "1.2.0",
    "git_commit_hash": "abc123def456",
    "git_branch": "main",
    "docker_image_url": "registry.example.com/project:1.2.0",
    "tests_passed": 245,
    "tests_failed": 0,
    "code_coverage_percent": 88.5,
    "security_scan_status": "passed",
}
SARIF: dict[str, Any] = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "scanner", "rules": [{"id": "sql", "properties": {"security-severity": "9.1"}}]}},
            "results": [
                {"ruleId": "style", "level": "note", "message": {"text": "A long line"}},
                {
                    "ruleId": "sql",
                    "message": {"text": "SQL is built from input"},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "src/db.py"}, "region": {"startLine": 7}}},
                    ],
                },
            ],
        }
    ],
}
TOLD = {"docker_image_size_bytes": 524_288_000, "started_at": "2024-10-26T10:00:00Z", "scan_report": SARIF}


def build(stage: Stage) -> str:
    values = {**BUILD, **TOLD, "coverage": BUILD["code_coverage_percent"]}
    del values["code_coverage_percent"]
    return record_build(stage.world.actor, feature(stage), NewBuild(**values)).id


DEPLOY = {
    "environment": "production",
    "deployment_strategy": "blue_green",
    "approval_notes": "Approved for production release v1.2.0",
}
ROLLBACK = {"reason": "High error rate detected post-deployment"}
ENVIRONMENT = {"target": {"kind": "hook", "url": "https://deploy.example.com/hook"}}


def environment(stage: Stage, name: str) -> str:
    """A project of its own would cost a requirement: environments of the stage's project are made free instead."""
    project = stage.world.project
    found = fetch(Environment, Environment.id_of(project.id, name))
    if found is None:
        found = set_environment(stage.world.actor, project.id, name, NewEnvironment(ENVIRONMENT["target"], {}))
    found.deployment_id = None
    write(save(found))
    return project.id


def deployment(stage: Stage, status: str) -> str:
    """A deployment that has ended: as one that was looked at, or as a first one that failed before it had traffic."""
    environment(stage, "staging")
    made = request_deployment(stage.world.actor, build(stage), NewDeployment("staging"))
    made.status, made.phase, made.completed_at = status, "finish" if status == "success" else "rollback", clock.iso()
    if status == "success":
        made.started_at, made.health, made.figures = made.created_at, "healthy", Figures(1_000, 1, 245.0, 60.0).stored()
    write(save(made))
    environment(stage, "staging")
    return made.id


def buildable(stage: Stage) -> str:
    """A feature whose project has a repository."""
    project = fetch(Project, stage.world.project.id)
    assert project is not None
    project.repository_url = "https://example.com/shop.git"
    write(save(project))
    return feature(stage)


def requested(stage: Stage) -> OperationRow:
    """An operation whose build nobody runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requesting, "build_runner", lambda: None)
        patch.setattr(places, "LIMIT", 1_000)  # nobody ends these builds
        return requesting.request_build(stage.world.actor, buildable(stage), requesting.BuildRequest())


SAMPLES: Samples = {
    ("enterprise", "builds.deploy"): lambda s: Sample(
        {"build_id": build(s)}, {"environment": "dev"} if environment(s, "dev") else None
    ),
    ("enterprise", "deployments.get"): lambda s: Sample({"deployment_id": deployment(s, "success")}),
    ("enterprise", "deployments.rollback"): lambda s: Sample({"deployment_id": deployment(s, "failed")}, ROLLBACK),
    ("enterprise", "environments.set"): lambda s: Sample(
        {"project_id": environment(s, "dev"), "environment": "dev"}, ENVIRONMENT
    ),
    ("enterprise", "environments.get"): lambda s: Sample({"project_id": environment(s, "dev"), "environment": "dev"}),
    # nothing runs builds where samples are tried: it is said, after the permission was asked (tests/areas/test_operations_enterprise.py)
    ("enterprise", "features.buildAndDeploy"): lambda s: Sample({"feature_id": feature(s)}, {}, status=400),
    ("enterprise", "operations.get"): lambda s: Sample({"operation_id": requested(s).id}),
    ("enterprise", "operations.cancel"): lambda s: Sample({"operation_id": requested(s).id}),
    ("enterprise", "builds.log"): lambda s: Sample({"build_id": build(s)}),
    ("enterprise", "builds.create"): lambda s: Sample({"feature_id": feature(s)}, BUILD),
    ("enterprise", "requirements.trace"): lambda s: Sample({"requirement_id": requirement(s)}),
    ("enterprise", "deployments.trace"): lambda s: Sample({"deployment_id": deployment(s, "success")}),
    ("enterprise", "projects.traceability"): lambda s: Sample({"project_id": s.world.project.id}),
    ("enterprise", "builds.list"): lambda s: Sample({"feature_id": feature(s)}, query="status=success"),
    ("enterprise", "builds.vulnerabilities"): lambda s: Sample({"build_id": build(s)}, query="severity=critical"),
    ("enterprise", "deployments.list"): lambda s: Sample({"build_id": build(s)}),
    ("enterprise", "environments.list"): lambda s: Sample({"project_id": environment(s, "dev")}),
    ("enterprise", "builds.get"): lambda s: Sample({"build_id": build(s)}),
}
