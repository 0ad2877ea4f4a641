"""Updating, archiving and restoring a project."""

from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.events import EventType, record
from shared.people.tenancy.rows import Workspace
from shared.people.tenancy.workspaces import subtract_projects
from shared.store import Operation, fetch, load, relabel, update, update_with_retry
from shared.work.boards.counting import ProjectArchived
from shared.work.boards.rows import Counts
from shared.work.projects.creating import increment_project_counts, parse_github_repository, stored_settings
from shared.work.projects.rows import Project, ProjectStats, projects_of

UPDATABLE_FIELDS = ("name", "description", "repository_url", "deployment_url", "documentation_url")


def update_project(
    actor: Actor,
    project_id: str,
    changes: dict[str, Any],
    settings: dict[str, Any] | None = None,
    permission: Permission = Permission.PROJECT_WRITE,
) -> Project:
    """Change the given fields (of UPDATABLE_FIELDS); `settings` are merged key by key. Two round trips.

    Raises NotFound, Forbidden, Invalid for an unknown agent, and Conflict(PROJECT_ARCHIVED) for an archived project.
    """

    settings = stored_settings(settings or {})

    def change(project: Project) -> None:
        if project.status != "active":
            raise ProjectArchived
        values = {field: changes[field] for field in UPDATABLE_FIELDS if field in changes} | {
            "settings": project.settings | settings
        }
        changed = {field: [getattr(project, field), value] for field, value in values.items() if getattr(project, field) != value}
        for field, (_, value) in changed.items():
            setattr(project, field, value)
        if "repository_url" in changed:
            project.github_owner, project.github_repo = parse_github_repository(project.repository_url)
            project.repository_type = "git" if project.github_owner else project.repository_url and project.repository_type
        if changed:
            record(project, EventType.PROJECT_UPDATED, actor, changes=changed)

    return update_with_retry(lambda: _read(actor, project_id, permission), change)


def archive_project(actor: Actor, project_id: str) -> Project:
    """Make the project read-only and stop counting it towards the limits. Safe to repeat. Two round trips. Raises NotFound, Forbidden."""

    def change(project: Project) -> list[Operation]:
        if project.status == "archived":
            return []
        project.status = "archived"
        record(project, EventType.PROJECT_ARCHIVED, actor, changes={"status": ["active", "archived"]}, name=project.name)
        return [
            update(Counts.of(project.board_id), [Counts.closed.set(True)], Counts.pk.exists()),
            *_file(project, "active"),
            _decrement_workspace_count(str(project.ws_id)),
            subtract_projects(str(project.org_id), 1),
        ]

    return update_with_retry(lambda: _read(actor, project_id, Permission.PROJECT_ARCHIVE), change)


def restore_project(actor: Actor, project_id: str) -> Project:
    """Make an archived project writable again. Safe to repeat. Three round trips. Raises NotFound, Forbidden, LimitExceeded."""

    def change(project: Project) -> list[Operation]:
        if project.status == "active":
            return []
        workspace = fetch(Workspace, str(project.ws_id))
        if workspace is None:
            raise NotFound(Workspace.NAME)
        project.status = "active"
        record(project, EventType.PROJECT_RESTORED, actor, changes={"status": ["archived", "active"]}, name=project.name)
        return [
            update(Counts.of(project.board_id), [Counts.closed.remove()], Counts.pk.exists()),
            *_file(project, "archived"),
            *increment_project_counts(workspace),
        ]

    return update_with_retry(lambda: _read(actor, project_id, Permission.PROJECT_ARCHIVE), change)


def _file(project: Project, before: str) -> list[Operation]:
    """Return the operations that list a project by its status, which was another one."""
    ws_id = str(project.ws_id)
    return [
        *relabel(projects_of(ws_id), project.counted_in, before, project.status),
        ProjectStats.with_status(ws_id, project.id, project.status, clock.iso()),
    ]


def _read(actor: Actor, project_id: str, permission: Permission) -> Project:
    project = load(Project, project_id, actor, permission)
    if project.status == "deleted":
        raise NotFound(Project.NAME)
    return project


def _decrement_workspace_count(ws_id: str) -> Operation:
    pk, sk = Workspace.key(ws_id)
    return update(Workspace(pk=pk, sk=sk), [Workspace.project_count.add(-1), Workspace.version.add(1)], Workspace.pk.exists())
