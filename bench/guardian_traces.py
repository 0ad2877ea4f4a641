"""Make the traces on which the guardian's rules are measured: `python -m bench.guardian_traces` writes `tests/data/guardian_traces.jsonl`.

Each trace says what kind it is and which rules should find something at its end. The same seed makes the same file. The borderline kinds
are what such rules get wrong: waiting for something that changes, long reading before the first result, a loop whose words differ each
time, a side way, and a run that drifts with the card's own words.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "tests" / "data" / "guardian_traces.jsonl"
SEED = 71
EACH = 14
Turns = list[dict[str, Any]]

# a card, and what an agent says while it works on it
TOPICS: list[tuple[str, list[str]]] = [
    (
        "Password reset by e-mail. A user who forgot the password asks for a link; the link works once and for one hour. "
        "Acceptance: an unknown address gets the same answer; an old link shows an error.",
        ["The reset link carries a token that is stored hashed and expires after one hour.", "A second use of the reset link is refused.",
         "The mail with the password link is sent for known addresses only.", "An unknown address gets the same answer as a known one.",
         "The page for the new password checks its length."],
    ),
    (
        "Export invoices as CSV. Accountants download all invoices of a month with number, customer, net amount, tax and total. "
        "Acceptance: amounts have two decimals; the file opens in Excel.",
        ["The CSV export of invoices has a column for the tax of each invoice.", "Amounts of invoices are written with two decimals.",
         "Accountants choose the month of the export.", "The file begins with a byte order mark so that Excel reads umlauts.",
         "The total of an invoice is its net amount and the tax."],
    ),
    (
        "Search over the catalogue of products. Customers type words and get products, best match first, within 300 ms. "
        "Acceptance: typing errors of one letter are forgiven; filters by brand and price.",
        ["The search index holds the words of each product's name and description.", "A typing error of a letter still finds the product.",
         "Filters by brand and price narrow the search results.", "The best match of the catalogue comes first.",
         "Customers get search results within 300 ms."],
    ),
    (
        "Calendar sync with Google. Appointments made in our calendar appear in Google Calendar and the other way round. "
        "Acceptance: time zones are kept; a deleted appointment disappears on both sides.",
        ["The sync asks Google Calendar for changed appointments.", "A deleted appointment is removed on the other side.",
         "Time zones of appointments are kept as they were entered.", "Our calendar stores the id of the Google appointment.",
         "The sync runs again when Google sends a notification of its calendar."],
    ),
    (
        "Dark mode for the mobile app. Users switch between a light and a dark theme, or follow the phone's setting. "
        "Acceptance: contrast of 4.5 to 1; no white flash at start.",
        ["The dark theme has its own colours for text and background.", "The switch of the theme is kept on the phone.",
         "Contrast of text in dark mode is above 4.5 to 1.", "The start screen of the app has no white flash in dark mode.",
         "The theme follows the setting of the phone."],
    ),
    (
        "Rate limits for the public API. Each key may make 100 requests a minute; beyond that the answer is 429 with Retry-After. "
        "Acceptance: limits are exact under concurrency; headers show what is left.",
        ["Requests of a key are counted in a window of a minute.", "The answer 429 has the header Retry-After.",
         "The rate limit is exact when requests of one key come at once.", "Headers show how many requests of the limit are left.",
         "The public API counts each key on its own."],
    ),
    (
        "Upload of photos for listings. Sellers add up to twelve photos; they are resized and checked for viruses. "
        "Acceptance: JPEG and PNG only; an upload resumes after a lost connection.",
        ["Photos of a listing are resized to three widths.", "Sellers add at most twelve photos to a listing.",
         "An upload goes on after the connection was lost.", "Only JPEG and PNG photos are taken.",
         "Each uploaded photo is scanned for viruses."],
    ),
    (
        "Loyalty points for the coffee shop. Each paid coffee gives one point, ten points pay for a coffee. "
        "Acceptance: points expire after a year; a refund takes the point back.",
        ["A paid coffee adds one loyalty point to the customer.", "Ten points pay for one coffee.",
         "Points of loyalty expire a year after they were earned.", "A refund of a coffee takes its point back.",
         "The customer sees the points on the receipt of the shop."],
    ),
    (
        "Backup of the database every night. Dumps are encrypted, copied to a second region and restored as a test each week. "
        "Acceptance: the restore takes less than an hour; a failed backup pages somebody.",
        ["The nightly dump of the database is encrypted.", "The backup is copied to a second region.",
         "A restore of the backup is tried each week.", "A failed backup of the database pages the person on duty.",
         "The restore of the database ends within an hour."],
    ),
    (
        "Chat between tenants and landlords. Messages arrive at once, are kept for two years and can be reported. "
        "Acceptance: messages sent offline arrive later; reports reach a moderator.",
        ["Messages of the chat are delivered over a socket.", "A tenant's message that was sent offline arrives later.",
         "A reported message reaches a moderator.", "The chat keeps messages for two years.",
         "Landlords see which messages of tenants they have not read."],
    ),
    (
        "Route planning for delivery vans. Stops are put into an order with the shortest way, with time windows of the customers. "
        "Acceptance: forty stops within ten seconds; a driver can lock a stop.",
        ["The route visits the stops in the order of the shortest way.", "Time windows of customers are kept by the planning.",
         "A driver locks a stop of the route.", "Forty stops of a van are planned within ten seconds.",
         "The delivery route is planned again when a stop is added."],
    ),
    (
        "Consent banner for cookies. Visitors choose which cookies are set; nothing is set before they have chosen. "
        "Acceptance: the choice is kept for a year; it can be withdrawn.",
        ["No cookie is set before the visitor has given consent.", "The banner offers to refuse all cookies.",
         "The consent of a visitor is kept for a year.", "A visitor withdraws the consent in the footer.",
         "Cookies of statistics need a consent of their own."],
    ),
]  # fmt: skip
READS = ("read_card", "read_document", "list_cards", "search_code")
TITLES = (
    "data model",
    "endpoint",
    "tests",
    "errors",
    "user interface",
    "documentation",
    "limits",
    "migration",
    "logging",
    "review",
)


def _call(tool: str, arguments: Any, result: str = "", *, failed: bool = False, made: str | None = None) -> dict[str, Any]:
    return {"tool": tool, "arguments": json.dumps(arguments), "result": result, "failed": failed, "made": made}


class _Writer:
    """Writes the turns of one trace."""

    def __init__(self, seed: random.Random, number: int) -> None:
        self.seed, self.number = seed, number
        self.topic = number % len(TOPICS)
        self.turns: Turns = []
        self.at = 0.0
        self.things = 0

    @property
    def goal(self) -> str:
        return TOPICS[self.topic][0]

    def say(self, topic: int | None = None) -> str:
        return self.seed.choice(TOPICS[self.topic if topic is None else topic][1])

    def turn(self, text: str, *calls: dict[str, Any], seconds: float | None = None) -> None:
        self.at += self.seed.uniform(5, 25) if seconds is None else seconds
        self.turns.append({"text": text, "calls": list(calls), "at": round(self.at, 1)})

    def read(self, topic: int | None = None, seconds: float | None = None) -> None:
        what = self.seed.randrange(10_000)
        tool = self.seed.choice(READS)
        self.turn(self.say(topic), _call(tool, {"query": self.say(topic), "page": what}, f"text {what}"), seconds=seconds)

    def make(self, topic: int | None = None) -> None:
        title = f"{TITLES[self.things % len(TITLES)]} {self.things // len(TITLES) + 1}"
        self.things += 1
        text = self.say(topic)
        arguments = {"title": title, "content": f"{text} {self.say(topic)}"}
        self.turn(text, _call("write_document", arguments, "done", made=f"document:{title}"))

    def work(self, turns: int) -> None:
        for _ in range(turns):
            if self.seed.random() < 0.45:
                self.make()
            else:
                self.read()
        self.make()

    def repeat(self, times: int, *, failed: bool = False) -> None:
        text, query, page = self.say(), self.say(), self.seed.randrange(10_000)
        result = "error: no such document" if failed else f"text {page}"
        for _ in range(times):
            self.turn(text, _call("read_document", {"title": query, "page": page}, result, failed=failed))


def _healthy(w: _Writer) -> tuple[int, list[str]]:
    w.work(w.seed.randint(3, 14))
    return w.seed.randint(3_000, 16_000), []


def _reads_long_and_makes(w: _Writer) -> tuple[int, list[str]]:
    for _ in range(w.seed.randint(6, 8)):
        w.read()
    if w.seed.random() < 0.5:
        w.make()
    return w.seed.randint(8_000, 19_000), []


def _waits_for_a_change(w: _Writer) -> tuple[int, list[str]]:
    w.work(2)
    for number in range(w.seed.randint(4, 6)):
        w.turn("The build is still running.", _call("read_build", {"id": 7}, f"running, {number * 12} %"), seconds=20)
    return w.seed.randint(5_000, 15_000), []


def _tries_twice(w: _Writer) -> tuple[int, list[str]]:
    w.work(w.seed.randint(2, 6))
    w.repeat(2, failed=True)
    if w.seed.random() < 0.5:
        w.make()
    return w.seed.randint(5_000, 15_000), []


def _reads_thrice(w: _Writer) -> tuple[int, list[str]]:
    w.work(w.seed.randint(2, 6))
    w.repeat(3)
    return w.seed.randint(5_000, 15_000), []


def _side_way(w: _Writer) -> tuple[int, list[str]]:
    """Two turns on something else between turns on the card."""
    w.work(2)
    other = (w.topic + w.seed.randint(1, len(TOPICS) - 1)) % len(TOPICS)
    w.read(other)
    w.read(other)
    w.read()
    w.make()
    return w.seed.randint(5_000, 15_000), []


def _costs_much_makes_much(w: _Writer) -> tuple[int, list[str]]:
    for _ in range(w.seed.randint(8, 16)):
        w.make()
    return w.seed.randint(40_000, 90_000), []


def _loops(w: _Writer) -> tuple[int, list[str]]:
    w.work(w.seed.randint(1, 6))
    w.repeat(w.seed.randint(4, 7))
    return w.seed.randint(5_000, 15_000), ["loop"]


def _loops_in_errors(w: _Writer) -> tuple[int, list[str]]:
    w.work(w.seed.randint(1, 6))
    w.repeat(w.seed.randint(3, 6), failed=True)
    return w.seed.randint(5_000, 15_000), ["loop"]


def _cycles(w: _Writer) -> tuple[int, list[str]]:
    w.work(w.seed.randint(1, 5))
    states = [
        (w.say(), _call(w.seed.choice(READS), {"query": w.say(), "n": n}, f"text {n}")) for n in range(w.seed.randint(2, 4))
    ]
    for _ in range(3):
        for text, call in states:
            w.turn(text, call)
    return w.seed.randint(5_000, 15_000), ["loop"] if len(states) < 4 else ["loop", "stall"]


def _loops_in_other_words(w: _Writer) -> tuple[int, list[str]]:
    """The same question with other words each time: a loop to a person, whatever the arguments are."""
    w.work(2)
    for number in range(6):
        w.turn(w.say(), _call("search_code", {"query": f"{w.say()} {number}"}, "nothing found"))
    return w.seed.randint(5_000, 15_000), ["loop"]


def _searches_in_vain(w: _Writer) -> tuple[int, list[str]]:
    """Five different searches that find nothing, then work again."""
    w.work(2)
    for number in range(5):
        w.turn(w.say(), _call("search_code", {"query": f"{w.say()} {number}"}, "nothing found"))
    if w.seed.random() < 0.5:
        w.make()
    return w.seed.randint(5_000, 15_000), []


def _stalls(w: _Writer) -> tuple[int, list[str]]:
    w.work(w.seed.randint(1, 4))
    for _ in range(w.seed.randint(10, 16)):
        w.read()
    return w.seed.randint(9_000, 19_000), ["stall"]


def _stalls_slowly(w: _Writer) -> tuple[int, list[str]]:
    w.work(2)
    for _ in range(w.seed.randint(5, 8)):
        w.read(seconds=w.seed.uniform(200, 400))
    return w.seed.randint(5_000, 15_000), ["stall"]


def _drifts(w: _Writer) -> tuple[int, list[str]]:
    w.work(w.seed.randint(1, 4))
    other = (w.topic + w.seed.randint(1, len(TOPICS) - 1)) % len(TOPICS)
    for number in range(w.seed.randint(4, 7)):
        if number % 2:
            w.make(other)
        else:
            w.read(other)
    return w.seed.randint(5_000, 15_000), ["drift"]


def _drifts_with_the_cards_words(w: _Writer) -> tuple[int, list[str]]:
    """Work on something else that names the card in every second turn."""
    w.work(2)
    other = (w.topic + w.seed.randint(1, len(TOPICS) - 1)) % len(TOPICS)
    for number in range(6):
        text = f"{w.say()} {w.say(other)}" if number % 2 else w.say(other)
        made = f"document:other {number}"
        w.turn(text, _call("write_document", {"title": f"other {number}", "content": w.say(other)}, "done", made=made))
    return w.seed.randint(5_000, 15_000), ["drift"]


def _wastes(w: _Writer) -> tuple[int, list[str]]:
    w.work(w.seed.randint(1, 3))
    for _ in range(w.seed.randint(1, 5)):
        w.read()
    return w.things * 40_000 + w.seed.randint(5_000, 60_000), ["waste"]


KINDS: dict[str, Callable[[_Writer], tuple[int, list[str]]]] = {
    "healthy": _healthy,
    "reads long, then makes": _reads_long_and_makes,
    "waits for a change": _waits_for_a_change,
    "tries twice": _tries_twice,
    "reads thrice": _reads_thrice,
    "a side way": _side_way,
    "costs much, makes much": _costs_much_makes_much,
    "loops": _loops,
    "loops in errors": _loops_in_errors,
    "cycles": _cycles,
    "loops in other words": _loops_in_other_words,
    "searches in vain": _searches_in_vain,
    "stalls": _stalls,
    "stalls slowly": _stalls_slowly,
    "drifts": _drifts,
    "drifts with the card's words": _drifts_with_the_cards_words,
    "wastes": _wastes,
}


def make() -> list[dict[str, Any]]:
    """Return the traces: EACH of every kind."""
    traces = []
    for kind, write in KINDS.items():
        for number in range(EACH):
            writer = _Writer(random.Random(f"{SEED} {kind} {number}"), number)  # noqa: S311 - the same traces each time
            tokens, expected = write(writer)
            trace = {"goal": writer.goal, "turns": writer.turns, "tokens": tokens}
            traces.append({"kind": kind, "expected": expected, "trace": trace})
    return traces


def text() -> str:
    """Return the file: one trace a line."""
    return "".join(f"{json.dumps(one, separators=(',', ':'))}\n" for one in make())


if __name__ == "__main__":
    FILE.write_text(text())
