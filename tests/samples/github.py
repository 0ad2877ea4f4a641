"""Requests of the area `github`, on a GitHub of ours on loopback."""

import atexit
import os
from functools import cache
from itertools import count
from typing import Any
from uuid import uuid4

from shared.core.actor import Actor
from shared.core.settings import settings
from shared.source.commits.linking import link_commit
from shared.source.commits.rows import Commit
from shared.source.repositories import people
from shared.source.repositories.branches import note_head
from shared.source.repositories.connecting import NewConnection, connect_repository, github_of
from shared.source.repositories.issues import link_issue
from shared.source.repositories.pushes import fetch_commit, save_commit
from shared.source.repositories.rows import Repository
from shared.source.repositories.work import Work
from shared.store import fetch
from shared.work.items.rows import Item
from tests.github_server import FULL, NAME, NEW_FILE, OWNER, TOKEN, FakeGithub, app_keys, app_settings, changed, sha_of
from tests.samples.stage import PRD, Sample, Samples, Stage, nothing

INSTALLATION = 501
NUMBERS = count(1_000)
"""The numbers of issues: each once, whatever stage has them."""


@cache
def _served() -> FakeGithub:
    made = FakeGithub()
    atexit.register(made.close)
    return made


def server() -> FakeGithub:
    """The one for all samples; the functions ask it from now on."""
    served = _served()
    if os.environ.get("CADRE_GITHUB_API") != served.url or settings().github_api != served.url:
        os.environ["CADRE_GITHUB_API"] = served.url
        settings.cache_clear()
    return served


def _owner(stage: Stage) -> Actor:
    return stage.world.actor


def repository(stage: Stage) -> Repository:
    """The one of the stage's project."""
    server()
    made, _ = connect_repository(_owner(stage), NewConnection(OWNER, NAME, TOKEN, stage.world.project.id))
    return made


def commit(stage: Stage, card_id: str | None = None) -> Commit:
    """One that was pushed by an agent, and linked to a card."""
    connected = repository(stage)
    sha = server().commit(f"A commit {uuid4()}", files=[changed("src/new.py", NEW_FILE, 2, 0, "added")])
    made, files = fetch_commit(github_of(connected), connected, sha)
    made.agent_id = PRD.id
    save_commit(_owner(stage), made, files)
    card = fetch(Item, card_id or stage.card())
    assert card is not None
    link_commit(_owner(stage), card, made)
    return made


def _linked(stage: Stage) -> Sample:
    card = stage.card()
    commit(stage, card)
    return Sample({"ticket_id": card})


def _link(stage: Stage) -> Sample:
    return Sample({"ticket_id": stage.card()}, {"commit_sha": commit(stage).sha})


def _of_agent(stage: Stage) -> Sample:
    commit(stage)
    return Sample({"agent_id": PRD.name})


def _issues(stage: Stage) -> Sample:
    connected, github = repository(stage), server()
    github.issues.clear()
    card = fetch(Item, stage.card())
    assert card is not None
    link_issue(_owner(stage), connected, github.issue(next(NUMBERS), "An issue"), card)
    return Sample({"repo_id": connected.id})


def _new_issue(stage: Stage) -> Sample:
    body = {"ticket_id": stage.card(), "title": "Issue title", "body": "Issue description"}
    return Sample({"repo_id": repository(stage).id}, body)


def _with_app() -> FakeGithub:
    """The one for all samples, at which somebody has installed the app."""
    github = server()
    if not github.app_key:
        github.app_key = app_keys()[1]
        os.environ.update(app_settings())
        github.installations[INSTALLATION] = {"account": OWNER, "repositories": [FULL], "users": {"ida"}}
        github.admins = {FULL: {"ida"}}
    return github


def _state(stage: Stage) -> tuple[str, str]:
    """The code and the state with which the owner comes back from GitHub."""
    github = _with_app()
    url = people.begin(_owner(stage)).url
    return github.person("ida", url), url.partition("state=")[2].partition("&")[0]


def _begun(stage: Stage) -> Sample:
    _with_app()
    return Sample({}, {}, caller=stage.world.ada)


def _finished(stage: Stage) -> Sample:
    code, state = _state(stage)
    return Sample({}, {"code": code, "state": state}, caller=stage.world.ada)


def _proved(stage: Stage) -> Sample:
    people.finish(_owner(stage), *_state(stage))
    return Sample({}, caller=stage.world.ada)


def _offered(stage: Stage) -> Sample:
    people.finish(_owner(stage), *_state(stage))
    return Sample({"installation_id": str(INSTALLATION)}, caller=stage.world.ada)


def _branches(stage: Stage) -> Sample:
    connected = repository(stage)
    note_head(Work(connected, 0.0, lambda *_: None), "main", sha_of("a head"))
    return Sample({"repo_id": connected.id})


def _connect(stage: Stage) -> Sample:
    server()
    body: dict[str, Any] = {"owner": OWNER, "name": NAME, "access_token": TOKEN, "project_id": stage.world.project.id}
    return Sample({}, body)


def _delivery(stage: Stage) -> Sample:
    connected, github = repository(stage), server()
    payload = github.push(github.commit(f"Pushed {uuid4()}"))
    body, headers, query = github.signed("push", payload, hook=int(connected.hook_id))
    return Sample({}, body.decode(), query=query, headers=headers)


def _listed(stage: Stage) -> Sample:
    repository(stage)
    return nothing(stage)


SAMPLES: Samples = {
    ("omoios", "commits.get"): lambda s: Sample({"commit_sha": commit(s).sha}),
    ("omoios", "commits.diff"): lambda s: Sample({"commit_sha": commit(s).sha}),
    ("omoios", "commits.listByTicket"): _linked,
    ("omoios", "commits.link"): _link,
    ("omoios", "commits.listByAgent"): _of_agent,
    ("omoios", "github.connect"): _connect,
    ("omoios", "github.list"): _listed,
    ("omoios", "github.disconnect"): lambda s: Sample({"repo_id": repository(s).id}),
    ("omoios", "github.branches"): _branches,
    ("omoios", "github.issues"): _issues,
    ("omoios", "github.createIssue"): _new_issue,
    ("omoios", "github.webhook"): _delivery,
}
ALONE: Samples = {
    ("omoios", "github.authorize"): _begun,
    ("omoios", "github.finishAuthorization"): _finished,
    ("omoios", "github.installations"): _proved,
    ("omoios", "github.offeredRepositories"): _offered,
}
"""Only for who has proved who they are at GitHub."""
