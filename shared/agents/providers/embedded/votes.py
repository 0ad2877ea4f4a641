"""What kind a statement is: the facts about it vote, with weights that `tools/train_reader.py` learns from the marked cards."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from heapq import nlargest
from pathlib import Path
from typing import Final, NamedTuple

from shared.agents.providers.embedded.blocks import SPOKEN
from shared.agents.providers.embedded.sentences import bare, lowered, said, weight
from shared.agents.providers.embedded.tables import mark, phrase

WEIGHTS: Final = Path(__file__).parent / "tables" / "weights.json"
_MARGIN: Final = 12  # chosen by leaving out one set of cards after the other (decision 33)

Feature = tuple[str, str]  # a fact, and the context in which it is seen, if any

_TELLING: Final = (
    *(
        "can",
        "case",
        "courtesy",
        "criterion",
        "decided",
        "denial",
        "due",
        "exclusion",
        "expected",
        "fact",
        "failed",
        "habit",
        "inquiry",
    ),
    *(
        "modal",
        "more",
        "now",
        "order",
        "past",
        "person",
        "polite",
        "problem",
        "put_off",
        "rule",
        "start",
        "story",
        "strict",
        "vague",
    ),
)
_MARKS: Final = (*_TELLING, "bound", "bounded", "doing", "negation", "refers", "since", "tested", "toil", "who", "why")
_ASKED: Final = ("exclusion", "modal", "order", "start", "strict")  # looked for behind a condition too
_SIGNS: Final = {
    "question": re.compile(r"[?？][\"'”’»)\]」』]*$|(?:吗|か)。?$"),
    "quotation": re.compile(r"[\"“„«「『].{4,}(?:[\"”“»」』]\W*|$)"),
    "only_quotation": re.compile(r"^[\"“„«「『].{4,}[\"”“»」』]\W*$"),
    "handle": re.compile(r"(?<![\w.])@[\w-]{2,}|[\w.+-]+@[\w-]+\.\w+"),
    "link": re.compile(r"https?://\S+|www\.\S+"),
    "only_link": re.compile(r"^\s*(?:https?://|www\.)\S+\s*$"),
    "time": re.compile(r"^\W*(?:[^\W\d]{2,10}\.? )?\d{1,2}[:.h]\d\d"),
    "name": re.compile(rf"^(?:\[?\d{{1,2}}[:.]\d\d(?:[:.]\d\d)?\]?\s+)?(?:{SPOKEN.pattern})"),
}
_AMOUNT: Final = r"(?:(?<![\d.,])\d[\d.,]*|\b<numbers>)[\s-]?(?:[%‰€$£¥°]|<units>)|[<>≤≥]=?\s?\d|[$€£¥]\s?\d"
_CONDITION: Final = r"^(?:<if>|<place>)\b[^,，、.]{3,60}[,，、] ?(?:就|则)?"  # before a request: when, or where
_AROUND: Final = ("rule", "problem", "strict", "modal", "exclusion")  # what counts in the other statements of a paragraph


@dataclass
class Statement:
    """A sentence or an item and where it stands. `given` is its kind if its form says it; `parts` are the sentences of an item."""

    text: str
    line: int
    paragraph: int
    section: str
    form: str
    lead: str = ""
    given: str = ""
    number: str = ""
    is_done: bool = False
    facts: list[str] = field(default_factory=list)
    parts: "tuple[Statement, ...]" = ()


class Before(NamedTuple):
    """The kind of what stands before a statement, and its statement unless that is a title or nothing."""

    kind: str
    statement: Statement | None


def start(*, asked: bool) -> Before:
    return Before("title" if asked else "none", None)


def marks(text: str, language: str) -> list[str]:
    """Return the marks of a sentence: with `^` those with which it begins, with `~` those that stand only behind its first clause."""
    low = lowered(text)
    told, plain = said(low, language), bare(low, language)
    asked = phrase(language, _CONDITION).sub("", plain)
    purpose = mark(language, "purpose").split(plain)[0]
    first = re.split(r"[,;，；]", purpose)[0]
    end = max(len(first if weight(first) > 1 else purpose), 1)
    found = []
    for name in _MARKS:
        pattern = mark(language, name)
        if one := pattern.search(plain) or (told != plain and pattern.search(told)):
            found += [f"^{name}"] * bool(one.start() == 0 or (told != plain and pattern.match(told)))
            found.append(name if one.start() < end else f"~{name}")
    quoted = _SIGNS["quotation"].search(low)
    more = {
        **{name: pattern.search(plain if name == "question" else low) for name, pattern in _SIGNS.items()},
        **{f"then {name}": asked != plain and mark(language, name).search(asked) for name in _ASKED},
        "condition": asked != plain,
        "aside": plain != low,
        "speech": quoted and mark(language, "speech").search(low[: quoted.start()]),
        "amount": phrase(language, _AMOUNT).search(plain),
        "plain": not any(name in found for name in _TELLING),
    }
    size = next((str(most) for most in (2, 4, 9, 20) if weight(text) < most), "more")
    return [*found, *(name for name, there in more.items() if there), f"words<{size}"]


def place(found: list[Statement]) -> None:
    """Add to the facts of each statement what the others of its paragraph say."""
    told = [one for one in found if one.given != "courtesy"]
    for one in found:
        others = [other.facts for other in told if other.paragraph == one.paragraph and other is not one and not other.given]
        facts = [f"beside {name}" for name in _AROUND[1:] if any(name in other for other in others)]
        rules = sum("rule" in other and "habit" not in other for other in others)
        facts += ["beside rule"] * bool(others and rules * 2 >= len(others))
        facts += ["first"] * (one.paragraph == told[0].paragraph if told else False)
        for each in (one, *one.parts):
            each.facts += facts


def features(one: Statement, before: Before, fault: bool) -> Iterator[Feature]:
    """Yield each fact about a statement alone, and together with its section, its form, and whether a fault is reported."""
    other = before.statement
    near = (
        "start" if other is None else "line" if other.line == one.line else "near" if other.paragraph == one.paragraph else "far"
    )
    form = "question" if "question" in one.facts else one.form
    contexts = (f"in {one.section or 'none'}", f"as {form}", "of fault" if fault else "of request")
    facts = ("any", f"after {before.kind}", f"after {before.kind} {near}", *contexts, *one.facts)
    return ((fact, context) for fact in facts for context in ("", *contexts))


def elect(one: Statement, before: Before, fault: bool) -> str:
    """Return the kind with the most votes; of an exclusion that is not sure, the one with the next most."""
    if one.given:
        return one.given
    kinds, weights = _learned()
    sums = [0] * len(kinds)
    for fact, context in features(one, before, fault):
        row = weights.get(fact, {}).get(context, ())
        for kind, votes in zip(row[::2], row[1::2], strict=True):
            sums[kind] += votes
    first, second = nlargest(2, range(len(kinds)), key=sums.__getitem__)
    is_doubtful = kinds[first] == "exclusion" and sums[first] - sums[second] < _MARGIN
    return kinds[second if is_doubtful else first]


@cache
def _learned() -> tuple[list[str], dict[str, dict[str, list[int]]]]:
    """Return the kinds, and of each fact in each context the number of a kind, its weight, the number of the next kind, and so on."""
    learned = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return learned["kinds"], learned["weights"]
