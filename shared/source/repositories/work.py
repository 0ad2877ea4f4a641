"""What the worker has at hand while it works off a message: the repository, who acts, and until when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from shared.core.actor import Actor, Role
from shared.people.tenancy.rows import Organization
from shared.source.repositories.connecting import github_of
from shared.source.repositories.github import Github
from shared.source.repositories.rows import Repository
from shared.store import fetch, get_many
from shared.work.projects.rows import Project

ACTOR: Final = "github"
"""The id of who acts for what happened at GitHub: rows that it changed last are not told to GitHub again."""
AgentOfRun = Callable[[str, str], str | None]
"""Returns the agent of a run (by its id) in a workspace; None if there is no such run."""


@dataclass
class Work:
    """`until` is a time of `time.monotonic`."""

    repository: Repository
    until: float
    agent_of_run: AgentOfRun
    message: Mapping[str, Any] = field(default_factory=dict)
    reserve: float = 0.0
    """The share of the token's requests that is left to others."""

    @cached_property
    def github(self) -> Github:
        """GitHub as the repository's token sees it. Its token is decrypted when it is first asked for."""
        return github_of(self.repository, self.reserve)

    @property
    def ws_id(self) -> str:
        return str(self.repository.ws_id)

    def actor(self, login: str | None) -> Actor:
        """Return the actor for what somebody did at GitHub: a member of the workspace of this repository, and of nothing else."""
        return Actor(
            id=ACTOR,
            name=f"{login} (GitHub)" if login else "GitHub",
            kind="system",
            org_id=self.repository.org_id,
            workspaces={self.ws_id: Role.MEMBER},
            project_id=self.repository.proj_id,
        )


def open_repository(repository_id: str) -> Repository | None:
    """Return a repository for which there is something to do; None if it, its project or its organization is closed."""
    repository = fetch(Repository, repository_id)
    if repository is None or repository.deleted_at:
        return None
    keys: list[Any] = [
        (Project, *Project.key(str(repository.proj_id))),
        (Organization, *Organization.key(str(repository.org_id))),
    ]
    rows: list[Any] = get_many(keys)
    project, organization = rows
    if project is None or project.deleted_at or project.status != "active":
        return None
    return repository if organization is not None and organization.status == "active" else None


def login_of(payload: Mapping[str, Any]) -> str | None:
    """Return who did it, by their name at GitHub."""
    sender = payload.get("sender") or {}
    return str(sender["login"]) if sender.get("login") else None
