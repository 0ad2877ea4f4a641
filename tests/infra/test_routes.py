"""The route table: what it refuses, and what API Gateway is given."""

import importlib
from types import ModuleType, SimpleNamespace

import pytest

from infra.names import CONTRACT
from infra.routes import Route, RouteError, build, discover, gateway_paths, table
from tests.infra.planned import Operation


def area(name: str, contract: str, *operations: Operation) -> ModuleType:
    """A handler module of one contract, as `functions/<area>/handler.py` looks to the table."""
    module = ModuleType(f"stub_{name}_{contract}")
    module.handler = SimpleNamespace(area=name, contracts={contract: module.__name__})  # type: ignore[attr-defined]
    module.routes = SimpleNamespace(operations=list(operations))  # type: ignore[attr-defined]
    return module


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch):
    def build_of(*modules: ModuleType) -> tuple[Route, ...]:
        for module in modules:
            monkeypatch.setitem(importlib.import_module("sys").modules, module.__name__, module)
        return build(modules)

    return build_of


def test_routes_carry_their_area_and_contract(built) -> None:
    (route,) = built(area("cards", "agentworks", Operation("get", "/cards/{id}", "cards.get")))
    assert (route.contract, route.area, route.method, route.path) == ("agentworks", "cards", "GET", "/cards/{id}")


def test_one_path_with_two_names_for_its_variable_is_a_duplicate(built) -> None:
    one = area("cards", "agentworks", Operation("GET", "/cards/{id}", "cards.get"))
    two = area("boards", "agentworks", Operation("GET", "/cards/{cardId}", "boards.card"))
    with pytest.raises(RouteError, match=r"cards\.get in cards|boards\.card in boards"):
        built(one, two)


def test_one_operation_id_twice_is_refused(built) -> None:
    one = area("cards", "agentworks", Operation("GET", "/cards", "cards.list"), Operation("GET", "/more", "cards.list"))
    with pytest.raises(RouteError, match=r"cards\.list"):
        built(one)


def test_two_contracts_may_share_a_path(built) -> None:
    operation = Operation("GET", "/health", "system.health")
    assert len(built(area("system", "enterprise", operation), area("system", "aintandem", operation))) == 2


def test_an_unknown_contract_is_refused(built) -> None:
    with pytest.raises(RouteError, match="'nobody' is not a contract"):
        built(area("cards", "nobody", Operation("GET", "/cards", "cards.list")))


def test_a_path_without_a_slash_is_refused(built) -> None:
    with pytest.raises(RouteError, match="does not start with a slash"):
        built(area("cards", "omoios", Operation("GET", "cards", "cards.list")))


def test_the_gateway_sees_one_variable_name_per_position() -> None:
    documented = [
        "/workspaces/{id}",
        "/workspaces/{workspaceId}/members",
        "/workspaces/{workspaceId}/invitations/{token}",
        "/workspaces/{id}/invitations/{invitationId}/accept",
        "/boards/{boardId}",
    ]
    routes = [Route("agentworks", "workspaces", "GET", path, Operation("GET", path, path)) for path in documented]
    paths = gateway_paths(routes)
    names: dict[str, set[str]] = {}
    for path in paths.values():
        parts = path.split("/")
        for index, part in enumerate(parts):
            if part.startswith("{"):
                names.setdefault("/".join("{}" if one.startswith("{") else one for one in parts[:index]), set()).add(part)
    assert all(len(found) == 1 for found in names.values())
    assert set(paths) == set(documented)
    assert paths["/boards/{boardId}"] == "/boards/{boardId}"


def test_the_table_of_what_is_written_so_far_is_whole() -> None:
    routes = table()
    assert routes, "there is at least one area"
    assert {route.contract for route in routes} <= set(CONTRACT)
    assert {route.area for route in routes} == set(discover().areas)
    assert len({route.key for route in routes}) == len(routes)


def test_a_path_belongs_to_one_area() -> None:
    """What a path answers to a method it lacks names all that it has: one function must know them."""
    areas: dict[tuple[str, str], set[str]] = {}
    for route in table():
        areas.setdefault((route.contract, route.key[2]), set()).add(route.area)
    assert not {path: names for path, names in areas.items() if len(names) > 1}
