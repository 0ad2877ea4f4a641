"""Successful answers of every contract: case, envelope, lists, absent values, ids."""

import json

import pytest

from shared.core.actor import Actor
from shared.core.ids import bare_id, new_id
from shared.edge.contracts import NAMES, contract
from shared.edge.contracts.agentworks import continued, pagination, user_summary
from shared.edge.contracts.aintandem import PREFIXES, public_id
from shared.edge.contracts.base import Paged, Shape, StrictRequest
from shared.edge.contracts.orchestrator import PLAN_OF_TIER, TIERS


class Thing(Shape):
    id: str
    note: str | None = None


class Wish(StrictRequest):
    name: str


THING = Thing(id="1")


def rendered(name: str, result, status: int = 200) -> dict:
    return json.loads(contract(name).render(result, Thing, status, "req-1"))


def test_agentworks_is_bare_and_leaves_out_what_is_absent():
    assert rendered("agentworks", THING) == {"id": "1"}


@pytest.mark.parametrize("name", ["orchestrator", "omoios"])
def test_orchestrator_and_omoios_are_bare_and_show_null(name):
    assert rendered(name, THING) == {"id": "1", "note": None}


def test_omoios_lists_are_bare_arrays():
    assert json.loads(contract("omoios").render([THING], list[Thing], 200, "req-1")) == [{"id": "1", "note": None}]


def test_enterprise_envelope_repeats_the_status():
    body = rendered("enterprise", THING, 201)
    assert set(body) == {"success", "status", "data", "meta"}
    assert (body["success"], body["status"], body["data"]) == (True, 201, {"id": "1", "note": None})
    assert set(body["meta"]) == {"timestamp", "request_id", "version"}
    assert (body["meta"]["request_id"], body["meta"]["version"]) == ("req-1", "1.0")


def test_aintandem_envelope():
    body = rendered("aintandem", THING)
    assert set(body) == {"success", "data", "meta"}
    assert set(body["meta"]) == {"request_id", "timestamp", "version"}
    assert (body["success"], body["meta"]["request_id"], body["meta"]["version"]) == (True, "req-1", "1.0.0")


@pytest.mark.parametrize(
    ("total", "page", "pages", "has_next", "has_prev"),
    [
        (0, 1, 0, False, False),
        (20, 1, 1, False, False),
        (21, 1, 2, True, False),
        (150, 8, 8, False, True),
        (150, 2, 8, True, True),
    ],
)
def test_numbered_pages(total, page, pages, has_next, has_prev):
    result = Paged([THING], total, page, 20)
    enterprise = rendered("enterprise", result)
    assert isinstance(enterprise["data"], list)
    assert enterprise["pagination"] == {
        "page": page, "page_size": 20, "total": total, "pages": pages, "has_next": has_next, "has_prev": has_prev,
    }  # fmt: skip
    meta = rendered("aintandem", result)["meta"]
    assert set(meta) == {"request_id", "timestamp", "version", "total", "page", "per_page", "total_pages", "has_next", "has_prev"}
    assert (meta["total"], meta["page"], meta["per_page"], meta["total_pages"]) == (total, page, 20, pages)
    assert (meta["has_next"], meta["has_prev"]) == (has_next, has_prev)


@pytest.mark.parametrize(
    ("made", "more", "cursor"),
    [
        (pagination(50, 0, 0), False, None),
        (pagination(50, 0, 50), False, None),
        (pagination(50, 0, 51), True, None),
        (pagination(50, 50, 51), False, None),
        (continued(50, 0, 10, "c"), True, "c"),
        (continued(50, 0, 51, None), False, None),
    ],
)
def test_agentworks_pagination(made, more, cursor):
    assert (made.limit, made.hasMore, made.nextCursor) == (50, more, cursor)


@pytest.mark.parametrize(
    ("kind", "prefix"),
    {
        "user": "usr_",
        "workspace": "ws_",
        "sandbox": "sb_",
        "message": "msg_",
        "broadcast": "bc_",
        "collaboration": "col_",
    }.items(),
)
def test_aintandem_ids_have_prefixes_that_input_may_lack(kind, prefix):
    bare = new_id()
    shown = public_id(kind, bare)
    assert shown == prefix + bare
    assert {bare_id(one) for one in (bare, shown, shown.upper(), prefix + bare.replace("-", ""))} == {bare}
    assert set(PREFIXES) == {"user", "workspace", "sandbox", "message", "broadcast", "collaboration"}


@pytest.mark.parametrize("prefix", ["ticket-", "discovery-", "task-", "project-"])
def test_the_ids_of_omoios_graphs_are_ids(prefix):
    assert bare_id(prefix + SOME_ID) == SOME_ID


SOME_ID = "0190a0a0-0000-7000-8000-000000000000"


@pytest.mark.parametrize("junk", ["", "x", "ws_", "ws_123", "../etc", "0" * 5000, "usr_" * 3 + SOME_ID, SOME_ID + "x"])
def test_what_is_no_id_stays_as_it_is(junk):
    assert bare_id(junk) == junk


def test_agentworks_shows_agents_as_people():
    kept = Actor(id="a1", name="Planner", kind="agent").summary
    assert user_summary(kept).model_dump(exclude_none=True) == {"id": "a1", "name": "Planner", "email": ""}


def test_tiers_are_plans():
    assert TIERS == {"free": "free", "professional": "pro", "enterprise": "enterprise"}
    assert {TIERS[plan] for plan in PLAN_OF_TIER.values()} == set(PLAN_OF_TIER)


def test_closed_requests_name_the_unknown_field():
    with pytest.raises(ValueError, match="nmae"):
        Wish.model_validate({"name": "x", "nmae": "y"})
    assert Thing.model_validate({"id": "1", "nmae": "y"}) == THING


def test_inputs_do_not_stand_in_the_texts_of_errors():
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - pydantic's own error
        Wish.model_validate({"name": 7, "token": "a-secret"})
    assert "a-secret" not in str(refused.value)


@pytest.mark.parametrize("name", NAMES)
def test_documented_base_and_version(name):
    found = contract(name)
    assert found.base == ("/v1" if name in {"agentworks", "enterprise"} else "/api/v1")
    assert found.openapi[:3] == ("3.0" if name in {"agentworks", "enterprise"} else "3.1")


def test_there_is_no_sixth_contract():
    with pytest.raises(LookupError, match="agentworks, enterprise"):
        contract("other")
