"""enterprise: lists of builds, deployments, vulnerabilities and environments, additions to the document."""

from typing import Annotated

from fastapi import Query

from shared.core.actor import Permission
from shared.delivery.builds import listing
from shared.delivery.deployments.environments import list_environments
from shared.delivery.deployments.listing import list_deployments
from shared.edge.contracts.base import Paged
from shared.edge.contracts.enterprise import Page, PageSize
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.enterprise.delivery import Build, BuildStatus, Severity, Vulnerability, build, vulnerability
from shared.edge.views.enterprise.deployments import STATUSES, Deployment, Status, deployment
from shared.edge.views.enterprise.environments import Environment, environment

BuildsWith = Annotated[BuildStatus | None, Query(description="Only builds with this status")]
DeploymentsWith = Annotated[Status | None, Query(description="Only deployments with this status")]
OfSeverity = Annotated[Severity | None, Query(description="Only vulnerabilities of this severity")]


async def list_of_builds(
    feature_id: str, caller: Caller, status: BuildsWith = None, page: Page = 1, page_size: PageSize = 20
) -> Paged[Build]:
    """List the builds of a feature, newest first: the newest 2,000, if there are more."""
    found, total = listing.list_builds(caller, feature_id, status, limit=page_size, offset=(page - 1) * page_size)
    return Paged([build(one) for one in found], total, page, page_size)


async def list_of_deployments(
    build_id: str, caller: Caller, status: DeploymentsWith = None, page: Page = 1, page_size: PageSize = 20
) -> Paged[Deployment]:
    """List the deployments of a build, newest first: the newest 2,000, if there are more."""
    stored = None if status is None else {name for name, shown in STATUSES.items() if shown == status}
    found, total = list_deployments(caller, build_id, stored, limit=page_size, offset=(page - 1) * page_size)
    return Paged([deployment(one) for one in found], total, page, page_size)


async def list_of_vulnerabilities(
    build_id: str, caller: Caller, severity: OfSeverity = None, page: Page = 1, page_size: PageSize = 20
) -> Paged[Vulnerability]:
    """List the vulnerabilities of a build, the most severe first. The fifty most severe are kept; the build itself counts all."""
    found, total = listing.list_vulnerabilities(caller, build_id, severity, limit=page_size, offset=(page - 1) * page_size)
    return Paged([vulnerability(one) for one in found], total, page, page_size)


async def list_of_environments(project_id: str, caller: Caller, page: Page = 1, page_size: PageSize = 20) -> Paged[Environment]:
    """List the environments of a project that are set up, in the order dev, staging, production."""
    found = list_environments(caller, project_id)
    start = (page - 1) * page_size
    return Paged([environment(one) for one in found[start : start + page_size]], len(found), page, page_size)


def publish(routes: Routes) -> None:
    """Declare the lists."""
    reads = Permission.DEPLOYMENT_READ
    for path, operation_id, endpoint in (
        ("/features/{feature_id}/builds", "builds.list", list_of_builds),
        ("/builds/{build_id}/deployments", "deployments.list", list_of_deployments),
        ("/builds/{build_id}/vulnerabilities", "builds.vulnerabilities", list_of_vulnerabilities),
        ("/projects/{project_id}/environments", "environments.list", list_of_environments),
    ):
        routes.get(path, operation_id, permission=reads, addition=True)(endpoint)
