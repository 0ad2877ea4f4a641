"""A project with its board and lanes, written as rows: for tests of what happens on a board."""

from dataclasses import dataclass

from shared.access import records
from shared.boards.making import board_id_of, new_board
from shared.boards.rows import Board, Counts, Lane
from shared.core.actor import Actor, Role
from shared.core.ids import new_id
from shared.projects.rows import Project
from shared.store import create, fetch, fetch_all, get, save, update, write
from shared.tenancy.rows import Workspace, WorkspaceMembership, membership_row
from tests.areas.driving import Client, sign_up


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
        held = dict(self.counts().lanes)
        return {lane.number: held[lane.id] for lane in self.lanes if held.get(lane.id)}

    def column_counts(self) -> dict[str, int]:
        return {column: count for column, count in dict(self.counts().columns).items() if count}

    def join(self, name: str, email: str, role: Role) -> Client:
        """Somebody else, with a role in this workspace."""
        client = sign_up(name, email)
        user = {"kind": "user", "id": client.user["id"], "name": name, "email": email}
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


def found_world(email: str = "ada@example.com", name: str = "Ada Lovelace") -> World:
    ada = sign_up(name, email)
    held = records.of_user(ada.user["id"])
    ws_id = next(iter(dict(held.workspaces)))
    actor = records.actor_of(ada.user["id"], held, next(iter(dict(held.sessions))))
    workspace = fetch(Workspace, ws_id)
    project_id = new_id()
    board_id = board_id_of(project_id)
    tenancy = {"org_id": workspace.org_id, "ws_id": ws_id, "proj_id": project_id}
    project = Project.new(project_id, name="Engine", slug="engine", board_id=board_id, created_by=actor.summary, **tenancy)
    board, operations = new_board(project_id, workspace.org_id, ws_id, {})
    write(create(project), *operations)
    lanes = fetch_all(Lane, board.lane_ids)
    return World(ada, actor, ws_id, project, board, lanes)
