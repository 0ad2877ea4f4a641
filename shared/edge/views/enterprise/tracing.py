"""enterprise: trace chains and what they prove, an addition to the document."""

from typing import Literal

from shared.delivery.tracing.chains import Chain, Criterion
from shared.delivery.tracing.coverage import Coverage
from shared.edge.contracts.base import Shape
from shared.edge.views.enterprise.delivery import BuildStatus, Measured
from shared.edge.views.enterprise.deployments import STATUSES, EnvironmentName
from shared.edge.views.enterprise.deployments import Status as DeploymentStatus
from shared.edge.views.enterprise.planning import (
    FEATURE_STATUSES,
    REQUIREMENT_STATUSES,
    FeatureStatus,
    RequirementStatus,
    ResultStatus,
)
from shared.store import IndexRow
from shared.work.items.rows import Item

CoverageState = Literal["proven", "partial", "unproven"]


class TracedRequirement(Shape):
    id: str
    project_id: str
    title: str
    status: RequirementStatus


class TracedCriterion(Shape):
    """An acceptance criterion: proven if the last result of one of the tests that name it passed."""

    text: str
    user_story: str | None
    proven: bool
    test_case_ids: list[str]


class TracedFeature(Shape):
    id: str
    name: str
    implementation_status: FeatureStatus


class TracedTest(Shape):
    id: str
    feature_id: str
    name: str
    last_status: ResultStatus | None
    last_result_id: str | None
    last_result_at: str | None


class TracedBuild(Shape):
    id: str
    feature_id: str
    build_number: int
    version_tag: Measured[str]
    status: BuildStatus


class TracedDeployment(Shape):
    id: str
    build_id: str
    feature_id: str
    environment: EnvironmentName
    status: DeploymentStatus


class Trace(Shape):
    """A chain from a requirement to what was deployed of it; builds and deployments are newest first."""

    requirement: TracedRequirement | None
    criteria: list[TracedCriterion]
    features: list[TracedFeature]
    test_cases: list[TracedTest]
    builds: list[TracedBuild]
    deployments: list[TracedDeployment]
    complete: bool
    """False if the chain is longer than 2,000: the oldest builds are missing first."""


class RequirementCoverage(TracedRequirement):
    coverage: CoverageState
    criteria: list[TracedCriterion]


def trace(chain: Chain) -> Trace:
    return Trace(
        requirement=TracedRequirement(**_requirement(chain.requirement)) if chain.requirement is not None else None,
        criteria=[_criterion(one) for one in chain.criteria],
        features=[
            TracedFeature(id=row.id, name=row.f["title"], implementation_status=FEATURE_STATUSES[row.f["status"]])
            for row in chain.features
        ],
        test_cases=[_test(row) for row in chain.tests],
        builds=[
            TracedBuild(
                id=row.id,
                feature_id=row.f["feature"],
                build_number=row.f["number"],
                version_tag=row.f["version"],
                status=row.f["status"],
            )
            for row in chain.builds
        ],
        deployments=[
            TracedDeployment(
                id=row.id,
                build_id=row.f["build"],
                feature_id=row.f["feature"],
                environment=row.f["environment"],
                status=STATUSES[row.f["status"]],
            )
            for row in chain.deployments
        ],
        complete=chain.complete,
    )


def coverage(one: Coverage) -> RequirementCoverage:
    return RequirementCoverage(
        **_requirement(one.requirement), coverage=one.state, criteria=[_criterion(each) for each in one.criteria]
    )


def _requirement(item: Item) -> dict[str, str]:
    return {"id": item.id, "project_id": str(item.proj_id), "title": item.title, "status": REQUIREMENT_STATUSES[item.status]}


def _criterion(one: Criterion) -> TracedCriterion:
    return TracedCriterion(text=one.text, user_story=one.story, proven=one.proven, test_case_ids=[test.id for test in one.tests])


def _test(row: IndexRow) -> TracedTest:
    return TracedTest(
        id=row.id,
        feature_id=row.f["feature"],
        name=row.f["name"],
        last_status=row.f.get("last"),
        last_result_id=row.f.get("result"),
        last_result_at=row.f.get("at"),
    )
