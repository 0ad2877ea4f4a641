"""agentworks, section 5: the models of cards, comments and dependencies."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.core.money import usd
from shared.edge.contracts.agentworks import UserSummary, user_summary
from shared.edge.contracts.base import Shape
from shared.edge.views.agentworks.activities import CardActivity
from shared.edge.views.agentworks.entities import AgentSummary
from shared.runs.agent_runs.reading import public_status
from shared.store import IndexRow
from shared.work.comments.rows import Comment
from shared.work.comments.threads import ThreadNode
from shared.work.items.dependencies import ResolvedDependency
from shared.work.items.rows import Item

Number = int | float


class TagInfo(Shape):
    key: str
    value: str
    color: str | None = None


class ExternalLink(Shape):
    id: str
    title: str
    url: str
    type: str


class Attachment(Shape):
    """`url` is a path below the API's address; it returns a temporary address of the file."""

    id: str
    filename: str
    contentType: str
    size: int
    url: str
    uploadedBy: UserSummary
    uploadedAt: str


class CardSummary(Shape):
    """Not defined by the document. `assignee` is left out in lists of children."""

    id: str
    boardId: str
    laneId: str
    title: str
    type: str
    status: str
    priority: str
    position: Number
    assignee: UserSummary | None = None


class CardDependency(Shape):
    id: str
    dependentCardId: str
    dependencyCardId: str
    type: str
    dependentCard: CardSummary
    dependencyCard: CardSummary
    createdBy: UserSummary
    createdAt: str


class AgentRunSummary(Shape):
    """`duration` is in seconds, `cost` in USD as the customer pays it."""

    id: str
    cardId: str
    agentId: str
    agent: AgentSummary
    status: str
    provider: str
    model: str
    progress: int
    duration: float | None = None
    cost: float | None = None
    tokensUsed: int | None = None
    createdAt: str
    startedAt: str | None = None
    completedAt: str | None = None
    triggeredBy: UserSummary | None = None


class Card(Shape):
    id: str
    boardId: str
    laneId: str
    parentId: str | None = None
    title: str
    description: str | None = None
    type: str
    status: str
    priority: str
    assignee: UserSummary | None = None
    reporter: UserSummary | None = None
    position: Number
    labels: list[str]
    tags: list[TagInfo]
    estimatedHours: Number | None = None
    loggedHours: Number
    dueDate: str | None = None
    externalLinks: list[ExternalLink]
    attachments: list[Attachment]
    customFields: dict[str, Any]
    children: list[CardSummary] | None = None
    dependencies: list[CardDependency] | None = None
    agentRuns: list[AgentRunSummary]
    createdAt: str
    updatedAt: str
    completedAt: str | None = None
    createdBy: UserSummary


class CardComment(Shape):
    id: str
    content: str
    contentType: str
    author: UserSummary
    parentCommentId: str | None = None
    replies: list["CardComment"] | None = None
    createdAt: str
    updatedAt: str
    deletedAt: str | None = None


class CardDetails(Card):
    comments: list[CardComment]
    activities: list[CardActivity]


def card(
    item: Item, *, children: Sequence[CardSummary] | None = None, dependencies: Sequence[CardDependency] | None = None
) -> Card:
    return Card.model_validate(card_fields(item, children, dependencies))


def card_fields(
    item: Item, children: Sequence[CardSummary] | None = None, dependencies: Sequence[CardDependency] | None = None
) -> dict[str, Any]:
    """Return the fields of Card; models that extend it add their own. Plain values, validated in one call: a page of a hundred
    cards takes a quarter of the time of building each person and tag separately."""
    row = vars(item)
    return {
        "id": row["id"],
        "boardId": row["board_id"],
        "laneId": row["lane_id"],
        "parentId": row.get("parent_id"),
        "title": row["title"],
        "description": row.get("description"),
        "type": row["type"],
        "status": row["status"],
        "priority": row["priority"],
        "assignee": _person(row.get("assignee")),
        "reporter": _person(row.get("reporter")),
        "position": row["position"],
        "labels": row["labels"],
        "tags": row["tags"],
        "estimatedHours": row.get("estimated_hours"),
        "loggedHours": row["logged_hours"],
        "dueDate": row.get("due_date"),
        "externalLinks": row["external_links"],
        "attachments": [attachment(one) for one in row["attachments"]],
        "customFields": row["custom_fields"],
        "children": children,
        "dependencies": dependencies,
        "agentRuns": [run_summary(run) for run in row["recent_runs"]],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "completedAt": row.get("completed_at"),
        "createdBy": _person(row["created_by"]),
    }


def _person(person: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if person is None:
        return None
    return {"id": person["id"], "name": person["name"], "email": person.get("email", ""), "avatarUrl": person.get("avatar_url")}


def card_summary(item: Item) -> CardSummary:
    return CardSummary(
        id=item.id,
        boardId=item.board_id,
        laneId=item.lane_id,
        title=item.title,
        type=item.type,
        status=item.status,
        priority=item.priority,
        position=item.position,
        assignee=user_summary(item.assignee) if item.assignee else None,
    )


def indexed_card(row: IndexRow, board_id: str) -> CardSummary:
    """Convert a card from its row in the board's index."""
    fields = row.f
    return CardSummary(
        id=row.id,
        boardId=board_id,
        laneId=fields["lane_id"],
        title=fields["title"],
        type=fields["type"],
        status=fields["status"],
        priority=fields["priority"],
        position=fields["position"],
    )


def attachment(row: Mapping[str, Any]) -> Attachment:
    return Attachment(
        id=row["id"],
        filename=row["filename"],
        contentType=row["content_type"],
        size=int(row["size"]),
        url=f"/attachments/{row['id']}/download",
        uploadedBy=user_summary(row["uploaded_by"]),
        uploadedAt=row["uploaded_at"],
    )


def dependency(link: ResolvedDependency) -> CardDependency:
    row = link.dependency
    return CardDependency(
        id=row.id,
        dependentCardId=row.item_id,
        dependencyCardId=row.dependency_id,
        type=row.type,
        dependentCard=card_summary(link.dependent),
        dependencyCard=card_summary(link.blocker),
        createdBy=user_summary(row.created_by),
        createdAt=row.created_at,
    )


def run_summary(run: Mapping[str, Any]) -> AgentRunSummary:
    """Convert the stored summary of a run on its card (`Run.summary`)."""
    agent = run["agent"]
    duration = run.get("duration_ms")
    return AgentRunSummary(
        id=run["id"],
        cardId=run["card_id"],
        agentId=run["agent_id"],
        agent=AgentSummary(
            id=agent["id"], name=agent["name"], displayName=agent.get("display_name") or agent["name"], status=agent["status"]
        ),
        status=public_status(run["status"], started=bool(run.get("started_at"))),
        provider=run["provider"],
        model=run["model"],
        progress=int(run["progress"]),
        duration=None if duration is None else duration / 1000,
        cost=usd(int(run["customer_price_micros"])),
        tokensUsed=int(run["tokens"]),
        createdAt=run["created_at"],
        startedAt=run.get("started_at"),
        completedAt=run.get("completed_at"),
        triggeredBy=user_summary(run["triggered_by"]) if run.get("triggered_by") else None,
    )


def comment(row: Comment, replies: Sequence[CardComment] = ()) -> CardComment:
    return CardComment(
        id=row.id,
        content=row.content,
        contentType=row.content_type,
        author=user_summary(row.author),
        parentCommentId=row.parent_id,
        replies=list(replies) or None,
        createdAt=row.created_at,
        updatedAt=row.edited_at or row.created_at,
        deletedAt=row.removed_at,
    )


def thread(node: ThreadNode[Comment]) -> CardComment:
    return comment(node.comment, [thread(reply) for reply in node.replies])
