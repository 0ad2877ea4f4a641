"""The order in which the requests of enterprise's Postman collection work, with their bodies and what later ones take from their answers.

Bodies are those of the document, where it shows one. Who adds an operation adds its step: a test looks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    operation: str
    body: Any = None
    path: Mapping[str, str] = field(default_factory=dict)
    """Values of path variables that no answer gives; others are variables of the collection with the same name."""
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    saves: Mapping[str, str] = field(default_factory=dict)
    """Variables of the collection, and where the answer has their values."""
    statuses: tuple[int, ...] = ()
    """Empty: the documented one."""
    why: str = ""
    """Why another status than the documented one is right too."""


_BACK = "https://client.example.com/back"


def _id_as(name: str) -> Mapping[str, str]:
    return {name: "data.id"}


STEPS = (
    Step("health.get"),
    Step("docs.openapi"),
    Step("docs.swagger"),
    Step("docs.redoc"),
    Step("docs.asset", path={"file": "favicon.png"}),
    Step("docs.postman"),
    Step("jwks.get"),
    Step("organizations.list", saves={"org_id": "data[0].id"}),
    Step(
        "organizations.create",
        {
            "name": "TechStart Inc",
            "slug": "techstart-{{$guid}}",
            "type": "startup",
            "plan": "professional",
            "max_users": 50,
            "max_projects": 10,
        },
        statuses=(201, 403),
        why="403 until the address of the account is confirmed",
    ),
    Step(
        "projects.create",
        {
            "name": "Frontend Web App",
            "slug": "frontend-{{$guid}}",
            "description": "React-based web application",
            "repository_url": "https://github.com/acme/frontend-web",
            "repository_type": "git",
            "visibility": "private",
            "template_type": "web",
            "tech_stack": ["react", "typescript", "webpack"],
        },
        saves=_id_as("project_id"),
    ),
    Step("projects.list"),
    Step("projects.get"),
    Step(
        "environments.set",
        {"target": {"kind": "hook", "url": "https://deploy.example.com/hook"}},
        path={"environment": "dev"},
    ),
    Step("environments.get", path={"environment": "dev"}),
    Step("environments.list"),
    Step(
        "requirements.create",
        {
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
        },
        saves=_id_as("requirement_id"),
    ),
    Step("requirements.get"),
    Step(
        "features.create",
        {
            "name": "OAuth 2.0 Integration",
            "description": "Implement OAuth 2.0 provider integration",
            "complexity_points": 8,
            "implementation_notes": "Use python-social-auth library",
        },
        saves=_id_as("feature_id"),
    ),
    Step("features.list"),
    Step("features.get"),
    Step("features.updateStatus", {"status": "in_progress"}),
    Step("features.buildAndDeploy", {}, saves={"operation_id": "data.operation_id"}),
    Step(
        "tests.create",
        {
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
        },
        saves=_id_as("testcase_id"),
    ),
    Step("tests.list"),
    Step(
        "testcases.recordResult",
        {
            "status": "passed",
            "duration_ms": 1250,
            "assertions_run": 5,
            "assertions_passed": 5,
            "assertions_failed": 0,
            "code_coverage_percent": 92.5,
        },
        saves=_id_as("result_id"),
    ),
    Step("testcases.get"),
    Step("testcases.setCriteria", {"acceptance_criteria": ["JWT tokens issued correctly"]}),
    Step("testresults.get"),
    Step(
        "builds.create",
        {
            "version_tag": "1.2.0",
            "git_commit_hash": "abc123def456",
            "git_branch": "main",
            "docker_image_url": "registry.example.com/project:1.2.0",
            "tests_passed": 245,
            "tests_failed": 0,
            "code_coverage_percent": 88.5,
            "security_scan_status": "passed",
        },
        saves=_id_as("build_id"),
    ),
    Step("builds.list"),
    Step("builds.get"),
    Step("builds.log"),
    Step("builds.vulnerabilities"),
    Step(
        "builds.deploy",
        {"environment": "dev", "deployment_strategy": "blue_green"},
        saves=_id_as("deployment_id"),
    ),
    Step("deployments.list"),
    Step("deployments.get"),
    Step(
        "deployments.rollback",
        {"reason": "High error rate detected post-deployment"},
        statuses=(200, 400),
        why="400 while the deployment is in progress",
    ),
    Step("requirements.trace"),
    Step("deployments.trace"),
    Step("projects.traceability"),
    Step("operations.get"),
    Step("operations.cancel", statuses=(200, 409), why="409 when it has ended"),
    Step(
        "webhooks.create",
        {"url": "https://hooks.example.com/cadre", "events": ["*"]},
        saves=_id_as("webhook_id"),
    ),
    Step("webhooks.list"),
    Step("webhooks.get"),
    Step("webhooks.update", {"description": "Ours"}),
    Step("webhooks.rotateSecret"),
    Step("webhooks.test", saves=_id_as("delivery_id")),
    Step("webhooks.deliveries"),
    Step("webhooks.delivery"),
    Step("webhooks.redeliver", statuses=(202, 400), why="400 while it waits to be sent"),
    Step("webhooks.delete"),
    Step("apiKeys.create", {"name": "CI", "permissions": ["projects:read"]}, saves=_id_as("key_id")),
    Step("apiKeys.list"),
    Step("apiKeys.revoke"),
    Step("oauth.metadata"),
    Step(
        "oauth.clients.create",
        {
            "name": "Console",
            "redirect_uris": [_BACK],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "scopes": ["projects:read"],
        },
        saves={"client_id": "data.client_id", "client_secret": "data.client_secret"},
    ),
    Step(
        "oauth.token",
        form={"grant_type": "client_credentials", "client_id": "{{client_id}}", "client_secret": "{{client_secret}}"},
        saves={"client_token": "access_token"},
    ),
    Step(
        "oauth.authorize",
        query={
            "response_type": "code",
            "client_id": "{{client_id}}",
            "redirect_uri": _BACK,
            "scope": "projects:read",
            "state": "{{$guid}}",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # of RFC 7636, appendix B
            "code_challenge_method": "S256",
        },
        statuses=(200,),
        why="200: the page on which a person signs in",
    ),
    Step(
        "oauth.decide",
        form={"request": "client_id={{client_id}}", "proof": "-", "action": "allow"},
        statuses=(400, 403),
        why="refused: only the page of the request before has its proof",
    ),
    Step("oauth.revoke", form={"token": "{{client_token}}", "client_id": "{{client_id}}", "client_secret": "{{client_secret}}"}),
    Step("oauth.clients.delete"),
    Step("metrics.get"),
)
