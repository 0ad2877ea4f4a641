"""Whoever dies while a project is made, changed, archived or restored: each order of the workspace's projects has exactly its projects."""

from collections.abc import Callable
from contextlib import nullcontext, suppress

import pytest

from shared.core.actor import Actor
from shared.core.errors import CadreError
from shared.core.ids import new_id
from shared.store import fetch
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.rows import Project
from shared.work.projects.updating import archive_project, restore_project, update_project
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.kills import concurrently, crash_at_every_write
from tests.stored_rows import check_projects

Change = Callable[[Actor, str], object]
CHANGES: dict[str, Change] = {
    "renamed": lambda actor, project: update_project(actor, project, {"name": "\u00c5nother \U0001f600", "description": None}),
    "archived": archive_project,
    "restored": restore_project,
}


@pytest.fixture
def world(aws) -> World:
    world = create_world()
    put_on_plan(world.ws_id, maxProjects=100)
    return world


def made(world: World) -> str:
    return str(create_project(world.actor, world.ws_id, NewProject("Shop", slug=f"shop-{new_id()}")).id)


@pytest.mark.parametrize("change", CHANGES)
def test_each_order_has_exactly_the_projects(world: World, change: str) -> None:
    for process in crash_at_every_write():
        with process:
            project = made(world)
            if change == "restored":
                archive_project(world.actor, project)
            CHANGES[change](world.actor, project)
        check_projects(world.ws_id)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("other", CHANGES)
def test_of_two_changes_at_once_each_order_shows_what_became_of_them(world: World, change: str, other: str) -> None:
    project = made(world)
    if "restored" in (change, other):
        archive_project(world.actor, project)
    with concurrently(lambda: attempt(other, world, project)):
        attempt(change, world, project)
    assert project in {row.id for row in check_projects(world.ws_id)}
    stored = fetch(Project, project)
    assert stored is not None
    assert stored.status in ("active", "archived")


def attempt(change: str, world: World, project: str) -> None:
    """Change a project; a change that an archived one refuses changes nothing."""
    with suppress(CadreError) if change == "renamed" else nullcontext():
        CHANGES[change](world.actor, project)
