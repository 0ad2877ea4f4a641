"""Sentences: the facts that the words of one tell, and its kind, on which they vote with weights that `tools/train_reader.py` learns."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from heapq import nlargest
from typing import Final

from shared.agents.providers.embedded.blocks import LONGEST, Block
from shared.agents.providers.embedded.tables import ANY, TABLES, WIDE, keys, mark, pattern, table

WEIGHTS: Final = TABLES / "weights.json"
_MARGIN: Final = 12  # chosen by leaving out one set of cards after the other (decision 33)
_ABBREVIATED: Final = 80  # characters before a full stop in which an abbreviation stands


def sentences(text: str, language: str = "en") -> list[str]:
    """Split a paragraph into its sentences; abbreviations, initials, dates and what is in brackets do not end one."""
    found, start = [], 0
    for end in pattern("end").finditer(text):
        piece, rest = text[start : end.end()].strip(), text[end.end() :].strip()
        is_open = piece.count("(") > piece.count(")") and ")" in rest
        is_within = is_open or (end[0][-1] in ")\"'" and rest[:1].islower()) or rest[:1] in ("»", "”")
        if piece and not is_within and not pattern("no_end", language).search(piece, max(len(piece) - _ABBREVIATED, 0)):
            found.append(piece)
            start = end.end()
    return [part for one in [*found, text[start:].strip()] if one for part in _spoken(one, language)]


def _spoken(text: str, language: str) -> list[str]:
    """Split what was said without a stop: where a new clause begins, in Chinese and Japanese where a space is."""
    if weight(text) < (12 if language in WIDE else 40):  # words that nobody writes without a full stop
        return [text]
    starts = [one.start() for one in mark(language, "clause").finditer(text.lower())]
    return [part for begin, end in zip([0, *starts], [*starts, None], strict=True) if (part := text[begin:end].strip())]


def weight(text: str) -> float:
    """Return the words of a text; of Chinese and Japanese a third of the signs."""
    return len(text.split()) + sum(one >= "\u3040" for one in text) / 3


def lowered(text: str) -> str:
    return text[:LONGEST].lower().replace("’", "'").replace("\n", " ")


def has(low: str, name: str, language: str) -> bool:
    """Tell whether a text has a mark of the language or of English."""
    return bool(mark(language, name).search(low))


def heading_kind(text: str, language: str = ANY, *, whole: bool = False) -> str | None:
    """Return the kind that a heading announces, by its beginning, by its last words (`Known risks`), or as a `whole`."""
    plain = re.sub(r"^[^\w]+|^(?:[^\W\d]+ )?\d+[.):]+\s+|[^\w]+$", "", text.strip().lower().replace("’", "'")).strip()
    if not plain or len(plain.split()) > 8:
        return None
    kinds = [(kind, mark(language, kind, "headings")) for kind in keys("headings")]
    kind = next((kind for kind, found in kinds if (found.fullmatch(plain) if whole else found.match(plain))), None)
    if kind is None and not whole and len(plain.split()) < 5:
        ends = [start.start() for start in pattern("word").finditer(plain)][1:]
        kind = next((kind for end in ends for kind, found in kinds if found.fullmatch(plain, end)), None)
    return "exclusion" if kind == "ask" and has(plain, "negation", language) else kind  # `What we do not need`


def said(low: str, language: str) -> str:
    """Return a sentence without what stands around it: signs, a time, a greeting, who says it."""
    begin = pattern("signs_before").match(low)
    low = pattern("greeted", language).sub("", pattern("signs_after").sub("", low[begin.end() if begin else 0 :]))
    name = pattern("speaker").match(low)
    return low[name.end() :] if name and heading_kind(name[0], language) is None else low


def is_ask(text: str, language: str) -> bool:
    """Tell whether a line by itself, like a title, asks for something definite."""
    low = text.lower()
    asks = any(has(low, name, language) for name in ("strict", "modal", "start"))
    return asks and weight(text) >= 2 and not is_vague(low, language) and not has(low, "problem", language)


def is_question(text: str) -> bool:
    return bool(pattern("question").search(text.strip()))


def is_vague(low: str, language: str) -> bool:
    """Tell whether a wish says only that something should be better, without a number, a quotation or a name."""
    return has(low, "vague", language) and not pattern("concrete").search(low)


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


Before = tuple[str, Statement | None]  # the kind of what stands before a statement, and that unless it is a title or nothing
Choice = Callable[[Statement, Before, bool], str]  # of a kind; the last says whether something broken is reported


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
    kind, other = before
    is_far = one.block.gap or (other and one.section != other.section)
    near = "start" if not other else "line" if other.block is one.block else "far" if is_far else "near"
    form = "question" if "question" in one.facts else "number" if one.form == "step" else one.form
    contexts = (f"in {one.section or 'none'}", f"as {form}", "of fault" if fault else "of request")
    facts = ("any", f"after {kind}", f"after {kind} {near}", *contexts, *one.facts)
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


def decide(found: list[Statement], choose: Choice = elect, *, fault: bool, asked: bool) -> Iterator[tuple[Statement, str]]:
    """Yield statements with their kinds, chosen in order. `fault`: they report something broken. `asked`: a title asks for something."""
    before: Before = ("title" if asked else "none", None)
    for one in found:
        before = (choose(one, before, fault), one)
        yield one, before[0]


@cache
def _learned() -> tuple[list[str], dict[str, dict[str, list[int]]]]:
    """Return the kinds, and of each fact in each context the number of a kind, its weight, the number of the next kind, and so on."""
    learned = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return learned["kinds"], learned["weights"]
