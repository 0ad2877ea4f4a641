"""What kind a statement is: the facts about it vote, with weights that `tools/train_reader.py` learns from the marked cards."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from heapq import nlargest
from pathlib import Path
from typing import Final, NamedTuple

from shared.agents.providers.embedded.blocks import Block
from shared.agents.providers.embedded.sentences import has, lowered, said, weight
from shared.agents.providers.embedded.tables import mark, pattern, table

WEIGHTS: Final = Path(__file__).parent / "tables" / "weights.json"
_MARGIN: Final = 12  # chosen by leaving out one set of cards after the other (decision 33)

Feature = tuple[str, str]  # a fact, and the context in which it is seen, if any


@dataclass
class Statement:
    """A sentence or an item, the block in which it stands and the section of that. `given` is its kind if its form says it."""

    text: str
    block: Block
    section: str
    form: str
    lead: str = ""
    given: str = ""
    facts: list[str] = field(default_factory=list)


class Before(NamedTuple):
    """The kind of what stands before a statement, and its statement unless that is a title or nothing."""

    kind: str
    statement: Statement | None = None


def marks(text: str, language: str) -> list[str]:
    """Return the marks of a sentence: with `^` those with which it begins, with `~` those that stand only behind its first clause."""
    low, names = lowered(text), table("reader")["marks"]
    told = said(low, language)
    plain = pattern("lead_in_before", language).sub("", told)
    asked = pattern("condition", language).sub("", plain)
    purpose = mark(language, "purpose").split(plain)[0]
    first = pattern("clause_end").split(purpose)[0]
    end = max(len(first if weight(first) > 1 else purpose), 1)
    found = []
    for name in (*names["telling"], *names["others"]):
        words = mark(language, name)
        if one := words.search(plain) or words.search(told):
            found += [f"^{name}"] * bool(one.start() == 0 or words.match(told))
            found.append(name if one.start() < end else f"~{name}")
    more = [f"then {name}" for name in names["asked"] if asked != plain and has(asked, name, language)]
    more += [name for name in names["signs"] if pattern(name, language).search(low)]
    more += ["condition"] * (asked != plain) + ["plain"] * (not {*names["telling"]} & {*found})
    size = next((str(most) for most in (2, 4, 9, 20) if weight(text) < most), "more")
    return [*found, *more, f"words<{size}"]


def features(one: Statement, before: Before, fault: bool) -> Iterator[Feature]:
    """Yield each fact about a statement alone, and together with its section, its form, and whether a fault is reported."""
    other = before.statement
    is_far = one.block.gap or (other and one.section != other.section)
    near = "start" if not other else "line" if other.block is one.block else "far" if is_far else "near"
    form = "question" if "question" in one.facts else "number" if one.form == "step" else one.form
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
