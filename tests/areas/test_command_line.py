"""`cadre`, the command line, at the functions: what it asks, what it writes, how it ends."""

import json
import os
import stat
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ai_agents
from cadre_cli import profiles
from cadre_cli.session import KeptTokens
from shared.core.actor import Role
from shared.people.tenancy.rows import Workspace
from shared.store import fetch
from tests.areas.boards_world import World
from tests.areas.command_line import cadre, person, refused, said
from tests.areas.driving import Client, sign_up
from tests.areas.handlers import served
from tests.areas.oauth_world import Browser
from tests.client_key import use_client_key

EMAIL = "ada@example.com"


@pytest.fixture
def home(aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody has logged in yet."""
    for name in ("CADRE_URL", "CADRE_PROFILE", "CADRE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    use_client_key()
    return tmp_path / "cadre"


@pytest.fixture
def url(home: Path) -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture
def ada(url: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Somebody who has an account and a browser, and has logged in."""
    client = sign_up()
    log_in(url, EMAIL, monkeypatch)
    return client


def log_in(url: str, email: str, monkeypatch: pytest.MonkeyPatch, *options: str, **typed: str) -> Any:
    monkeypatch.setattr(webbrowser, "open", person(email, **typed))
    return said("login", "--url", url, *options)


def only_profile() -> tuple[str, profiles.Profile]:
    (name,) = profiles.names()
    profile = profiles.load(name)
    assert profile is not None
    return name, profile


def change(**fields: Any) -> None:
    name, profile = only_profile()
    profiles.save(name, profile.model_copy(update=fields))


# -- who you are


def test_login_shows_who_you_are_and_logout_ends_it_here_and_there(ada: Client, url: str, home: Path):
    me = said("whoami")
    assert (me["email"], me["name"], me["url"]) == (EMAIL, "Ada Lovelace", url)
    assert "projects:write" in me["scopes"]
    _, profile = only_profile()
    assert said("logout")["logged_out"] is True
    assert refused("whoami")[0] == 3
    assert Client("agentworks", profile.access_token)("workspaces", "GET", "/workspaces").status == 401
    assert not list((home / "profiles").iterdir())


def test_a_login_is_kept_where_only_its_owner_reads_it(ada: Client, home: Path):
    old = os.umask(0)
    try:
        change(email="x@example.com")
    finally:
        os.umask(old)
    (file,) = (home / "profiles").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) & 0o077 == 0


def test_who_says_no_is_not_logged_in(url: str, monkeypatch: pytest.MonkeyPatch):
    sign_up()
    monkeypatch.setattr(webbrowser, "open", person(EMAIL, action="deny"))
    status, error = refused("login", "--url", url)
    assert (status, profiles.names()) == (1, [])
    assert error["message"]


def test_without_a_browser_the_address_is_printed(url: str, monkeypatch: pytest.MonkeyPatch):
    """It is opened elsewhere: here by whoever reads the line."""
    sign_up()
    monkeypatch.setattr(webbrowser, "open", lambda _: pytest.fail("no browser"))
    monkeypatch.setattr("cadre_cli.output.Output.say", lambda _, line: "http" in line and person(EMAIL)(line.split()[-1]))
    assert said("login", "--no-browser", "--url", url)["email"] == EMAIL


def test_a_login_may_be_for_less(url: str, monkeypatch: pytest.MonkeyPatch):
    sign_up()
    log_in(url, EMAIL, monkeypatch, "--scope", "projects:read")
    assert said("whoami")["scopes"] == "projects:read"
    assert said("projects", "list") == []
    status, error = refused("projects", "create", "Shop")
    assert (status, error["code"]) == (5, "INSUFFICIENT_PERMISSIONS")


def test_another_login_replaces_the_one_before(ada: Client, url: str, monkeypatch: pytest.MonkeyPatch):
    _, before = only_profile()
    log_in(url, EMAIL, monkeypatch)
    assert only_profile()[1].access_token != before.access_token
    assert Client("agentworks", before.access_token)("workspaces", "GET", "/workspaces").status == 401


def test_a_login_at_a_platform_that_is_gone_is_replaced_too(ada: Client, url: str, unused_port: int, monkeypatch):
    name, _ = only_profile()
    change(url=f"http://127.0.0.1:{unused_port}")
    log_in(url, EMAIL, monkeypatch, "--profile", name)
    assert said("whoami")["url"] == url


def test_a_team_is_another_profile(world: World, url: str, monkeypatch: pytest.MonkeyPatch):
    world.join("Bob", "bob@example.com", Role.MEMBER)
    log_in(url, "bob@example.com", monkeypatch, "--profile", "own")
    team = str(fetch(Workspace, world.ws_id).org_id)  # type: ignore[union-attr]
    log_in(url, "bob@example.com", monkeypatch, "--profile", "team", organization=team)
    assert said("projects", "list", "--profile", "own") == []
    assert [one["id"] for one in said("projects", "list")] == [world.project.id]
    assert [(one["profile"], one["current"]) for one in said("profiles")] == [("own", False), ("team", True)]


def test_a_token_that_ends_is_replaced_and_kept(ada: Client):
    _, before = only_profile()
    change(expires_at=time.time() + 20)
    assert said("projects", "list") == []
    _, after = only_profile()
    assert after.refresh_token != before.refresh_token
    assert after.expires_at > time.time() + 3000


def test_a_token_that_another_command_has_replaced_is_taken_from_it(ada: Client):
    """An older refresh token would end the login: to the platform it looks stolen."""
    name, stale = only_profile()
    late = KeptTokens(name, stale.model_copy(update={"expires_at": 0.0}))
    for _ in range(2):
        change(expires_at=0.0)
        said("projects", "list")
    assert late.renewal() is None
    assert late.profile == only_profile()[1]
    assert said("whoami")["email"] == EMAIL


def test_two_commands_that_replace_a_token_at_once_both_go_on(ada: Client, url: str):
    change(expires_at=0.0)
    name, stale = only_profile()
    slower = KeptTokens(name, stale)
    form = slower.renewal()
    assert form is not None
    said("projects", "list")  # was quicker with the same refresh token
    with ai_agents.Client(base_url=f"{url}/enterprise/v1") as client:
        slower.accept(client.oauth.token(**form))
    for _ in range(2):
        assert said("projects", "list") == []
        change(expires_at=0.0)


def test_a_token_that_is_refused_is_replaced_also_if_its_time_is_not_over(ada: Client):
    change(access_token="another key has signed this")
    assert said("projects", "list") == []
    assert only_profile()[1].access_token.count(".") == 2


def test_a_login_that_has_ended_says_how_to_go_on(ada: Client):
    Client("agentworks", only_profile()[1].access_token)("auth", "POST", "/auth/logout", body={})
    result = cadre("projects", "list")
    assert result.exit_code == 3
    assert result.stderr == "Error: This login has ended (invalid_grant)\nLog in again: cadre login\n"


def test_nobody_is_logged_in_at_first(home: Path):
    result = cadre("projects", "list")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "cadre login" in result.stderr


def test_a_machine_has_an_api_key(world: World, url: str, monkeypatch: pytest.MonkeyPatch):
    made = world.ada.at("enterprise")("auth", "POST", "/api-keys", body={"name": "CI"})
    monkeypatch.setenv("CADRE_API_KEY", made.json["data"]["key"])
    monkeypatch.setenv("CADRE_URL", url)
    assert [one["id"] for one in said("projects", "list")] == [world.project.id]
    assert refused("logout")[0] == 3


# -- what you work on


def test_a_project_and_its_cards(ada: Client):
    project = said("projects", "create", "The Shop")
    assert project["slug"] == "the-shop"
    assert said("projects", "show", "the-shop")["id"] == project["id"]
    built = said("projects", "create", "Built", "--repository", "https://github.com/cadre/none", "--slug", "b")
    assert [one["slug"] for one in said("projects", "list")] == ["b", "the-shop"]
    assert built["repository_url"] == "https://github.com/cadre/none"

    doc = said("cards", "create", "the-shop", "Let customers pay by invoice", "--type", "doc", "--priority", "high")
    assert (doc["lane"], doc["type"], doc["priority"]) == ("Vision & CoPilot Planning", "doc", "high")
    feature = said("cards", "create", project["id"], "Invoice as PDF", "--type", "feature", "--lane", "Build")
    assert feature["lane"] == "Build"
    assert [one["title"] for one in said("cards", "list", "the-shop")] == [doc["title"], feature["title"]]
    assert [one["id"] for one in said("cards", "list", "the-shop", "--lane", "6")] == [feature["id"]]
    assert said("cards", "move", feature["id"], "test")["lane"] == "Test & QA"
    assert said("cards", "show", feature["id"])["lane"] == "Test & QA"


def test_a_description_is_read_from_standard_input(ada: Client):
    said("projects", "create", "Shop")
    result = cadre("cards", "create", "shop", "Card", "--description", "-", "--json", typed="Line one\nLine two\n")
    assert json.loads(result.stdout)["description"] == "Line one\nLine two\n"


def test_more_cards_than_one_page_are_listed(world: World, url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cadre_cli.board._PAGE", 2)
    cards = {world.card(title=f"Card {number}").id for number in range(5)}
    log_in(url, EMAIL, monkeypatch)
    listed = [one["id"] for one in said("cards", "list", world.project.id)]
    assert (len(listed), set(listed)) == (5, cards)


def test_an_agent_begins_on_a_card(world: World, url: str, monkeypatch: pytest.MonkeyPatch):
    log_in(url, EMAIL, monkeypatch)
    assert "prd" in [one["name"] for one in said("agents")]
    card = world.card()
    run = said("run", card.id, "--agent", "ceo_copilot", "--detach")
    assert (run["cardId"], run["agent"]["name"]) == (card.id, "ceo_copilot")
    status, error = refused("approve", run["id"])
    assert (status in (2, 6), bool(error["message"])) == (True, True)


# -- how a command ends


def test_a_pipe_gets_lines_with_tabs_and_no_colour(ada: Client):
    project = said("projects", "create", "Shop")
    listed = cadre("projects", "list")
    assert listed.stdout == f"{project['id']}\tshop\tShop\tactive\t\n"
    assert "\x1b" not in listed.output


def test_what_others_wrote_moves_no_cursor_and_makes_no_columns(ada: Client):
    said("projects", "create", "Shop")
    card = said("cards", "create", "shop", "Card", "--description", "Red\x1b[31m\u202e\tand\nmore")
    shown = cadre("cards", "show", card["id"]).stdout
    assert shown.splitlines()[-1] == "Description\tRed\ufffd[31m\ufffd and more"


def test_errors_have_the_contracts_code_and_message(ada: Client):
    unknown = "01900000-0000-7000-8000-000000000000"
    status, error = refused("projects", "show", unknown)
    assert (status, error["code"], error["status"]) == (4, "RESOURCE_NOT_FOUND", 404)
    status, error = refused("projects", "create", "Shop", "--repository", "nonsense")
    assert (status, error["code"], error["details"][0]["field"]) == (2, "VALIDATION_ERROR", "repository_url")
    said("projects", "create", "Shop")
    assert refused("projects", "create", "Shop")[0] == 6
    shown = cadre("projects", "show", unknown)
    assert (shown.exit_code, shown.stdout) == (4, "")
    assert "RESOURCE_NOT_FOUND" in shown.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("projects", "show"),
        ("cards", "create", "shop", "Card", "--type", "novel"),
        ("login", "--url", "http://cadre.example.com"),
        ("login", "--url", "ftp://localhost"),
        ("login", "--profile", "../x"),
        ("projects", "create", "\u4f60\u597d"),
        ("nonsense",),
        ("cards", "show", ""),
        ("rollback", "..", "--reason", "Why"),
    ],
)
def test_wrong_words_are_wrong_usage(home: Path, words: tuple[str, ...]):
    assert cadre(*words).exit_code == 2


@pytest.mark.parametrize("lane", ["Nowhere", "D"])
def test_a_lane_that_is_none_or_several_names_the_lanes(ada: Client, lane: str):
    said("projects", "create", "Shop")
    result = cadre("cards", "create", "shop", "Card", "--lane", lane)
    assert result.exit_code == 2
    assert "8 Deploy" in result.stderr


def test_a_project_that_is_none_is_not_found(ada: Client):
    assert refused("cards", "list", "nothing")[0] == 4


def test_a_folder_that_cannot_be_written_is_said(url: str, home: Path, monkeypatch: pytest.MonkeyPatch):
    sign_up()
    home.write_text("a file where the folder should be")
    monkeypatch.setattr(webbrowser, "open", person(EMAIL))
    status, error = refused("login", "--url", url)
    assert (status, str(home) in error["message"]) == (1, True)


def test_a_platform_that_does_not_answer_is_said(home: Path, unused_port: int):
    status, error = refused("login", "--url", f"http://127.0.0.1:{unused_port}")
    assert (status, error["code"]) == (7, "APIConnectionError")


@pytest.fixture
def unused_port() -> int:
    from local.engine import free_port

    return free_port()


def test_a_page_that_is_no_platform_is_said(url: str):
    assert refused("login", "--url", f"{url}/nowhere")[0] == 2


def test_the_address_of_the_browser_is_checked_by_its_state(url: str, monkeypatch: pytest.MonkeyPatch):
    """Somebody else's answer on the loopback port is not taken for the browser's."""
    import threading
    from urllib.error import HTTPError
    from urllib.parse import parse_qs, urlsplit
    from urllib.request import urlopen

    sign_up()
    real = person(EMAIL, window=Browser)

    def open_page(address: str) -> bool:
        back = parse_qs(urlsplit(address).query)["redirect_uri"][0]

        def visit() -> None:
            with pytest.raises(HTTPError):
                urlopen(f"{back}?code=forged&state=guessed", timeout=30)
            real(address)

        threading.Thread(target=visit).start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_page)
    assert said("login", "--url", url)["email"] == EMAIL
