"""A query parameter that no operation of enterprise knows is an error that names it: a misspelt filter would show everything."""

import pytest

from tests.areas.driving import Client, call, sign_up
from tests.trips import count_requests


@pytest.fixture
def ada(aws) -> Client:
    return sign_up().at("enterprise")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("stauts=active", ["stauts"]),
        ("page=1&Page=2&sort=name", ["Page", "sort"]),
        ("=x", [""]),
        ("&".join(f"p{number:03}=" for number in range(80)), [f"p{number:03}" for number in range(50)]),
        ("n" * 300 + "=1", ["n" * 200]),
    ],
)
def test_an_unknown_parameter_is_named(ada, query, named):
    answer = ada("organizations", "GET", f"/organizations?{query}")
    assert (answer.status, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert answer.json["error"]["details"] == [{"field": name, "message": "Unknown parameter"} for name in named]


def test_documented_parameters_are_known(ada):
    query = "?page=1&page_size=10&status=active&search=a&sort_by=name&sort_order=asc"
    assert ada("organizations", "GET", f"/organizations{query}").status == 200


def test_an_operation_without_parameters_knows_none(world):
    project = f"/projects/{world.project.id}"
    ada = world.ada.at("enterprise")
    assert ada("projects", "GET", project).status == 200
    assert ada("projects", "GET", f"{project}?expand=all").status == 400
    assert ada("planning", "POST", f"{project}/requirements?draft=1", body={}).json["error"]["details"][0]["field"] == "draft"


def test_nothing_is_learnt_and_nothing_is_read_by_it(world):
    """Who may not ask is told that, whatever the parameters; what is another's costs and says the same as what is unknown."""
    assert call("organizations", "enterprise", "GET", "/organizations?stauts=active").status == 401
    stranger = sign_up("Eve", "eve@example.com").at("enterprise")
    stranger("organizations", "GET", "/organizations")
    answers = []
    for project_id in (world.project.id, "0190a0a0-0000-7000-8000-000000000000"):
        with count_requests() as seen:
            answer = stranger("projects", "GET", f"/projects/{project_id}?x=1")
        answers.append((answer.status, answer.json["error"], seen.names))
    assert answers[0] == answers[1]
    assert answers[0][0] == 400


def test_what_is_public_takes_what_others_add_to_addresses(aws):
    assert call("system", "enterprise", "GET", "/health?time=1").status == 200
    page = call("auth", "enterprise", "GET", "/oauth/authorize?client_id=x&unknown=1")
    assert "Unknown parameter" not in page.text


def test_agentworks_ignores_what_it_does_not_know(ada):
    assert ada.at("agentworks")("workspaces", "GET", "/workspaces?_=1").status == 200
