"""Finding the cards of a board that ask for the same as a new ticket.

The words of all cards are read as a search reads them (`work/items/searching.py`). Those that have most in common with the ticket are
compared with it; the best of these are read, and compared by what they say now. So the cost of a large board is that of a search.
"""

import heapq
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.agents.embeddings.hashed import HashedEmbedder
from shared.agents.embeddings.registry import embedder
from shared.agents.embeddings.words import words_of
from shared.work.duplicates.similarity import THRESHOLD, Rarity, Text, similarities
from shared.work.items.finding import fetch_live
from shared.work.items.rows import Item
from shared.work.items.searching import begin_words

COMPARED: Final = 100
"""Cards that are compared by words and vectors: those that have most words in common."""
READ: Final = 20
"""Cards whose rows are read; so many candidates are shown at most."""
EXCERPT: Final = 200
"""Characters of a description that are compared, as many as searches look at."""
_FAST: Final = HashedEmbedder()  # chooses what is read: a service would be asked for hundreds of texts
_PUNCTUATION: Final = str.maketrans({one: " " for one in string.punctuation if one not in ".-'"})


@dataclass(frozen=True)
class Candidate:
    item: Item
    similarity: float


@dataclass(frozen=True)
class DuplicateCheck:
    """What was found: candidates above the threshold, the most similar first. A finished card is one too, but the ticket is no duplicate
    of it: what was done once may be needed again."""

    candidates: list[Candidate]
    highest: float
    """The similarity of the most similar card, also below the threshold."""

    @property
    def open(self) -> list[Candidate]:
        return [one for one in self.candidates if one.item.status != "done"]

    @property
    def is_duplicate(self) -> bool:
        return bool(self.open)


class _Words(dict[str, tuple[str, ...]]):
    """The words of each piece of text, each piece read once."""

    def __missing__(self, piece: str) -> tuple[str, ...]:
        self[piece] = found = tuple(words_of(piece))
        return found


class DuplicateSearch:
    """Looks for duplicates on a board. It begins to read when it is made; ask it when the board is authorized."""

    def __init__(self, board_id: str, title: str, description: str | None) -> None:
        self.board_id = board_id
        self._wanted = Text(title, (description or "")[:EXCERPT])
        self._rows: Callable[[], list[tuple[str, str]]] = begin_words(board_id)

    def result(self, threshold: float = THRESHOLD, top_k: int = 5) -> DuplicateCheck:
        """Return the `top_k` most similar cards from the threshold on. One round trip beside the one that began ahead."""
        near, rarity = self._near()
        ranked = self._ranked(near, rarity)
        items = fetch_live(ranked[:READ])
        texts = [Text(item.title, (item.description or "")[:EXCERPT]) for item in items]
        scores = similarities(self._wanted, texts, embedder(), rarity)
        found = sorted(map(Candidate, items, scores), key=lambda one: -one.similarity)
        return DuplicateCheck(
            [one for one in found if one.similarity >= threshold][:top_k], found[0].similarity if found else 0.0
        )

    def _near(self) -> tuple[list[tuple[str, Text]], Rarity]:
        """Return the cards that have most words in common with the ticket, and how much each word says on this board."""
        memo = _Words()
        rows = self._rows()
        texts = [{word for piece in text.translate(_PUNCTUATION).split() for word in memo[piece]} for _, text in rows]
        rarity = Rarity(texts)
        wanted = {*words_of(self._wanted.whole), *(word for piece in self._wanted.whole.split() for word in memo[piece])}
        weights = {word: rarity(word) for word in wanted}

        def common(number: int) -> float:
            shared = wanted & texts[number]
            return sum(map(weights.__getitem__, shared)) - 0.001 * len(texts[number]) if shared else -1.0

        best = heapq.nlargest(COMPARED, range(len(rows)), key=common)
        return [(rows[one][0], _text(rows[one][1])) for one in best if common(one) > 0], rarity

    def _ranked(self, near: Sequence[tuple[str, Text]], rarity: Rarity) -> list[str]:
        if len(near) <= READ:
            return [card_id for card_id, _ in near]
        whole = similarities(self._wanted, [text for _, text in near], _FAST, rarity)
        titles = similarities(Text(self._wanted.title), [Text(text.title) for _, text in near], _FAST, rarity)
        order = sorted(range(len(near)), key=lambda number: -max(whole[number], titles[number]))
        return [near[number][0] for number in order]


def _text(words: str) -> Text:
    """Return what the words of a card say: the first line is its title."""
    title, _, rest = words.partition("\n")
    return Text(title, rest[:EXCERPT])
