"""Families of verbs in requirements; each has templates for outcome, refusal, endpoint, control and edge cases.

Templates use {object} (what is acted on), {actor} (who acts) and {collection} (the path segment of the object).
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    name: str
    words: tuple[str, ...]
    outcome: str
    refusal: str
    endpoint: str
    control: str
    edge_cases: tuple[str, ...]
    hours: int


FAMILIES = (
    Family(
        "sign in",
        ("sign", "log", "login", "signin", "authenticate", "register", "authorise", "authorize", "signup"),
        "the {actor} is recognised and reaches only what belongs to them",
        "wrong or expired credentials are refused with one message that does not say which part was wrong",
        "POST /{collection}",
        "form with labelled fields, a busy state and one error line",
        ("wrong secret", "expired or revoked session", "repeated attempts in a short time", "two sessions at once"),
        8,
    ),
    Family(
        "pay",
        ("pay", "charge", "purchase", "buy", "checkout", "refund", "subscribe", "invoice", "bill"),
        "the amount is booked exactly once and the {actor} gets a receipt for it",
        "a declined payment changes nothing and says what the {actor} can do next",
        "POST /{collection}/payments",
        "summary with the amount, a confirm button that cannot be pressed twice, a receipt",
        ("declined payment", "the same confirmation sent twice", "the provider answers late", "rounding of the amount"),
        16,
    ),
    Family(
        "export",
        ("export", "download", "print", "backup", "extract"),
        "a file with exactly the {object} asked for is delivered and opens in the programs people use",
        "a selection that is empty or too large is refused before any work starts",
        "POST /{collection}/exports",
        "button with a choice of format, progress, and a link when the file is ready",
        ("empty selection", "very large selection", "special characters and line breaks", "access lost while it runs"),
        6,
    ),
    Family(
        "import",
        ("import", "upload", "attach", "ingest", "migrate", "load"),
        "every valid part of {object} is stored and the {actor} sees how many were accepted",
        "broken or oversized input is refused with the position of the first fault, and nothing is half stored",
        "POST /{collection}/imports",
        "drop zone with limits shown beforehand, progress, and a list of rejected entries",
        ("broken file", "file above the limit", "the same file twice", "connection lost half way"),
        8,
    ),
    Family(
        "notify",
        ("notify", "send", "email", "alert", "remind", "message", "invite", "broadcast", "announce", "publish", "share"),
        "the recipient receives {object} once, with what is needed to act on it",
        "an unreachable recipient is recorded and retried; nobody else is told by mistake",
        "POST /{collection}/notifications",
        "status of the delivery beside the item, and a setting to turn it off",
        ("address does not exist", "recipient opted out", "the same event twice", "many recipients at once"),
        6,
    ),
    Family(
        "search",
        ("search", "filter", "find", "sort", "query", "browse", "lookup"),
        "only {object} that match are shown, and an empty result says so",
        "a query that cannot be understood is answered with the part that is wrong",
        "GET /{collection}?query=",
        "search field with the active filters shown and removable, paged results",
        ("a query that makes no sense", "no match", "very many matches", "special characters", "results the {actor} may not see"),
        6,
    ),
    Family(
        "delete",
        ("delete", "remove", "cancel", "archive", "revoke", "unsubscribe", "purge", "disable", "deactivate"),
        "{object} can no longer be found or used, and what depended on it still works",
        "without the right to do so nothing is removed and the refusal is recorded",
        "DELETE /{collection}/{id}",
        "action behind a confirmation that names what goes away, with undo where possible",
        ("no permission", "already removed", "still in use elsewhere", "removed by two people at once"),
        4,
    ),
    Family(
        "approve",
        ("approve", "reject", "review", "confirm", "accept", "decline", "moderate", "verify", "validate", "check"),
        "the decision on {object} is recorded with who and when, and the next step starts",
        "someone who may not decide sees the state but cannot change it",
        "POST /{collection}/{id}/decisions",
        "side-by-side view of what is decided on, two buttons and a reason",
        ("no permission", "decided twice", "changed after it was opened", "decision without a reason"),
        6,
    ),
    Family(
        "schedule",
        ("schedule", "plan", "book", "reserve", "repeat", "automate", "trigger", "postpone"),
        "{object} happens at the agreed time, once, and the {actor} can see when",
        "a time that is past or taken is refused with the nearest possible one",
        "POST /{collection}/schedules",
        "date and time picker in the {actor}'s time zone, list of what is planned",
        ("time in the past", "time zone and daylight saving", "conflicting reservation", "the service was down at that time"),
        8,
    ),
    Family(
        "integrate",
        ("integrate", "connect", "sync", "synchronise", "synchronize", "link", "webhook", "call", "fetch", "pull", "push"),
        "both sides agree on {object} within the stated time, and a repeated exchange changes nothing",
        "when the other side is unreachable the work is kept and retried, and the {actor} sees the state",
        "POST /{collection}/connections",
        "connection page with state, last exchange and a test button",
        ("other side down", "credentials revoked", "the same message twice", "both sides changed the same thing"),
        12,
    ),
    Family(
        "measure",
        (
            "report",
            "track",
            "measure",
            "monitor",
            "count",
            "analyse",
            "analyze",
            "calculate",
            "log",
            "record",
            "chart",
            "visualise",
        ),
        "the figures for {object} can be traced to their sources and agree with them",
        "missing data is shown as missing, not as zero",
        "GET /{collection}/statistics",
        "figures with their period and time of last update, and a way to the rows behind them",
        ("no data yet", "data arriving late", "period across a time change", "very large period"),
        8,
    ),
    Family(
        "change",
        (
            "update",
            "edit",
            "change",
            "rename",
            "modify",
            "assign",
            "move",
            "set",
            "reset",
            "configure",
            "adjust",
            "switch",
            "drag",
            "reorder",
            "mark",
            "enable",
            "customise",
            "customize",
            "replace",
            "save",
        ),
        "{object} shows the new state everywhere it appears, and the change is recorded",
        "invalid values or a version that is out of date are refused and the old state stays",
        "PATCH /{collection}/{id}",
        "form filled with the present state, saving and conflict states",
        ("two people change it at once", "invalid value", "nothing to change", "no permission"),
        5,
    ),
    Family(
        "create",
        (
            "create",
            "add",
            "make",
            "generate",
            "build",
            "write",
            "draft",
            "submit",
            "post",
            "enter",
            "start",
            "open",
            "upvote",
            "comment",
            "compose",
            "define",
            "introduce",
            "implement",
            "provide",
            "offer",
            "support",
            "store",
        ),
        "{object} exists, is listed at once and can be opened by its address",
        "missing or invalid fields are named one by one and nothing is stored",
        "POST /{collection}",
        "form with required fields marked and errors beside the fields",
        ("missing required field", "value at and above its limit", "the same request sent twice", "no permission"),
        6,
    ),
    Family(
        "show",
        (
            "view",
            "see",
            "show",
            "list",
            "display",
            "read",
            "preview",
            "get",
            "access",
            "receive",
            "watch",
            "compare",
            "render",
            "present",
            "stream",
            "play",
        ),
        "the {actor} sees {object}, up to date, complete and in a stated order",
        "what does not exist or is not theirs is answered the same way: not found",
        "GET /{collection}",
        "list and detail with loading, empty and error states",
        ("something that is not theirs", "nothing there yet", "more than one page", "changed while it is open"),
        4,
    ),
)
OTHER = Family(
    "do",
    (),
    "this can be observed and measured on {object}",
    "when it cannot be done, nothing is left half done and the reason is given",
    "POST /{collection}/actions",
    "control with a busy, a done and a failed state",
    ("missing input", "repeated request", "no permission", "failure half way"),
    6,
)
_FAMILY_OF = {word: family for family in reversed(FAMILIES) for word in family.words}
VERBS = frozenset(_FAMILY_OF)


def base_form(word: str) -> str:
    """Return the base form of a known verb (`exports`, `exporting`, `exported` -> `export`); the word itself otherwise."""
    word = word.lower()
    candidates = [word]
    for ending, replacements in (
        ("ing", ("", "e")),
        ("ied", ("y",)),
        ("ies", ("y",)),
        ("ed", ("", "e")),
        ("es", ("", "e")),
        ("s", ("",)),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word[: -len(ending)]
            candidates += [stem + replacement for replacement in replacements]
            if len(stem) > 2 and stem[-1] == stem[-2]:
                candidates.append(stem[:-1])
    return next((candidate for candidate in candidates if candidate in VERBS), word)


def family_of(verb: str) -> Family:
    return _FAMILY_OF.get(base_form(verb), OTHER)


def third_person(verb: str) -> str:
    """Return the third person of a verb: `try` -> `tries`, `search` -> `searches`, `export` -> `exports`."""
    if verb in ("have", "be"):
        return {"have": "has", "be": "is"}[verb]
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")
