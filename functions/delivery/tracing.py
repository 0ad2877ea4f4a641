"""enterprise: the trace chain, an addition to the document: from a requirement to what is deployed, back, and what is proven."""

from typing import Annotated

from fastapi import Query

from shared.core.actor import Permission
from shared.delivery.tracing import chains
from shared.delivery.tracing.coverage import list_coverage
from shared.edge.contracts.base import Paged
from shared.edge.contracts.enterprise import Page, PageSize
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.enterprise.tracing import CoverageState, RequirementCoverage, Trace, coverage, trace

State = Annotated[
    CoverageState | None, Query(description="Only requirements of which tests prove everything, something, nothing")
]


async def trace_requirement(requirement_id: str, caller: Caller) -> Trace:
    """Trace a requirement: its criteria with the tests that prove them, its features, tests, builds and deployments.

    Needs the scopes `features:read`, `tests:read` and `deployments:read`.
    """
    return trace(chains.trace_requirement(caller, requirement_id))


async def trace_deployment(deployment_id: str, caller: Caller) -> Trace:
    """Trace a deployment back to its build, feature and requirement, whose criteria have the tests that prove them.

    Needs the scopes `features:read`, `tests:read` and `deployments:read`.
    """
    return trace(chains.trace_deployment(caller, deployment_id))


async def report(
    project_id: str, caller: Caller, coverage_state: State = None, page: Page = 1, page_size: PageSize = 20
) -> Paged[RequirementCoverage]:
    """List the requirements of a project, oldest first, with what tests prove of them; `coverage_state=unproven`: those of which nothing
    is proven. What is archived is in it, what is deleted is not.

    Needs the scopes `features:read` and `tests:read`.
    """
    found, total = list_coverage(caller, project_id, coverage_state, limit=page_size, offset=(page - 1) * page_size)
    return Paged([coverage(one) for one in found], total, page, page_size)


def publish(routes: Routes) -> None:
    """Declare the operations of the trace chain."""
    reads = Permission.DEPLOYMENT_READ
    routes.get("/requirements/{requirement_id}/trace", "requirements.trace", permission=reads, addition=True)(trace_requirement)
    routes.get("/deployments/{deployment_id}/trace", "deployments.trace", permission=reads, addition=True)(trace_deployment)
    routes.get("/projects/{project_id}/traceability", "projects.traceability", permission=Permission.TEST_READ, addition=True)(
        report
    )
