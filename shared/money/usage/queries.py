"""Usage of a workspace or a project, for actors who may see it."""

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.money.usage.reading import Usage, project_usage, workspace_usage
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import load
from shared.work.projects.rows import Project


def get_workspace_usage(
    actor: Actor, ws_id: str, start: str | None, end: str | None, group_by: str = "day", breakdown: str = "project"
) -> Usage:
    """Return a workspace's usage; two round trips: the total, the parts. Raises NotFound, Forbidden, Invalid."""
    return workspace_usage(authorize_workspace(actor, ws_id, Permission.USAGE_READ), start, end, group_by, breakdown)


def get_project_usage(
    actor: Actor, project_id: str, start: str | None, end: str | None, group_by: str = "day", breakdown: str = "agent"
) -> Usage:
    if breakdown == "project":
        raise Invalid(FieldError("breakdown", "A project's usage has the breakdowns agent, provider and user", breakdown))
    project = load(Project, project_id, actor, Permission.USAGE_READ)
    return project_usage(project.id, start, end, group_by, breakdown)
