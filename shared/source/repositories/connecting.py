"""Connecting a repository to a project, and the list of those that are connected."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, NotFound
from shared.core.sealing import seal, unseal
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.source.repositories.github import Denied, Github, Missing, TokenRefused
from shared.source.repositories.hooks import ensure_hook, remove_hook
from shared.source.repositories.naming import describe, name_in
from shared.source.repositories.rows import ACTIVE, DISCONNECTED, Repository, repositories_of, repository_id_of
from shared.store import (
    IndexRow,
    authorize,
    collection,
    create,
    fetch_all,
    first_index_rows,
    get_many,
    id_of,
    load,
    read_ahead,
    save,
    update_with_retry,
    write,
)
from shared.work.boards.counting import ProjectArchived, require_writable
from shared.work.projects.reading import in_workspaces, latest_project_id
from shared.work.projects.rows import Project, named_repository


@dataclass(frozen=True)
class NewConnection:
    """`project_id`: None for the project that names the repository, else the caller's most recently active one."""

    owner: str
    name: str
    token: str
    project_id: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True)
class _Found:
    """What GitHub says of the repository and of the token."""

    github: Github
    repository: dict[str, Any]
    login: str | None

    @property
    def owner(self) -> str:
        return str(self.repository["owner"]["login"])

    @property
    def name(self) -> str:
        return str(self.repository["name"])


def connect_repository(actor: Actor, new: NewConnection) -> tuple[Repository, str]:
    """Connect a repository to a project; return it with the address of its webhook at GitHub. Connecting it again replaces the token.

    Raises NotFound (project; repository: GitHub has none, or the token may not see it), Forbidden, Conflict (archived; the project, which
    was not named, has another repository), Invalid for a token that GitHub does not accept or that may not make webhooks, Upstream.
    """
    project, before = _load(actor, new)
    found = _ask(new)
    names = {"owner": found.owner, "repo": found.name}
    repository_id = repository_id_of(project.id)
    current = before if before is not None and not before.deleted_at else None
    same = current if current is not None and int(current.github_id) == found.repository["id"] else None
    secret = unseal(same.secret, repository_id) if same is not None else secrets.token_urlsafe(32)
    hook = int(same.hook_id) if same is not None else None
    try:
        hook_id, address = ensure_hook(found.github, names, repository_id, secret, hook)
    except Denied as denied:
        raise _wrong_token(denied.message) from None
    repository = _row(actor, project, found, same)
    repository.token, repository.secret = seal(new.token, repository_id), seal(secret, repository_id)
    repository.hook_id, repository.webhook_status, repository.status_reason = hook_id, ACTIVE, None
    repository.etag = None
    record(repository, EventType.REPOSITORY_CONNECTED, actor, repo=repository.full_name)
    if before is not None and same is None:
        repository.version = before.version  # it takes the place of that row
    written = create(repository) if before is None else save(repository)
    write(written, *name_in(actor, project, repository), require_writable(project.board_id))
    if current is not None and same is None:
        remove_hook(Github(unseal(current.token, repository_id)), current.names, int(current.hook_id))
    return repository, address


def _load(actor: Actor, new: NewConnection) -> tuple[Project, Repository | None]:
    """Return the project and what is connected to it. Raises NotFound, Forbidden and Conflict."""
    bare = id_of(Project, new.project_id) if new.project_id else (_naming(actor, new.full_name) or latest_project_id(actor))
    keys: list[Any] = [(Project, *Project.key(bare)), (Repository, *Repository.key(repository_id_of(bare)))]
    rows: list[Any] = get_many(keys)
    project, repository = rows
    if project is None or project.deleted_at or project.status == "deleted":
        raise NotFound(Project.NAME)
    authorize(project, actor, Permission.PROJECT_WRITE)
    if project.status != "active":
        raise ProjectArchived
    other = repository.full_name if repository and not repository.deleted_at else named_repository(project)
    if new.project_id is None and other and other.lower() != new.full_name.lower():
        raise Conflict(
            Situation.VERSION_CONFLICT,
            f"The project {project.name} has the repository {other}: name the project (project_id) that gets this one",
        )
    return project, repository


def _naming(actor: Actor, full_name: str) -> str | None:
    """Return the id of the caller's project that names the repository, the oldest of several."""
    reads = in_workspaces(actor, lambda ws_id: read_ahead(partial(_first_naming, ws_id, full_name)))
    return min((row.id for read in reads for row in read.result()), default=None)


def _first_naming(ws_id: str, full_name: str) -> list[IndexRow]:
    return first_index_rows(4, f"WS#{ws_id}#REPO#{full_name.lower()}", 1)[0]


def _ask(new: NewConnection) -> _Found:
    """Look whether the token is good and sees the repository. Raises NotFound, Invalid and Upstream."""
    github = Github(new.token)
    try:
        found = github.get("/repos/{owner}/{repo}", {"owner": new.owner, "repo": new.name}).data
    except TokenRefused:
        raise _wrong_token("GitHub does not accept this access token") from None
    except (Missing, Denied):
        raise NotFound(Repository.NAME) from None
    try:
        login = str(github.get("/user").data["login"])
    except (Missing, Denied):  # the token of an app is nobody's
        login = None
    return _Found(github, found, login)


def _wrong_token(reason: str) -> Invalid:
    return Invalid(FieldError("access_token", reason), message=reason, situation=Situation.MALFORMED)


def _row(actor: Actor, project: Project, found: _Found, before: Repository | None) -> Repository:
    repository = before or Repository.new(
        repository_id_of(project.id),
        org_id=project.org_id,
        ws_id=project.ws_id,
        proj_id=project.id,
        board_id=project.board_id,
        github_id=found.repository["id"],
        owner=found.owner,
        name=found.name,
        connected_at=clock.iso(),
    )
    describe(repository, found.repository)
    repository.login = found.login
    repository.created_by = actor.summary
    return repository


def list_repositories(actor: Actor, *, limit: int, offset: int = 0) -> tuple[list[Repository], int]:
    """Return a page of the repositories in all the caller's workspaces, newest first, and how many they are. Two round trips."""
    reads = in_workspaces(actor, lambda ws_id: read_ahead(partial(_of_workspace, ws_id)))
    rows = sorted((row for read in reads for row in read.result()), key=lambda row: row.sort, reverse=True)
    return fetch_all(Repository, [row.id for row in rows[offset:][:limit]], to_show=True), len(rows)


def _of_workspace(ws_id: str) -> Sequence[IndexRow]:
    return collection(*repositories_of(ws_id))  # one for each project at most


def disconnect_repository(actor: Actor, repository_id: str) -> None:
    """Disconnect a repository: its webhook is removed, its token and its secret are forgotten. Commits, and the links of issues, stay.

    Two round trips and a request to GitHub. Raises NotFound, Forbidden.
    """
    held: list[Repository] = []

    def change(repository: Repository) -> None:
        held[:] = [Repository.decode(repository.serialize())]
        repository.deleted_at, repository.webhook_status = clock.iso(), DISCONNECTED
        repository.token = repository.secret = ""
        record(repository, EventType.REPOSITORY_DISCONNECTED, actor, repo=repository.full_name)

    update_with_retry(lambda: load(Repository, repository_id, actor, Permission.PROJECT_WRITE), change)
    remove_hook(github_of(held[0]), held[0].names, int(held[0].hook_id))


def github_of(repository: Repository, reserve: float = 0.0) -> Github:
    """Return GitHub as the repository's token sees it. Raises TokenRefused for a repository that was disconnected."""
    if not repository.token:
        raise TokenRefused
    return Github(unseal(repository.token, repository.id), reserve)
