"""Requests of the area `planning`: the document's own, where it shows one."""

from typing import Any

from shared.work.items import planning
from shared.work.testing import cases, results
from tests.samples.stage import Sample, Samples, Stage

REQUIREMENT: dict[str, Any] = {
    "title": "User Authentication System",
    "description": "Implement OAuth 2.0 authentication...",
    "user_stories": [
        {
            "title": "User Login",
            "description": "As a user, I want to login...",
            "acceptance_criteria": ["User can enter email and password", "User receives JWT token on success"],
        }
    ],
    "acceptance_criteria": ["OAuth 2.0 implemented", "JWT tokens issued correctly", "Refresh token flow working"],
    "priority": "critical",
    "estimated_effort_points": 13,
}
FEATURE: dict[str, Any] = {
    "name": "OAuth 2.0 Integration",
    "description": "Implement OAuth 2.0 provider integration",
    "complexity_points": 8,
    "implementation_notes": "Use python-social-auth library",
}
TEST: dict[str, Any] = {
    "name": "OAuth Login Flow",
    "description": "Test complete OAuth login process",
    "test_type": "e2e",
    "priority": "critical",
    "steps": [
        {"step_number": 1, "action": "Navigate to login page", "expected_result": "Login form displayed"},
        {"step_number": 2, "action": "Click OAuth button", "expected_result": "Redirected to OAuth provider"},
        {"step_number": 3, "action": "Authenticate and authorize", "expected_result": "Redirected back with token"},
    ],
    "expected_result": "User logged in successfully",
    "automated": True,
    "automation_tool": "cypress",
    "automation_script_path": "tests/e2e/oauth-login.cy.js",
}
RESULT = {
    "status": "passed",
    "duration_ms": 1250,
    "assertions_run": 5,
    "assertions_passed": 5,
    "assertions_failed": 0,
    "code_coverage_percent": 92.5,
}


# made by the services: the owner's requests of a minute are for what is tried


def requirement(stage: Stage) -> str:
    values = {**REQUIREMENT, "effort_points": REQUIREMENT["estimated_effort_points"]}
    del values["estimated_effort_points"]
    return planning.create_requirement(stage.world.actor, stage.world.board.id, planning.NewRequirement(**values)).id


def feature(stage: Stage) -> str:
    return planning.create_feature(stage.world.actor, requirement(stage), planning.NewFeature(**FEATURE)).id


def test_case(stage: Stage) -> str:
    return cases.create_case(stage.world.actor, feature(stage), cases.NewTestCase(**TEST)).id


def result(stage: Stage) -> str:
    return results.record_result(stage.world.actor, test_case(stage), results.NewResult("passed", 1250)).id


SAMPLES: Samples = {
    ("enterprise", "requirements.create"): lambda s: Sample({"project_id": s.world.project.id}, REQUIREMENT),
    ("enterprise", "requirements.get"): lambda s: Sample({"requirement_id": requirement(s)}),
    ("enterprise", "features.create"): lambda s: Sample({"requirement_id": requirement(s)}, FEATURE),
    ("enterprise", "features.list"): lambda s: Sample({"requirement_id": requirement(s)}),
    ("enterprise", "features.get"): lambda s: Sample({"feature_id": feature(s)}),
    ("enterprise", "features.updateStatus"): lambda s: Sample({"feature_id": feature(s)}, {"status": "in_progress"}),
    ("enterprise", "tests.create"): lambda s: Sample({"feature_id": feature(s)}, TEST),
    ("enterprise", "tests.list"): lambda s: Sample({"feature_id": feature(s)}),
    ("enterprise", "testcases.get"): lambda s: Sample({"testcase_id": test_case(s)}),
    ("enterprise", "testcases.setCriteria"): lambda s: Sample(
        {"testcase_id": test_case(s)}, {"acceptance_criteria": REQUIREMENT["acceptance_criteria"][:1]}
    ),
    ("enterprise", "testcases.recordResult"): lambda s: Sample({"testcase_id": test_case(s)}, RESULT),
    ("enterprise", "testresults.get"): lambda s: Sample({"result_id": result(s)}),
}
