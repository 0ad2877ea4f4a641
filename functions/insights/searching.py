"""omoios, section 7: searches. A word finds all words that begin like it; of several words each must be found."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from shared.agents.catalogue.registry import agents as catalogued_agents
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.core.texts import searchable
from shared.edge.contracts.base import Shape
from shared.edge.contracts.fields import Date, Offset
from shared.edge.contracts.omoios import Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tickets import ticket_status, upper
from shared.insight.search.finding import Hits, query_words
from shared.insight.search.rows import KINDS, words_in
from shared.insight.search.searching import begin_page, read_filtered, search_kinds
from shared.runs.live_agents import reading as live_agents
from shared.runs.live_agents.reading import Wanted
from shared.source.commits.rows import Commit
from shared.work.boards.lanes import canonical_phase
from shared.work.items.rows import Item
from shared.work.tasks.rows import Task

Words = Annotated[str, Query(min_length=1, max_length=500)]
PageSize = Annotated[int, Query(ge=1, le=100)]
_DAY: Final = timedelta(days=1)


class FoundTicket(Shape):
    id: str
    title: str
    status: str
    priority: str
    project_id: str
    phase_id: str
    is_blocked: bool


class FoundTask(Shape):
    id: str
    title: str
    status: str
    priority: str
    ticket_id: str
    project_id: str
    phase_id: str


class FoundCommit(Shape):
    """`ticket_id` is the ticket that it was linked to first."""

    commit_sha: str
    commit_message: str
    author: str
    date: str
    ticket_id: str | None
    agent_id: str | None


class FoundAgent(Shape):
    """A live agent, or one of the catalogue (`agent_type` catalogue)."""

    id: str
    name: str
    agent_type: str
    status: str
    project_id: str | None


class SearchResults(Shape):
    """The best of each kind, at most `limit`. `total` is how many were found together; if `total_is_exact` is false, the words are so
    common that there may be more."""

    tickets: list[FoundTicket]
    tasks: list[FoundTask]
    commits: list[FoundCommit]
    agents: list[FoundAgent]
    total: int
    total_is_exact: bool


class TicketFilter(BaseModel):
    """What the parameter `filters` may have, as JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    status: Literal["open", "in_progress", "done", "blocked"] | None = None
    priority: str | None = None
    phase_id: str | None = None
    assignee: str | None = None
    labels: list[str] = Field(default=[], max_length=20)
    project_id: str | None = None

    @field_validator("priority")
    @classmethod
    def _known(cls, value: str | None, _: ValidationInfo) -> str | None:
        if value is not None and value.lower() not in ("critical", "high", "medium", "low"):
            raise ValueError("Should be CRITICAL, HIGH, MEDIUM or LOW")
        return value.lower() if value else None

    @property
    def is_empty(self) -> bool:
        return not (self.status or self.priority or self.phase_id or self.assignee or self.labels)

    def keeps(self, item: Item) -> bool:
        """Tell whether a ticket has all that is asked for. A blocked ticket has its status from before, and `blocked`."""
        if self.status == "blocked":
            has_status = item.is_blocked
        else:
            has_status = self.status in (None, ticket_status(item.status, item.status_before_block))
        return (
            has_status
            and self.priority in (None, item.priority)
            and (self.phase_id is None or canonical_phase(self.phase_id) == item.phase_id)
            and (self.assignee is None or bare_id(self.assignee) == item.assignee_id)
            and {searchable(label) for label in self.labels} <= {searchable(label) for label in item.labels}
        )


def _parse_filter(text: str | None) -> TicketFilter:
    """Read the parameter `filters`. Raises Invalid for what is no JSON, unknown keys and wrong values."""
    if not text:
        return TicketFilter()
    try:
        return TicketFilter.model_validate_json(text)
    except ValidationError as error:
        problems = [
            FieldError(".".join(["filters", *map(str, one["loc"])]), _problem(one), one.get("input"))
            for one in error.errors(include_url=False)
        ]
        raise Invalid(*problems) from None


def _problem(issue: Mapping[str, Any]) -> str:
    if issue["type"] == "extra_forbidden":
        return f"There is no such filter; there are {', '.join(TicketFilter.model_fields)}"
    return str(issue["msg"]).removeprefix("Value error, ")


async def search(
    caller: Caller, q: Words, types: Annotated[str, Query(max_length=100)] | None = None, project_id: Id | None = None,
    limit: PageSize = 20,
) -> SearchResults:  # fmt: skip
    """Search in tickets, tasks, commits and agents; `types` names some of these with commas. `limit` (an addition) is of each kind."""
    kinds, words = _kinds(types), query_words(q)
    found = search_kinds(caller, [kind for kind in kinds if kind != "agent"], words, project_id)
    begun = (
        begin_page(Item, found.get("ticket", Hits([])), limit),
        begin_page(Task, found.get("task", Hits([])), limit),
        begin_page(Commit, found.get("commit", Hits([])), limit),
    )
    agents = _find_agents(caller, words, project_id) if "agent" in kinds else []
    tickets, tasks, commits = begun[0](), begun[1](), begun[2]()
    return SearchResults(
        tickets=[_ticket(row) for row in tickets.rows],
        tasks=[_task(row) for row in tasks.rows],
        commits=[_commit(row) for row in commits.rows],
        agents=agents[:limit],
        total=tickets.total + tasks.total + commits.total + len(agents),
        total_is_exact=tickets.complete and tasks.complete and commits.complete,
    )


def _kinds(types: str | None) -> Sequence[str]:
    kinds = [one.strip() for one in (types or ",".join(KINDS)).split(",")]
    for kind in kinds:
        if kind not in KINDS:
            raise Invalid(FieldError("types", f"Should be some of {', '.join(KINDS)}, with commas between them", types))
    return list(dict.fromkeys(kinds))


def _find_agents(caller: Actor, words: Sequence[str], project_id: str | None) -> list[FoundAgent]:
    """Return the agents with all words: live ones, newest first, then those of the catalogue. A workspace has few of either."""
    live = [
        FoundAgent(
            id=seen.agent.id,
            name=seen.agent.name,
            agent_type=seen.agent.agent_type,
            status=seen.health.status,
            project_id=seen.agent.proj_id,
        )
        for seen in live_agents.find_agents(caller, Wanted(project_id=bare_id(project_id) if project_id else None))
        if _has(
            words, seen.agent.name, seen.agent.agent_type, seen.agent.phase_id or "", *seen.agent.capabilities, *seen.agent.tags
        )
    ]
    catalogue = [
        FoundAgent(id=agent.id, name=agent.display_name, agent_type="catalogue", status=agent.status, project_id=None)
        for agent in catalogued_agents()
        if _has(words, agent.name, agent.display_name, agent.description)
    ]
    return [*live, *catalogue]


def _has(words: Sequence[str], *texts: str) -> bool:
    known = words_in(" ".join(texts))
    return all(any(one.startswith(word) for one in known) for word in words)


async def search_tickets(
    caller: Caller, call: ThisCall, q: Words, filters: Annotated[str, Query(max_length=4_000)] | None = None,
    limit: PageSize = 20, offset: Offset = 0,
) -> list[FoundTicket]:  # fmt: skip
    """Search in tickets. `filters` is JSON with any of `status` (open, in_progress, done, blocked), `priority`, `phase_id`, `assignee` (an
    id), `labels` (a list, of which a ticket has all) and `project_id`. `X-Total-Count` has how many were found."""
    wanted = _parse_filter(filters)
    hits = search_kinds(caller, ["ticket"], query_words(q), wanted.project_id)["ticket"]
    if wanted.is_empty:
        found = begin_page(Item, hits, limit, offset)()
    else:
        found = read_filtered(Item, hits, wanted.keeps, limit, offset)
    call.headers.append(("X-Total-Count", str(found.total)))
    return [_ticket(row) for row in found.rows]


async def search_commits(
    caller: Caller, call: ThisCall, q: Words, agent_id: Id | None = None, ticket_id: Id | None = None,
    date_from: Date | None = None, date_to: Date | None = None, project_id: Id | None = None, limit: PageSize = 20, offset: Offset = 0,
) -> list[FoundCommit]:  # fmt: skip
    """Search in commits: words of the message, the author, or the beginning of a sha. A day as `date_to` is included. `project_id` is an
    addition."""
    hits = search_kinds(caller, ["commit"], query_words(q), project_id)["commit"]
    within = _within(date_from, date_to)
    hits = Hits([hit for hit in hits.hits if within(hit.at)], hits.complete)
    asked = {"agent_id": agent_id and bare_id(agent_id), "card_id": ticket_id and bare_id(ticket_id)}

    def keeps(commit: Commit) -> bool:
        return all(value is None or getattr(commit, name) == value for name, value in asked.items())

    filtered = any(asked.values())
    found = read_filtered(Commit, hits, keeps, limit, offset) if filtered else begin_page(Commit, hits, limit, offset)()
    call.headers.append(("X-Total-Count", str(found.total)))
    return [_commit(row) for row in found.rows]


def _within(first: str | None, last: str | None) -> Callable[[str], bool]:
    """Return what tells whether a time lies between two dates."""
    begin = clock.parse(first) if first else None
    end = clock.parse(last) if last else None
    if end is not None and last is not None and len(last) == len("2026-01-01"):
        end += _DAY - timedelta(microseconds=1)
    if begin is not None and end is not None and begin > end:
        raise Invalid(FieldError("date_from", "The start must not be after the end", first))

    def within(at: str) -> bool:
        moment = clock.parse(at)
        return (begin is None or moment >= begin) and (end is None or moment <= end)

    return within


def _ticket(item: Item) -> FoundTicket:
    return FoundTicket(
        id=item.id,
        title=item.title,
        status=ticket_status(item.status, item.status_before_block),
        priority=upper(item.priority),
        project_id=str(item.proj_id),
        phase_id=item.phase_id,
        is_blocked=item.is_blocked,
    )


def _task(task: Task) -> FoundTask:
    fields: dict[str, Any] = {name: getattr(task, name) for name in ("id", "title", "status", "phase_id")}
    return FoundTask(**fields, priority=upper(task.priority), ticket_id=task.item_id, project_id=str(task.proj_id))


def _commit(commit: Commit) -> FoundCommit:
    return FoundCommit(
        commit_sha=commit.sha,
        commit_message=commit.message,
        author=commit.author,
        date=commit.date,
        ticket_id=commit.card_id,
        agent_id=commit.agent_id,
    )


def publish(routes: Routes) -> None:
    """Declare the searches."""
    routes.get("/search", "search.global", permission=Permission.CARD_READ)(search)
    routes.get("/search/tickets", "search.tickets", permission=Permission.CARD_READ)(search_tickets)
    routes.get("/search/commits", "search.commits", permission=Permission.CARD_READ)(search_commits)
