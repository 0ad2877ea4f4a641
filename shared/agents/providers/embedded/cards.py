"""The planner's cards: one for each ask, in the card's order, and which waits for which."""

import re
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import chain
from typing import Any, Final

from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.sentences import has, is_ask
from shared.agents.providers.embedded.tables import WIDE, mark, pattern
from shared.agents.providers.embedded.wording import PROSE, plain_title, quoted, say, signed

MAX_CARDS: Final = 30  # of one plan; what is left is named
_BUILD_LANE: Final = 6
_NO_TASKS: Final = ("steps", "code", "link", "courtesy")  # of these the planner does not say that no card was made

Group = list[Piece]  # the lines of one card: an ask, and what says nothing without it


def planned(filed: FiledCard) -> list[tuple[str, dict[str, Any]]]:
    """Return the tool calls for the cards and for what they wait for."""
    groups = _groups(filed)[0][:MAX_CARDS]
    found = [("create_card", _card(group, filed) | {"ref": f"ask-{number}"}) for number, group in enumerate(groups, 1)]
    waits = dependencies([group[0] for group in groups], filed.language)
    links = ({"card": f"ask-{one + 1}", "depends_on": f"ask-{other + 1}", "type": "blocks"} for one, other in waits)
    return [*found, *(("add_dependency", link) for link in links)]


def _card(group: Group, filed: FiledCard) -> dict[str, Any]:
    """Return the arguments of a card; one that asks for something by itself needs no line that introduces it."""
    lines = [replace(one, lead="") for one in group] if is_ask(group[0].text, filed.language) else group
    description = signed(quoted(lines)[:PROSE], filed.language, "quoter")
    place = {"type": "task", "priority": filed.card.get("priority") or "medium", "lane": _BUILD_LANE}
    return place | {"title": _title(group[0], filed), "description": description}


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
    """Return the asks that become cards, and those that are cards already; one that is the card itself is neither.
    A sentence that says nothing without the one before it in its paragraph, like `After that it ends`, goes with that one."""
    told, groups = " ".join(filed.texts["description"].split()), list[Group]()
    for ask in filed.asks:
        if (
            (ask.vague and filed.is_fault)
            or _key(ask.line) == _key(filed.title)
            or has(ask.line.lower(), "no_card", filed.language)
        ):
            continue
        before = groups[-1][-1].line if groups else "\n"
        follows = f"{before} {ask.line}" in told or f"{before}{ask.line}" in told
        if follows and mark(filed.language, "refers").match(ask.line.lower()):
            groups[-1].append(ask)
        else:
            groups.append([ask])
    if len(groups) == 1 and not filed.is_report:
        groups[0] += filed.of("criterion")  # of one request, all that is said of when it is done
    board = {_key(str(card.get("title"))) for card in filed.siblings}
    known = [group for group in groups if _key(_title(group[0], filed)) in board]
    return [group for group in groups if group not in known], known


def _title(ask: Piece, filed: FiledCard) -> str:
    """Return a line without what is no part of a title: a box, a number, who says it in a chat, `and also please`."""
    words = pattern("back").sub("", pattern("front").sub("", ask.line))
    names = pattern("chat_name").findall(filed.texts["description"])
    if len(set(names)) < len(names):  # of a chat: somebody speaks twice
        words = pattern("name_before").sub("", words)
    opening = pattern("opening_words", filed.language).match(words.lower())
    return plain_title(words[opening.end() :] if opening and len(words.lower()) == len(words) else words, filed.language)


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
    is_wide = language in WIDE  # the clause stands before its mark
    for after in mark(language, "depends").finditer(low):
        clause = re.split(r"[，、。]", low[: after.start()])[-1] if is_wide else re.split(r"[,;:]|\. ", low[after.end() :])[0]
        matches = (SequenceMatcher(None, clause, one, autojunk=False).find_longest_match() for one in lows)
        sizes = [0 if one == low else match.size for one, match in zip(lows, matches, strict=True)]
        if max(sizes) >= (2 if is_wide else 7) and sizes.count(max(sizes)) == 1:
            return sizes.index(max(sizes))
    return -1
