"""What is worked on: projects, and the cards of their boards."""

import re
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cadre_cli.commands import Context, check_id, command, given
from cadre_cli.output import Columns, plain
from cadre_cli.problems import Missing, Usage

if TYPE_CHECKING:
    from ai_agents.agentworks.models import Card, CardDetails, Lane
    from ai_agents.models import Project
    from cadre_cli.session import Session

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PAGE = 100  # entries that the platform gives in one answer at most
_PROJECTS: Columns = {"ID": "id", "Slug": "slug", "Name": "name", "Status": "status", "Repository": "repository_url"}
_PROJECT: Columns = {
    "ID": "id", "Name": "name", "Slug": "slug", "Status": "status", "Description": "description", "Repository": "repository_url",
    "Organization": "organization_id", "Workspace": "workspace_id", "Created": "created_at",
}  # fmt: skip
_CARDS: Columns = {"ID": "id", "Lane": "lane", "Type": "type", "Status": "status", "Title": "title", "Assignee": "assignee.name"}
_CARD: Columns = {
    "ID": "id", "Title": "title", "Type": "type", "Status": "status", "Priority": "priority", "Lane": "lane",
    "Assignee": "assignee.name", "Labels": "labels", "Created": "createdAt", "Description": "description",
}  # fmt: skip

ProjectName = Annotated[str, typer.Argument(metavar="PROJECT", help="Its id or its slug.")]
CardId = Annotated[str, typer.Argument(metavar="CARD", callback=check_id, help="The card's id.")]
LaneName = Annotated[str | None, typer.Option("--lane", help="A lane's number, or its name or the beginning of it.")]


class CardType(StrEnum):
    EPIC = "epic"
    FEATURE = "feature"
    TASK = "task"
    BUG = "bug"
    BLUEPRINT = "blueprint"
    DOC = "doc"


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


def declare(projects: typer.Typer, cards: typer.Typer) -> None:
    command(projects, "list")(list_projects)
    command(projects, "create")(create_project)
    command(projects, "show")(show_project)
    command(cards, "list")(list_cards)
    command(cards, "create")(create_card)
    command(cards, "show")(show_card)
    command(cards, "move")(move_card)


def list_projects(
    context: Context, search: Annotated[str | None, typer.Option(help="Only those whose name has this.")] = None
) -> None:
    """List the projects of your organization."""
    session = context.session
    found = session.api.projects.list(session.organization, page_size=_PAGE, search=search)
    context.output.rows(list(found.all()), _PROJECTS)


def create_project(
    context: Context,
    name: Annotated[str, typer.Argument(help="What it is called.")],
    repository: Annotated[str | None, typer.Option(help="The git repository that is built (https).")] = None,
    slug: Annotated[str | None, typer.Option(help="Its name in addresses; made from the name if you give none.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
) -> None:
    """Create a project with its board."""
    slug = slug or _slug(name)
    session = context.session
    if repository:
        about = given(description=description, repository_url=repository)
        made = session.api.projects.create(session.organization, name=name, slug=slug, **about)
    else:  # only agentworks has projects without a repository
        workspace = session.board.workspaces.list().workspaces[0]
        project = session.board.projects.create(workspace.id, name=name, slug=slug, **given(description=description))
        made = session.api.projects.get(project.id)
    context.output.one(made, _PROJECT)


def show_project(context: Context, project: ProjectName) -> None:
    """Show a project."""
    context.output.one(find_project(context.session, project), _PROJECT)


def list_cards(
    context: Context,
    project: ProjectName,
    lane: LaneName = None,
    search: Annotated[str | None, typer.Option(help="Only those with these words.")] = None,
    status: Annotated[str | None, typer.Option(help="Only those with this status: ready, in_progress, done, ...")] = None,
) -> None:
    """List the cards of a project's board."""
    board_id, lanes = _board(context.session, find_project(context.session, project).id)
    lane_id = _find_lane(lanes, lane).id if lane else None
    names = {one.id: one.name for one in lanes}
    rows: list[dict[str, Any]] = []
    while True:
        page = context.session.board.cards.list(
            board_id, laneId=lane_id, search=search, status=status, limit=_PAGE, offset=len(rows)
        )
        rows += [_card(one, names) for one in page.cards]
        if not page.pagination.hasMore or not page.cards:
            break
    context.output.rows(rows, _CARDS)


def create_card(
    context: Context,
    project: ProjectName,
    title: Annotated[str, typer.Argument(help="What is to be done.")],
    card_type: Annotated[CardType, typer.Option("--type", help="What kind of card. A feature is what is built.")] = CardType.TASK,
    lane: LaneName = None,
    priority: Annotated[Priority, typer.Option(help="How urgent it is.")] = Priority.MEDIUM,
    description: Annotated[str | None, typer.Option(help="More about it; `-` reads it from standard input.")] = None,
) -> None:
    """Create a card. Without --lane it comes into the first lane that takes its type."""
    board_id, lanes = _board(context.session, find_project(context.session, project).id)
    place = _find_lane(lanes, lane) if lane else _lane_for(lanes, card_type)
    text = sys.stdin.read() if description == "-" else description
    made = context.session.board.cards.create(
        board_id, laneId=place.id, title=title, type=card_type.value, priority=priority.value, **given(description=text)
    )
    context.output.one(_card(made, {one.id: one.name for one in lanes}), _CARD)


def show_card(context: Context, card: CardId) -> None:
    """Show a card."""
    found = context.session.board.cards.get(card)
    lanes = context.session.board.boards.lanes(found.boardId)
    context.output.one(_card(found, {one.id: one.name for one in lanes}), _CARD)


def move_card(
    context: Context,
    card: CardId,
    lane: Annotated[str, typer.Argument(help="A lane's number, or its name or the beginning of it.")],
    reason: Annotated[str | None, typer.Option(help="Why; it is kept with the move.")] = None,
) -> None:
    """Move a card to another lane of its board."""
    found = context.session.board.cards.get(card)
    lanes = context.session.board.boards.lanes(found.boardId)
    moved = context.session.board.cards.move(card, toLaneId=_find_lane(lanes, lane).id, **given(reason=reason))
    context.output.one(_card(moved, {one.id: one.name for one in lanes}), _CARD)


def find_project(session: "Session", name: str) -> "Project":
    """Return a project by its id or its slug. Raises Missing."""
    if _ID.fullmatch(name):
        return session.api.projects.get(name)
    for one in session.api.projects.list(session.organization, page_size=_PAGE).all():
        if one.slug == name:
            return one
    raise Missing(f"There is no project {name}. `cadre projects list` shows yours.")


def _board(session: "Session", project_id: str) -> "tuple[str, list[Lane]]":
    board = session.board.boards.list(project_id).boards[0]
    return board.id, session.board.boards.lanes(board.id)


def _find_lane(lanes: "Iterable[Lane]", name: str) -> "Lane":
    """Return the lane with this number or name, or the only one whose name begins so. Raises Usage."""
    lanes = list(lanes)
    wanted = name.casefold()
    for one in lanes:
        if wanted in (str(one.laneNumber), one.name.casefold(), one.id):
            return one
    found = [one for one in lanes if one.name.casefold().startswith(wanted)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{one.laneNumber} {one.name}" for one in lanes)
    raise Usage(f"{name} names {'no lane' if not found else 'several lanes'}. The lanes are: {listed}")


def _lane_for(lanes: "Iterable[Lane]", card_type: CardType) -> "Lane":
    for one in lanes:
        if card_type.value in one.settings.allowedCardTypes:
            return one
    raise Usage(f"No lane takes cards of type {card_type.value}")


def _card(card: "Card | CardDetails", lane_names: dict[str, str]) -> dict[str, Any]:
    """Return a card as the API gives it, with the name of its lane."""
    return dict(plain(card)) | {"lane": lane_names.get(card.laneId)}


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")
    if not slug:
        raise Usage("Give the project a --slug: letters a to z, digits and hyphens")
    return slug
