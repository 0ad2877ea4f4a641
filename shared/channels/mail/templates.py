"""The words of the mails, one function a kind. To add a kind: a function that takes its values by name, and its name in LETTERS.

Values are people's words (names, messages) and ours; in HTML all of them are escaped, in subjects they are one short line.
"""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.core import clock

_SUBJECT = 150  # characters: what mail clients show, and far below the 998 of RFC 5322


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str


def letter(kind: str, values: Mapping[str, Any]) -> Letter | None:
    """The mail `kind` with its values; None for the kind that is no mail. Raises LookupError and TypeError."""
    if kind not in LETTERS:
        raise LookupError(f"there is no mail {kind!r}; there are {', '.join(LETTERS)}")
    return LETTERS[kind](**values)


def nothing() -> None:
    """No mail: asked for where one must not tell by the time it takes whether there was somebody to write to."""


def verify_email(*, name: str, url: str, expires: str) -> Letter:
    """`url` leads to the page that confirms the address, until `expires` (ISO 8601)."""
    return _written(
        "Confirm your e-mail address",
        f"Hello {name},",
        "please confirm that this is your e-mail address.",
        button=("Confirm my address", url),
        small=f"The link is good until {_when(expires)}. If you did not register, you need not do anything.",
    )


def reset_password(*, url: str, expires: str) -> Letter:
    return _written(
        "Choose a new password",
        "somebody, hopefully you, asked for a new password for this address.",
        button=("Choose a new password", url),
        small=f"The link is good once, until {_when(expires)}. If it was not you, you need not do anything: your password stays.",
    )


def password_changed(*, name: str, at: str, url: str) -> Letter:
    """`at` is when (ISO 8601); `url` leads to where a password can be reset."""
    return _written(
        "Your password was changed",
        f"Hello {name},",
        f"your password was changed on {_when(at)}. Your other sessions have ended.",
        button=("It was not me: choose another password", url),
    )


def invitation(*, workspace: str, inviter: str, role: str, url: str, expires: str, message: str | None = None) -> Letter:
    """An invitation into a workspace, with the inviter's own words. `url` leads to where it is accepted, until `expires`."""
    words = [f"{inviter} wrote:", message] if message else []
    return _written(
        f"{inviter} invites you to {workspace}",
        f"{inviter} invites you to join the workspace {workspace} as {role}.",
        *words,
        button=("Accept the invitation", url),
        small=f"The invitation is good until {_when(expires)}. If you do not know {inviter}, ignore it.",
    )


def usage_alert(
    *, name: str, workspace: str, percent: int, spent: str, limit: str, url: str, reached: str | None = None
) -> Letter:
    """A share of the month is used. Amounts in USD; `reached` is the day on which the limit was or will be reached (ISO 8601)."""
    if percent >= 100:
        outlook = ["Agents wait before their next call until the limit is raised or the month is over."]
    else:
        outlook = [f"At this pace the limit will be reached on {_day(reached)}."] if reached else []
    return _written(
        f"{workspace} has used {percent} % of its month",
        f"Hello {name},",
        f"the workspace {workspace} has used {spent} USD of its monthly limit of {limit} USD: {percent} % or more.",
        *outlook,
        button=("See the usage", url),
        small="You are an owner or administrator of this workspace. Your preferences say whether you want these letters.",
    )


def invoice_issued(*, number: str, workspace: str, total: str, owed: str | None, due: str, url: str) -> Letter:
    """`total` and `owed` as they are to be read (`USD 12.30`); nothing is owed where the balance paid it. `due` is a day."""
    return _written(
        f"Invoice {number}",
        f"here is the invoice {number} for the workspace {workspace}, of {total}.",
        f"Please pay {owed} by {due}, and name the number of the invoice." if owed else "There is nothing to pay.",
        button=("See the invoice", url),
    )


def invoice_overdue(*, number: str, workspace: str, owed: str, due: str, url: str) -> Letter:
    """A reminder, the first or a further one."""
    return _written(
        f"Invoice {number} is overdue",
        f"the invoice {number} for the workspace {workspace} was due on {due}; {owed} have not arrived yet.",
        "Thirty days after that day the workspace is suspended: agents no longer run in it until the invoice is paid.",
        button=("See the invoice", url),
        small="If you have paid in the meantime, you need not do anything.",
    )


def workspace_suspended(*, url: str) -> Letter:
    return _written(
        "Your workspace is suspended",
        "an invoice of your workspace is more than thirty days overdue. Agents no longer run in it until the invoice is paid;"
        " everything in it can still be read and changed.",
        button=("See what is owed", url),
    )


LETTERS: dict[str, Callable[..., Letter | None]] = {
    kind.__name__: kind
    for kind in (
        nothing,
        verify_email,
        reset_password,
        password_changed,
        invitation,
        usage_alert,
        invoice_issued,
        invoice_overdue,
        workspace_suspended,
    )
}


def _day(day: str) -> str:
    return clock.parse(day).strftime("%d %B %Y").lstrip("0")


def _when(moment: str) -> str:
    return clock.parse(moment).strftime("%d %B %Y, %H:%M UTC").lstrip("0")


def _written(subject: str, *paragraphs: str, button: tuple[str, str] | None = None, small: str = "") -> Letter:
    """The same letter as text and as HTML. `button` is a label and an address."""
    text, parts = list(paragraphs), [f"<p>{_safe(one)}</p>" for one in paragraphs]
    if button is not None:
        label, url = button
        text.append(f"{label}:\n{url}")
        parts.append(f'<p><a href="{_safe(url)}">{_safe(label)}</a></p>')
    if small:
        text.append(small)
        parts.append(f'<p style="color:#666;font-size:90%">{_safe(small)}</p>')
    body = f'<!doctype html><html><body style="font-family:sans-serif;line-height:1.5">{"".join(parts)}</body></html>'
    return Letter(" ".join(subject.split())[:_SUBJECT], "\n\n".join(text) + "\n", body)


def _safe(words: str) -> str:
    return html.escape(words).replace("\n", "<br>")
