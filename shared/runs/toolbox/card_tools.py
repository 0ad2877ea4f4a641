"""Tools for the run's own card."""

from typing import Any

from shared.agents import tools
from shared.core.actor import Permission
from shared.runs.toolbox.call_context import BoardLanes, CallContext, ToolOutput, get_board_lanes, headline
from shared.store import fetch, fetch_indexed, load, query
from shared.work.comments.rows import Comment
from shared.work.comments.writing import NewComment, create_comment
from shared.work.items.rows import Item
from shared.work.items.updating import block_item, update_item
from shared.work.projects.rows import Project

_MAX_COMMENTS = 20


def card_facts(card: Item, board: BoardLanes, project: Project | None) -> dict[str, Any]:
    """Return the card with the keys of `shared.agents.providers.context.render_context`."""
    lane = next((lane for lane in board.lanes if lane.id == card.lane_id), None)
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
        **_planned(card),
        **_latest_comments(card),
    }


def _planned(card: Item) -> dict[str, Any]:
    """Return what only requirements and features have, without what is empty."""
    stories = [_story(one) for one in card.user_stories or []]
    facts = {"user_stories": stories, "implementation_notes": card.implementation_notes}
    return {name: value for name, value in facts.items() if value}


def _story(story: dict[str, Any]) -> str:
    criteria = "; ".join(story["acceptance_criteria"])
    return ": ".join(part for part in (story["title"], story["description"], criteria) if part)


def _latest_comments(card: Item) -> dict[str, Any]:
    """Return the latest comments, oldest first, and a line that says that there are more."""
    page = query(Comment, f"ITEM#{card.id}", index=1, prefix="COM#", newest_first=True, limit=_MAX_COMMENTS)
    comments = fetch_indexed(Comment, page.rows)
    shown = [
        {"author": one.author["name"], "content": one.content, "created_at": one.created_at}
        for one in sorted(comments, key=lambda one: one.created_at)
        if not one.removed_at
    ]
    more = {"more_comments": f"Only the latest {_MAX_COMMENTS} comments can be read"} if page.next_key else {}
    return {"comments": shown, **more}


def read_card(context: CallContext, arguments: tools.ReadCard) -> ToolOutput:
    card_id = context.refs.get(arguments.card_id, arguments.card_id) if arguments.card_id else context.card_id
    card = load(Item, card_id, context.actor, Permission.CARD_READ)
    return card_facts(card, get_board_lanes(context, card), fetch(Project, str(card.proj_id))), None


def comment(context: CallContext, arguments: tools.Comment) -> ToolOutput:
    written = create_comment(context.actor, context.card_id, NewComment(arguments.content), comment_id=context.new_id)
    return {"id": written.id}, {"kind": "comment", "id": written.id, "title": headline(arguments.content)}


def block_card(context: CallContext, arguments: tools.BlockCard) -> ToolOutput:
    card = block_item(context.actor, context.card_id, arguments.reason)
    return {"id": card.id, "status": card.status}, {"kind": "block", "id": card.id, "title": headline(arguments.reason)}


def update_card(context: CallContext, arguments: tools.UpdateCard) -> ToolOutput:
    card = update_item(context.actor, context.card_id, arguments.fields.model_dump(exclude_none=True))
    return {"id": card.id, "title": card.title, "status": card.status}, {"kind": "update", "id": card.id, "title": card.title}
