"""What the embedded model answers the agent of a sandbox. It quotes what it was given, says what is missing there, and invents nothing.

What collaborations ask has labelled paragraphs (`Task:`, `Step:`, ...); every other message is quoted as it is. Same input, same bytes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shared.agents.providers import port
from shared.agents.providers.embedded.blocks import blocks
from shared.agents.providers.embedded.model import EmbeddedProvider
from shared.agents.providers.embedded.sentences import sentences
from shared.agents.providers.embedded.tables import ANY, mark

_LABELS: Final = ("Task", "Step", "What to do", "Participants", "Deliverables", "Who knows what", "How to answer")
_ANSWERS: Final = "Answers of the participants"
_LABEL: Final = re.compile(rf"(?:^|\n\n)({'|'.join((*_LABELS, _ANSWERS))}):\s*")
_ANSWER: Final = re.compile(r"(?:^|\n\n)\[(\d+)\] ([^\n]+), ([^\n,]+):\n")
_HEAD: Final = re.compile(r"\A\w+ from [^\n]{1,400}:\n")
_WORD: Final = re.compile(r"[^\W_]+")
_EMPTY: Final = frozenset(
    {"team", "the", "and", "of", "for", "a", "an", "to", "in", "is", "are", "you", "expert", "agent", "with", "it"}
)
_MOST, _QUOTED = 12, 400  # quoted sentences, and characters of each
_FEW: Final = 6  # words of a sentence that says hardly anything
_AUTHOR: Final = "_Written by the embedded model: it quotes and asks, and invents nothing._"


class EmbeddedWithSandboxes(EmbeddedProvider):
    """The embedded model for whoever asks: runs on cards, and agents of sandboxes."""

    def turn(self, request: port.Request) -> Sequence[str | port.ToolCall]:
        return answer(request) if "sandbox" in request.metadata else super().turn(request)


def answer(request: port.Request) -> Sequence[str]:
    """Return the lines of the answer to the last message of the user."""
    asked = next((one.text for one in reversed(request.messages) if one.role == "user" and one.text), "")
    parts = _parts(_HEAD.sub("", asked))
    own = _words(_about(request.system))
    if "Step" not in parts:
        text = "\n\n".join([*_quotes("What was sent", _statements(parts.get("Task", "")), own), _AUTHOR])
    else:
        how = parts.get("How to answer", "")
        maker = next((make for sign, make in _MAKERS.items() if sign in how), _draft)
        text = "\n\n".join(maker(parts, own))
    return f"{text}\n".splitlines(keepends=True)


def _parts(text: str) -> dict[str, str]:
    """Return the labelled paragraphs of what is asked; a message without labels is a task."""
    found = list(_LABEL.finditer(text))
    if not found or found[0].start() or found[0][1] != "Task":
        return {"Task": text.strip()}
    last = next((number for number, one in enumerate(found) if one[1] == _ANSWERS), len(found) - 1)
    found = found[: last + 1]  # the answers of others may have such labels too
    ends = [*(one.start() for one in found[1:]), len(text)]
    parts: dict[str, str] = {}
    for one, end in zip(found, ends, strict=True):
        parts.setdefault(one[1], text[one.end() : end].strip())
    return parts


def _about(system: str) -> str:
    """Return what a system prompt says of the agent itself: its lines before the names of others."""
    return system.partition("Other agents of this sandbox:")[0].partition("Messages come from other sandboxes.")[0]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold())) - _EMPTY


def _statements(text: str) -> list[str]:
    """Return the sentences, items and rows of a text in order, each once."""
    found = (one for block in blocks(text) for one in ([block.text] if block.form == "code" else sentences(block.text)))
    return list(dict.fromkeys(" ".join(one.split()) for one in found))


def _concerning(statements: Sequence[str], words: set[str]) -> list[str]:
    return [one for one in statements if _words(one) & words]


def _quotes(title: str, statements: Sequence[str], own: set[str]) -> Iterator[str]:
    """Yield statements as a section, those that concern the agent before the others."""
    first = _concerning(statements, own)
    shown = [*first, *(one for one in statements if one not in first)]
    if shown:
        yield f"## {title}"
        yield "\n>\n".join(f"> {one[:_QUOTED]}" for one in shown[:_MOST])
    if len(shown) > _MOST:
        yield f"{len(shown) - _MOST} more sentences are not quoted here."


def _draft(parts: Mapping[str, str], own: set[str]) -> Iterator[str]:
    """Yield a deliverable, a contribution or a summary: what the task says of it, what is missing, what the others have said."""
    step, task = parts["Step"], _statements(parts.get("Task", ""))
    subject = _words(step)
    told = _concerning(task, subject)
    others = [one for one in task if one not in told]
    yield f"# {_title(step)}"
    yield _AUTHOR
    yield from _quotes("What the task says of it", told, own)
    yield from _quotes("What else the task says" if told else "What the task says", others, own)
    if missing := list(_missing(step, task, told)):
        yield "## What is missing"
        yield "\n".join(f"- {one}" for one in missing)
    yield from _from_others(parts)


def _title(step: str) -> str:
    words = step.replace("_", " ").replace("-", " ").strip()
    return f"{words[:1].upper()}{words[1:]}"


def _missing(step: str, task: Sequence[str], told: Sequence[str]) -> Iterator[str]:
    """Yield questions that the task leaves open; what it asks itself stands there as it is."""
    if not told:
        yield f"What belongs into {step}? The task names nothing of it."
    if not any(mark(ANY, "modal").search(one.lower()) or re.search(r"\d", one) for one in task):
        yield "When is it done? The task names no criterion and no number."
    yield from (one[:_QUOTED] for one in task if one.endswith("?"))
    if told and all(len(one.split()) < _FEW for one in told):
        yield "What exactly is wanted? What the task says of it has only a few words."


def _others(parts: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return the answers of the others: who, of which step, and the text."""
    text = parts.get(_ANSWERS, "")
    found = list(_ANSWER.finditer(text))
    ends = [*(one.start() for one in found[1:]), len(text)][: len(found)]
    return [(one[2], one[3], text[one.end() : end].strip()) for one, end in zip(found, ends, strict=True)]


def _from_others(parts: Mapping[str, str]) -> Iterator[str]:
    others = _others(parts)
    if others:
        yield "## What the others have written"
        yield "\n".join(f"- {who}, {step}: {_gist(text)}" for who, step, text in others)


def _gist(text: str) -> str:
    """Return the first statement of an answer that is a quotation or a sentence, and no heading."""
    told = [block.text for block in blocks(text) if block.form != "heading" and block.text.strip("_ ") != _AUTHOR.strip("_ ")]
    return f"“{' '.join(told[0].split())[:_QUOTED]}”" if told else "nothing"


def _assign(parts: Mapping[str, str], _: set[str]) -> Iterator[str]:
    """Yield who writes what: whose words are nearest to the deliverable's, among equals who has the least, then the first."""
    known = re.findall(r"([^;(]+) \(([^)]*)\)", parts.get("Who knows what", ""))
    able = {name.strip(): _words(f"{name} {words}") for name, words in known}
    load = dict.fromkeys(able, 0)
    for deliverable in filter(None, (one.strip() for one in parts.get("Deliverables", "").split(","))):
        wanted = _words(deliverable)
        best = max(able, key=lambda name: (len(able[name] & wanted), -load[name]), default=None)
        if best is not None:
            load[best] += 1
            yield f"ASSIGN: {deliverable} -> {best}"
    if not able:
        yield "Nobody is named who could write it."


def _vote(parts: Mapping[str, str], own: set[str]) -> Iterator[str]:
    """Yield a vote: for the answer that says most about what the agent knows, among equals the first."""
    counted = [len(_words(text) & own) for _, _, text in _others(parts)]
    if not counted:
        yield "No answer was sent."
        return
    best = max(range(len(counted)), key=lambda number: (counted[number], -number))
    yield f"VOTE: {best + 1}"
    yield f"REASON: It has {counted[best]} of the words that I stand for, and no other answer has more."


def _talk(parts: Mapping[str, str], own: set[str]) -> Iterator[str]:
    yield from _quotes("What the task says", _statements(parts.get("Task", "")), own)
    yield from _from_others(parts)
    yield "I have nothing to add to these words."
    yield "DONE: yes"


_MAKERS: Final = {"ASSIGN:": _assign, "VOTE:": _vote, "DONE:": _talk}
