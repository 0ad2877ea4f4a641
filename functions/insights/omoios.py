"""omoios, sections 6 and 15: statistics and times. Searches (section 7) are in `searching`."""

from collections.abc import Iterable, Mapping
from typing import Any

from functions.insights import searching
from shared.agents.catalogue.registry import get_agent
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.edge.contracts.base import Shape
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.durations import duration
from shared.edge.views.omoios.tickets import ticket_status, upper
from shared.insight.statistics.files import FileActivity, most_active
from shared.insight.statistics.reading import AGENTS, Range, Tallies, Tally, begin_project_tallies, begin_visible_tallies
from shared.insight.statistics.tasks import card_task_times
from shared.insight.statistics.tickets import TicketCounts, count_tickets, read_counts, visible_project_ids
from shared.runs.agent_runs.rows import Run, runs_of
from shared.runs.live_agents import reading as live_agents
from shared.runs.live_agents.reading import Seen, Wanted
from shared.store import CountedRows, RowKey, fetch_all, get_all, load, read_ahead
from shared.work.boards import columns
from shared.work.boards.creating import board_id_of
from shared.work.boards.rows import Counts
from shared.work.items.dependencies import begin_blocks, count_blockers
from shared.work.items.rows import Item
from shared.work.items.stays import all_stays
from shared.work.projects.reading import get_project, get_project_board

routes = Routes(OMOIOS, "insights")
searching.publish(routes)

MAX_FILES, MAX_RUNS = 10, 100


class TicketFigures(Shape):
    """A blocked ticket is in `blocked_count` and in no status. `completion_rate` is the share of all tickets that are done."""

    total: int
    by_status: dict[str, int]
    by_priority: dict[str, int]
    blocked_count: int
    completion_rate: float


class AgentFigures(Shape):
    """`active`: live agents that can be given work, and agents of the catalogue that completed something in the last 24 hours."""

    active: int
    tasks_completed: int
    average_completion_time: str


class CommitFigures(Shape):
    total: int
    total_lines_changed: int
    files_changed: int


class HealthFigures(Shape):
    """`wip_violations` are columns with more tickets than their limit, `dependency_blockers` tickets that are not done and block others.
    `agent_health_status` is that of the project's live agents: healthy, degraded or unhealthy (if any is), unknown if there are none."""

    wip_violations: int
    dependency_blockers: int
    agent_health_status: str


class ProjectOverview(Shape):
    tickets: TicketFigures
    agents: AgentFigures
    commits: CommitFigures
    health: HealthFigures


class TicketStatistics(Shape):
    """`average_time_in_phase` is of the stays that have ended."""

    total: int
    by_status: dict[str, int]
    by_priority: dict[str, int]
    average_time_in_phase: dict[str, str]
    blocked_count: int


class AgentStatistics(Shape):
    """Averages over the agents that have done anything, since the beginning. A run of an agent on a ticket is a task."""

    active_agents: int
    tasks_completed_per_agent: float
    commits_per_agent: float
    lines_changed_per_agent: float
    average_task_completion_time: str


class ActiveFile(Shape):
    path: str
    commits: int
    changes: int


class CommitStatistics(Shape):
    """`files_changed` counts a file once for each commit. `commits_per_ticket`: the links of commits to tickets, divided by the tickets.
    `most_active_files` are the ten with the most commits, exact up to a hundred files of a project; beyond, no count is too low."""

    total_commits: int
    total_lines_changed: int
    files_changed: int
    commits_per_ticket: float
    most_active_files: list[ActiveFile]


class AgentTime(Shape):
    agent_id: str
    time_spent: str
    tasks_completed: int


class TicketTime(Shape):
    """`time_by_phase` has the ticket's stays in its phases, the present one until now; `total_time` is their sum. `agent_time` has the
    tasks and the newest hundred runs of the ticket."""

    ticket_id: str
    total_time: str
    time_by_phase: dict[str, str]
    agent_time: list[AgentTime]


class WorkTime(Shape):
    """What the agent has completed since the beginning, in all the caller's workspaces."""

    agent_id: str
    total_time: str
    time_by_phase: dict[str, str]
    tasks_completed: int
    average_task_time: str


_PRIORITIES = ("critical", "high", "medium", "low")
_STATUSES = ("draft", "in_progress", "done")


def _statuses(counts: TicketCounts) -> dict[str, int]:
    """Return the numbers under this contract's names, also those that are 0."""
    shown = {ticket_status(status): 0 for status in _STATUSES}
    for status, number in counts.by_status.items():
        shown[ticket_status(status)] += number
    return shown


def _priorities(counts: TicketCounts) -> dict[str, int]:
    return {upper(priority): counts.by_priority[priority] for priority in _PRIORITIES}


def _active(tallies: Tallies, agents: Iterable[Seen]) -> int:
    """Count the agents that work: live ones by their health, those of the catalogue by what they completed last."""
    live = {seen.agent.id: seen.health.is_present for seen in agents}
    counted = {agent_id for agent_id, tally in tallies.by_value.items() if tally.is_active and agent_id not in live}
    return sum(live.values()) + sum(_is_catalogued(agent_id) for agent_id in counted)


def _is_catalogued(agent_id: str) -> bool:
    try:
        get_agent(agent_id)
    except NotFound:
        return False
    return True


def _health(agents: Iterable[Seen]) -> str:
    """Return the worst health of agents."""
    found = {seen.health.health_status for seen in agents}
    if not found:
        return "unknown"
    if found & {"unresponsive", "unhealthy", "failed"}:
        return "unhealthy"
    return "degraded" if found & {"warning", "degraded"} else "healthy" if "healthy" in found else "unknown"


@routes.get("/statistics/projects/{project_id}/overview", "statistics.projectOverview", permission=Permission.PROJECT_READ)
async def project_overview(project_id: str, caller: Caller) -> ProjectOverview:
    """Get the figures of a project: tickets, agents, commits, and what is wrong."""
    tallied = begin_project_tallies(project_id, AGENTS)
    blocks = begin_blocks(board_id_of(bare_id(project_id)))
    project, board = get_project_board(caller, project_id, Permission.PROJECT_READ)
    blockers = read_ahead(lambda: count_blockers(blocks()))
    agents = live_agents.find_agents(caller, Wanted(project_id=project.id))
    counts, tallies = count_tickets([board.counts]), tallied()
    return ProjectOverview(
        tickets=TicketFigures(
            total=counts.total,
            by_status=_statuses(counts),
            by_priority=_priorities(counts),
            blocked_count=counts.blocked,
            completion_rate=counts.completion_rate,
        ),
        agents=AgentFigures(
            active=_active(tallies, agents),
            tasks_completed=tallies.total.tasks_completed,
            average_completion_time=duration(tallies.total.average_task_seconds),
        ),
        commits=CommitFigures(
            total=tallies.total.commits,
            total_lines_changed=tallies.total.lines_changed,
            files_changed=tallies.total.files_changed,
        ),
        health=HealthFigures(
            wip_violations=sum(column.exceeded for column in columns.list_columns(board)),
            dependency_blockers=blockers.result(),
            agent_health_status=_health(agents),
        ),
    )


@routes.get("/statistics/tickets", "statistics.tickets", permission=Permission.PROJECT_READ)
async def ticket_statistics(caller: Caller, project_id: Id | None = None) -> TicketStatistics:
    """Count the tickets of a project, or of all the caller's projects."""
    ids = _project_ids(caller, project_id)
    boards = read_counts(ids)
    counts = count_tickets(boards)
    seconds: dict[str, int] = {}
    stays: dict[str, int] = {}
    for board in boards:
        for phase, (spent, number) in board.stays.items():
            seconds[phase], stays[phase] = seconds.get(phase, 0) + spent, stays.get(phase, 0) + number
    return TicketStatistics(
        total=counts.total,
        by_status=_statuses(counts),
        by_priority=_priorities(counts),
        average_time_in_phase={phase: duration(seconds[phase] / stays[phase]) for phase in sorted(stays)},
        blocked_count=counts.blocked,
    )


def _commit_keys(project_id: str, agent_id: str | None) -> Iterable[RowKey]:
    return (Counts, *Counts.key(board_id_of(project_id))), (FileActivity, *FileActivity.key(project_id, agent_id))


def _project_ids(caller: Actor, project_id: str | None) -> list[str]:
    """Return the id of a project, or those of all that the caller may see. Raises NotFound."""
    if project_id is None:
        return visible_project_ids(caller)
    return [get_project(caller, project_id, Permission.PROJECT_READ).project.id]


@routes.get("/statistics/agents", "statistics.agents", permission=Permission.PROJECT_READ)
async def agent_statistics(caller: Caller, project_id: Id | None = None) -> AgentStatistics:
    """Get averages of the agents of a project, or of all the caller's workspaces."""
    tallies = _tallies(caller, project_id, AGENTS)
    agents = live_agents.find_agents(caller, Wanted(project_id=bare_id(project_id) if project_id else None))
    together, number = Tally(), max(1, len(tallies.by_value))
    for one in tallies.by_value.values():
        together.merge(one)
    return AgentStatistics(
        active_agents=_active(tallies, agents),
        tasks_completed_per_agent=round(together.tasks_completed / number, 2),
        commits_per_agent=round(together.commits / number, 2),
        lines_changed_per_agent=round(together.lines_changed / number, 2),
        average_task_completion_time=duration(together.average_task_seconds),
    )


def _tallies(caller: Actor, project_id: str | None, wanted: Range) -> Tallies:
    """Return the counters of a project, or of all the caller's workspaces. Raises NotFound."""
    if project_id is None:
        return begin_visible_tallies(caller, wanted, Permission.PROJECT_READ)()
    begun = begin_project_tallies(project_id, wanted)
    get_project(caller, project_id, Permission.PROJECT_READ)
    return begun()


@routes.get("/statistics/commits", "statistics.commits", permission=Permission.PROJECT_READ)
async def commit_statistics(caller: Caller, project_id: Id | None = None, agent_id: Id | None = None) -> CommitStatistics:
    """Count the commits of a project, or of all the caller's projects; also only those of an agent."""
    if project_id is None:
        begun = begin_visible_tallies(caller, AGENTS, Permission.PROJECT_READ)
    else:
        begun = begin_project_tallies(project_id, AGENTS)
    ids = _project_ids(caller, project_id)
    agent = _agent_id(caller, agent_id) if agent_id else None
    rows: list[Any] = get_all([key for one in ids for key in _commit_keys(one, agent)], consistent=False)
    tallies = begun()
    counted = tallies.by_value.get(agent, Tally()) if agent else tallies.total
    tickets = sum(row.cards for row in rows if isinstance(row, Counts))
    files = most_active((row for row in rows if isinstance(row, FileActivity)), MAX_FILES)
    return CommitStatistics(
        total_commits=counted.commits,
        total_lines_changed=counted.lines_changed,
        files_changed=counted.files_changed,
        commits_per_ticket=round(counted.linked_commits / tickets, 2) if tickets else 0,
        most_active_files=[ActiveFile(path=path, commits=commits, changes=changes) for path, commits, changes in files],
    )


def _agent_id(caller: Actor, agent_id: str) -> str:
    """Return the id of an agent of the catalogue, or of a live one that the caller may see. Raises NotFound."""
    try:
        return get_agent(agent_id).id
    except NotFound:
        if not is_id(bare_id(agent_id)):
            raise
        return live_agents.get_agent(caller, agent_id).agent.id


@routes.get("/tickets/{ticket_id}/time", "time.ticket", permission=Permission.CARD_READ)
async def ticket_time(ticket_id: str, caller: Caller) -> TicketTime:
    """Get how long a ticket was in its phases, and how long agents have worked on it."""
    tasks = read_ahead(lambda: card_task_times(bare_id(ticket_id)))
    runs = CountedRows(runs_of(bare_id(ticket_id)), MAX_RUNS, newest_first=True)
    item = load(Item, ticket_id, caller, Permission.CARD_READ)
    newest = runs.page(0, MAX_RUNS, lambda _: True).rows()
    begun = read_ahead(lambda: fetch_all(Run, [row.id for row in newest], to_show=True))
    phases = {phase: seconds for phase, (seconds, _) in all_stays(item).items()}
    work: dict[str, list[float]] = {agent_id: [seconds, done] for agent_id, (seconds, done) in tasks.result().items()}
    for run in begun.result():
        spent = work.setdefault(run.agent_id, [0, 0])
        spent[0] += (run.duration_ms or 0) / 1000
        spent[1] += run.status == "completed"
    return TicketTime(
        ticket_id=item.id,
        total_time=duration(sum(phases.values())),
        time_by_phase=_durations(phases),
        agent_time=[
            AgentTime(agent_id=agent_id, time_spent=duration(seconds), tasks_completed=int(done))
            for agent_id, (seconds, done) in sorted(work.items(), key=lambda one: (-one[1][0], one[0]))
        ],
    )


def _durations(seconds: Mapping[str, float]) -> dict[str, str]:
    return {phase: duration(spent) for phase, spent in seconds.items() if phase}


@routes.get("/agents/{agent_id}/time", "time.agent", permission=Permission.PROJECT_READ)
async def agent_time(agent_id: str, caller: Caller) -> WorkTime:
    """Get how long an agent has worked on what it completed."""
    agent = _agent_id(caller, agent_id)
    tallies = begin_visible_tallies(caller, Range.agent(agent), Permission.PROJECT_READ)()
    whole = tallies.by_value.get(agent, Tally())
    return WorkTime(
        agent_id=agent,
        total_time=duration(whole.task_seconds),
        time_by_phase=_durations({phase: tally.task_seconds for phase, tally in sorted(tallies.by_phase.items())}),
        tasks_completed=whole.tasks_completed,
        average_task_time=duration(whole.average_task_seconds),
    )
