"""Learns the weights by which the embedded model files the lines of a card: `python -m tools.train_reader`.

An averaged perceptron with a margin, in whole numbers, so that every machine learns the same weights from the marked cards of `tests/data`.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from shared.agents.providers.embedded.reading import statements
from shared.agents.providers.embedded.sentences import WEIGHTS, Before, Feature, Statement, decide, features, is_ask
from shared.agents.providers.embedded.tables import LANGUAGES

DATA: Final = Path(__file__).parents[1] / "tests" / "data"
CARDS: Final = (
    *("marked", "blind", "fresh", "second_fresh", "third_fresh", "fourth_fresh", "fifth_fresh", "sixth_fresh", "seventh_fresh"),
    *("eighth_fresh", "ninth_fresh", "odd", "gate"),
)
SENTENCES: Final = ("sentences_below_a_request", "sentences_below_a_fault", "sentences_left_out", "sentences_of_forms")
_MARKED: Final = {"asks": "ask", "exclusions": "exclusion", "criteria": "criterion"}
_SAID: Final = {
    "fact": "context",
    "told": "problem",
    "expected": "criterion",
}  # of single sentences; others have their kind's name
_SHORT: Final = 12  # signs: a shorter line may stand in many marks by chance
_ROUNDS, _MARGIN = 40, 80
_LEAST_SEEN = 3  # statements that have a feature; it is not kept if fewer have it
_UNIT, _LEAST_VOTE = 3, 2  # a vote is the average in such units; lesser ones changed nothing and were half of the file

Example = tuple[list[Feature], str]


def examples(sets: Iterable[str] = (*CARDS, *SENTENCES)) -> Iterator[Example]:
    """Yield the features and the kind of each statement whose form does not say what it is."""
    for name in sets:
        if name in SENTENCES:
            yield from _of_sentences(name)
        else:
            others = _load("other_kinds").get(name, {})
            yield from (one for card in _load(f"{name}_cards") for one in _of_card(card, others.get(card["title"], {})))


def learn(found: Iterable[Example]) -> dict[str, Any]:
    """Return the kinds, and for each feature that some statements have the number and the weight of those of which it says something."""
    rows = list(found)
    counts = Counter(name for names, _ in rows for name in set(names))
    known = {name: number for number, name in enumerate(sorted(name for name, count in counts.items() if count >= _LEAST_SEEN))}
    kinds = sorted({kind for _, kind in rows})
    coded = [([known[name] for name in sorted(set(names)) if name in known], kinds.index(kind)) for names, kind in rows]
    now = [[0] * len(kinds) for _ in known]
    late = [[0] * len(kinds) for _ in known]  # each change times the step at which it was made: what the average lacks
    order, step = random.Random(1), 1  # noqa: S311
    for _ in range(_ROUNDS):
        order.shuffle(coded)
        for numbers, right in coded:
            sums = [sum(column) for column in zip(*(now[number] for number in numbers), strict=True)]
            sums[right] -= _MARGIN
            chosen = max(range(len(kinds)), key=sums.__getitem__)
            if chosen != right:
                for number in numbers:
                    now[number][right] += 1
                    now[number][chosen] -= 1
                    late[number][right] += step
                    late[number][chosen] -= step
            step += 1
    weights = dict[str, dict[str, list[int]]]()
    for (fact, context), number in known.items():
        votes = enumerate(round((one * step - two) / (_UNIT * step)) for one, two in zip(now[number], late[number], strict=True))
        if row := [part for kind, vote in votes if abs(vote) >= _LEAST_VOTE for part in (kind, vote)]:
            weights.setdefault(fact, {})[context] = row
    return {"kinds": kinds, "weights": weights}


def _of_card(card: dict[str, Any], others: dict[str, list[str]]) -> Iterator[Example]:
    fault, language = card.get("type") == "bug", card["language"]
    found = statements(card.get("description") or "", language, fault=fault)
    return _rows(found, lambda text: _kind_of(text, card, others), fault=fault, asked=is_ask(card["title"], language))


def _of_sentences(name: str) -> Iterator[Example]:
    """Yield single sentences with what they stand below."""
    for language, above, text, kind, fault in _of_forms() if name == "sentences_of_forms" else _below(name):
        found = statements(above + text, language, fault=fault)
        first = "problem" if fault or not is_ask(above, language) else "ask"
        yield from _rows(found, lambda one: first if one in above else kind, fault=fault, asked=False, known=above)  # noqa: B023


def _below(name: str) -> Iterator[tuple[str, str, str, str, bool]]:
    """Yield sentences below a request or a fault; what people ask for and tell stands also in the same paragraph."""
    for language, said in _load(name).items():
        blank = "" if language in ("zh", "ja") else " "
        for group in sorted(said.keys() - {"asked"}):
            for between in ("\n\n", blank) if group in ("ask", "fact") else ("\n\n",):
                for text in said[group]:
                    yield language, said["asked"] + between, text, _SAID.get(group, group), name.endswith("fault")


def _of_forms() -> Iterator[tuple[str, str, str, str, bool]]:
    for group in _load("sentences_of_forms"):
        for language in sorted(group.keys() & {*LANGUAGES}):
            above = f"{group['below'][language]}\n\n" if "below" in group else ""
            for text in group[language]:
                yield language, above, text, group["kinds"][0], group.get("fault", False)


def _rows(
    found: list[Statement], kind_of: Callable[[str], str], *, fault: bool, asked: bool, known: str = ""
) -> Iterator[Example]:
    before: Before = ("title" if asked else "none", None)
    for one, kind in decide(found, lambda one, *_: one.given or kind_of(one.text), fault=fault, asked=asked):
        if not one.given and one.text not in known:
            yield list(features(one, before, fault)), kind
        before = (kind, one)


def _kind_of(text: str, card: dict[str, Any], others: dict[str, list[str]]) -> str:
    """Return the kind of a line of a card: as `others` say, else as it is marked on the card, else it is context."""
    line = _line(text)
    for kind, begins in others.items():
        if any(line.startswith(begin) for begin in begins):
            return kind
    marks = ((kind, _line(one)) for name, kind in _MARKED.items() for one in card.get(name, ()))
    return next((kind for kind, one in marks if one in line or (len(line) > _SHORT and line in one)), "context")


def _line(text: str) -> str:
    return " ".join(text.split())


@cache
def _load(name: str) -> Any:
    return yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))


def text_of(learned: dict[str, Any]) -> str:
    """Return what is kept: a line for each fact."""
    rows = [f'"{fact}": {json.dumps(row, separators=(",", ":"))}' for fact, row in learned["weights"].items()]
    return '{"kinds": ' + json.dumps(learned["kinds"]) + ', "weights": {\n' + ",\n".join(rows) + "\n}}\n"


if __name__ == "__main__":
    WEIGHTS.write_text(text_of(learn(examples())), encoding="utf-8")
