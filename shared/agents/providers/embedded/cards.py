"""The planner's cards: one for each ask, in the card's order, and which waits for which."""

import re
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from shared.agents.providers.embedded.blocks import COLON
from shared.agents.providers.embedded.filing import FiledCard, pattern
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.sentences import is_ask
from shared.agents.providers.embedded.tables import mark
from shared.agents.providers.embedded.wording import plain_title, quoted, say

MAX_CARDS: Final = 30  # of one plan; what is left is named
_BUILD_LANE: Final = 6
_NO_TASKS: Final = ("steps", "code", "link", "courtesy")  # of these the planner does not say that no card was made


def planned(filed: FiledCard) -> list[tuple[dict[str, Any], list[Piece]]]:
    """Return the arguments of each card to make, and the lines that it quotes; one that asks for something by itself needs no lead."""
    alike = {"type": "task", "priority": filed.card.get("priority") or "medium", "lane": _BUILD_LANE}
    found = []
    for number, group in enumerate(_groups(filed)[0][:MAX_CARDS]):
        lines = [replace(one, lead="") for one in group] if is_ask(group[0].text, filed.language) else group
        found.append((alike | {"title": _title(group[0], filed), "ref": f"ask-{number + 1}"}, lines))
    return found


def links(filed: FiledCard) -> list[dict[str, str]]:
    """Return the arguments of each dependency between these cards."""
    waits = dependencies([lines[0].line for _, lines in planned(filed)], filed.language)
    return [{"card": f"ask-{one + 1}", "depends_on": f"ask-{other + 1}", "type": "blocks"} for one, other in waits]


def notes(filed: FiledCard) -> list[str]:
    """Return what else the card says: asks that are cards already, and lines that are nobody's task."""
    new, known = _groups(filed)
    on_board, made = list(chain(*known)), [*chain(*new[:MAX_CARDS], *known)]
    told = (one for one in filed.pieces if one.kind not in _NO_TASKS and not pattern("timeline").match(one.line))
    left = [one for one in told if one not in made and _key(one.line) != _key(filed.title)]
    none = ["itself"] if filed.asks else ["no_cards", "hint"]
    found = [] if new or known else [say(name, filed.language) for name in none]
    for name, lines in (("on_board", on_board), ("left_out", left)):
        found += [say(name, filed.language), quoted(lines)] if lines else []
    return found


def _key(title: str) -> str:
    return " ".join(title.lower().split()).strip(" .。")


def _groups(filed: FiledCard) -> tuple[list[list[Piece]], list[list[Piece]]]:
    """Return the asks that become cards, each with those that go on with it, and those that are cards already."""
    asks = [ask for ask in filed.asks if not (ask.vague and filed.is_fault)]  # "please fix this" is the card itself
    asks = [ask for ask in asks if not mark(filed.language, "no_card").search(ask.line.lower())]
    facts = [ask for ask in asks if _is_fact(ask, filed)]
    facts = facts if len(facts) * 2 < len(asks) else []  # else it is the card's way to write
    groups = _grouped([ask for ask in asks if ask not in facts and _key(ask.line) != _key(filed.title)], filed)
    board = {_key(str(card.get("title"))) for card in filed.siblings}
    known = [group for group in groups if _key(_title(group[0], filed)) in board]
    return [group for group in groups if group not in known], known


def _grouped(asks: list[Piece], filed: FiledCard) -> list[list[Piece]]:
    """Put a sentence that says nothing without the one before it in its paragraph, like `After that it ends`, with that one."""
    told, groups = " ".join(filed.texts["description"].split()), list[list[Piece]]()
    for ask in asks:
        before = groups[-1][-1].line if groups else ""
        follows = before and any(f"{before}{space}{ask.line}" in told for space in ("", " "))
        if follows and mark(filed.language, "refers", strictly=True).match(ask.line.lower()):
            groups[-1].append(ask)
        else:
            groups.append([ask])
    return groups


def _is_fact(ask: Piece, filed: FiledCard) -> bool:
    """Tell whether a line is a label with a value, like `Tone: friendly`; `Page: add a button` is none."""
    line = _without_front(ask.line, filed)
    label = re.match(rf"[^\s:：]{{2,20}}{COLON}\s*", line)
    return label is not None and not is_ask(line[label.end() :], filed.language)


def _title(ask: Piece, filed: FiledCard) -> str:
    return plain_title(pattern("back").sub("", _without_front(ask.line, filed)), filed.language)


def _without_front(line: str, filed: FiledCard) -> str:
    """Return a line without what is no part of a title: a box, a number, who says it in a chat, `and also please`."""
    words = pattern("front").sub("", line)
    names = re.findall(rf"^[\s\d:.\[\]]*({pattern('name').pattern})", filed.texts["description"], re.MULTILINE)
    if (name := pattern("name").match(words)) and len(set(names)) < len(names):  # of a chat: somebody speaks twice
        words = words[name.end() :]
    opening = re.match(rf"(?:(?:{mark(filed.language, 'opening', strictly=True).pattern})[\s,:，、：]*)+", words.lower())
    return words[opening.end() :] if opening and len(words.lower()) == len(words) else words


# -- which waits for which


def dependencies(asks: list[str], language: str) -> list[tuple[int, int]]:
    """Return pairs (later, earlier) of asks of which one says that it comes after the other."""
    words = [_words(ask) for ask in asks]
    found = ((number, _earlier(ask.lower(), number, words, language)) for number, ask in enumerate(asks))
    return [(later, earlier) for later, earlier in found if 0 <= earlier < later]


def _earlier(low: str, number: int, words: list[set[str]], language: str) -> int:
    """Return the number of the ask after which this one comes: the one before it, or the only one that its clause names best; or -1."""
    if mark(language, "then").search(low):
        return number - 1
    is_wide = language in ("zh", "ja")  # the clause stands before its mark, and of two signs many are in many words
    for after in mark(language, "depends").finditer(low):
        clause = re.split(r"[，、。]", low[: after.start()])[-1] if is_wide else re.split(r"[,;:]|\. ", low[after.end() :])[0]
        named = _words(" ".join(clause.split()[:6]))
        shared = [len(named & one) * (at != number) for at, one in enumerate(words)]
        if max(shared) > is_wide and shared.count(max(shared)) == 1:
            return shared.index(max(shared))
    return -1


def _words(text: str) -> set[str]:
    """Return what a text is recognized by: the stems of its longer words, or pairs of signs in Chinese and Japanese."""
    latin = {word[:5] for word in re.findall(r"[^\W\d_]{4,}", text.lower()) if word[0] < "\u2e80"}
    signs = re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]+", text)
    return latin | {run[start : start + 2] for run in signs for start in range(len(run) - 1)}
