"""omoios: the graph of tasks."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Query

from shared.core.actor import Permission
from shared.core.texts import MAX_ANSWER, size_in_answer
from shared.edge.contracts.base import Shape
from shared.edge.contracts.fields import Offset
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tasks import TaskSummary, task_status, task_summary
from shared.edge.views.omoios.tickets import ticket_status, upper
from shared.planning.graph.building import (
    DiscoveryNode,
    Edge,
    TaskGraph,
    TaskNode,
    TicketNode,
    discovery_node_id,
    ticket_node_id,
)
from shared.planning.graph.reading import card_graph, project_graph
from shared.work.tasks.dependencies import get_dependencies

MOST = 10_000
"""Nodes of one answer, if they fit into it."""
_ROOM = MAX_ANSWER - 500_000  # bytes for nodes and edges; the rest is for the critical path and what is around them
_LABELS = {"depends_on": "depends on", "ticket_contains": "contains", "ticket_blocks": "blocks", "spawned_from": "spawned from"}
Limit = Annotated[int, Query(ge=1, le=MOST)]


class TaskNodeShape(Shape):
    id: str
    type: str = "task"
    label: str
    description: str
    status: str
    phase_id: str
    priority: str
    task_type: str
    is_blocked: bool
    blocks_count: int
    assigned_agent_id: str | None
    ticket_id: str
    created_at: str
    started_at: str | None
    completed_at: str | None


class TicketNodeShape(Shape):
    id: str
    type: str = "ticket"
    label: str
    status: str
    phase_id: str
    priority: str
    task_count: int
    blocked_by: list[str]


class DiscoveryNodeShape(Shape):
    id: str
    type: str = "discovery"
    label: str
    description: str
    discovery_type: str
    status: str
    spawned_count: int
    priority_boost: bool
    discovered_at: str


class GraphEdge(Shape):
    """`source` comes before `target`: it is what the target depends on, what contains it, or what it was spawned from."""

    source: str
    target: str
    type: str
    label: str
    discovery_id: str | None = None


class GraphMetadata(Shape):
    """The numbers are those of the whole graph. `next_offset` is where the next nodes begin, if not all are in this answer."""

    total_tasks: int
    blocked_count: int
    resolved_count: int
    total_edges: int
    critical_path_length: int
    critical_path: list[str]
    next_offset: int | None


Node = TaskNodeShape | TicketNodeShape | DiscoveryNodeShape


class DependencyGraph(Shape):
    """Each edge is in the answer that has its target."""

    nodes: list[Node]
    edges: list[GraphEdge]
    metadata: GraphMetadata


class BlockedTasks(Shape):
    task_id: str
    blocked_tasks: list[TaskSummary]
    blocked_count: int


class BlockingTask(TaskSummary):
    is_complete: bool


class BlockingTasks(Shape):
    task_id: str
    blocking_tasks: list[BlockingTask]
    all_dependencies_complete: bool


def _task_node(node: TaskNode) -> TaskNodeShape:
    fields = node.row.f
    return TaskNodeShape(
        id=node.row.id,
        label=fields["title"],
        description=fields.get("about") or fields["title"],
        status=task_status(fields["status"]),
        phase_id=fields["phase_id"],
        priority=upper(fields["priority"]),
        task_type=fields["task_type"],
        is_blocked=node.is_blocked,
        blocks_count=node.blocks_count,
        assigned_agent_id=fields.get("agent_id"),
        ticket_id=fields["item_id"],
        created_at=node.created_at,
        started_at=fields.get("started_at"),
        completed_at=fields.get("completed_at"),
    )


def _ticket_node(node: TicketNode) -> TicketNodeShape:
    fields = node.row.f
    return TicketNodeShape(
        id=ticket_node_id(node.row.id),
        label=fields["title"],
        status=ticket_status(fields["status"], fields.get("status_before_block")),
        phase_id=fields["phase_id"],
        priority=upper(fields["priority"]),
        task_count=node.task_count,
        blocked_by=[ticket_node_id(one) for one in node.blocked_by],
    )


def _discovery_node(node: DiscoveryNode) -> DiscoveryNodeShape:
    fields = node.row.f
    return DiscoveryNodeShape(
        id=discovery_node_id(node.row.id),
        label=fields["type"].replace("_", " "),
        description=fields["about"],
        discovery_type=fields["type"],
        status=fields["status"],
        spawned_count=len(fields["spawned"]),
        priority_boost=node.was_boosted,
        discovered_at=node.discovered_at,
    )


def _edge(edge: Edge) -> GraphEdge:
    return GraphEdge(
        source=edge.source, target=edge.target, type=edge.kind, label=_LABELS[edge.kind], discovery_id=edge.discovery_id
    )


def _nodes(graph: TaskGraph, offset: int) -> Iterator[Node]:
    """Yield the nodes from a place on: tickets, tasks, discoveries."""
    tickets, tasks = len(graph.tickets), len(graph.tasks)
    yield from map(_ticket_node, graph.tickets[offset:])
    yield from map(_task_node, graph.tasks[max(0, offset - tickets) :])
    yield from map(_discovery_node, graph.discoveries[max(0, offset - tickets - tasks) :])


def _shown(graph: TaskGraph, limit: int, offset: int) -> DependencyGraph:
    """Show as many nodes as are asked for and fit into an answer, with the edges that end in them."""
    nodes: list[Node] = []
    edges: list[GraphEdge] = []
    room = _ROOM
    for node in _nodes(graph, offset):
        ending = [_edge(edge) for edge in graph.edges.get(node.id, ())]
        room -= sum(size_in_answer(one.model_dump_json()) + 1 for one in (node, *ending))
        if (room < 0 and nodes) or len(nodes) == limit:
            break
        nodes.append(node)
        edges += ending
    end = offset + len(nodes)
    more = end < len(graph.tickets) + len(graph.tasks) + len(graph.discoveries)
    metadata = GraphMetadata(
        total_tasks=graph.total_tasks,
        blocked_count=graph.blocked_count,
        resolved_count=graph.resolved_count,
        total_edges=graph.edge_count,
        critical_path_length=len(graph.critical_path),
        critical_path=graph.critical_path,
        next_offset=end if more else None,
    )
    return DependencyGraph(nodes=nodes, edges=edges, metadata=metadata)


async def of_ticket(
    ticket_id: str,
    caller: Caller,
    include_resolved: bool = True,
    include_discoveries: bool = True,
    limit: Limit = MOST,
    offset: Offset = 0,
) -> DependencyGraph:
    """Get the graph of a ticket's tasks, with those of other tickets on which they depend."""
    graph = card_graph(caller, ticket_id, include_resolved=include_resolved, include_discoveries=include_discoveries)
    return _shown(graph, limit, offset)


async def of_project(
    project_id: str,
    caller: Caller,
    include_resolved: bool = True,
    include_discoveries: bool = True,
    limit: Limit = MOST,
    offset: Offset = 0,
) -> DependencyGraph:
    """Get the graph of a project's tasks and tickets. What does not fit into an answer begins at `metadata.next_offset`."""
    graph = project_graph(caller, project_id, include_resolved=include_resolved, include_discoveries=include_discoveries)
    return _shown(graph, limit, offset)


async def blocked_by(task_id: str, caller: Caller) -> BlockedTasks:
    """List the tasks that wait for a task: the first 500; `blocked_count` is the number of all."""
    found = get_dependencies(caller, task_id)
    return BlockedTasks(
        task_id=found.task.id,
        blocked_tasks=[task_summary(one) for one in found.dependents],
        blocked_count=found.dependent_count,
    )


async def blocking(task_id: str, caller: Caller) -> BlockingTasks:
    """List the tasks for which a task waits."""
    found = get_dependencies(caller, task_id)
    tasks = [BlockingTask(**task_summary(one).model_dump(), is_complete=not one.is_open) for one in found.needed]
    return BlockingTasks(task_id=found.task.id, blocking_tasks=tasks, all_dependencies_complete=found.complete)


def publish(routes: Routes) -> None:
    """Declare the operations on graphs."""
    path, reads = "/graph/dependency-graph", Permission.CARD_READ
    routes.get(f"{path}/ticket/{{ticket_id}}", "graph.ticket", permission=reads)(of_ticket)
    routes.get(f"{path}/project/{{project_id}}", "graph.project", permission=reads)(of_project)
    routes.get(f"{path}/task/{{task_id}}/blocked", "graph.blockedBy", permission=reads)(blocked_by)
    routes.get(f"{path}/task/{{task_id}}/blocking", "graph.blocking", permission=reads)(blocking)
