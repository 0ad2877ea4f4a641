"""Usage of a workspace or a project, for actors who may see it."""

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.money.usage.reading import Usage, begin_project_usage, begin_workspace_usage
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import load
from shared.work.projects.rows import Project


def get_workspace_usage(
    actor: Actor, ws_id: str, start: str | None, end: str | None, group_by: str = "day", breakdown: str = "project"
) -> Usage:
    """Return a workspace's usage; one round trip. Raises NotFound, Forbidden, Invalid."""
    usage = begin_workspace_usage(bare_id(ws_id), start, end, group_by, breakdown)
    authorize_workspace(actor, ws_id, Permission.USAGE_READ)
    return usage()


def get_project_usage(
    actor: Actor, project_id: str, start: str | None, end: str | None, group_by: str = "day", breakdown: str = "agent"
) -> Usage:
    if breakdown == "project":
        raise Invalid(FieldError("breakdown", "A project's usage has the breakdowns agent, provider and user", breakdown))
    usage = begin_project_usage(bare_id(project_id), start, end, group_by, breakdown)
    load(Project, project_id, actor, Permission.USAGE_READ)
    return usage()
