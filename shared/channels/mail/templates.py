"""The templates of the mails, one function for each kind. To add a kind, write a function with keyword arguments and list it in TEMPLATES.

Values may contain text that people wrote (names, messages): HTML escapes all of them, and a subject is cut to one short line.
"""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.core import clock

_MAX_SUBJECT = 150  # characters: as much as mail clients show, and far below the limit of 998 in RFC 5322


@dataclass(frozen=True)
class RenderedMail:
    subject: str
    text: str
    html: str


def render(kind: str, values: Mapping[str, Any]) -> RenderedMail | None:
    """Render a mail; return None for the kind `nothing`. Raises LookupError for an unknown kind, TypeError for wrong values."""
    if kind not in TEMPLATES:
        raise LookupError(f"there is no mail {kind!r}; there are {', '.join(TEMPLATES)}")
    return TEMPLATES[kind](**values)


def no_mail() -> None:
    """Send nothing: used for an unknown address, so that the response time does not reveal whether an account exists."""


def verify_email(*, url: str, expires: str) -> RenderedMail:
    """Ask to confirm an address: `url` is the page that confirms it, valid until `expires` (ISO 8601). It has no text of whoever
    registered the address, who may be a stranger."""
    return _layout(
        "Confirm your e-mail address",
        "please confirm that this is your e-mail address.",
        button=("Confirm my address", url),
        small=f"The link is good until {_date_and_time(expires)}. Open it where you are logged in. If you did not register, you need not"
        " do anything.",
    )


def reset_password(*, url: str, expires: str) -> RenderedMail:
    return _layout(
        "Choose a new password",
        "somebody, hopefully you, asked for a new password for this address.",
        button=("Choose a new password", url),
        small=f"The link is good once, until {_date_and_time(expires)}. If it was not you, you need not do anything: your password stays.",
    )


def account_locked(*, url: str, expires: str) -> RenderedMail:
    return _layout(
        "Somebody tries to guess your password",
        "so many wrong passwords were tried for your account that it takes none for up to an hour, not even the right one. Your open"
        " sessions go on. If you want to log in now, choose a new password: with it you get in at once.",
        button=("Choose a new password", url),
        small=f"The link is good once, until {_date_and_time(expires)}. If you do not want to log in, you need not do anything.",
    )


def choose_password(*, url: str, expires: str) -> RenderedMail:
    return _layout(
        "Your address is confirmed: choose a password",
        "you confirmed your e-mail address. As you were not logged in, whoever registered with it before can no longer log in.",
        "If you want to use the account, choose a password for it.",
        button=("Choose a password", url),
        small=f"The link is good once, until {_date_and_time(expires)}. Later, ask for a new one where you log in.",
    )


def identity_linked(*, provider: str, at: str, url: str) -> RenderedMail:
    """Report a new way to log in: by `provider`, since `at` (ISO 8601); `url` is the page to ask for a new password."""
    return _layout(
        "A new way into your account",
        f"since {_date_and_time(at)} you can log in to your account with {provider}.",
        button=("It was not me: choose another password", url),
        small="If it was you, you need not do anything.",
    )


def password_changed(*, name: str, at: str, url: str) -> RenderedMail:
    """Report a changed password: `at` is the time (ISO 8601), `url` the page to reset a password."""
    return _layout(
        "Your password was changed",
        f"Hello {name},",
        f"your password was changed on {_date_and_time(at)}. Your other sessions have ended.",
        button=("It was not me: choose another password", url),
    )


def invitation(
    *, workspace: str | None, inviter: str, role: str, url: str, expires: str, message: str | None = None
) -> RenderedMail:
    """Invite into a workspace, with the inviter's own message. `url` is the page to accept it, until `expires` (ISO 8601). Without
    its name the workspace is not named."""
    place = f"the workspace {workspace}" if workspace else "a workspace"
    words = [f"{inviter} wrote:", message] if message else []
    return _layout(
        f"{inviter} invites you to {workspace or 'a workspace'}",
        f"{inviter} invites you to join {place} as {role}.",
        *words,
        button=("Accept the invitation", url),
        small=f"The invitation is good until {_date_and_time(expires)}. If you do not know {inviter}, ignore it.",
    )


def usage_alert(
    *, name: str, workspace: str, percent: int, spent: str, limit: str, url: str, reached: str | None = None
) -> RenderedMail:
    """Warn about the monthly usage. Amounts are in USD; `reached` (ISO 8601) is the day on which the limit was or will be reached."""
    if percent >= 100:
        outlook = ["Agents wait before their next call until the limit is raised or the month is over."]
    else:
        outlook = [f"At this pace the limit will be reached on {_date(reached)}."] if reached else []
    return _layout(
        f"{workspace} has used {percent} % of its month",
        f"Hello {name},",
        f"the workspace {workspace} has used {spent} USD of its monthly limit of {limit} USD: {percent} % or more.",
        *outlook,
        button=("See the usage", url),
        small="You are an owner or administrator of this workspace. Your preferences say whether you want these letters.",
    )


def budget_alert(*, name: str, workspace: str, budget: str, exceeded: bool, spent: str, limit: str, url: str) -> RenderedMail:
    """Warn about a budget. Amounts are in USD; `budget` says what it is for (`the ticket Login page`)."""
    outlook = (
        "Agents wait before their next call until the budget is raised." if exceeded else "Agents go on until it is used up."
    )
    return _layout(
        f"{workspace}: the budget of {budget} is {'used up' if exceeded else 'nearly used'}",
        f"Hello {name},",
        f"in the workspace {workspace} the budget of {budget} is {'used up' if exceeded else 'nearly used'}: {spent} USD of {limit} USD.",
        outlook,
        button=("See the costs", url),
        small="You are an owner or administrator of this workspace. Your preferences say whether you want these letters.",
    )


def invoice_issued(*, number: str, workspace: str, total: str, owed: str | None, due: str, url: str) -> RenderedMail:
    """Announce an invoice. `total` and `owed` are formatted (`USD 12.30`), `owed` is None if the balance paid all, `due` is a day."""
    return _layout(
        f"Invoice {number}",
        f"here is the invoice {number} for the workspace {workspace}, of {total}.",
        f"Please pay {owed} by {due}, and name the number of the invoice." if owed else "There is nothing to pay.",
        button=("See the invoice", url),
    )


def invoice_overdue(*, number: str, workspace: str, owed: str, due: str, url: str) -> RenderedMail:
    """Remind of an overdue invoice; the same text for every reminder."""
    return _layout(
        f"Invoice {number} is overdue",
        f"the invoice {number} for the workspace {workspace} was due on {due}; {owed} have not arrived yet.",
        "Thirty days after that day the workspace is suspended: agents no longer run in it until the invoice is paid.",
        button=("See the invoice", url),
        small="If you have paid in the meantime, you need not do anything.",
    )


def workspace_suspended(*, url: str) -> RenderedMail:
    return _layout(
        "Your workspace is suspended",
        "an invoice of your workspace is more than thirty days overdue. Agents no longer run in it until the invoice is paid;"
        " everything in it can still be read and changed.",
        button=("See what is owed", url),
    )


def webhook_disabled(*, name: str, host: str, gone: bool, at: str, url: str) -> RenderedMail:
    """Report a webhook that was switched off at `at` (ISO 8601): its receiver at `host` is `gone` (410), or failed for more than a day."""
    reason = "said that it wants no more events" if gone else "has accepted nothing for more than a day"
    return _layout(
        "Your webhook is switched off",
        f"Hello {name},",
        f"the receiver of your webhook at {host} {reason}. Nothing is sent there since {_date_and_time(at)}.",
        "What waits is kept: switch the webhook on again within three days, and all of it is delivered.",
        button=("See your webhooks", url),
    )


def alert_triggered(*, name: str, workspace: str, rule: str, severity: str, message: str, at: str, url: str) -> RenderedMail:
    """Tell of an alert that was triggered at `at` (ISO 8601); `url` is its page."""
    return _layout(
        f"{workspace}: {rule} ({severity})",
        f"Hello {name},",
        f"in the workspace {workspace} an alert was triggered on {_date_and_time(at)}.",
        message,
        button=("See the alert", url),
        small="You are an owner or administrator of this workspace. Your preferences say whether you want e-mails; the rules of the"
        " workspace say which alerts are sent.",
    )


TEMPLATES: dict[str, Callable[..., RenderedMail | None]] = {
    "nothing": no_mail,
    "verify_email": verify_email,
    "reset_password": reset_password,
    "account_locked": account_locked,
    "choose_password": choose_password,
    "identity_linked": identity_linked,
    "password_changed": password_changed,
    "invitation": invitation,
    "usage_alert": usage_alert,
    "budget_alert": budget_alert,
    "invoice_issued": invoice_issued,
    "invoice_overdue": invoice_overdue,
    "workspace_suspended": workspace_suspended,
    "webhook_disabled": webhook_disabled,
    "alert_triggered": alert_triggered,
}


def _date(day: str) -> str:
    return clock.parse(day).strftime("%d %B %Y").lstrip("0")


def _date_and_time(moment: str) -> str:
    return clock.parse(moment).strftime("%d %B %Y, %H:%M UTC").lstrip("0")


def _layout(subject: str, *paragraphs: str, button: tuple[str, str] | None = None, small: str = "") -> RenderedMail:
    """Lay out a mail as text and as HTML; `button` is a label and a URL."""
    text, parts = list(paragraphs), [f"<p>{_escape(one)}</p>" for one in paragraphs]
    if button is not None:
        label, url = button
        text.append(f"{label}:\n{url}")
        parts.append(f'<p><a href="{_escape(url)}">{_escape(label)}</a></p>')
    if small:
        text.append(small)
        parts.append(f'<p style="color:#666;font-size:90%">{_escape(small)}</p>')
    body = f'<!doctype html><html><body style="font-family:sans-serif;line-height:1.5">{"".join(parts)}</body></html>'
    return RenderedMail(" ".join(subject.split())[:_MAX_SUBJECT], "\n\n".join(text) + "\n", body)


def _escape(words: str) -> str:
    return html.escape(words).replace("\n", "<br>")
