"""What the platform pays for model calls, and its margin: for who sells them, or runs the platform on a laptop, and for no customer."""

import pytest

from shared.channels.exports.rows import Export
from shared.core.settings import settings
from shared.people.access.records import Access, access_key
from shared.store import fetch, update_now
from tests.areas.boards_world import World, create_world
from tests.areas.exporting import MAY, ask, file_of, rows_in
from tests.areas.ledger import record_usage
from tests.areas.test_runs import card_in

COSTS = {"providerCost", "totalCost", "grossMargin", "cost"}
DAYS = "startDate=2026-05-01&endDate=2026-05-31"


@pytest.fixture
def world(aws) -> World:
    world = create_world()
    record_usage(world, "2026-05-02", 100_001)
    return world


@pytest.fixture
def deployed_for_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CADRE_STAGE", "prod")
    monkeypatch.setattr("shared.edge.http.pipeline.require_edge", lambda _: None)  # as if it came through the edge
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def names(value: object) -> set[str]:
    """The names of all fields of an answer."""
    if isinstance(value, list):
        return set().union(*map(names, value))
    return set(value) | set().union(*map(names, value.values())) if isinstance(value, dict) else set()


def costs_shown(world: World) -> list[set[str]]:
    run = world.run(card_in(world, 1, "doc"))
    asked = [
        ("runs", f"/runs/{run.id}"),
        ("usage", f"/workspaces/{world.ws_id}/usage?{DAYS}"),
        ("usage", f"/projects/{world.project.id}/usage?{DAYS}"),
    ]
    answers = [world.ada(area, "GET", path) for area, path in asked]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [("totalPrice" in names(answer.json), "customerPrice" in names(answer.json)) for answer in answers] == [
        (False, True),
        (True, False),
        (True, False),
    ]
    return [names(answer.json) & COSTS for answer in answers]


def test_a_customer_sees_prices_and_neither_costs_nor_the_margin(world, deployed_for_others):
    assert costs_shown(world) == [set(), set(), set()]


def test_who_sells_the_calls_sees_both(world, deployed_for_others):
    update_now(Access(*access_key(world.actor.id)), [Access.platform_admin.set(True)])
    assert costs_shown(world) == [{"providerCost"}, COSTS - {"providerCost"}, COSTS - {"providerCost"}]


def test_on_a_laptop_everybody_sees_both(world):
    assert costs_shown(world) == [{"providerCost"}, COSTS - {"providerCost"}, COSTS - {"providerCost"}]


@pytest.mark.parametrize("details", [False, True])
def test_a_customers_export_has_no_costs_and_the_sellers_is_not_theirs(world, deployed_for_others, details):
    path = f"format=csv&{MAY}&includeDetails={str(details).lower()}"
    own = ask(world, path)
    (row,) = rows_in(file_of(own))
    assert ("costUsd" in row, row["priceUsd"]) == (False, "0.500005")
    update_now(Access(*access_key(world.actor.id)), [Access.platform_admin.set(True)])
    sellers = ask(world, path)
    assert sellers.json["exportId"] != own.json["exportId"]
    assert rows_in(file_of(sellers))[0]["costUsd"] == "0.100001"
    for older in (False, True):  # an export that was asked for before costs were withheld does not say that it has them
        export = fetch(Export, sellers.json["exportId"])
        export.ask = {name: value for name, value in export.ask.items() if not older or name != "costs"}
        update_now(export, [Export.ask.set(export.ask)])
        check_only_the_seller_finds(world, own, sellers)


def check_only_the_seller_finds(world, own, sellers):
    update_now(Access(*access_key(world.actor.id)), [Access.platform_admin.set(True)])
    place = f"/exports/{sellers.json['exportId']}"
    assert world.ada("usage", "GET", place).status == 200
    update_now(Access(*access_key(world.actor.id)), [Access.platform_admin.set(False)])
    assert (world.ada("usage", "GET", place).status, world.ada("usage", "GET", f"/exports/{own.json['exportId']}").status) == (
        404,
        200,
    )


def test_omoios_shows_a_customer_what_they_pay_and_nothing_else(world, deployed_for_others):
    ada = world.ada.at("omoios")
    paths = (
        f"/costs/projects/{world.project.id}",
        f"/costs/records?project_id={world.project.id}",
        f"/costs/summary?scope_type=project&scope_id={world.project.id}",
    )

    def provider_costs() -> list[object]:
        answers = [ada("usage", "GET", path).json for path in paths]
        shown = [one[0] if isinstance(one, list) else one for one in answers]
        assert {one["total_cost"] for one in shown} == {0.500005}
        return [one["provider_cost"] for one in shown]

    assert provider_costs() == [None, None, None]
    update_now(Access(*access_key(world.actor.id)), [Access.platform_admin.set(True)])
    assert provider_costs() == [0.100001, 0.100001, 0.100001]
