"""Alerts: what triggers them, that one stands for all of a while, who answers them, and where they go."""

import json
from datetime import timedelta

import pytest
import time_machine

from functions.scheduled.handler import handler as scheduled
from shared.agents.catalogue.registry import agents
from shared.channels.webhooks.rows import Content
from shared.channels.webhooks.signing import body_for
from shared.core import clock
from shared.core.ids import new_id
from shared.insight.alerts.raising import Cause, raise_alert, settle_alerts
from shared.insight.alerts.rows import Alert
from shared.insight.alerts.rules import RULES
from shared.money.budgets.reserving import announce_alert, settle_reservation
from shared.money.budgets.rows import Budget
from shared.people.identity.mails import MAILS_PER_ADDRESS
from shared.store import fetch, index_rows, write
from shared.work.items.rows import Item
from tests.areas.boards_world import World
from tests.areas.driving import Client, confirm_address, sign_up
from tests.areas.hooks_world import Hooks
from tests.areas.live_agents_world import beat, registered
from tests.areas.mailbox import mailer, requested_mails, reset_ses, sent_mails
from tests.areas.viewers import listen, pushed
from tests.kills import concurrently


def get(client: Client, path: str = "/alerts") -> list[dict]:
    answer = client("notifications", "GET", path)
    assert answer.status == 200, answer.text
    return answer.json


def post(client: Client, alert_id: str, what: str, status: int = 200, **body: object) -> dict:
    answer = client("notifications", "POST", f"/alerts/{alert_id}/{what}", body=body or None)
    assert answer.status == status, answer.text
    return answer.json


def change_rule(client: Client, rule: str, status: int = 200, **body: object) -> dict:
    answer = client("notifications", "PUT", f"/alerts/rules/{rule}", body=body)
    assert answer.status == status, answer.text
    return answer.json


def cause(world: World, subject: str | None = None, occasion: str | None = None) -> Cause:
    return Cause(world.ws_id, "ticket", subject or new_id(), "Ticket A card is blocked", occasion or new_id())


def block(client: Client, card: Item) -> None:
    answer = client("cards", "POST", f"/tickets/{card.id}/block", body={"blocked_reason": "No database"})
    assert answer.status == 200, answer.text


def test_the_rules_are_those_of_the_original_service_and_no_id(ada):
    rules = {one["rule_id"]: one for one in get(ada, "/alerts/rules")}
    assert list(rules) == [
        "agent_heartbeat_missed",
        "agent_anomaly_high",
        "agent_unresponsive",
        "ticket_blocked",
        "ticket_blocked_critical",
        "watchdog_remediation_failed",
        "watchdog_escalation",
    ]
    assert rules["agent_anomaly_high"] == {
        "rule_id": "agent_anomaly_high",
        "name": "Agent anomaly high",
        "metric": "agent.anomaly_score",
        "metric_name": "agent.anomaly_score",
        "condition": "agent.anomaly_score >= 0.8",
        "severity": "critical",
        "routing": ["slack", "webhook"],
        "dedup_seconds": 60,
        "deduplication_window": "60s",
        "enabled": True,
    }
    assert rules["ticket_blocked_critical"]["condition"] == "ticket.blocked > 0 and priority = CRITICAL"


@pytest.mark.parametrize(
    ("rule", "value", "triggered"),
    [
        ("agent_heartbeat_missed", 2, False),
        ("agent_heartbeat_missed", 3, True),
        ("agent_anomaly_high", 0.79, False),
        ("agent_anomaly_high", 0.8, True),
        ("watchdog_escalation", 0, False),
        ("watchdog_escalation", 1, True),
    ],
)
def test_the_condition_decides(world, rule, value, triggered):
    assert (raise_alert(rule, value, cause(world)) is not None) == triggered


def test_a_blocked_ticket_triggers_an_alert_that_its_end_resolves(world, ada, stream):
    card = world.card()
    block(ada, card)
    stream.flow()
    (alert,) = get(ada)
    assert (alert["rule_id"], alert["severity"], alert["status"]) == ("ticket_blocked", "warning", "active")
    assert (alert["entity_type"], alert["entity_id"], alert["project_id"]) == ("ticket", card.id, world.project.id)
    assert alert["message"] == f"Ticket {card.title} is blocked: No database"
    assert (alert["current_value"], alert["threshold"], alert["labels"]["priority"]) == (1, 0, "MEDIUM")
    ada("cards", "POST", f"/tickets/{card.id}/unblock")
    stream.flow()
    assert get(ada) == []
    (resolved,) = get(ada, "/alerts?status=resolved")
    assert (resolved["resolved_by"], resolved["resolution_note"]) == ("system", "The ticket is no longer blocked")


def test_a_critical_ticket_has_a_rule_of_its_own(world, ada, stream):
    card = world.card()
    world.ada("cards", "PUT", f"/cards/{card.id}", body={"priority": "critical"})
    stream.flow()
    block(ada, card)
    stream.flow()
    assert [(one["rule_id"], one["severity"]) for one in get(ada)] == [("ticket_blocked_critical", "critical")]
    assert get(ada, "/alerts?severity=warning") == []
    assert len(get(ada, "/alerts?severity=critical")) == 1


def test_a_silent_agent_triggers_alerts_and_its_return_resolves_them(world, ada, stream):
    with time_machine.travel(clock.now(), tick=False) as traveller:
        made = registered(ada)["agent_id"]
        beat(ada, made, 1)
        traveller.shift(timedelta(minutes=5))
        scheduled({"detail": {"jobs": ["heartbeat-watch"]}}, None)
        stream.flow()
        found = {one["rule_id"]: one for one in get(ada)}
        assert found.keys() == {"agent_heartbeat_missed", "agent_unresponsive"}
        assert found["agent_heartbeat_missed"]["current_value"] == 3
        assert {one["type"] for one in inbox(world)} == {"agent_heartbeat_missed", "alert"}
        titles = {one["title"] for one in inbox(world) if one["type"] == "alert"}
        assert titles == {"Agent heartbeat missed (warning)", "Agent unresponsive (error)"}
        ada("agents", "PATCH", f"/agents/{made}", body={"status": "quarantined"})
        ada("agents", "PATCH", f"/agents/{made}", body={"status": "idle"})
        stream.flow()
        assert get(ada) == []


def inbox(world: World) -> list[dict]:
    found: list[dict] = world.ada.at("omoios")("notifications", "GET", "/notifications").json
    return found


def test_one_alert_stands_for_all_of_a_window(world):
    with time_machine.travel(clock.now(), tick=False) as traveller:
        first = cause(world)
        made = raise_alert("ticket_blocked", 1, first)
        again = cause(world, first.entity_id)
        assert made is not None
        assert raise_alert("ticket_blocked", 1, again) is None
        assert raise_alert("ticket_blocked", 1, first) is None  # the same event again
        assert raise_alert("ticket_blocked_critical", 1, again) is not None  # another rule
        assert raise_alert("ticket_blocked", 1, cause(world)) is not None  # another ticket
        traveller.shift(timedelta(seconds=599))
        assert raise_alert("ticket_blocked", 1, again) is None
        traveller.shift(timedelta(seconds=2))
        assert raise_alert("ticket_blocked", 1, first) is None  # the first event is still the first
        assert raise_alert("ticket_blocked", 1, again) is not None


def test_of_two_at_once_one_is_triggered(world, ada):
    subject = new_id()
    with concurrently(lambda: raise_alert("ticket_blocked", 1, cause(world, subject)) and None):
        assert raise_alert("ticket_blocked", 1, cause(world, subject)) is None
    assert len(get(ada)) == 1


def test_what_has_ended_is_resolved_once_and_may_be_said_again(world, ada):
    one = cause(world)
    made = raise_alert("ticket_blocked", 1, one)
    assert made is not None
    settle_alerts(("ticket_blocked",), world.ws_id, "ticket", one.entity_id, "Over")
    at = get(ada, "/alerts?status=resolved")[0]["resolved_at"]
    settle_alerts(("ticket_blocked",), world.ws_id, "ticket", one.entity_id, "Over again")
    row = fetch(Alert, made.id)
    assert row is not None
    assert (row.resolved_at, row.resolution_note) == (at, "Over")


def test_a_rule_is_switched_off_and_changed(world, ada):
    assert change_rule(ada, "ticket_blocked", enabled=False)["enabled"] is False
    assert raise_alert("ticket_blocked", 1, cause(world)) is None
    changed = change_rule(ada, "ticket_blocked", enabled=True, routing=["webhook", "email"], dedup_seconds=0)
    assert (changed["routing"], changed["dedup_seconds"], changed["deduplication_window"]) == (["email", "webhook"], 0, "0s")
    assert next(one for one in get(ada, "/alerts/rules") if one["rule_id"] == "ticket_blocked") == changed
    subject = new_id()
    for _ in range(2):  # nothing stands for anything
        assert raise_alert("ticket_blocked", 1, cause(world, subject)) is not None
    assert change_rule(ada, "unknown", 404, enabled=True)
    assert change_rule(ada, "ticket_blocked", 422, routing=["pigeon"])
    assert change_rule(ada, "ticket_blocked", 422, dedup_seconds=-1)
    stranger = sign_up("Stan Stranger", "stan@example.com").at("omoios")
    assert next(one for one in get(stranger, "/alerts/rules") if one["rule_id"] == "ticket_blocked")["dedup_seconds"] == 600


def test_two_who_change_the_rules_at_once_lose_nothing(world, ada):
    from shared.insight.alerts.rules import change_rule as change

    with concurrently(lambda: change(world.actor, world.ws_id, "watchdog_escalation", enabled=False) and None):
        change(world.actor, world.ws_id, "ticket_blocked", enabled=False)
    off = {one["rule_id"] for one in get(ada, "/alerts/rules") if not one["enabled"]}
    assert off == {"watchdog_escalation", "ticket_blocked"}


def test_an_alert_is_acknowledged_and_resolved_by_who_calls(world, ada):
    made = raise_alert("ticket_blocked", 1, cause(world))
    assert made is not None
    told = post(ada, made.id, "acknowledge", acknowledged_by="Somebody Else")
    assert (told["status"], told["acknowledged_by"]) == ("acknowledged", ada.user["id"])
    assert told["acknowledged_at"]
    refused = post(ada, made.id, "acknowledge", 409)
    assert (refused["detail"], refused["error"]["code"]) == ("This alert is acknowledged", "CONFLICT")
    told = post(ada, made.id, "resolve", resolved_by=ada.user["name"], note="Restarted")
    assert (told["status"], told["resolved_by"], told["resolution_note"]) == ("resolved", ada.user["name"], "Restarted")
    assert post(ada, made.id, "resolve", 409)["detail"] == "This alert is resolved"
    assert post(ada, made.id, "acknowledge", 409)
    assert ada("notifications", "GET", f"/alerts/{made.id}").json == told


def test_alerts_are_the_workspaces(world, ada):
    made = raise_alert("ticket_blocked", 1, cause(world))
    assert made is not None
    stranger = sign_up("Stan Stranger", "stan@example.com").at("omoios")
    assert get(stranger) == []
    assert stranger("notifications", "GET", f"/alerts/{made.id}").status == 404
    assert post(stranger, made.id, "resolve", 404)
    assert ada("notifications", "GET", "/alerts/not-an-id").status == 404
    assert ada("notifications", "GET", "/alerts?severity=odd").status == 422


def test_listeners_see_an_alert_and_what_becomes_of_it(world, ada, stream, gateway):
    listen(world.ws_id)
    made = raise_alert("watchdog_escalation", 2, cause(world))
    assert made is not None
    stream.flow()
    post(ada, made.id, "acknowledge")
    stream.flow()
    heard = {one["event_type"]: one["payload"] for one in pushed("omoios")}
    assert heard["alert.triggered"]["rule_id"] == "watchdog_escalation"
    assert heard["alert.triggered"]["severity"] == "critical"
    assert heard["alert.acknowledged"] == {"alert_id": made.id, "rule_id": made.rule_id, "acknowledged_by": ada.user["id"]}


def test_an_alert_is_mailed_to_administrators_who_want_mails_once(world, ada, stream):
    confirm_address(world.ada)
    requested_mails()
    before = stream.seen
    raise_alert("watchdog_escalation", 1, cause(world))
    stream.flow()
    stream.seen = before
    stream.flow()
    mails = [mail for mail in requested_mails() if mail["kind"] == "alert_triggered"]
    assert {mail["id"] for mail in mails} == {mails[0]["id"]}  # the mailer sends what has one id once
    assert (mails[0]["to"], mails[0]["values"]["rule"]) == (world.ada.user["email"], "Watchdog escalation")
    raise_alert("ticket_blocked", 1, cause(world))  # goes to Slack only
    stream.flow()
    assert requested_mails() == []
    preferences = {"preferences": {"notifications": {"email": False}}}
    assert world.ada("auth", "PUT", "/auth/me", body=preferences).status == 200
    requested_mails()
    raise_alert("watchdog_escalation", 1, cause(world))
    stream.flow()
    assert [mail for mail in requested_mails() if mail["kind"] == "alert_triggered"] == []


def test_an_alert_reaches_the_webhooks_to_which_its_rule_sends_it(world, ada, stream, receiver):
    hooks = Hooks(world, receiver)
    hook = hooks.subscribe(events=["alert.triggered"])
    slack = hooks.ask("POST", "/webhooks", {"url": "https://hooks.slack.com/services/T0/B0/x", "events": ["alert.triggered"]})
    assert slack.status == 201, slack.text
    made = raise_alert("watchdog_escalation", 1, Cause(world.ws_id, "agent", new_id(), "Help", new_id(), world.project.org_id))
    raise_alert("ticket_blocked", 1, Cause(world.ws_id, "ticket", new_id(), "Blocked", new_id(), world.project.org_id))
    stream.flow()
    assert made is not None
    hooks.work(*(wake for wake in hooks.wakes() if wake["webhook"] == hook["id"]))  # nothing is sent to Slack
    (got,) = receiver.received
    assert (got.json["event"], got.json["data"]["alert_id"]) == ("alert.triggered", made.id)
    assert got.json["data"]["rule_id"] == "watchdog_escalation"
    for webhook, number in ((hook["id"], 1), (slack.json["data"]["id"], 2)):
        assert len(hooks.ask("GET", f"/webhooks/{webhook}/deliveries").json["data"]) == number


def test_every_rule_goes_somewhere():
    assert all(rule.routing and rule.dedup_seconds for rule in RULES.values())


def test_slack_gets_a_message_in_its_own_form():
    content = Content(
        pk="WHK#1", sk="WAIT#1", id="1", event="alert.triggered", source="1", at=clock.iso(), created_at=clock.iso()
    )
    data = {"severity": "critical", "message": "Ticket <A & B> is blocked"}
    text = json.loads(body_for("https://hooks.slack.com/services/T0/B0/x", content, data, 0))
    assert text == {"text": "alert.triggered (critical): Ticket &lt;A &amp; B&gt; is blocked"}
    other = json.loads(body_for("https://example.com/hooks.slack.com", content, data, 0))
    assert other["data"] == data
    wordless = json.loads(body_for("https://hooks.slack.com/services/T0/B0/x", content, {"a": 1, "b": "two", "c": [3]}, 0))
    assert wordless == {"text": "alert.triggered: a 1, b two"}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_reaches_each_of_its_channels_and_no_other(rule, world, ada, stream, receiver):
    """The inbox has all; a mail arrives at its address through SES, a webhook at its receiver, and Slack has one of its own."""
    confirm_address(world.ada)
    requested_mails()
    reset_ses()
    hooks = Hooks(world, receiver)
    hook = hooks.subscribe(events=["alert.triggered"])
    slack = hooks.ask("POST", "/webhooks", {"url": "https://hooks.slack.com/services/T0/B0/x", "events": ["alert.triggered"]})
    made = raise_alert(rule.id, 3, Cause(world.ws_id, "agent", new_id(), f"Said by {rule.id}", new_id(), world.project.org_id))
    assert made is not None
    stream.flow()
    assert [(one["type"], one["entity_id"], one["message"]) for one in inbox(world)] == [("alert", made.id, made.message)]
    mails = requested_mails()
    assert not mails or mailer(*mails) == []
    sent = [(mail.destinations["ToAddresses"], made.message in mail.body) for mail in sent_mails()]
    assert sent == ([([world.ada.user["email"]], True)] if "email" in rule.routing else [])
    hooks.work(*(wake for wake in hooks.wakes() if wake["webhook"] == hook["id"]))  # nothing is sent to Slack
    got = [(one.json["event"], one.json["data"]["message"]) for one in receiver.received]
    assert got == ([("alert.triggered", made.message)] if "webhook" in rule.routing else [])
    waiting = hooks.ask("GET", f"/webhooks/{slack.json['data']['id']}/deliveries").json["data"]
    assert len(waiting) == ("slack" in rule.routing)
    stream.flow()
    assert len(get(ada)) == 1  # an alert, its mails and its deliveries bring no other one


@pytest.mark.parametrize("scope", ["ticket", "project", "phase", "agent", "global"])
def test_a_budget_that_comes_to_its_end_reaches_inbox_mail_and_webhook(scope, world, ada, stream, receiver):
    confirm_address(world.ada)
    reset_ses()
    hooks = Hooks(world, receiver)
    hooks.subscribe(events=["budget.alert"])
    card = world.card(title="Log in")
    ids = {
        "ticket": card.id,
        "project": world.project.id,
        "phase": "PHASE_IMPLEMENTATION",
        "agent": agents()[0].id,
        "global": None,
    }
    body = {"scope_type": scope, "scope_id": ids[scope], "limit_amount": 10}
    made = ada("usage", "POST", "/costs/budgets", body={name: value for name, value in body.items() if value})
    assert made.status == 201, made.text
    budget = fetch(Budget, f"{'card' if scope == 'ticket' else scope}:{ids[scope]}") or next(iter(all_budgets(world)))
    stream.flow()
    requested_mails()
    for spent in (8_500_000, 500_000, 1_500_000):
        write(*settle_reservation(None, [budget.id], spent))
        announce_alert(fetch(Budget, budget.id), world.ws_id)
        stream.flow()
    assert [one["title"] for one in inbox(world)] == ["Budget exceeded", "Budget nearly used"]
    assert mailer(*requested_mails()) == []
    words = {"ticket": "ticket Log in", "project": f"project {world.project.name}", "global": "organization"}.get(scope, scope)
    subjects = [mail.subject for mail in sent_mails()]
    assert [subject.endswith(end) for subject, end in zip(subjects, ("nearly used", "used up"), strict=True)] == [True, True]
    assert all(words in subject for subject in subjects), subjects
    hooks.work(*hooks.wakes())
    got = [(one.json["event"], one.json["data"]["alert"], one.json["data"]["spent"]) for one in receiver.received]
    assert got == [("budget.alert", "warning", 8.5), ("budget.alert", "exceeded", 10.5)]


def all_budgets(world: World) -> list[Budget]:
    rows = index_rows(1, f"BUDGETS#{world.project.org_id}")
    return [budget for row in rows if (budget := fetch(Budget, row.id)) and budget.scope in ("organization", "phase", "agent")]


def test_whoever_changes_a_budget_up_and_down_mails_nobody_without_end(world, ada, stream):
    confirm_address(world.ada)
    card = world.card()
    requested_mails()
    for number in range(12):
        body = {"scope_type": "ticket", "scope_id": card.id, "limit_amount": 10 + number * 10}
        assert ada("usage", "POST", "/costs/budgets", body=body).status == 201
        write(*settle_reservation(None, [f"card:{card.id}"], 10_000_000))
        announce_alert(fetch(Budget, f"card:{card.id}"), world.ws_id)
        stream.flow()
    assert len([mail for mail in requested_mails() if mail["kind"] == "budget_alert"]) == MAILS_PER_ADDRESS.limit
