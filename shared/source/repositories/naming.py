"""How a repository is called and described at GitHub now, here and in its project."""

from collections.abc import Mapping
from typing import Any

from shared.core.actor import Actor
from shared.events import EventType, record
from shared.source.repositories.rows import Repository
from shared.store import Operation, fetch, retrying, save, write
from shared.work.projects.rows import Project, named_repository


def take_over(repository: Repository, seen: Mapping[str, Any], actor: Actor) -> Repository:
    """Write how GitHub describes a repository now. Its project names it by its new name, its cards keep the names of their issues."""

    def attempt(_: int) -> Repository:
        row = fetch(Repository, repository.id)
        if row is None or row.deleted_at:
            return repository
        before, old_name = row.serialize(), row.full_name
        describe(row, seen)
        if row.serialize() == before:
            return row
        changes = {"repo": [old_name, row.full_name]} if row.full_name != old_name else {}
        record(row, EventType.REPOSITORY_UPDATED, actor, changes=changes, repo=row.full_name)
        write(save(row), *_name_in_project(actor, row, old_name))
        return row

    return retrying(attempt)


def describe(row: Repository, seen: Mapping[str, Any]) -> None:
    """Put what GitHub says of a repository into its row."""
    owner, name = str(seen["owner"]["login"]), str(seen["name"])
    if row.owner and (row.owner, row.name) != (owner, name):
        row.former_names = [*row.former_names, row.full_name]
    row.owner, row.name = owner, name
    row.url = str(seen.get("html_url") or row.url)
    row.default_branch = str(seen.get("default_branch") or "main")
    row.private = bool(seen.get("private"))
    row.archived = bool(seen.get("archived"))


def _name_in_project(actor: Actor, row: Repository, old_name: str) -> list[Operation]:
    if row.full_name == old_name:
        return []
    project = fetch(Project, str(row.proj_id))
    if project is None or (named_repository(project) or "").lower() != old_name.lower():
        return []
    return name_in(actor, project, row)


def name_in(actor: Actor, project: Project, repository: Repository) -> list[Operation]:
    """Return what writes into the project which repository it has, if it names another one or none."""
    named = {"github_owner": repository.owner, "github_repo": repository.name, "repository_url": repository.url}
    if (named_repository(project) or "").lower() == repository.full_name.lower():
        return []
    changes = {field: [getattr(project, field), value] for field, value in named.items() if getattr(project, field) != value}
    for field, value in named.items():
        setattr(project, field, value)
    project.repository_type = "git"
    record(project, EventType.PROJECT_UPDATED, actor, changes=changes)
    return [save(project)]
