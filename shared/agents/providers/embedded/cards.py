"""The planner's cards: one for each ask, in the card's order, and which waits for which."""

import re
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import chain
from typing import Any, Final

from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.sentences import has, is_ask
from shared.agents.providers.embedded.tables import mark, pattern, phrase
from shared.agents.providers.embedded.wording import plain_title, quoted, say

MAX_CARDS: Final = 30  # of one plan; what is left is named
_BUILD_LANE: Final = 6
_NO_TASKS: Final = ("steps", "code", "link", "courtesy")  # of these the planner does not say that no card was made
_OPENING: Final = r"(?:<opening>[\s,:，、：]*)+"

Group = list[Piece]  # the lines of one card: an ask, and what says nothing without it


def planned(filed: FiledCard) -> list[tuple[dict[str, Any], Group]]:
    """Return the arguments of each card to make, and the lines that it quotes; one that asks for something by itself needs no lead."""
    alike = {"type": "task", "priority": filed.card.get("priority") or "medium", "lane": _BUILD_LANE}
    found = []
    for number, group in enumerate(_groups(filed)[0][:MAX_CARDS]):
        lines = [replace(one, lead="") for one in group] if is_ask(group[0].text, filed.language) else group
        found.append((alike | {"title": _title(group[0], filed), "ref": f"ask-{number + 1}"}, lines))
    return found


def links(filed: FiledCard) -> list[dict[str, str]]:
    """Return the arguments of each dependency between these cards."""
    waits = dependencies([lines[0] for _, lines in planned(filed)], filed.language)
    return [{"card": f"ask-{one + 1}", "depends_on": f"ask-{other + 1}", "type": "blocks"} for one, other in waits]


def notes(filed: FiledCard) -> list[str]:
    """Return what else the card says: asks that are cards already, and lines that are nobody's task."""
    new, known = _groups(filed)
    on_board, made = list(chain(*known)), [*chain(*new[:MAX_CARDS], *known)]
    told = (one for one in filed.pieces if one.kind not in _NO_TASKS and not pattern("timeline").match(one.line))
    left = [one for one in told if one not in made and _key(one.line) != _key(filed.title)]
    if filed.is_fault:  # its steps and what was seen are nobody's task, and stand on the card
        left = [one for one in left if one.kind in ("ask", "exclusion", "question")]
    none = ["itself"] if filed.asks or filed.is_report else ["no_cards", "hint"]
    found = [] if new or known else [say(name, filed.language) for name in none]
    for name, lines in (("on_board", on_board), ("left_out", left)):
        found += [say(name, filed.language), quoted(lines)] if lines else []
    return found


def _key(title: str) -> str:
    return " ".join(title.lower().split()).strip(" .。")


def _groups(filed: FiledCard) -> tuple[list[Group], list[Group]]:
    """Return the asks that become cards, and those that are cards already; one that is the card itself is neither."""
    asks = [ask for ask in filed.asks if not (ask.vague and filed.is_fault) and _key(ask.line) != _key(filed.title)]
    groups = _grouped([ask for ask in asks if not has(ask.line.lower(), "no_card", filed.language)], filed)
    if len(groups) == 1 and not filed.is_report:
        groups[0] += filed.of("criterion")  # of one request, all that is said of when it is done
    board = {_key(str(card.get("title"))) for card in filed.siblings}
    known = [group for group in groups if _key(_title(group[0], filed)) in board]
    return [group for group in groups if group not in known], known


def _grouped(asks: list[Piece], filed: FiledCard) -> list[Group]:
    """Put a sentence that says nothing without the one before it in its paragraph, like `After that it ends`, with that one."""
    told, groups = " ".join(filed.texts["description"].split()), list[Group]()
    for ask in asks:
        before = groups[-1][-1].line if groups else ""
        follows = before and any(f"{before}{space}{ask.line}" in told for space in ("", " "))
        if follows and mark(filed.language, "refers").match(ask.line.lower()):
            groups[-1].append(ask)
        else:
            groups.append([ask])
    return groups


def _title(ask: Piece, filed: FiledCard) -> str:
    """Return a line without what is no part of a title: a box, a number, who says it in a chat, `and also please`."""
    words = pattern("back").sub("", pattern("front").sub("", ask.line))
    names = re.findall(rf"^[\s\d:.\[\]]*({pattern('name').pattern})", filed.texts["description"], re.MULTILINE)
    if (name := pattern("name").match(words)) and len(set(names)) < len(names):  # of a chat: somebody speaks twice
        words = words[name.end() :]
    opening = phrase(filed.language, _OPENING).match(words.lower())
    return plain_title(words[opening.end() :] if opening and len(words.lower()) == len(words) else words, filed.language)


# -- which waits for which


def dependencies(asks: list[Piece], language: str) -> list[tuple[int, int]]:
    """Return pairs (later, earlier): of the steps of a plan each and the one before, of other asks those of which one says so."""
    lows = [ask.line.lower() for ask in asks]
    found = []
    for at, low in enumerate(lows):
        is_next = at and (asks[at].form == asks[at - 1].form == "step" or has(low, "then", language))
        found.append((at, at - 1 if is_next else _named(low, lows, language)))
    return [(later, earlier) for later, earlier in found if 0 <= earlier < later]


def _named(low: str, lows: list[str], language: str) -> int:
    """Return the number of the only ask that the clause of another one names best, by the longest part that they share; or -1."""
    is_wide = language in ("zh", "ja")  # the clause stands before its mark
    for after in mark(language, "depends").finditer(low):
        clause = re.split(r"[，、。]", low[: after.start()])[-1] if is_wide else re.split(r"[,;:]|\. ", low[after.end() :])[0]
        sizes = [
            0 if one == low else SequenceMatcher(None, clause, one, autojunk=False).find_longest_match().size for one in lows
        ]
        if max(sizes) >= (2 if is_wide else 7) and sizes.count(max(sizes)) == 1:
            return sizes.index(max(sizes))
    return -1
