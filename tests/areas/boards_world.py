"""A person with a workspace, a project and its board: for tests of what happens there."""

from dataclasses import dataclass

from shared.agents.catalogue import agent_named
from shared.core.actor import Actor, Role
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.people.access import records
from shared.people.tenancy.rows import Workspace, WorkspaceMembership, membership_row
from shared.runs.agent_runs.rows import Run, runs_of
from shared.store import LastBlock, create, enter, fetch, fetch_all, get, save, update, write
from shared.work.boards.rows import Board, Counts, Lane
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.rows import Project
from tests.areas.driving import Client, sign_up
from tests.snapshots import made_once


@dataclass
class World:
    ada: Client
    actor: Actor
    ws_id: str
    project: Project
    board: Board
    lanes: list[Lane]

    def counts(self) -> Counts:
        return get(Counts, f"BOARD#{self.board.id}", "COUNTS")

    def lane_counts(self) -> dict[int, int]:
        counts = self.counts()
        return {lane.number: held for lane in self.lanes if (held := counts.cards_in(lane.id))}

    def column_counts(self) -> dict[str, int]:
        return {column: count for column, count in dict(self.counts().columns).items() if count}

    def join(self, name: str, email: str, role: Role) -> Client:
        """Somebody else, with a role in this workspace."""
        return self.join_again(sign_up(name, email), role)

    def join_again(self, client: Client, role: Role = Role.MEMBER) -> Client:
        """Somebody who has an account already, with a role in this workspace."""
        user = {"kind": "user"} | {key: client.user[key] for key in ("id", "name", "email")}
        write(
            create(
                membership_row(
                    WorkspaceMembership,
                    self.ws_id,
                    client.user["id"],
                    role,
                    org_id=self.project.org_id,
                    ws_id=self.ws_id,
                    user=user,
                    last_active_at=self.project.created_at,
                )
            ),
            records.grant_workspace(client.user["id"], self.ws_id, role),
        )
        return client

    def card(self, lane: int = 0, title: str = "A card", **more) -> Item:
        return create_item(self.actor, self.board.id, NewItem(title, "task", self.board.lane_ids[lane], **more))

    def run(self, card: Item, status: str = "running") -> Run:
        """A run of a card as nobody works on it: a row, its event and its count."""
        agent = agent_named("prd")
        run = Run.new(
            new_id(),
            org_id=card.org_id,
            ws_id=card.ws_id,
            proj_id=card.proj_id,
            item_id=card.id,
            agent_id=agent.id,
            agent={"id": agent.id, "name": agent.name, "display_name": agent.display_name, "status": "active"},
            status=status,
            triggered_by=self.actor.summary,
            lease_until=0,
            provider="embedded",
            model="cadre-embedded-1",
            max_tokens=4000,
        )
        record(run, EventType.RUN_REQUESTED, self.actor)
        place = enter(runs_of(card.id), LastBlock(runs_of(card.id)).result(), run.label)
        run.counted_in = place.start
        write(create(run), *place.operations)
        return run

    def end(self, run: Run, status: str = "completed") -> Run:
        run.status = status
        record(run, EventType(f"run.{status}"), self.actor)
        write(save(run))
        return run

    def archive(self) -> None:
        project = fetch(Project, self.project.id)
        project.status = "archived"
        write(save(project), update(Counts.of(self.board.id), [Counts.closed.set(True)]))

    def set_wip(self, number: int, limit: int | None) -> None:
        lane = fetch(Lane, self.lanes[number].id)
        lane.wip_limit = limit
        write(save(lane))
        self.lanes[number] = lane

    def configure(self, number: int, **settings) -> None:
        lane = fetch(Lane, self.lanes[number].id)
        lane.settings = lane.settings | settings
        write(save(lane))

    def define_fields(self, *definitions: dict) -> None:
        board = fetch(Board, self.board.id)
        board.settings = board.settings | {"customFields": list(definitions)}
        write(save(board))


def put_on_plan(ws_id: str, plan: str = "enterprise", **settings) -> None:
    """Give a workspace the limits of a plan, as if it had been bought, and these settings."""
    workspace = fetch(Workspace, ws_id)
    workspace.plan, workspace.settings = plan, workspace.settings | settings
    write(save(workspace))


def create_world(email: str = "ada@example.com", name: str = "Ada Lovelace") -> World:
    return made_once(("world", email, name), lambda: _create_world(email, name))


def _create_world(email: str, name: str) -> World:
    ada = sign_up(name, email)
    held = records.find_access(ada.user["id"])
    ws_id = next(iter(dict(held.workspaces)))
    actor = records.build_actor(ada.user["id"], held, next(iter(dict(held.sessions))))
    project = create_project(actor, ws_id, NewProject(name="Engine"))
    board = fetch(Board, project.board_id)
    return World(ada, actor, ws_id, project, board, fetch_all(Lane, board.lane_ids))
