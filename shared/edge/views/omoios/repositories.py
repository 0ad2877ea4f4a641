"""omoios, sections 3 and 4: the fields of commits and of repositories at GitHub."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.edge.contracts.base import Request as Body
from shared.edge.contracts.base import Shape
from shared.edge.contracts.fields import Form, Title
from shared.edge.contracts.omoios import Id, RepositoryName
from shared.source.repositories import contents

Token = Annotated[str, Form(r"^[\x21-\x7e]{10,500}$", "Should be an access token of GitHub, without blanks")]
Number = Annotated[int, Field(ge=1, le=10**15)]


class CommitSummary(Shape):
    files: int
    insertions: int
    deletions: int


class CommitFile(Shape):
    path: str
    additions: int
    deletions: int
    changes: int
    status: str


class Commit(Shape):
    """`ticket_id` is the ticket that it was linked to first."""

    commit_sha: str
    commit_message: str
    author: str
    date: str
    summary: CommitSummary
    files: list[CommitFile]
    ticket_id: str | None
    agent_id: str | None
    diff_url: str


class DiffLine(Shape):
    """`content` has the sign that the line has in a patch."""

    type: Literal["context", "added", "removed"]
    content: str


class DiffHunk(Shape):
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: list[DiffLine]


class FileDiff(Shape):
    """`omitted` says why a text is null, or there are no hunks: `too_large`, `binary`, `unavailable` (GitHub does not show it any more), or
    `ask_for_file` (the texts of a changed file are fetched when that file alone is asked for). Null: nothing is left out."""

    path: str
    old_content: str | None
    new_content: str | None
    hunks: list[DiffHunk]
    omitted: contents.Omitted | None


class CommitDiff(Shape):
    commit_sha: str
    files: list[FileDiff]


class TicketCommit(Shape):
    commit_sha: str
    commit_message: str
    author: str
    date: str
    summary: CommitSummary
    agent_id: str | None


class AgentCommit(Shape):
    commit_sha: str
    commit_message: str
    ticket_id: str | None
    date: str
    summary: CommitSummary


class LinkCommit(Body):
    """`agent_id`: who made it, if the commit does not say."""

    commit_sha: Annotated[str, Form(r"(?i)^[0-9a-f]{7,64}$", "Should be the sha of a commit, or at least seven digits of it")]
    agent_id: Id | None = None


class LinkedCommit(Shape):
    commit_sha: str
    ticket_id: str
    linked_at: str


class ConnectRepository(Body):
    """By an `access_token`, or by an `installation_id` of the app after a proof of who the caller is at GitHub. Without a `project_id`: the
    project that names this repository, else the caller's most recently active one."""

    owner: RepositoryName
    name: RepositoryName
    access_token: Token | None = None
    installation_id: Number | None = None
    project_id: Id | None = None

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if (self.access_token is None) == (self.installation_id is None):
            raise ValueError("Either an access_token or an installation_id is needed")
        return self


class Authorization(Shape):
    """`authorization_url`: where the person says who they are; `install_url`: where they install the app, if it is missing there."""

    authorization_url: str
    install_url: str
    expires_at: str


class FinishAuthorization(Body):
    """What GitHub has sent the person back with."""

    code: Annotated[str, Form(r"^[\x21-\x7e]{1,500}$", "Should be the code that GitHub has given")]
    state: Annotated[str, Form(r"^[\x21-\x7e]{1,500}$", "Should be the state that GitHub has given back")]


class Authorized(Shape):
    """`expires_at`: until when the proof is good."""

    login: str
    expires_at: str


class Installation(Shape):
    installation_id: int
    account: str
    account_type: str
    suspended: bool


class OfferedRepository(Shape):
    """`can_connect`: whether the caller administers it at GitHub."""

    owner: str
    name: str
    visibility: Literal["public", "private"]
    can_connect: bool


class ConnectedRepository(Shape):
    repository_id: str
    webhook_url: str


class Repository(Shape):
    """`webhook_status` is active, failing (GitHub's last delivery was not accepted) or disconnected (connect it again);
    `status_reason` says why. `archived`: it can only be read, at GitHub."""

    id: str
    owner: str
    name: str
    webhook_status: str
    connected_at: str
    project_id: str
    status_reason: str | None
    visibility: Literal["public", "private"] | None
    archived: bool


class Branch(Shape):
    """`head_sha`: all commits up to it are known. `forced_at`: when its history was replaced last."""

    name: str
    head_sha: str
    state: Literal["active", "deleted"]
    moved_at: str
    forced_at: str | None


class Issue(Shape):
    number: int
    title: str
    state: str
    linked_ticket_id: str | None
    url: str


class CreateIssue(Body):
    ticket_id: Id
    title: Title
    body: Annotated[str, Field(max_length=60_000)] = ""


class CreatedIssue(Shape):
    issue_number: int
    url: str


class Disconnected(Shape):
    status: str = "disconnected"


class Received(Shape):
    status: str = "processed"
