"""omoios, sections 3 and 4: commits, and repositories at GitHub."""

from typing import Annotated, Literal

from fastapi import Header, Path, Query, Request

from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.fields import Offset
from shared.edge.contracts.omoios import OMOIOS
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.repositories import (
    AgentCommit,
    Authorization,
    Authorized,
    Branch,
    Commit,
    CommitDiff,
    CommitFile,
    CommitSummary,
    ConnectedRepository,
    ConnectRepository,
    CreatedIssue,
    CreateIssue,
    DiffHunk,
    DiffLine,
    Disconnected,
    FileDiff,
    FinishAuthorization,
    Installation,
    Issue,
    LinkCommit,
    LinkedCommit,
    OfferedRepository,
    Received,
    Repository,
    TicketCommit,
)
from shared.source.commits import reading
from shared.source.commits.rows import Commit as CommitRow
from shared.source.repositories import branches, connecting, contents, installations, opening, people, receiving
from shared.source.repositories.commits import link_by_hand
from shared.source.repositories.rows import Repository as RepositoryRow

routes = Routes(OMOIOS, "github")

Sha = Annotated[str, Path(max_length=64, description="The sha of a commit, or at least seven digits of its beginning")]
PageSize = Annotated[int, Query(ge=1, le=200)]

_GITHUB = (Situation.EXTERNAL_SERVICE_UNAVAILABLE,)
"""What GitHub may be: out of reach, or of the opinion that there were too many requests."""
_APP = (*_GITHUB, Situation.PROVIDER_NOT_CONFIGURED)


def _summary(commit: CommitRow) -> CommitSummary:
    return CommitSummary(files=int(commit.file_count), insertions=int(commit.insertions), deletions=int(commit.deletions))


@routes.get("/commits/{commit_sha}", "commits.get", permission=Permission.PROJECT_READ)
async def get_commit(commit_sha: Sha, caller: Caller) -> Commit:
    """Get a commit with its files."""
    details = reading.get_commit(caller, commit_sha)
    commit = details.commit
    return Commit(
        commit_sha=commit.sha,
        commit_message=commit.message,
        author=commit.author,
        date=commit.date,
        summary=_summary(commit),
        files=[
            CommitFile(path=one.path, additions=one.additions, deletions=one.deletions, changes=one.changes, status=one.status)
            for one in details.files
        ],
        ticket_id=commit.card_id,
        agent_id=commit.agent_id,
        diff_url=commit.url,
    )


@routes.get("/commits/{commit_sha}/diff", "commits.diff", permission=Permission.PROJECT_READ, errors=_GITHUB)
async def get_diff(
    commit_sha: Sha, caller: Caller, file_path: Annotated[str | None, Query(min_length=1, max_length=4_096)] = None
) -> CommitDiff:
    """Get the changes of a commit as hunks. For a single file (`file_path`) its whole text before and after is fetched too."""
    commit, files = contents.get_diff(caller, commit_sha, file_path)
    return CommitDiff(commit_sha=commit.sha, files=[_file_diff(one) for one in files])


def _file_diff(one: contents.FileDiff) -> FileDiff:
    hunks = [
        DiffHunk(
            old_start=hunk.old_start,
            old_lines=hunk.old_lines,
            new_start=hunk.new_start,
            new_lines=hunk.new_lines,
            lines=[DiffLine.model_validate({"type": kind, "content": text}) for kind, text in hunk.lines],
        )
        for hunk in one.hunks
    ]
    return FileDiff(path=one.file.path, old_content=one.old, new_content=one.new, hunks=hunks, omitted=one.omitted)


@routes.get("/tickets/{ticket_id}/commits", "commits.listByTicket", permission=Permission.CARD_READ)
async def list_by_ticket(
    ticket_id: str, caller: Caller, call: ThisCall, limit: PageSize = 100, offset: Offset = 0
) -> list[TicketCommit]:
    """List the commits of a ticket, linked last first; `X-Total-Count` has their total number."""
    found, total = reading.list_card_commits(caller, ticket_id, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [
        TicketCommit(
            commit_sha=one.commit.sha,
            commit_message=one.commit.message,
            author=one.commit.author,
            date=one.commit.date,
            summary=_summary(one.commit),
            agent_id=one.agent_id,
        )
        for one in found
    ]


@routes.post("/tickets/{ticket_id}/commits/link", "commits.link", permission=Permission.CARD_EDIT, errors=_GITHUB)
async def link(ticket_id: str, body: LinkCommit, caller: Caller) -> LinkedCommit:
    """Link a commit to a ticket; a link that is there already stays. A commit from before the repository was connected is fetched."""
    made = link_by_hand(caller, ticket_id, body.commit_sha, body.agent_id)
    return LinkedCommit(commit_sha=made.sha, ticket_id=made.item_id, linked_at=made.created_at)


@routes.get("/agents/{agent_id}/commits", "commits.listByAgent", permission=Permission.PROJECT_READ)
async def list_by_agent(
    agent_id: str, caller: Caller, call: ThisCall, limit: PageSize = 100, offset: Offset = 0
) -> list[AgentCommit]:
    """List the commits of an agent in all the caller's workspaces, newest first; `X-Total-Count` has their total number."""
    found, total = reading.list_agent_commits(caller, agent_id, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [
        AgentCommit(commit_sha=one.sha, commit_message=one.message, ticket_id=one.card_id, date=one.date, summary=_summary(one))
        for one in found
    ]


@routes.post("/github/repositories/connect", "github.connect", status=201, permission=Permission.PROJECT_WRITE, errors=_APP)
async def connect(body: ConnectRepository, caller: Caller) -> ConnectedRepository:
    """Connect a repository to a project, by a token or by an installation of the app: the token is tried, and the webhook is set up at
    GitHub; the app has its own. Connecting again replaces the token."""
    new = connecting.NewConnection(body.owner, body.name, body.access_token, body.project_id, body.installation_id)
    repository, address = connecting.connect_repository(caller, new)
    return ConnectedRepository(repository_id=repository.id, webhook_url=address)


@routes.post(
    "/github/app/authorizations",
    "github.authorize",
    status=201,
    permission=Permission.PROJECT_WRITE,
    personal=True,
    addition=True,
    errors=_APP,
)
async def authorize(caller: Caller) -> Authorization:
    """Begin to prove who the caller is at GitHub, so that they can connect by the app what they administer there."""
    begun = people.begin(caller)
    return Authorization(authorization_url=begun.url, install_url=begun.install_url, expires_at=begun.expires_at)


@routes.post(
    "/github/app/authorizations/finish",
    "github.finishAuthorization",
    permission=Permission.PROJECT_WRITE,
    personal=True,
    addition=True,
    errors=_APP,
)
async def finish_authorization(body: FinishAuthorization, caller: Caller) -> Authorized:
    """Finish the proof with what GitHub has sent the caller back with. It is good for an hour."""
    login, expires_at = people.finish(caller, body.code, body.state)
    return Authorized(login=login, expires_at=expires_at)


@routes.get(
    "/github/app/installations",
    "github.installations",
    permission=Permission.PROJECT_WRITE,
    personal=True,
    addition=True,
    errors=_APP,
)
async def list_installations(caller: Caller) -> list[Installation]:
    """List the installations of the app that the caller may use at GitHub: 1,000 at most."""
    return [
        Installation(installation_id=one.id, account=one.account, account_type=one.account_type, suspended=one.suspended)
        for one in people.list_installations(caller)
    ]


@routes.get(
    "/github/app/installations/{installation_id}/repositories",
    "github.offeredRepositories",
    permission=Permission.PROJECT_WRITE,
    personal=True,
    addition=True,
    errors=_APP,
)
async def list_offered(
    installation_id: Annotated[str, Path(max_length=200)],
    caller: Caller,
    page: Annotated[int, Query(ge=1, le=1_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> list[OfferedRepository]:
    """List the repositories of an installation that the caller sees at GitHub."""
    return [
        OfferedRepository(
            owner=one.owner,
            name=one.name,
            visibility="private" if one.private else "public",
            can_connect=one.administered,
        )
        for one in people.list_offered(caller, installation_id, page=page, limit=limit)
    ]


@routes.get("/github/repositories", "github.list", permission=Permission.PROJECT_READ)
async def list_repositories(caller: Caller, call: ThisCall, limit: PageSize = 100, offset: Offset = 0) -> list[Repository]:
    """List the repositories of all the caller's workspaces, connected last first; `X-Total-Count` has their total number."""
    found, total = connecting.list_repositories(caller, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [_repository(one) for one in found]


def _repository(row: RepositoryRow) -> Repository:
    return Repository(
        id=row.id,
        owner=row.owner,
        name=row.name,
        webhook_status=row.webhook_status,
        connected_at=row.connected_at,
        project_id=str(row.proj_id),
        status_reason=row.status_reason,
        visibility=None if row.private is None else "private" if row.private else "public",
        archived=row.archived,
    )


@routes.delete(
    "/github/repositories/{repo_id}", "github.disconnect", permission=Permission.PROJECT_WRITE, addition=True, errors=_GITHUB
)
async def disconnect(repo_id: str, caller: Caller) -> Disconnected:
    """Disconnect a repository: its webhook is removed, its token is forgotten. Commits and links stay."""
    connecting.disconnect_repository(caller, repo_id)
    return Disconnected()


@routes.get("/github/repositories/{repo_id}/branches", "github.branches", permission=Permission.PROJECT_READ, addition=True)
async def list_branches(repo_id: str, caller: Caller, limit: PageSize = 100) -> list[Branch]:
    """List the branches that something was pushed to since the repository was connected, moved last first: the newest 200 at most."""
    return [
        Branch(
            name=one.name,
            head_sha=one.head,
            state="deleted" if one.gone else "active",
            moved_at=one.moved_at,
            forced_at=one.forced_at,
        )
        for one in branches.list_branches(caller, repo_id, limit)
    ]


@routes.get("/github/repositories/{repo_id}/issues", "github.issues", permission=Permission.PROJECT_READ, errors=_GITHUB)
async def list_issues(
    repo_id: str,
    caller: Caller,
    state: Literal["open", "closed", "all"] = "all",
    page: Annotated[int, Query(ge=1, le=1_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> list[Issue]:
    """List the issues of a repository as GitHub has them now, newest first. Pull requests are left out, so a page may have fewer."""
    found = opening.list_issues(caller, repo_id, state=state, page=page, limit=limit)
    return [
        Issue(number=one.number, title=one.title, state=one.state, linked_ticket_id=one.card_id, url=one.url) for one in found
    ]


@routes.post(
    "/github/repositories/{repo_id}/create-issue",
    "github.createIssue",
    status=201,
    permission=Permission.CARD_EDIT,
    errors=_GITHUB,
)
async def create_issue(repo_id: str, body: CreateIssue, caller: Caller) -> CreatedIssue:
    """Make an issue of a ticket and keep both in step from then on. A ticket that has an issue keeps it."""
    made = opening.open_issue(caller, repo_id, body.ticket_id, body.title, body.body)
    return CreatedIssue(issue_number=int(made.number or 0), url=made.url)


@routes.post("/webhooks/github", "github.webhook", public=True, max_body=receiving.MAX_BODY, errors=(Situation.RATE_LIMITED,))
async def webhook(
    request: Request,
    call: ThisCall,
    event: Annotated[str, Header(alias="X-GitHub-Event")] = "",
    delivery: Annotated[str, Header(alias="X-GitHub-Delivery")] = "",
    signature: Annotated[str, Header(alias="X-Hub-Signature-256")] = "",
    sender: Annotated[str, Header(alias="X-GitHub-Hook-Installation-Target-Type")] = "",
    repository: str | None = None,
) -> Received:
    """Receive an event of a repository. It must be signed with the repository's secret, or with the app's; a repeated delivery changes
    nothing."""
    incoming = receiving.Incoming(await request.body(), event, delivery, signature, repository)
    by_app = sender == "integration" and repository is None
    call.rate_status = installations.receive_of_app(incoming) if by_app else receiving.receive(incoming)
    return Received()
