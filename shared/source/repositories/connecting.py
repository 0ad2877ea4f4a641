"""Connecting a repository to a project, and the list of those that are connected."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, Conflict, FieldError, Invalid, LimitExceeded, NotFound
from shared.core.sealing import seal, unseal
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.source.repositories import app
from shared.source.repositories.github import Denied, Github, Missing, TokenRefused
from shared.source.repositories.hooks import app_address, ensure_hook, remove_hook
from shared.source.repositories.naming import describe, name_in
from shared.source.repositories.people import prove
from shared.source.repositories.rows import (
    ACTIVE,
    DISCONNECTED,
    Repository,
    number_of,
    repositories_by,
    repositories_of,
    repository_id_of,
)
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
    retrying,
    save,
    stale,
    update_with_retry,
    write,
)
from shared.work.boards.counting import ProjectArchived, require_writable
from shared.work.projects.reading import in_workspaces, latest_project_id
from shared.work.projects.rows import Project, named_repository

MOST_BY_APP: Final = 20
"""Projects to which one repository is connected by the app: each of its deliveries is put in line for all of them. A race may add a few."""


@dataclass(frozen=True)
class NewConnection:
    """By a token, or by an installation of the app (GitHub's number of it). `project_id`: None for the project that names the repository,
    else the caller's most recently active one."""

    owner: str
    name: str
    token: str | None = None
    project_id: str | None = None
    installation: int | None = None

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True)
class _Found:
    """What GitHub says of the repository, and whose right it is. `github` is GitHub as the token sees it; None: by the app."""

    github: Github | None
    repository: dict[str, Any]
    login: str | None

    @property
    def owner(self) -> str:
        return str(self.repository["owner"]["login"])

    @property
    def name(self) -> str:
        return str(self.repository["name"])


def connect_repository(actor: Actor, new: NewConnection) -> tuple[Repository, str]:
    """Connect a repository to a project; return it with the address of its webhook: at GitHub, or here if it is the app's. Connecting it
    again replaces the token.

    Raises NotFound (project; repository: GitHub has none, or the token may not see it), Forbidden (also: who has not proved that they
    administer it), Conflict (archived; the project, which was not named, has another repository), Invalid for a token that GitHub does not
    accept or that may not make webhooks, NotConfigured, Upstream. Of two at the same time the later one begins again.
    """
    return retrying(lambda _: _connect(actor, new))


def _connect(actor: Actor, new: NewConnection) -> tuple[Repository, str]:
    project, before = _load(actor, new)
    found = _ask(new) if new.installation is None else _ask_as_person(actor, new, new.installation)
    current = before if before is not None and not before.deleted_at else None
    same = current if current is not None and int(current.github_id) == found.repository["id"] else None
    old = Repository.decode(current.serialize()) if current is not None else None
    repository = _row(actor, project, found, same)
    if found.github is None:
        address = app_address()
        repository.installation_id, repository.token, repository.secret, repository.hook_id = new.installation, "", "", 0
    else:
        address = _set_up_hook(found, repository, same)
        repository.token, repository.installation_id = seal(str(new.token), repository.id), None
    repository.webhook_status, repository.status_reason = ACTIVE, None
    repository.etag = repository.branches_etag = None
    record(repository, EventType.REPOSITORY_CONNECTED, actor, repo=repository.full_name)
    if before is not None and same is None:
        repository.version = before.version  # it takes the place of that row
    written = create(repository, stale) if before is None else save(repository)
    try:
        write(written, *name_in(actor, project, repository), require_writable(project.board_id))
    except CadreError:
        if found.github is not None and not (same is not None and same.secret):  # it was made for what was not written
            remove_hook(found.github, repository.names, int(repository.hook_id))
        raise
    if old is not None and (same is None or new.installation is not None):
        _remove_hook_of(old)
    return repository, address


def _set_up_hook(found: _Found, repository: Repository, same: Repository | None) -> str:
    """Make the webhook with the secret that the repository has, or a new one. Return its address at GitHub."""
    had_hook = same is not None and bool(same.secret)
    secret = unseal(repository.secret, repository.id) if had_hook else secrets.token_urlsafe(32)
    hook = int(repository.hook_id) if had_hook else None
    names = {"owner": found.owner, "repo": found.name}
    try:
        repository.hook_id, address = ensure_hook(found.github or Github(""), names, repository.id, secret, hook)
    except Denied as denied:
        raise _wrong_token(denied.message) from None
    repository.secret = repository.secret if had_hook else seal(secret, repository.id)
    return address


def _remove_hook_of(old: Repository) -> None:
    if old.token:
        remove_hook(github_of(old), old.names, int(old.hook_id))


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
    github = Github(str(new.token))
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


def _ask_as_person(actor: Actor, new: NewConnection, installation: int) -> _Found:
    """Look whether the caller administers the repository, and whether the app is installed there. Raises NotFound, Forbidden, NotConfigured
    and Upstream."""
    try:
        repository, login = prove(actor, installation, new.owner, new.name)
    except Missing:
        raise NotFound(Repository.NAME) from None
    index, partition = repositories_by(installation)
    held, _ = first_index_rows(index, partition, MOST_BY_APP, number_of(int(repository["id"])))
    if len(held) >= MOST_BY_APP:
        raise LimitExceeded(
            Situation.LIMIT_REACHED,
            f"This repository is connected to {MOST_BY_APP} projects by the app, as many as may be",
            {"limit": MOST_BY_APP},
        )
    return _Found(None, repository, login)


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
        secret="",
        hook_id=0,
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
        repository.installation_id = None
        record(repository, EventType.REPOSITORY_DISCONNECTED, actor, repo=repository.full_name)

    update_with_retry(lambda: load(Repository, repository_id, actor, Permission.PROJECT_WRITE), change)
    _remove_hook_of(held[0])


def github_of(repository: Repository, reserve: float = 0.0) -> Github:
    """Return GitHub as the repository's token sees it, or the app's token for it. Raises TokenRefused for a repository that was
    disconnected, and if the app is not installed there any more."""
    if repository.installation_id is not None:
        return Github(app.token_of(int(repository.installation_id), int(repository.github_id)), reserve)
    if not repository.token:
        raise TokenRefused
    return Github(unseal(repository.token, repository.id), reserve)
