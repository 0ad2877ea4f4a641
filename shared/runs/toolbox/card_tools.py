"""The tools that work on the run's own card."""

from typing import Any

from shared.agents import tools
from shared.core.actor import Permission
from shared.runs.toolbox.call_context import ToolOutput, BoardLanes, CallContext, get_board_lanes
from shared.store import fetch, fetch_indexed, load, query
from shared.work.comments.rows import Comment
from shared.work.comments.writing import NewComment, create_comment
from shared.work.items.rows import Item
from shared.work.items.updating import block_item, update_item
from shared.work.projects.rows import Project

_MAX_COMMENTS = 20


def card_facts(card: Item, near: BoardLanes, project: Project | None) -> dict[str, Any]:
    """The card with the keys of `shared.agents.providers.context.render_context`."""
    lane = next((lane for lane in near.lanes if lane.id == card.lane_id), None)
    return {
        "id": card.id,
        "title": card.title,
        "type": card.type,
        "status": card.status,
        "priority": card.priority,
        "lane_number": int(lane.number) if lane else None,
        "lane_name": lane.name if lane else None,
        "exit_criteria": lane.exit_criteria if lane else None,
        "labels": card.labels,
        "estimated_hours": card.estimated_hours,
        "due_date": card.due_date,
        "parent_id": card.parent_id,
        "blocked_reason": card.blocked_reason,
        "project_name": project.name if project else None,
        "tech_stack": project.tech_stack if project else None,
        "description": card.description,
        "acceptance_criteria": card.acceptance_criteria,
        "comments": latest_comments(card),
    }


def latest_comments(card: Item) -> list[dict[str, Any]]:
    """The latest comments, oldest first."""
    page = query(Comment, f"ITEM#{card.id}", index=1, prefix="COM#", newest_first=True, limit=_MAX_COMMENTS)
    found = fetch_indexed(Comment, page.rows)
    return [
        {"author": one.author["name"], "content": one.content, "created_at": one.created_at}
        for one in sorted(found, key=lambda one: one.created_at)
        if not one.removed_at
    ]


def read_card(work: CallContext, given: tools.ReadCard) -> ToolOutput:
    wanted = work.refs.get(given.card_id, given.card_id) if given.card_id else work.card_id
    card = load(Item, wanted, work.actor, Permission.CARD_READ)
    return card_facts(card, get_board_lanes(work, card), fetch(Project, str(card.proj_id))), None


def comment(work: CallContext, given: tools.Comment) -> ToolOutput:
    written = create_comment(work.actor, work.card_id, NewComment(given.content), comment_id=work.new_id)
    return {"id": written.id}, {"kind": "comment", "id": written.id, "title": given.content[:120]}


def block_card(work: CallContext, given: tools.BlockCard) -> ToolOutput:
    card = block_item(work.actor, work.card_id, given.reason)
    return {"id": card.id, "status": card.status}, {"kind": "block", "id": card.id, "title": given.reason[:120]}


def update_card(work: CallContext, given: tools.UpdateCard) -> ToolOutput:
    card = update_item(work.actor, work.card_id, given.fields.model_dump(exclude_unset=True))
    return {"id": card.id, "title": card.title, "status": card.status}, None
