"""How much of what an agent says and writes has to do with what it was given to do.

Words are compared, not meanings: those of the card, and those that the agent used while it kept to it, are known. An agent that talks of
paths and errors of the card's own code uses them again; one that works on something else does not. No embedding is asked for, so it costs
nothing, and says the same whatever service of embeddings a deployment has. The numbers are our choice, made with the traces of
`bench.guardian_traces` and the texts of `docs/decisions`; `bench/guardian.py` tries them on others.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from shared.agents.embeddings.words import words_of
from shared.runs.traces.trace import Trace, Turn

LAST: Final = 4  # turns at the end that are looked at
LEAST_TURNS: Final = 6  # of a trace: before, nothing is known of how the agent talks
LEAST_WORDS: Final = 12  # that the last turns must have together: less says nothing
TRUSTED: Final = 2  # turns at the beginning whose words are known, whatever they are
BEGINNING: Final = 3
"""Turns at the beginning whose words are known if a few of them (STARTED) are."""
STARTED: Final = 0.1
KEPT_TO: Final = 0.4
"""The share of a turn from which on it keeps to the card. The words of the second such turn in a row are known from then on."""
ENOUGH: Final = 1.5
"""Two of three words that are known count as all: nobody says only what was said before."""
_SENTENCE: Final = re.compile(r"[.!?;\n]{1,20}\s")  # bounded: a row of ten thousand dots would be read from each of them
_SHORTEST: Final = 3  # letters

Words = frozenset[str]


def alignment(trace: Trace) -> float | None:
    """Return how much the last turns have to do with the goal, from 0 to 1; None if there are too few of them, or of their words."""
    if len(trace.turns) < LEAST_TURNS:
        return None
    shares = _shares(trace)
    last = {turn.words: share for turn, share in zip(trace.turns[-LAST:], shares[-LAST:], strict=True)}
    words = sum(count for count, _ in last.values())  # the same words again say nothing new
    return sum(count * share for count, share in last.values()) / words if words >= LEAST_WORDS else None


def _shares(trace: Trace) -> list[tuple[int, float]]:
    """Return for each turn how many words count, and how much of them is known."""
    turns = [_sentences(turn) for turn in trace.turns]
    spread = Counter(word for sentences in turns for word in frozenset().union(*sentences))
    always = {word for word, count in spread.items() if count > len(turns) / 2}  # names of arguments: they tell nothing
    known = set(_content(trace.goal))
    found: list[tuple[int, float]] = []
    kept_to = True
    for number, sentences in enumerate(turns):
        count, share = _share([words - always for words in sentences], known)
        keeps = not count or share >= KEPT_TO
        if number < TRUSTED or (number < BEGINNING and (not count or share >= STARTED)) or (keeps and kept_to):
            known.update(*sentences)
        kept_to = keeps
        found.append((count, share))
    return found


def _share(sentences: Sequence[Words], known: set[str]) -> tuple[int, float]:
    count = sum(len(words) for words in sentences)
    hits = sum(min(len(words), ENOUGH * len(words & known)) for words in sentences)
    return count, hits / count if count else 1.0


def _sentences(turn: Turn) -> list[Words]:
    texts = [turn.text, *(call.arguments for call in turn.calls)]
    return [_content(one) for text in texts for one in _SENTENCE.split(text) if one.strip()]


def _content(text: str) -> Words:
    return frozenset(word for word in words_of(text) if len(word) >= _SHORTEST and not word.isdigit())
