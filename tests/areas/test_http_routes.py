"""What a route may say of itself, tried on routes made for the purpose; and API keys."""

import json

import pytest
from mangum import Mangum
from starlette.responses import Response

from infra import openapi
from shared.core.actor import Permission
from shared.core.errors import NotFound
from shared.core.keys import fingerprint
from shared.edge.contracts import contract as contract_named
from shared.edge.contracts.base import Paged, Shape
from shared.edge.http.application import application
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.event import RestEvent
from shared.edge.http.operation import Deprecation
from shared.edge.http.routing import Routes
from shared.people.access.records import Access, access_key
from shared.store import create, delete, write
from tests.areas.driving import Context, event, sign_up
from tests.trips import count_requests


class Thing(Shape):
    thing_id: str
    note: str | None = None


def made(name: str) -> Routes:
    routes = Routes(contract_named(name), "things", rate_class="workspace")

    @routes.get("/things/{thing_id}", "things.get")
    async def get(thing_id: str, caller: Caller) -> Thing:
        """One thing. It is shown as it is."""
        if thing_id == "none":
            raise NotFound("thing")
        return Thing(thing_id=caller.kind + thing_id)

    @routes.get("/things/special", "things.special", deprecation=Deprecation("2027-01-31T00:00:00Z", "/v2/things"))
    async def special(caller: Caller, call: ThisCall) -> Paged[Thing]:
        """A fixed word is not read as an id."""
        call.headers.append(("X-Total-Count", "41"))
        return Paged([Thing(thing_id="special")], 41, 3, 20)

    @routes.get("/things/paged", "things.paged")
    async def paged(caller: Caller) -> Paged[Thing]:
        """A page that the client asks for by its number, and that is too long."""
        return Paged([Thing(thing_id=str(number), note="n" * 100_000) for number in range(80)], 200, 1, 80)

    @routes.get("/things/all", "things.all")
    async def everything(caller: Caller) -> list[Thing]:
        """A list that does not say how long it is."""
        return [Thing(thing_id=str(number), note="n" * 100_000) for number in range(80)]

    @routes.post("/things", "things.create", status=201, permission=Permission.CARD_CREATE)
    async def make(body: Thing, caller: Caller) -> Thing:
        """A new thing."""
        return body

    @routes.get("/raw", "things.raw", raw=True, public=True, limited=False)
    async def raw() -> Thing:
        """Without an envelope."""
        return Thing(thing_id="raw")

    @routes.get("/file", "things.file", public=True, limited=False, media="text/csv")
    async def file(call: ThisCall) -> Response:
        """A file with a name that somebody thought up."""
        call.headers.append(("X-Name", "ключ\r\nSet-Cookie: a=b"))
        return Response("a;b", headers={"Content-Disposition": 'attachment; filename="é.csv"'}, media_type="text/csv")

    return routes


def ask(name: str, method: str, path: str, **about) -> tuple[int, dict, dict]:
    served = contract_named(name)
    app = application(served, made(name).operations)
    handler = Mangum(app, lifespan="off", api_gateway_base_path=served.base, custom_handlers=[RestEvent])
    answer = handler(event(name, method, path, **about), Context())
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return answer["statusCode"], headers, json.loads(answer["body"]) if "json" in headers["content-type"] else {}


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {sign_up().token}"}


def an_api_key(plan: str = "free", scopes: list[str] | None = None) -> dict[str, str]:
    ada = sign_up()
    key = Access(
        pk=f"ACCESS#key#{fingerprint('sk-1')}",
        sk="META",
        name="CI",
        user_id=ada.user["id"],
        plan=plan,
        key_org="o1",
        scopes=scopes,
        organizations={"o1": "member"},
    )
    write(create(key))
    return {"X-API-Key": "sk-1"}


def test_a_retired_operation_says_so(aws):
    status, headers, _ = ask("enterprise", "GET", "/things/special", headers=bearer())
    assert status == 200
    assert (headers["deprecation"], headers["sunset"]) == ("true", "2027-01-31T00:00:00Z")
    assert headers["link"] == '</v2/things>; rel="successor-version"'
    assert ask("enterprise", "GET", "/things/special")[1]["deprecation"] == "true"  # its errors too
    described = openapi.describe(contract_named("enterprise"), made("enterprise").operations)
    assert described["paths"]["/things/special"]["get"]["deprecated"] is True
    assert "deprecated" not in described["paths"]["/things"]["post"]
    assert described["paths"]["/things"]["post"]["x-permission"] == "card:create"


@pytest.mark.parametrize("name", ["enterprise", "aintandem"])
def test_a_fixed_word_comes_before_a_variable(aws, name):
    status, headers, body = ask(name, "GET", "/things/special", headers=bearer())
    assert (status, body["data"][0]["thing_id"], headers["x-total-count"]) == (200, "special", "41")
    page = body["pagination"] if name == "enterprise" else body["meta"]
    assert (page["total"], page["page"], page["has_next"], page["has_prev"]) == (41, 3, False, True)


@pytest.mark.parametrize(
    ("name", "path"), [("enterprise", "/things/paged"), ("aintandem", "/things/paged"), ("omoios", "/things/all")]
)
def test_a_page_that_cannot_end_early_says_how_much_fits(aws, name, path):
    """A client that counts pages, or that cannot see a total, would miss what is left out."""
    status, _, body = ask(name, "GET", path, headers=bearer())
    assert status in (400, 422)
    assert "ask for 62 at most" in json.dumps(body)


def test_a_raw_answer_has_no_envelope(aws):
    assert ask("enterprise", "GET", "/raw")[2] == {"thing_id": "raw", "note": None}


def test_no_word_of_a_header_leaves_its_line(aws):
    status, headers, _ = ask("agentworks", "GET", "/file")
    assert (status, headers["x-name"]) == (200, "????" + "??Set-Cookie: a=b")
    assert headers["content-disposition"] == 'attachment; filename="?.csv"'
    assert "set-cookie" not in headers


def test_answers_are_nobodys_to_keep(aws):
    assert ask("agentworks", "GET", "/raw")[1]["cache-control"] == "no-store"
    assert ask("agentworks", "GET", "/things/1")[1]["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "limits"),
    [("enterprise", ("100", "99")), ("aintandem", ("100", "99")), ("orchestrator", ("1000", "999")), ("omoios", ("1000", "999"))],
)
def test_every_contract_counts_by_its_own_limits(aws, name, limits):
    _, headers, _ = ask(name, "GET", "/things/1", headers=bearer())
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == limits


@pytest.mark.parametrize("name", ["enterprise", "aintandem"])
def test_an_api_key_opens_and_is_counted_by_itself(aws, name):
    key = an_api_key()
    status, headers, body = ask(name, "GET", "/things/1", headers=key)
    assert (status, body["data"]["thing_id"], headers["x-ratelimit-remaining"]) == (200, "key1", "99")
    with count_requests() as seen:
        assert ask(name, "GET", "/things/1", headers=key)[1]["x-ratelimit-remaining"] == "98"
    assert seen.names == ["GetItem"]  # the record of the key; how often it calls is counted in the lease of this process


def test_a_key_that_is_taken_away_ends_at_the_very_next_request(aws):
    key = an_api_key()
    assert [ask("enterprise", "GET", "/things/1", headers=key)[0] for _ in range(2)] == [200, 200]
    pk, sk = access_key(f"key#{fingerprint(key['X-API-Key'])}")
    write(delete(Access(pk=pk, sk=sk)))
    assert ask("enterprise", "GET", "/things/1", headers=key)[0] == 401


def test_a_plan_without_limits_has_none(aws):
    _, headers, _ = ask("enterprise", "GET", "/things/1", headers=an_api_key("enterprise"))
    assert "x-ratelimit-limit" not in headers
    assert ask("enterprise", "GET", "/things/1", headers={"X-API-Key": "sk-1"})[0] == 200


@pytest.mark.parametrize("name", ["agentworks", "orchestrator", "omoios"])
def test_other_contracts_know_no_api_keys(aws, name):
    assert ask(name, "GET", "/things/1", headers=an_api_key())[0] == 401


@pytest.mark.parametrize("name", ["agentworks", "enterprise", "aintandem", "orchestrator", "omoios"])
def test_a_thing_that_is_none(aws, name):
    status, _, body = ask(name, "GET", "/things/none", headers=bearer())
    details = body["error"].get("details")
    if name == "agentworks":  # its document has a message for each kind of thing
        reason = body["error"]["message"]
    elif name in {"enterprise", "orchestrator"}:  # their documents' details are a list of fields
        reason = details[0]["message"]
    else:
        reason = details["reason"]
    assert (status, reason) == (404, "Thing not found")
