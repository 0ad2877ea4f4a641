# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:4ad8d643d7fa418c3accecc2c2fd43b092c34915d0dc4936cf6126fcf27b4dd1

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ai_agents._model import Model


class AcceptedOperation(Model):
    """What is answered at once. `resource_type` and `resource_id` name what is being made."""

    operation_id: str
    status: Literal["pending", "in_progress", "completed", "failed", "cancelled"] | str
    resource_type: Literal["deployment", "build"] | str
    resource_id: str
    build_id: str
    progress_url: str
    poll_interval_seconds: int


class Analysis(Model):
    """How long each step is looked at, and how many requests the gate needs to decide."""

    window_seconds: int = 60
    minimum_requests: int = 50


class ApiKey(Model):
    id: str
    name: str
    prefix: str
    permissions: list[str]
    created_at: str
    expires_at: str | None = Field(...)
    last_used_at: str | None = Field(...)
    revoked_at: str | None = Field(...)


class Build(Model):
    id: str
    feature_id: str
    project_id: str
    build_number: int
    version_tag: str | None = None
    git_commit_hash: str | None = None
    git_branch: str | None = None
    status: Literal["pending", "building", "success", "failed", "cancelled"] | str
    failure_reason: str | None = None
    docker_image_url: str | None = None
    docker_image_size_bytes: int | None = None
    artifact_size_bytes: int | None = None
    tests_run: int | None = None
    tests_passed: int | None = None
    tests_failed: int | None = None
    code_coverage_percent: float | None = None
    security_scan_status: Literal["passed", "failed", "warnings"] | str | None = None
    vulnerabilities_critical: int | None = None
    vulnerabilities_high: int | None = None
    vulnerabilities_medium: int | None = None
    vulnerabilities_low: int | None = None
    operation_id: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    duration_seconds: int | None = None
    created_at: str


class BuildLog(Model):
    """The end of a build's log, 200,000 bytes at most."""

    build_id: str
    text: str


class DeliveryAttempt(Model):
    """`status` is absent if no answer came; `error` then says why. `answer` is the beginning of the answer's body."""

    at: str
    url: str
    headers: dict[str, str]
    duration_ms: int
    status: int | None = None
    answer: str | None = None
    error: str | None = None


class DeliveryReport(Model):
    """`request_body` is the body of the last attempt, or of the first one to come."""

    id: str
    event_id: str
    event: str
    status: str
    attempts: int
    response_status: int | None = Field(...)
    duration_ms: int | None = Field(...)
    next_attempt_at: str | None = Field(...)
    created_at: str
    request_body: str
    tries: list[DeliveryAttempt]


class Environment(Model):
    project_id: str
    environment: Literal["dev", "staging", "production"] | str
    target: dict[str, Any]
    analysis: Analysis
    current_deployment_id: str | None = Field(...)
    active_deployment_id: str | None = Field(...)
    created_at: str
    updated_at: str


class EnvironmentWithSecret(Model):
    project_id: str
    environment: Literal["dev", "staging", "production"] | str
    target: dict[str, Any]
    analysis: Analysis
    current_deployment_id: str | None = Field(...)
    active_deployment_id: str | None = Field(...)
    created_at: str
    updated_at: str
    hook_secret: str | None = Field(...)


class Feature(Model):
    id: str
    project_id: str
    requirement_id: str | None = Field(...)
    name: str
    description: str
    implementation_status: Literal["not_started", "in_progress", "completed", "blocked"] | str
    implementation_notes: str | None = Field(...)
    complexity_points: int | None = Field(...)
    developer_id: str | None = Field(...)
    blocked_reason: str | None = Field(...)
    created_at: str
    updated_at: str


class HealthServices(Model):
    database: str
    cache: str
    message_queue: str
    storage: str


class KeySet(Model):
    keys: list[dict[str, str]]


class MetricPoint(Model):
    api_requests_total: int | None = Field(...)
    api_latency_p50_ms: int | None = Field(...)
    api_latency_p95_ms: int | None = Field(...)
    api_latency_p99_ms: int | None = Field(...)
    error_rate_percent: float | None = Field(...)
    database_query_count: int | None = Field(...)
    database_slow_queries: int | None = Field(...)
    cache_hit_rate: float | None = Field(...)
    cpu_percent: float | None = None
    memory_percent: float | None = None
    timestamp: str


class NewApiKey(Model):
    """`key` is shown this once."""

    id: str
    name: str
    prefix: str
    permissions: list[str]
    created_at: str
    expires_at: str | None = Field(...)
    last_used_at: str | None = Field(...)
    revoked_at: str | None = Field(...)
    key: str


class NewClient(Model):
    """`client_secret` is shown this once; a public client has none."""

    client_id: str
    client_secret: str | None = Field(...)
    name: str
    redirect_uris: list[str]
    grant_types: list[str]
    scopes: list[str]
    created_at: str


class Operation(Model):
    operation_id: str
    status: Literal["pending", "in_progress", "completed", "failed", "cancelled"] | str
    progress_percent: int
    eta_seconds: int | None = None
    current_step: str | None = None
    failure_reason: str | None = None
    build_url: str
    resource_url: str | None = None
    completed_at: str | None = None
    result_url: str | None = None


class Organization(Model):
    id: str
    name: str
    slug: str
    type: Literal["enterprise", "startup", "nonprofit"] | str
    description: str | None = Field(...)
    website_url: str | None = Field(...)
    plan: Literal["free", "professional", "enterprise"] | str
    status: Literal["active", "inactive", "suspended"] | str
    max_users: int | None = Field(...)
    max_projects: int | None = Field(...)
    created_at: str
    updated_at: str


class PaginationInfo(Model):
    page: int
    page_size: int
    total: int
    pages: int
    has_next: bool
    has_prev: bool


class PerformanceMetrics(Model):
    """What the target measured of the new version at the last step; null: it had no request."""

    p95_response_time_ms: int | None = Field(...)
    throughput_rps: float | None = Field(...)
    error_rate_percent: float | None = Field(...)


class Project(Model):
    id: str
    organization_id: str
    workspace_id: str
    name: str
    slug: str
    description: str | None = Field(...)
    repository_url: str | None = Field(...)
    repository_type: Literal["git", "svn"] | str | None = Field(...)
    status: Literal["active", "archived", "deleted"] | str
    visibility: Literal["private", "internal", "public"] | str
    template_type: Literal["microservice", "monolith", "mobile", "web"] | str | None = Field(...)
    owner_id: str
    tech_stack: list[str]
    created_at: str
    updated_at: str


class Revoked(Model):
    pass


class ShownStep(Model):
    step_number: int
    action: str
    expected_result: str


class SystemFigures(Model):
    """
    Null: not measured. `error_rate_percent` counts answers of 5xx; `database_slow_queries` calls of more than 100 ms; `cache_hit_rate`
    looks for what a process keeps (leases of rate limits, plans of organizations) that needed no table.
    """

    api_requests_total: int | None = Field(...)
    api_latency_p50_ms: int | None = Field(...)
    api_latency_p95_ms: int | None = Field(...)
    api_latency_p99_ms: int | None = Field(...)
    error_rate_percent: float | None = Field(...)
    database_query_count: int | None = Field(...)
    database_slow_queries: int | None = Field(...)
    cache_hit_rate: float | None = Field(...)
    cpu_percent: float | None = None
    memory_percent: float | None = None


class TestCase(Model):
    id: str
    feature_id: str
    project_id: str
    name: str
    description: str
    test_type: Literal["unit", "integration", "e2e", "performance", "security"] | str
    priority: str
    steps: list[ShownStep]
    expected_result: str
    automated: bool
    automation_tool: str | None = Field(...)
    automation_script_path: str | None = Field(...)
    acceptance_criteria: list[str]
    last_status: Literal["passed", "failed", "skipped", "error"] | str | None = Field(...)
    last_result_at: str | None = Field(...)
    flakiness_percent: float | None = Field(
        ...,
        description="How often the outcome changed from one result to the next, among the last fifty that passed or failed; null below two",
    )
    created_by: str
    created_at: str
    updated_at: str


class TestResult(Model):
    id: str
    test_case_id: str
    feature_id: str
    status: Literal["passed", "failed", "skipped", "error"] | str
    duration_ms: int | None = Field(...)
    error_message: str | None = Field(...)
    assertions_run: int | None = Field(...)
    assertions_passed: int | None = Field(...)
    assertions_failed: int | None = Field(...)
    code_coverage_percent: float | None = Field(...)
    flakiness_percent: float | None = Field(
        ...,
        description="How often the outcome changed from one result to the next, among the last fifty that passed or failed; null below two",
    )
    executed_at: str
    created_at: str


class TestResultWithLogs(Model):
    id: str
    test_case_id: str
    feature_id: str
    status: Literal["passed", "failed", "skipped", "error"] | str
    duration_ms: int | None = Field(...)
    error_message: str | None = Field(...)
    assertions_run: int | None = Field(...)
    assertions_passed: int | None = Field(...)
    assertions_failed: int | None = Field(...)
    code_coverage_percent: float | None = Field(...)
    flakiness_percent: float | None = Field(
        ...,
        description="How often the outcome changed from one result to the next, among the last fifty that passed or failed; null below two",
    )
    executed_at: str
    created_at: str
    logs: list[dict[str, Any]]


class TokenAnswer(Model):
    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None = None
    scope: str


class TracedBuild(Model):
    id: str
    feature_id: str
    build_number: int
    version_tag: str | None = None
    status: Literal["pending", "building", "success", "failed", "cancelled"] | str


class TracedCriterion(Model):
    """An acceptance criterion: proven if the last result of one of the tests that name it passed."""

    text: str
    user_story: str | None = Field(...)
    proven: bool
    test_case_ids: list[str]


class TracedDeployment(Model):
    id: str
    build_id: str
    feature_id: str
    environment: Literal["dev", "staging", "production"] | str
    status: Literal["pending", "in_progress", "success", "failed", "rolled_back"] | str


class TracedFeature(Model):
    id: str
    name: str
    implementation_status: Literal["not_started", "in_progress", "completed", "blocked"] | str


class TracedRequirement(Model):
    id: str
    project_id: str
    title: str
    status: Literal["draft", "approved", "in_progress", "completed", "blocked"] | str


class TracedTest(Model):
    id: str
    feature_id: str
    name: str
    last_status: Literal["passed", "failed", "skipped", "error"] | str | None = Field(...)
    last_result_id: str | None = Field(...)
    last_result_at: str | None = Field(...)


class UserStory(Model):
    title: str
    description: str
    acceptance_criteria: list[str]


class Vulnerability(Model):
    id: str
    build_id: str
    feature_id: str
    project_id: str
    severity: Literal["critical", "high", "medium", "low"] | str
    title: str
    rule: str | None = None
    package: str | None = None
    location: str | None = None
    status: str
    detected_at: str


class WebhookDelivery(Model):
    """`response_status` and `duration_ms` are of the last attempt."""

    id: str
    event_id: str
    event: str
    status: str
    attempts: int
    response_status: int | None = Field(...)
    duration_ms: int | None = Field(...)
    next_attempt_at: str | None = Field(...)
    created_at: str


class WebhookShape(Model):
    """
    `disabled_reason` says why the platform has switched it off: `gone` (it answered 410) or `failing` (nothing was delivered for more
    than a day).
    """

    id: str
    url: str
    events: list[str]
    active: bool
    description: str
    project_id: str | None = Field(...)
    disabled_reason: str | None = Field(...)
    created_at: str
    updated_at: str


class WebhookWithSecret(Model):
    """The secret is shown here and never again."""

    id: str
    url: str
    events: list[str]
    active: bool
    description: str
    project_id: str | None = Field(...)
    disabled_reason: str | None = Field(...)
    created_at: str
    updated_at: str
    secret: str


class Deployment(Model):
    id: str
    build_id: str
    feature_id: str
    project_id: str
    environment: Literal["dev", "staging", "production"] | str
    status: Literal["pending", "in_progress", "success", "failed", "rolled_back"] | str
    deployment_strategy: Literal["blue_green", "canary", "rolling", "ramp"] | str
    canary_percentage: int | None = Field(...)
    approval_notes: str | None = Field(...)
    traffic_percentage: int
    health_check_status: Literal["healthy", "unhealthy"] | str | None = Field(...)
    error_rate_percent: float | None = Field(...)
    performance_metrics: PerformanceMetrics | None = Field(...)
    analysis: str | None = Field(...)
    failure_reason: str | None = Field(...)
    rollback_reason: str | None = Field(...)
    rolled_back_at: str | None = Field(...)
    started_at: str | None = Field(...)
    completed_at: str | None = Field(...)
    duration_seconds: int | None = Field(...)
    created_by: str
    created_at: str
    updated_at: str


class HealthReport(Model):
    status: str
    timestamp: str
    services: HealthServices
    version: str | None = None
    errors: list[str] | None = None


class History(Model):
    """A page of results, newest first."""

    results: list[TestResult]
    page: int
    page_size: int
    total: int
    pages: int


class Metrics(Model):
    """
    `metrics` is about the whole `time_range`. `points` (an addition) has the same for each `aggregation` in which something was asked;
    it is null if there would be more than 2,016.
    """

    timestamp: str
    time_range: Literal["1h", "6h", "24h", "7d", "30d"] | str
    aggregation: Literal["1m", "5m", "1h"] | str
    metrics: SystemFigures
    points: list[MetricPoint] | None = Field(...)


class Requirement(Model):
    id: str
    project_id: str
    title: str
    description: str
    user_stories: list[UserStory]
    acceptance_criteria: list[str]
    priority: str
    status: Literal["draft", "approved", "in_progress", "completed", "blocked"] | str
    estimated_effort_points: int | None = Field(...)
    tags: list[str]
    created_by: str
    created_at: str
    updated_at: str


class RequirementCoverage(Model):
    id: str
    project_id: str
    title: str
    status: Literal["draft", "approved", "in_progress", "completed", "blocked"] | str
    coverage: Literal["proven", "partial", "unproven"] | str
    criteria: list[TracedCriterion]


class TestCaseWithHistory(Model):
    id: str
    feature_id: str
    project_id: str
    name: str
    description: str
    test_type: Literal["unit", "integration", "e2e", "performance", "security"] | str
    priority: str
    steps: list[ShownStep]
    expected_result: str
    automated: bool
    automation_tool: str | None = Field(...)
    automation_script_path: str | None = Field(...)
    acceptance_criteria: list[str]
    last_status: Literal["passed", "failed", "skipped", "error"] | str | None = Field(...)
    last_result_at: str | None = Field(...)
    flakiness_percent: float | None = Field(
        ...,
        description="How often the outcome changed from one result to the next, among the last fifty that passed or failed; null below two",
    )
    created_by: str
    created_at: str
    updated_at: str
    history: History


class Trace(Model):
    """A chain from a requirement to what was deployed of it; builds and deployments are newest first."""

    requirement: TracedRequirement | None = Field(...)
    criteria: list[TracedCriterion]
    features: list[TracedFeature]
    test_cases: list[TracedTest]
    builds: list[TracedBuild]
    deployments: list[TracedDeployment]
    complete: bool
