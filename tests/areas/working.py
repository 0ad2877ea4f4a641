"""A small world for the tests of sockets and reactions: people, a project, its board, cards, runs."""

from dataclasses import dataclass

from shared.access import records, tokens
from shared.boards.rows import Board
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.items.creating import NewItem, create_item
from shared.items.rows import Item
from shared.projects.creating import NewProject, create_project
from shared.projects.rows import Project
from shared.runs.rows import Run
from shared.store import create, fetch, save, write
from tests.areas.driving import Client, sign_up


@dataclass
class World:
    client: Client
    actor: Actor
    project: Project
    board: Board

    def card(self, lane: int = 0, title: str = "A card", **more) -> Item:
        return create_item(self.actor, self.board.id, NewItem(title, "task", self.board.lane_ids[lane], **more))

    def run(self, card: Item, status: str = "running") -> Run:
        run = Run.new(
            new_id(),
            org_id=card.org_id,
            ws_id=card.ws_id,
            proj_id=card.proj_id,
            item_id=card.id,
            agent_id="agent-prd",
            agent={"id": "agent-prd", "name": "prd", "display_name": "PRD Agent", "status": "active"},
            status=status,
            triggered_by=self.actor.summary,
            lease_until=0,
            provider="embedded",
            model="cadre-embedded-1",
            max_tokens=4000,
        )
        record(run, EventType.RUN_REQUESTED, self.actor)
        write(create(run))
        return run

    def end(self, run: Run, status: str = "completed") -> Run:
        run.status = status
        record(run, EventType(f"run.{status}"), self.actor)
        write(save(run))
        return run


def actor_of(client: Client) -> Actor:
    return records.enter(tokens.read(str(client.token), tokens.ACCESS), ())[0]


def world(name: str = "Ada Lovelace", email: str = "ada@example.com") -> World:
    client = sign_up(name, email)
    actor = actor_of(client)
    project = create_project(actor, next(iter(actor.workspaces)), NewProject(name="Engine"))
    board = fetch(Board, project.board_id)
    assert board is not None
    return World(client, actor, project, board)
