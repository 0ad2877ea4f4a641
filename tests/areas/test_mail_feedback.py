"""Mails that come back: an address that bounced, or whose owner complained, gets no more mail until it is lifted."""

import json
from pathlib import Path

import pytest
import time_machine

from shared.channels.mail import addresses, delivery, outbox
from shared.core.settings import settings
from tests.areas.driving import Client, sign_up
from tests.areas.mailbox import mailer, requested_mails, reset_ses, sent_mails
from tests.trips import count_requests
from tools import mail as command
from tools.deployment import Deployment

EVENTS = [
    record["body"]
    for record in json.loads((Path(__file__).parents[2] / "events" / "sqs-emails-came-back.json").read_text())["Records"]
]
HARD_BOUNCE, SOFT_BOUNCE, COMPLAINT, NO_SPAM = EVENTS
"""Of ada@example.com (who forwards her mail), bea@, carl@ and dora@."""


@pytest.fixture(autouse=True)
def _ses(aws):
    reset_ses()


def about(event: str, address: str) -> str:
    """The event of a mail to another address."""
    changed = json.loads(event)
    changed["detail"]["mail"]["destination"] = [address]
    return json.dumps(changed)


def reached(address: str) -> bool:
    """Tell whether the mailer sends a mail to an address."""
    before = len(sent_mails())
    outbox.send("workspace_suspended", address, url="https://cadre.example/billing")
    assert mailer(*requested_mails()) == []
    return len(sent_mails()) > before


def test_an_address_that_bounced_or_complained_gets_no_more_mail(aws):
    assert mailer(*EVENTS) == []
    assert mailer(*EVENTS) == [], "an event may come twice"
    assert [reached(f"{name}@example.com") for name in ("ada", "bea", "carl", "dora")] == [False, True, False, True]
    assert reached("ada@forwarded.example"), "it was not us who wrote to it"


def test_an_address_is_refused_however_it_is_written(aws):
    mailer(about(HARD_BOUNCE, "zoë@xn--mller-kva.example"))  # as it left
    assert not reached("Zoë@müller.example")


def test_whoever_complained_is_not_written_to_by_another_name_for_the_same_mailbox(aws):
    mailer(about(COMPLAINT, "Carl+news@Example.com"), about(COMPLAINT, "d.ora@gmail.com"))
    for address in ("carl@example.com", "CARL+shop@example.com", "dora+1@googlemail.com"):
        assert not reached(address)
    assert reached("carla@example.com")
    addresses.lift("carl@example.com")
    assert reached("carl+news@example.com")


def test_an_address_that_bounced_says_nothing_of_its_variants(aws):
    """Some servers know no `+`."""
    mailer(about(HARD_BOUNCE, "ada+list@example.com"))
    assert [reached("ada+list@example.com"), reached("ada@example.com")] == [False, True]


def test_a_mail_that_is_not_sent_says_why_and_not_to_whom(aws, caplog):
    mailer(HARD_BOUNCE)
    outbox.send("workspace_suspended", "ada@example.com", url="https://cadre.example/s3cret")
    (message,) = requested_mails()
    assert mailer(message) == []
    (line,) = [vars(one) for one in caplog.records if "is not sent" in one.message]
    assert (line["levelname"], line["mail"], line["kind"], line["reason"]) == (
        "WARNING", message["id"], "workspace_suspended", "bounce",
    )  # fmt: skip
    said = repr([vars(one) for one in caplog.records])
    assert "ada@example.com" not in said
    assert "s3cret" not in said


def test_a_bounce_is_forgotten_after_two_weeks_and_a_complaint_is_not(aws):
    with time_machine.travel("2026-11-28T10:00:00Z", tick=False) as now:
        mailer(HARD_BOUNCE, COMPLAINT)
        now.shift(addresses.BOUNCE_SECONDS - 1)
        assert not reached("ada@example.com")
        now.shift(2)  # DynamoDB removes an expired row some days later
        assert reached("ada@example.com")
        now.shift(10 * addresses.BOUNCE_SECONDS)
        assert not reached("carl@example.com")


def test_a_bounce_does_not_replace_a_complaint(aws):
    mailer(about(COMPLAINT, "ada@example.com"), HARD_BOUNCE)
    assert addresses.find_refused("ada@example.com").reason == addresses.COMPLAINT
    mailer(about(HARD_BOUNCE, "carl@example.com"), COMPLAINT)
    assert addresses.find_refused("carl@example.com").reason == addresses.COMPLAINT


def test_a_provider_takes_a_complaint_back(aws):
    mailer(COMPLAINT, about(NO_SPAM, "carl@example.com"))
    assert reached("carl@example.com")


def ask_for_mail(ada: Client) -> bool:
    """Tell whether the mail arrives that confirms the address, when its owner asks for it."""
    requested_mails()
    before = len(sent_mails())
    assert ada("auth", "POST", "/auth/resend-verification").status == 202
    assert mailer(*requested_mails()) == []
    return len(sent_mails()) > before


def test_an_owner_who_asks_for_mail_lifts_a_bounce_once_a_day(aws):
    with time_machine.travel("2026-11-28T10:00:00Z", tick=False) as now:
        ada = sign_up()
        mailer(HARD_BOUNCE)
        assert not ask_for_mail(ada), "it bounced just now"
        now.shift(addresses.LIFT_AFTER)
        body = {"email": "ada@example.com", "password": "correct horse"}
        ada.token = ada("auth", "POST", "/auth/login", body=body).json["token"]
        assert ask_for_mail(ada)
        mailer(COMPLAINT.replace("carl@example.com", "ada@example.com"))
        now.shift(addresses.LIFT_AFTER)
        ada.token = ada("auth", "POST", "/auth/login", body=body).json["token"]
        assert not ask_for_mail(ada), "whoever complained is not asked again"


def test_an_operator_sees_and_lifts_what_is_refused(aws, monkeypatch, capsys):
    monkeypatch.setattr(Deployment, "find", lambda _, part, name: f"{part}/{name}".removeprefix("data/").lower())

    def say(*arguments: str) -> str:
        assert command.main(["Carl@Example.com", *arguments]) == 0
        return str(capsys.readouterr().out)

    assert say() == "Carl@Example.com gets mail\n"
    with time_machine.travel("2026-11-28T10:00:00Z", tick=False):
        mailer(COMPLAINT)
    assert say() == "Carl@Example.com gets no mail: complaint at 2026-11-28T10:00:00.000Z\n"
    assert say("--lift") == "Carl@Example.com gets mail again\n"
    assert say() == "Carl@Example.com gets mail\n"
    assert reached("carl@example.com")


def test_a_mail_costs_one_read_more(aws):
    outbox.send("workspace_suspended", "ada@example.com", url="https://cadre.example")
    (message,) = requested_mails()
    with count_requests() as seen:
        mailer(message)
    assert [name for name in seen.names if name.endswith("Item")] == ["BatchGetItem", "PutItem", "PutItem"]


def test_a_mail_names_the_configuration_set_that_reports_on_it(aws, monkeypatch):
    sent = []

    class Ses:
        def send_email(self, **request):
            sent.append(request)

    monkeypatch.setattr(delivery, "ses", Ses)
    outbox.send("workspace_suspended", "ada@example.com", url="https://cadre.example")
    outbox.send("workspace_suspended", "bea@example.com", url="https://cadre.example")
    messages = requested_mails()
    mailer(messages[0])
    monkeypatch.setenv("CADRE_MAIL_CONFIGURATION_SET", "cadre-prod-Mails")
    settings.cache_clear()
    try:
        mailer(messages[1])
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert [request.get("ConfigurationSetName") for request in sent] == [None, "cadre-prod-Mails"]
    tags = {tag["Name"]: tag["Value"] for tag in sent[1]["EmailTags"]}
    assert tags == {"mail": messages[1]["id"], "kind": "workspace_suspended"}, "to be found again when it comes back"


def test_feedback_says_which_mail_came_back_and_not_whose(aws, caplog):
    mailer(*EVENTS)
    lines = [vars(one) for one in caplog.records if one.message == "feedback on a mail"]
    assert [(one["event"], one["reason"]) for one in lines] == [
        ("Bounce", "bounce"), ("Bounce", None), ("Complaint", "complaint"), ("Complaint", None),
    ]  # fmt: skip
    assert {(one["mail"], one["kind"]) for one in lines} == {("0199a000-0000-7000-8000-00000000a001", "verify_email")}
    assert "@example.com" not in repr(lines)


def test_what_cannot_be_read_comes_again_alone(aws):
    assert mailer('{"detail-type": "Email Bounced"}', HARD_BOUNCE) == ["m0"]
