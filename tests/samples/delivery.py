"""Requests of the area `delivery`: the document's own, where it shows one."""

from typing import Any

from shared.delivery.builds.recording import NewBuild, record_build
from tests.samples.planning import feature
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


SAMPLES: Samples = {
    ("enterprise", "builds.create"): lambda s: Sample({"feature_id": feature(s)}, BUILD),
    ("enterprise", "builds.get"): lambda s: Sample({"build_id": build(s)}),
}
