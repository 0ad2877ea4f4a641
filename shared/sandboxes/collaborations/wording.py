"""What a member is asked, in words, and what its answer says to the state machine.

An answer is free text. What decides how the work goes on stands in it on lines of their own (`DONE: yes`), or in the fields of its content
(`{"done": true}`).
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from shared.sandboxes.collaborations.state import (
    ANALYSE,
    CONTRIBUTE,
    PLAN,
    SUMMARISE,
    TALK,
    VOTE,
    WRITE,
    Answer,
    Ask,
    State,
)

ASK_CHARS: Final = 23_500
"""Characters of a message that asks: the agent of a sandbox shows its model 24,000 of one, its sender among them."""
MAX_TASK: Final = 8_000
"""Characters of a task: it is in every message, and the answers of the others need room beside it. Our choice."""
_KNOWN_WORDS, _KNOWN_CHARS = 8, 1_000  # what a plan is told about each participant, and about all
_SHORTEST: Final = 60  # characters of each answer that are shown however many there are
_REASON: Final = 300
_CUT: Final = " […]"
_LINE: Final = re.compile(r"^[\s*>_#-]*(DONE|NEXT|VOTE|REASON|ASSIGN)[*_]*:[*_]*\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE)
_WHAT: Final = {
    WRITE: "Write this deliverable in full. Your answer becomes the document as it is.",
    CONTRIBUTE: "Contribute to the task what you know best.",
    PLAN: "Break the task down: say who of the participants writes which deliverable.",
    SUMMARISE: "Sum up what the participants have done for the task, and what is still open.",
    TALK: "Work on the task together: say what you contribute, and answer what the others have said to you.",
    ANALYSE: "Work on the task alone and answer it. Nobody sees the answers of the others yet.",
    VOTE: "Read all answers and vote for the best one.",
}
_HOW: Final = {
    PLAN: "one line for each deliverable: ASSIGN: <deliverable> -> <participant>",
    TALK: "your text, then the line NEXT: <participant who should speak next>, and the line DONE: yes if the task is done, else DONE: no",
    VOTE: "the line VOTE: <number of the answer>, and the line REASON: <one sentence>",
}


def text_of_ask(state: State, ask: Ask, task: str, texts: Mapping[int, str]) -> str:
    """Return the text of the message that asks. `texts`: the answers that it carries, by the number of their ask."""
    names = ", ".join(one.name for one in state.members[: state.participants])
    lines = [f"Task:\n{task}", f"Step: {ask.step}", f"What to do: {_WHAT[ask.kind]}", f"Participants: {names}"]
    if ask.kind == PLAN:
        lines += [f"Deliverables: {', '.join(state.deliverables)}" if state.deliverables else "", _known(state)]
    lines.append(f"How to answer: {_HOW[ask.kind]}" if ask.kind in _HOW else "")
    text = "\n\n".join(line for line in lines if line)
    return text + _material(state, ask, texts, ASK_CHARS - len(text)) if ask.material else text


def _known(state: State) -> str:
    known = (f"{one.name} ({' '.join(one.words[:_KNOWN_WORDS])})" for one in state.members[: state.participants])
    return f"Who knows what: {'; '.join(known)}"[:_KNOWN_CHARS]


def _material(state: State, ask: Ask, texts: Mapping[int, str], room: int) -> str:
    """Return the answers of others, each cut to the same length if there is not enough room for all."""
    heads = {
        number: f"\n\n[{place}] {state.members[state.asks[number].member].name}, {state.asks[number].step}:\n"
        for place, number in enumerate(ask.material, 1)
    }
    share = max(_SHORTEST, (room - 60 - sum(map(len, heads.values()))) // len(heads))
    shown = "".join(f"{head}{_cut(texts.get(number, '').strip(), share)}" for number, head in heads.items())
    return f"\n\nAnswers of the participants:{shown}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - len(_CUT)].rstrip() + _CUT


def problem_of(content: Any) -> str | None:
    """Return why an answer is none; None if it is one."""
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "It has answered with an error")[:_REASON]
    return str(error)[:_REASON] if error else None


def text_of_answer(content: Any) -> str:
    """Return the text of an answer; what has no text is shown as JSON."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict) and isinstance(content.get("text"), str):
        return str(content["text"])
    return json.dumps(content, ensure_ascii=False, indent=2)


def read_answer(content: Any, state: State) -> Answer:
    """Return what an answer says to the state machine. Of a line that stands there twice, the last one counts."""
    said = {"ASSIGN": ""} | {name.upper(): value for name, value in _LINE.findall(text_of_answer(content))}
    given = content if isinstance(content, dict) else {}
    done, vote, plan = given.get("done"), given.get("vote"), given.get("plan")
    number = re.match(r"\D{0,5}(\d{1,3})\b", said.get("VOTE", ""))
    return Answer(
        done=done if isinstance(done, bool) else said.get("DONE", "").strip("*_. ").casefold() in ("yes", "true"),
        to=str(given.get("to") or said.get("NEXT", ""))[:100].strip("*_. "),
        vote=vote if isinstance(vote, int) and not isinstance(vote, bool) else int(number[1]) if number else None,
        reason=str(given.get("reason") or said.get("REASON", ""))[:_REASON],
        plan=_plan(plan if isinstance(plan, dict) else _assigned(text_of_answer(content)), state),
    )


def _assigned(text: str) -> dict[str, str]:
    found = (value.partition("->") for name, value in _LINE.findall(text) if name.upper() == "ASSIGN")
    return {name.strip("*_` "): who.strip("*_`. ") for name, _, who in found}


def _plan(plan: Mapping[Any, Any], state: State) -> dict[str, str]:
    """Return the part of a plan that is about deliverables that were asked for."""
    asked = {name.casefold(): name for name in state.deliverables}
    return {asked[str(name).casefold()]: str(who)[:100] for name, who in plan.items() if str(name).casefold() in asked}
