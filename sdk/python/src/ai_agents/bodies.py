# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:4ad8d643d7fa418c3accecc2c2fd43b092c34915d0dc4936cf6126fcf27b4dd1

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Analysis(TypedDict):
    """How long each step is looked at, and how many requests the gate needs to decide."""

    window_seconds: NotRequired[int]
    minimum_requests: NotRequired[int]


class BuildAndDeploy(TypedDict):
    version_tag: NotRequired[str | None]
    git_branch: NotRequired[str | None]
    git_commit_hash: NotRequired[str | None]
    docker_image_url: NotRequired[str | None]
    environment: NotRequired[Literal["dev", "staging", "production"]]
    deployment_strategy: NotRequired[Literal["blue_green", "canary", "rolling", "ramp"]]
    canary_percentage: NotRequired[int | None]
    approval_notes: NotRequired[str | None]


class CreateApiKeyRequest(TypedDict):
    """Without `permissions` the key has all scopes of its maker; without `expires_at` it does not expire."""

    name: str
    permissions: NotRequired[list[str] | None]
    expires_at: NotRequired[str | None]


class CreateBuild(TypedDict):
    version_tag: str
    git_commit_hash: str
    git_branch: NotRequired[str]
    docker_image_url: NotRequired[str | None]
    docker_image_size_bytes: NotRequired[int | None]
    tests_passed: NotRequired[int | None]
    tests_failed: NotRequired[int | None]
    code_coverage_percent: NotRequired[int | float | None]
    security_scan_status: NotRequired[Literal["passed", "failed", "warnings"] | None]
    status: NotRequired[Literal["success", "failed", "cancelled"] | None]
    started_at: NotRequired[str | None]
    scan_report: NotRequired[dict[str, Any] | None]


class CreateClientRequest(TypedDict):
    """
    `grant_types` without value: those for people if there are redirect addresses, else `client_credentials`. `is_public` (an addition):
    a program on people's devices, which can keep no secret.
    """

    name: str
    redirect_uris: NotRequired[list[str]]
    grant_types: NotRequired[list[str] | None]
    scopes: NotRequired[list[str] | None]
    is_public: NotRequired[bool]


class CreateFeature(TypedDict):
    name: str
    description: str
    implementation_notes: NotRequired[str | None]
    complexity_points: NotRequired[int | None]
    developer_id: NotRequired[str | None]


class CreateOrganization(TypedDict):
    name: str
    slug: str
    type: NotRequired[Literal["enterprise", "startup", "nonprofit"]]
    description: NotRequired[str | None]
    website_url: NotRequired[str | None]
    plan: NotRequired[Literal["free", "professional", "enterprise"]]
    max_users: NotRequired[int]
    max_projects: NotRequired[int]


class CreateProject(TypedDict):
    name: str
    slug: str
    description: NotRequired[str | None]
    repository_url: str
    repository_type: NotRequired[Literal["git", "svn"]]
    visibility: NotRequired[Literal["private", "internal", "public"]]
    template_type: NotRequired[Literal["microservice", "monolith", "mobile", "web"] | None]
    tech_stack: NotRequired[list[str]]


class CreateWebhookRequest(TypedDict):
    """
    `events` are names of events, or `*` for all. A `secret` of one's own has 24 characters at least, or is `whsec_` and Base64; without
    one, one is made.
    """

    url: str
    events: list[
        Literal[
            "feature.created",
            "feature.status_changed",
            "test.completed",
            "build.completed",
            "deployment.started",
            "deployment.completed",
            "vulnerability.detected",
            "alert.triggered",
            "budget.alert",
            "*",
        ]
    ]
    secret: NotRequired[str | None]
    description: NotRequired[str | None]
    project_id: NotRequired[str | None]
    active: NotRequired[bool]


class DeployBuild(TypedDict):
    environment: Literal["dev", "staging", "production"]
    deployment_strategy: NotRequired[Literal["blue_green", "canary", "rolling", "ramp"]]
    canary_percentage: NotRequired[int | None]
    approval_notes: NotRequired[str | None]


class HookTarget(TypedDict):
    """A deploy hook: signed requests to an address of yours, as the callback of this operation describes."""

    kind: Literal["hook"]
    url: str


class LambdaTarget(TypedDict):
    """
    An alias of a Lambda function of images. The role's name begins with `cadre-deploy-`, and
    it trusts this platform with the project's id as the external id.
    """

    kind: Literal["lambda"]
    function: str
    alias: str
    role_arn: str


class NewUserStory(TypedDict):
    title: str
    description: NotRequired[str]
    acceptance_criteria: NotRequired[list[str]]


class OauthRevokeForm(TypedDict):
    token: str
    token_type_hint: NotRequired[str | None]
    client_id: NotRequired[str | None]
    client_secret: NotRequired[str | None]


class OauthTokenForm(TypedDict):
    """What a client sends for tokens (RFC 6749, RFC 7636)."""

    grant_type: str
    code: NotRequired[str | None]
    redirect_uri: NotRequired[str | None]
    client_id: NotRequired[str | None]
    client_secret: NotRequired[str | None]
    refresh_token: NotRequired[str | None]
    scope: NotRequired[str | None]
    code_verifier: NotRequired[str | None]


class ProcessTarget(TypedDict):
    """On the local stack only: a process for each version, started in a checkout of the build's commit; it listens on `$PORT`."""

    kind: Literal["process"]
    command: list[str]


class RecordResult(TypedDict):
    status: Literal["passed", "failed", "skipped", "error"]
    duration_ms: NotRequired[int | None]
    error_message: NotRequired[str | None]
    assertions_run: NotRequired[int | None]
    assertions_passed: NotRequired[int | None]
    assertions_failed: NotRequired[int | None]
    code_coverage_percent: NotRequired[int | float | None]
    logs: NotRequired[list[dict[str, Any]]]


class RollbackDeployment(TypedDict):
    reason: str


class SetCriteria(TypedDict):
    acceptance_criteria: list[str]


class SetEnvironment(TypedDict):
    target: HookTarget | LambdaTarget | ProcessTarget
    analysis: NotRequired[Analysis]
    rotate_secret: NotRequired[bool]


class Step(TypedDict):
    step_number: NotRequired[int | None]
    action: str
    expected_result: NotRequired[str]


class UpdateFeatureStatus(TypedDict):
    status: Literal["not_started", "in_progress", "completed", "blocked"]
    blocked_reason: NotRequired[str | None]


class UpdateWebhookRequest(TypedDict):
    """What is not given stays. With a new `secret`, deliveries are signed with the one before too for a day."""

    url: NotRequired[str | None]
    events: NotRequired[
        list[
            Literal[
                "feature.created",
                "feature.status_changed",
                "test.completed",
                "build.completed",
                "deployment.started",
                "deployment.completed",
                "vulnerability.detected",
                "alert.triggered",
                "budget.alert",
                "*",
            ]
        ]
        | None
    ]
    active: NotRequired[bool | None]
    secret: NotRequired[str | None]
    description: NotRequired[str | None]


class CreateRequirement(TypedDict):
    title: str
    description: str
    user_stories: NotRequired[list[NewUserStory]]
    acceptance_criteria: list[str]
    priority: NotRequired[Literal["critical", "high", "medium", "low"]]
    estimated_effort_points: NotRequired[int | None]
    tags: NotRequired[list[str]]


class CreateTestCase(TypedDict):
    name: str
    description: str
    test_type: NotRequired[Literal["unit", "integration", "e2e", "performance", "security"]]
    priority: NotRequired[Literal["critical", "high", "medium", "low"]]
    steps: list[Step]
    expected_result: str
    automated: NotRequired[bool]
    automation_tool: NotRequired[str | None]
    automation_script_path: NotRequired[str | None]
    acceptance_criteria: NotRequired[list[str]]
