"""Mail: what is asked for leaves once, in words that cannot be abused, and its secrets are nowhere else."""

import json
import time
from pathlib import Path

import pytest
import time_machine

from shared.channels.mail import delivery, outbox
from shared.channels.mail.templates import TEMPLATES, render
from shared.core.errors import Upstream
from shared.core.settings import settings
from tests.areas.mailbox import mailer, requested_mails, reset_ses, sent_mails

SAMPLES = json.loads((Path(__file__).parents[2] / "events" / "sqs-emails.json").read_text())["Records"]
INVITED = {
    "workspace": "Engines",
    "inviter": "Ada",
    "role": "member",
    "url": "http://localhost:8000/invitations/s3cret",
    "expires": "2026-12-03T09:30:00.000Z",
}


@pytest.fixture(autouse=True)
def _ses(aws):
    reset_ses()


def test_what_is_asked_for_leaves(aws):
    outbox.send("invitation", "bea@example.com", **INVITED, message="Join <us> & work")
    (message,) = requested_mails()
    assert mailer(message) == []
    (mail,) = sent_mails()
    assert (mail.destinations["ToAddresses"], mail.source) == (["bea@example.com"], settings().mail_sender)
    assert mail.subject == "Ada invites you to Engines"
    assert "Join &lt;us&gt; &amp; work" in mail.body
    assert INVITED["url"] in mail.body
    assert "3 December 2026, 09:30 UTC" in mail.body


def test_the_sample_event_is_mail(aws):
    assert mailer(*(record["body"] for record in SAMPLES)) == []
    assert [mail.destinations["ToAddresses"] for mail in sent_mails()] == [["ada@example.com"], ["bea@example.com"]]


def test_a_message_that_comes_again_sends_nothing_more(aws):
    outbox.send("invitation", "bea@example.com", **INVITED)
    (message,) = requested_mails()
    assert mailer(message, message) == []
    assert mailer(message) == []
    assert len(sent_mails()) == 1


def test_a_claim_that_has_expired_but_is_still_there_does_not_count(aws):
    """DynamoDB removes an expired row some days later; a message that is redriven after that time was not sent lately."""
    outbox.send("invitation", "bea@example.com", **INVITED)
    (message,) = requested_mails()
    assert mailer(message) == []
    with time_machine.travel(time.time() + delivery.RETENTION + 1, tick=False):
        assert mailer(message) == []
    assert len(sent_mails()) == 2


def test_one_occasion_is_one_mail(aws):
    for _ in range(2):
        outbox.send("invitation", "bea@example.com", once="event-1", **INVITED)
    outbox.send("invitation", "bea@example.com", once="event-2", **INVITED)
    assert mailer(*requested_mails()) == []
    assert len(sent_mails()) == 2


def test_what_fails_comes_again_alone(aws):
    outbox.send("invitation", "bea@example.com", **INVITED)
    (message,) = requested_mails()
    assert mailer("{broken", message, message | {"id": "other", "kind": "unheard_of"}) == ["m0", "m2"]
    assert len(sent_mails()) == 1


def test_a_mail_that_ses_refuses_is_tried_again(aws):
    reset_ses(verified=False)
    outbox.send("invitation", "bea@example.com", **INVITED)
    (message,) = requested_mails()
    assert mailer(message) == ["m0"]
    reset_ses()
    assert mailer(message) == []
    assert len(sent_mails()) == 1


def test_a_mailer_that_died_leaves_its_message_to_the_next(aws):
    outbox.send("invitation", "bea@example.com", **INVITED)
    (message,) = requested_mails()
    with time_machine.travel("2026-11-26T10:00:00Z", tick=False) as now:
        delivery._claim(message["id"])  # and nothing more
        assert mailer(message) == ["m0"]
        now.shift(delivery.LOCK_SECONDS + 1)
        assert mailer(message) == []
    assert len(sent_mails()) == 1


def test_an_address_that_is_none_is_dropped(aws, monkeypatch):
    from botocore.exceptions import ClientError

    class Ses:
        def send_email(self, **_):
            raise ClientError({"Error": {"Code": "BadRequestException", "Message": "no address"}}, "SendEmail")

    monkeypatch.setattr(delivery, "ses", Ses)
    outbox.send("invitation", "nonsense", **INVITED)
    assert mailer(*requested_mails()) == []


def test_no_secret_is_logged(aws, caplog):
    outbox.send("invitation", "bea@example.com", **INVITED)
    reset_ses(verified=False)
    (message,) = requested_mails()
    mailer(message, json.dumps(message | {"id": "2", "values": INVITED | {"what": "1"}}))
    reset_ses()
    mailer(message)
    said = [repr(vars(record)) for record in caplog.records]
    assert [("mail failed" in one, "'kind': 'invitation'" in one) for one in said] == [(True, True)] * 2 + [(False, True)]
    assert not any("s3cret" in one for one in said)


def test_a_domain_leaves_in_ascii(aws):
    outbox.send("invitation", "ada@müller.example", **INVITED)
    mailer(*requested_mails())
    assert sent_mails()[0].destinations["ToAddresses"] == ["ada@xn--mller-kva.example"]


def test_nobody_to_write_to(aws):
    outbox.send("nothing", "nobody@example.com")
    (message,) = requested_mails()
    assert mailer(message) == []
    assert sent_mails() == []


def test_links_lead_to_the_web_application(aws, monkeypatch):
    assert outbox.link("/verify-email?token=t") == "http://localhost:8000/verify-email?token=t"
    monkeypatch.setenv("CADRE_APP_URL", "https://app.agentworks.dev/")
    settings.cache_clear()
    try:
        assert outbox.link("/verify-email?token=t") == "https://app.agentworks.dev/verify-email?token=t"
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_mistake_is_said_to_whoever_asks(aws):
    with pytest.raises(LookupError, match="there is no mail"):
        outbox.send("unheard_of", "a@b.co")
    with pytest.raises(TypeError):
        outbox.send("invitation", "a@b.co", workspace="Engines")
    assert requested_mails() == []


def test_a_queue_that_fails_is_said(aws, monkeypatch):
    monkeypatch.setenv("CADRE_EMAILS_QUEUE", "http://localhost:9/nowhere")
    settings.cache_clear()
    try:
        with pytest.raises(Upstream):
            outbox.send("nothing", "a@b.co")
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_subject_is_one_line_and_text_stays_text(aws):
    written = render(
        "invitation", INVITED | {"workspace": "A\r\nBcc: everybody@example.com" + "x" * 500, "inviter": "<b>Eve</b>"}
    )
    assert "\n" not in written.subject
    assert len(written.subject) <= 150
    assert "<b>Eve" not in written.html
    assert "<b>Eve" in written.text


BILL = {"number": "INV-1", "workspace": "<Ada>", "owed": "USD 12.30", "due": "2026-12-03", "url": "https://x.dev/v?token=a&b"}
VALUES = {
    "verify_email": {"url": "https://x.dev/v?token=a&b", "expires": "2026-12-03T09:30:00.000Z"},
    "reset_password": {"url": "https://x.dev/v?token=a&b", "expires": "2026-12-03T09:30:00.000Z"},
    "choose_password": {"url": "https://x.dev/v?token=a&b", "expires": "2026-12-03T09:30:00.000Z"},
    "identity_linked": {"provider": "<corp>", "url": "https://x.dev/v?token=a&b", "at": "2026-12-03T09:30:00.000Z"},
    "account_locked": {"url": "https://x.dev/v?token=a&b", "expires": "2026-12-03T09:30:00.000Z"},
    "password_changed": {"name": "<Ada>", "url": "https://x.dev/v?token=a&b", "at": "2026-12-03T09:30:00.000Z"},
    "invitation": INVITED | {"url": "https://x.dev/v?token=a&b", "message": "<Come>"},
    "usage_alert": {
        "name": "<Ada>",
        "workspace": "<Come>",
        "percent": 80,
        "spent": "80.50",
        "limit": "100.00",
        "url": "https://x.dev/v?token=a&b",
        "reached": "2026-12-03",
    },
    "budget_alert": {
        "name": "<Ada>",
        "workspace": "<Acme>",
        "budget": "the ticket <Login>",
        "exceeded": True,
        "spent": "10.50",
        "limit": "10.00",
        "url": "https://x.dev/v?token=a&b",
    },
    "invoice_issued": BILL | {"total": "USD 12.30"},
    "invoice_overdue": BILL,
    "workspace_suspended": {"url": "https://x.dev/v?token=a&b"},
    "webhook_disabled": {
        "name": "<Ada>",
        "host": "hooks.example.com",
        "gone": False,
        "url": "https://x.dev/v?token=a&b",
        "at": "2026-12-03T09:30:00.000Z",
    },
    "alert_triggered": {
        "name": "<Ada>",
        "workspace": "<Acme>",
        "rule": "Watchdog escalation",
        "severity": "critical",
        "message": "Agent <worker> does not respond",
        "url": "https://x.dev/v?token=a&b",
        "at": "2026-12-03T09:30:00.000Z",
    },
}


def test_every_kind_of_mail_is_tested(aws):
    assert set(VALUES) == set(TEMPLATES) - {"nothing"}


@pytest.mark.parametrize("kind", VALUES)
def test_the_words_of_a_mail(kind):
    written = render(kind, VALUES[kind])
    assert "https://x.dev/v?token=a&b\n" in written.text
    assert 'href="https://x.dev/v?token=a&amp;b"' in written.html
    moments = {"expires": "3 December 2026, 09:30 UTC", "at": "3 December 2026, 09:30 UTC", "reached": "3 December 2026"}
    for said in (moments[name] for name in moments.keys() & VALUES[kind].keys()):
        assert said in written.text
        assert said in written.html
    for said in ("number", "owed", "due"):
        assert VALUES[kind].get(said, "") in written.text
    assert "<Ada>" not in written.html
    assert "<Come>" not in written.html
