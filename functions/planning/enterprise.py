"""enterprise, sections 3 to 5: requirements, features, test cases and their results."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from shared.core.actor import Permission
from shared.core.errors import FieldError, Invalid
from shared.core.situations import Situation
from shared.edge.contracts.base import Paged, Shape, StrictRequest
from shared.edge.contracts.enterprise import ENTERPRISE, LongName, Page, PageSize, Priority, RequiredText
from shared.edge.contracts.fields import OneLine, Seen
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.enterprise.planning import (
    CARD_STATUSES,
    Feature,
    FeatureStatus,
    Flakiness,
    Requirement,
    ResultStatus,
    TestResult,
    TestResultWithLogs,
    feature,
    requirement,
    test_result,
    test_result_with_logs,
)
from shared.work.items import planning
from shared.work.projects.reading import get_project
from shared.work.testing import cases, results
from shared.work.testing.rows import TestCase as TestCaseRow

routes = Routes(ENTERPRISE, "planning")

Heading = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=255), OneLine]
Criterion = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), Seen]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000), Seen]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), OneLine]
ShortText = Annotated[str, Field(max_length=500)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Proven = Annotated[
    list[Criterion],
    Field(
        max_length=50,
        description="Acceptance criteria of the requirement, or of its user stories, word for word: the test proves them",
    ),
]
Milliseconds = Annotated[int, Field(ge=0, le=2_592_000_000, description="At most 30 days")]
TestType = Literal["unit", "integration", "e2e", "performance", "security"]


class NewUserStory(StrictRequest):
    title: Heading
    description: Annotated[str, Field(max_length=5_000)] = ""
    acceptance_criteria: Annotated[list[Criterion], Field(max_length=50)] = []


class CreateRequirement(StrictRequest):
    title: Heading
    description: RequiredText
    user_stories: Annotated[list[NewUserStory], Field(max_length=50)] = []
    acceptance_criteria: Annotated[list[Criterion], Field(min_length=1, max_length=100)]
    priority: Priority = "medium"
    estimated_effort_points: Annotated[int, Field(ge=0, le=1_000)] | None = None
    tags: Annotated[list[Label], Field(max_length=50)] = []


class CreateFeature(StrictRequest):
    name: LongName
    description: RequiredText
    implementation_notes: Annotated[str, Field(max_length=10_000)] | None = None
    complexity_points: Annotated[int, Field(ge=1, le=13)] | None = None
    developer_id: Annotated[str, Field(min_length=1, max_length=80)] | None = None


class UpdateFeatureStatus(StrictRequest):
    status: FeatureStatus
    blocked_reason: Reason | None = None


class Step(StrictRequest):
    step_number: Annotated[int, Field(ge=1)] | None = None
    action: Annotated[str, Field(min_length=1, max_length=2_000), Seen]
    expected_result: Annotated[str, Field(max_length=2_000)] = ""


class ShownStep(Shape):
    step_number: int
    action: str
    expected_result: str


class CreateTestCase(StrictRequest):
    name: Heading
    description: RequiredText
    test_type: TestType = "unit"
    priority: Priority = "medium"
    steps: Annotated[list[Step], Field(min_length=1, max_length=100)]
    expected_result: Annotated[str, Field(min_length=1, max_length=2_000), Seen]
    automated: bool = False
    automation_tool: ShortText | None = None
    automation_script_path: ShortText | None = None
    acceptance_criteria: Proven = []


class SetCriteria(StrictRequest):
    acceptance_criteria: Proven


class TestCase(Shape):
    id: str
    feature_id: str
    project_id: str
    name: str
    description: str
    test_type: TestType
    priority: str
    steps: list[ShownStep]
    expected_result: str
    automated: bool
    automation_tool: str | None
    automation_script_path: str | None
    acceptance_criteria: list[str]
    last_status: ResultStatus | None
    last_result_at: str | None
    flakiness_percent: Flakiness
    created_by: str
    created_at: str
    updated_at: str


class History(Shape):
    """A page of results, newest first."""

    results: list[TestResult]
    page: int
    page_size: int
    total: int
    pages: int


class TestCaseWithHistory(TestCase):
    history: History


class RecordResult(StrictRequest):
    status: ResultStatus
    duration_ms: Milliseconds | None = None
    error_message: Annotated[str, Field(max_length=10_000)] | None = None
    assertions_run: Count | None = None
    assertions_passed: Count | None = None
    assertions_failed: Count | None = None
    code_coverage_percent: Annotated[int | float, Field(ge=0, le=100)] | None = None
    logs: Annotated[list[dict[str, Any]], Field(max_length=1_000)] = []


def _case_fields(row: TestCaseRow) -> dict[str, Any]:
    same = ("id", "name", "description", "test_type", "priority", "steps", "expected_result", "automated", "automation_tool")
    more = ("automation_script_path", "last_status", "last_result_at", "created_at", "updated_at")
    return {name: getattr(row, name) for name in (*same, *more)} | {
        "feature_id": row.item_id,
        "project_id": row.proj_id,
        "acceptance_criteria": row.acceptance_criteria or [],
        "flakiness_percent": row.flakiness,
        "created_by": row.created_by["id"],
    }


@routes.post(
    "/projects/{project_id}/requirements",
    "requirements.create",
    status=201,
    permission=Permission.CARD_CREATE,
    errors=(Situation.PROJECT_ARCHIVED,),
)
async def create_requirement(project_id: str, body: CreateRequirement, caller: Caller) -> Requirement:
    """Create a requirement: an epic on the project's board."""
    project = get_project(caller, project_id, Permission.CARD_CREATE).project
    new = planning.NewRequirement(
        body.title,
        body.description,
        body.acceptance_criteria,
        [story.model_dump() for story in body.user_stories],
        body.priority,
        body.estimated_effort_points,
        body.tags,
    )
    return requirement(planning.create_requirement(caller, project.board_id, new))


@routes.get("/requirements/{requirement_id}", "requirements.get", permission=Permission.CARD_READ, addition=True)
async def get_requirement(requirement_id: str, caller: Caller) -> Requirement:
    """Get a requirement."""
    return requirement(planning.load_type(caller, requirement_id, planning.REQUIREMENT, Permission.CARD_READ))


@routes.post(
    "/requirements/{requirement_id}/features",
    "features.create",
    status=201,
    permission=Permission.CARD_CREATE,
    fields={"assignee_id": "developer_id"},
    errors=(Situation.PROJECT_ARCHIVED,),
)
async def create_feature(requirement_id: str, body: CreateFeature, caller: Caller) -> Feature:
    """Create a feature of a requirement: a card below the requirement's, assigned to the developer."""
    new = planning.NewFeature(
        body.name, body.description, body.implementation_notes or None, body.complexity_points, body.developer_id
    )
    made = planning.create_feature(caller, requirement_id, new)
    return feature(made, made.parent_id)


@routes.get("/requirements/{requirement_id}/features", "features.list", permission=Permission.CARD_READ, addition=True)
async def list_features(requirement_id: str, caller: Caller, page: Page = 1, page_size: PageSize = 20) -> Paged[Feature]:
    """List the features of a requirement."""
    found, total = planning.list_features(caller, requirement_id, limit=page_size, offset=(page - 1) * page_size)
    return Paged([feature(one, one.parent_id) for one in found], total, page, page_size)


@routes.get("/features/{feature_id}", "features.get", permission=Permission.CARD_READ, addition=True)
async def get_feature(feature_id: str, caller: Caller) -> Feature:
    """Get a feature."""
    found = planning.load_type(caller, feature_id, planning.FEATURE, Permission.CARD_READ)
    return feature(found, planning.requirement_of(found))


@routes.patch(
    "/features/{feature_id}/status",
    "features.updateStatus",
    permission=Permission.CARD_EDIT,
    errors=(Situation.PROJECT_ARCHIVED, Situation.CARD_ARCHIVED, Situation.LANE_TRANSITION),
)
async def update_status(feature_id: str, body: UpdateFeatureStatus, caller: Caller) -> Feature:
    """Set the status of a feature. A completed one moves to the last lane of its board, and back when it is taken up again."""
    if body.status == "blocked" and body.blocked_reason is None:
        raise Invalid(FieldError("blocked_reason", "A blocked feature needs a reason"))
    reason = body.blocked_reason if body.status == "blocked" else None
    changed = planning.set_feature_status(caller, feature_id, CARD_STATUSES[body.status], reason)
    return feature(changed, planning.requirement_of(changed))


@routes.post(
    "/features/{feature_id}/tests",
    "tests.create",
    status=201,
    permission=Permission.TEST_WRITE,
    errors=(Situation.PROJECT_ARCHIVED,),
)
async def create_test(feature_id: str, body: CreateTestCase, caller: Caller) -> TestCase:
    """Create a test case of a feature. Its steps are numbered from 1 on without gaps."""
    new = cases.NewTestCase(
        body.name,
        body.description,
        [step.model_dump() for step in body.steps],
        body.expected_result,
        body.test_type,
        body.priority,
        body.automated,
        body.automation_tool,
        body.automation_script_path,
        body.acceptance_criteria,
    )
    return TestCase(**_case_fields(cases.create_case(caller, feature_id, new)))


@routes.get("/features/{feature_id}/tests", "tests.list", permission=Permission.TEST_READ, addition=True)
async def list_tests(feature_id: str, caller: Caller, page: Page = 1, page_size: PageSize = 20) -> Paged[TestCase]:
    """List the test cases of a feature, oldest first."""
    found, total = cases.list_cases(caller, feature_id, limit=page_size, offset=(page - 1) * page_size)
    return Paged([TestCase(**_case_fields(one)) for one in found], total, page, page_size)


@routes.get("/testcases/{testcase_id}", "testcases.get", permission=Permission.TEST_READ, addition=True)
async def get_test_case(testcase_id: str, caller: Caller, page: Page = 1, page_size: PageSize = 20) -> TestCaseWithHistory:
    """Get a test case with its flakiness and a page of its history, newest first."""
    found = cases.get_history(caller, testcase_id, limit=page_size, offset=(page - 1) * page_size)
    shown = Paged([test_result(one) for one in found.results], found.total, page, page_size)
    history = History(results=shown.items, page=page, page_size=page_size, total=shown.total, pages=shown.pages)
    return TestCaseWithHistory(**_case_fields(found.case), history=history)


@routes.put(
    "/testcases/{testcase_id}/acceptance-criteria",
    "testcases.setCriteria",
    permission=Permission.TEST_WRITE,
    addition=True,
    errors=(Situation.PROJECT_ARCHIVED,),
)
async def set_criteria(testcase_id: str, body: SetCriteria, caller: Caller) -> TestCase:
    """Say which acceptance criteria a test case proves, in place of those before; a criterion that was reworded has to be named again."""
    return TestCase(**_case_fields(cases.set_criteria(caller, testcase_id, body.acceptance_criteria)))


@routes.post(
    "/testcases/{testcase_id}/results",
    "testcases.recordResult",
    status=201,
    permission=Permission.TEST_WRITE,
    errors=(Situation.PROJECT_ARCHIVED,),
)
async def record_result(testcase_id: str, body: RecordResult, caller: Caller) -> TestResult:
    """Record the result of a run of a test case."""
    new = results.NewResult(
        body.status,
        body.duration_ms,
        body.error_message,
        body.assertions_run,
        body.assertions_passed,
        body.assertions_failed,
        body.code_coverage_percent,
        body.logs,
    )
    return test_result(results.record_result(caller, testcase_id, new))


@routes.get("/testresults/{result_id}", "testresults.get", permission=Permission.TEST_READ, addition=True)
async def get_result(result_id: str, caller: Caller) -> TestResultWithLogs:
    """Get the result of a run with its logs."""
    return test_result_with_logs(results.get_result(caller, result_id))
