"""The list of a build's deployments."""

from collections.abc import Collection

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.delivery.builds.listing import Newest
from shared.delivery.builds.rows import Build
from shared.delivery.deployments.rows import Deployment
from shared.store import fetch_all, load


def list_deployments(
    actor: Actor, build_id: str, statuses: Collection[str] | None, *, limit: int, offset: int = 0
) -> tuple[list[Deployment], int]:
    """Return a page of a build's deployments, newest first, and how many there are. Two round trips. Raises NotFound, Forbidden."""
    newest = Newest(f"BLD#{bare_id(build_id)}#DPL")
    load(Build, build_id, actor, Permission.DEPLOYMENT_READ)
    ids, total = newest.page(statuses, offset, limit)
    return fetch_all(Deployment, ids, to_show=True), total
