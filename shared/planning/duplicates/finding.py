"""Finding the cards of a board that ask for the same as a new ticket.

The words of all cards are read as a search reads them (`work/items/searching.py`). Those that have most in common with the ticket are
compared with it; the best of these are read, and compared by what they say now. So the cost of a large board is that of a search.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from shared.agents.embeddings.hashed import HashedEmbedder
from shared.agents.embeddings.registry import embedder
from shared.agents.embeddings.words import words_of
from shared.planning.duplicates.similarity import THRESHOLD, Rarity, Text, similarities
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
        """Return the cards that have most words in common with the ticket, and how much each word says on this board.

        Pieces between spaces are counted, and each distinct one is read once: a board of 10,000 cards has some thousands.
        """
        rows = self._rows()
        pieces = [text.split() for _, text in rows]
        counted = Counter(chain.from_iterable(pieces))
        words = {piece: words_of(piece) for piece in counted}
        rarity = Rarity(len(rows))
        for piece, number in counted.items():
            rarity.add(words[piece], number)
        wanted = {*words_of(self._wanted.whole), *(word for one in self._wanted.whole.split() for word in words_of(one))}
        telling = {piece: shared for piece, found in words.items() if (shared := wanted.intersection(found))}
        weights = {word: rarity(word) for word in wanted}

        def common(number: int) -> float:
            shared = {word for piece in telling.keys() & pieces[number] for word in telling[piece]}
            return sum(map(weights.__getitem__, shared)) - 0.001 * len(pieces[number])

        near = [number for number in range(len(rows)) if not telling.keys().isdisjoint(pieces[number])]
        best = heapq.nlargest(COMPARED, near, key=common)
        return [(rows[one][0], _text(rows[one][1])) for one in best], rarity

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
