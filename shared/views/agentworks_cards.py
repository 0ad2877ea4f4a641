"""agentworks, section 5: the shapes of cards, comments, activities and dependencies, from the platform's rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.activities.rows import Activity
from shared.comments.rows import Comment
from shared.comments.threads import Node
from shared.contracts.agentworks import UserSummary, user_summary
from shared.contracts.base import Shape
from shared.core.money import usd
from shared.events import EventType
from shared.items.dependencies import Link
from shared.items.rows import Item
from shared.runs.reading import shown_status
from shared.store import IndexRow
from shared.views.agentworks import AgentSummary

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
    """`url` is a path below the API's address: it answers where to get the file for the next while."""

    id: str
    filename: str
    contentType: str
    size: int
    url: str
    uploadedBy: UserSummary
    uploadedAt: str


class CardSummary(Shape):
    """Not defined by the document. `assignee` is left out where a list shows children."""

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


class CardActivity(Shape):
    """`fieldChanged` names the one field that a change was about; where there were several, `metadata.changes` has them all."""

    id: str
    type: str
    actor: UserSummary | AgentSummary
    description: str
    fieldChanged: str | None = None
    oldValue: Any = None
    newValue: Any = None
    metadata: dict[str, Any]
    createdAt: str


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
    """The fields of Card, whose extensions add their own. Plain values, validated in one call: a page of a hundred cards takes a
    quarter of the time it takes to build each person and tag by itself."""
    row = item.attribute_values
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
        "attachments": [attachment(kept) for kept in row["attachments"]],
        "customFields": row["custom_fields"],
        "children": children,
        "dependencies": dependencies,
        "agentRuns": [run_summary(kept) for kept in row["recent_runs"]],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "completedAt": row.get("completed_at"),
        "createdBy": _person(row["created_by"]),
    }


def _person(kept: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if kept is None:
        return None
    return {"id": kept["id"], "name": kept["name"], "email": kept.get("email", ""), "avatarUrl": kept.get("avatar_url")}


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
    """A card as its board's index shows it."""
    f = row.f
    return CardSummary(
        id=row.id,
        boardId=board_id,
        laneId=f["lane_id"],
        title=f["title"],
        type=f["type"],
        status=f["status"],
        priority=f["priority"],
        position=f["position"],
    )


def attachment(kept: Mapping[str, Any]) -> Attachment:
    return Attachment(
        id=kept["id"],
        filename=kept["filename"],
        contentType=kept["content_type"],
        size=int(kept["size"]),
        url=f"/attachments/{kept['id']}/download",
        uploadedBy=user_summary(kept["uploaded_by"]),
        uploadedAt=kept["uploaded_at"],
    )


def dependency(link: Link) -> CardDependency:
    row = link.dependency
    return CardDependency(
        id=row.id,
        dependentCardId=row.item_id,
        dependencyCardId=row.dependency_id,
        type=row.type,
        dependentCard=card_summary(link.dependent),
        dependencyCard=card_summary(link.on),
        createdBy=user_summary(row.created_by),
        createdAt=row.created_at,
    )


def run_summary(kept: Mapping[str, Any]) -> AgentRunSummary:
    """From what a card keeps of its run (`Run.summary`)."""
    agent = kept["agent"]
    duration = kept.get("duration_ms")
    return AgentRunSummary(
        id=kept["id"],
        cardId=kept["card_id"],
        agentId=kept["agent_id"],
        agent=AgentSummary(
            id=agent["id"], name=agent["name"], displayName=agent.get("display_name") or agent["name"], status=agent["status"]
        ),
        status=shown_status(kept["status"], started=bool(kept.get("started_at"))),
        provider=kept["provider"],
        model=kept["model"],
        progress=int(kept["progress"]),
        duration=None if duration is None else duration / 1000,
        cost=usd(int(kept["customer_price_micros"])),
        tokensUsed=int(kept["tokens"]),
        createdAt=kept["created_at"],
        startedAt=kept.get("started_at"),
        completedAt=kept.get("completed_at"),
        triggeredBy=user_summary(kept["triggered_by"]) if kept.get("triggered_by") else None,
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


def thread(node: Node[Comment]) -> CardComment:
    return comment(node.comment, [thread(reply) for reply in node.replies])


_ACTIVITY_TYPES = {
    EventType.ITEM_CREATED: "created",
    EventType.ITEM_MOVED: "moved",
    EventType.COMMENT_CREATED: "commented",
    EventType.COMMENT_UPDATED: "commented",
    EventType.COMMENT_DELETED: "commented",
}
_SAID = {
    EventType.ITEM_CREATED: "created the card",
    EventType.ITEM_MOVED: "moved the card",
    EventType.ITEM_BLOCKED: "blocked the card",
    EventType.ITEM_UNBLOCKED: "unblocked the card",
    EventType.ITEM_DELETED: "deleted the card",
    EventType.COMMENT_CREATED: "commented",
    EventType.COMMENT_UPDATED: "edited a comment",
    EventType.COMMENT_DELETED: "deleted a comment",
    EventType.DOCUMENT_CREATED: "wrote a document",
    EventType.DOCUMENT_UPDATED: "changed a document",
    EventType.DOCUMENT_APPROVED: "approved a document",
    EventType.DOCUMENT_REJECTED: "rejected a document",
    EventType.DOCUMENT_PUBLISHED: "published a document",
    EventType.DEPENDENCY_ADDED: "added a dependency",
    EventType.DEPENDENCY_REMOVED: "removed a dependency",
}


def activity(row: Activity) -> CardActivity:
    """The type is one of the document's six; the platform's own name of the event is `metadata.event`."""
    kind = EventType(row.type)
    changes: dict[str, list[Any]] = {camel(name): pair for name, pair in row.changes.items()}
    shown = _main_change(changes)
    old, new = changes[shown] if shown else (None, None)
    metadata = {camel(name): value for name, value in row.data.items() if value is not None} | {"event": row.type}
    if len(changes) > 1:
        metadata["changes"] = {name: {"old": pair[0], "new": pair[1]} for name, pair in changes.items()}
    if row.subject_kind != Item.KIND:
        metadata["subjectId"] = row.subject_id
    return CardActivity(
        id=row.id,
        type=_activity_type(kind, changes),
        actor=who(row.actor),
        description=f"{row.actor['name']} {_words(kind, changes, row.data)}",
        fieldChanged=shown,
        oldValue=old,
        newValue=new,
        metadata=metadata,
        createdAt=row.at,
    )


def who(kept: Mapping[str, Any]) -> UserSummary | AgentSummary:
    """A person, or the agent that acted."""
    if kept.get("kind") == "agent":
        return AgentSummary(id=kept["id"], name=kept["name"], displayName=kept["name"], status="active")
    return user_summary(dict(kept))


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _activity_type(kind: EventType, changes: Mapping[str, Any]) -> str:
    if kind.value.startswith("run."):
        return "agent_run"
    if kind is EventType.ITEM_UPDATED and "assignee" in changes:
        return "assigned"
    return _ACTIVITY_TYPES.get(kind, "updated")


def _main_change(changes: Mapping[str, Any]) -> str | None:
    """What a change was about: the lane of a move, the assignee, the status, else the only field there is."""
    for name in ("laneId", "assignee", "status"):
        if name in changes:
            return name
    return next(iter(changes)) if len(changes) == 1 else None


def _of_one_field(changes: Mapping[str, Any]) -> str | None:
    """What the change of a field says that nobody edits as such."""
    if len(changes) != 1:
        return None
    ((name, pair),) = changes.items()
    old: Any
    new: Any
    old, new = pair
    if name == "archivedAt":
        return "archived the card" if new else "restored the card"
    if name == "loggedHours":
        return f"logged {new - old:g} h" if new > old else f"took back {old - new:g} h"
    if name in _ADDED:
        what, title = _ADDED[name]
        return f"added {what} {new[title]}" if new else f"removed {what} {old[title]}"
    return None


_ADDED = {"externalLinks": ("the link", "title"), "attachments": ("the attachment", "filename")}


def _words(kind: EventType, changes: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    if kind in _SAID:
        return _SAID[kind]
    if kind is EventType.RUN_ANSWERED:
        return f"{data['answer']} a run of {data['agent_name']}"
    if kind is EventType.RUN_WAITING:
        return f"lets a run of {data['agent_name']} wait: {data['reason']}"
    if kind is EventType.ITEM_UPDATED and "assignee" in changes:
        person = changes["assignee"][1]
        return f"assigned the card to {person['name']}" if person else "unassigned the card"
    if kind is EventType.ITEM_UPDATED and (said := _of_one_field(changes)):
        return said
    if kind is EventType.ITEM_UPDATED and changes:
        return f"changed {', '.join(changes)}"
    return kind.value.replace(".", " ").replace("_", " ")
