"""Refactor: report technical debt and possible optimizations that the card, its comments or the board mention."""

import re
from dataclasses import dataclass

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Page, Plan, bullets, comment, count_of, discovery, document, table


@dataclass(frozen=True)
class _Smell:
    signs: str
    name: str
    step: str
    kind: str


_SMELLS = (
    _Smell(
        r"\b(?:duplicat|copy[- ]past|twice|repeated|same (?:code|logic)|redundan)\w*",
        "the same knowledge in several places",
        "move it to one place, behind a test that fails when the copies differ",
        "technical_debt",
    ),
    _Smell(
        r"\b(?:slow|latency|timeout|n\+1|too many (?:queries|requests)|full (?:scan|table)|memory|cache)\w*",
        "work that grows faster than its input",
        "measure first, then load what is needed in one go",
        "optimization",
    ),
    _Smell(
        r"\b(?:hard[- ]?coded|magic number|workaround|hack|todo|fixme|temporary|quick fix|for now)\b",
        "a temporary answer that stayed",
        "replace it by the rule it stands for, and name the rule",
        "technical_debt",
    ),
    _Smell(
        r"\b(?:legacy|deprecated|outdated|old version|end of life|upgrade|migrat)\w*",
        "something old that everything leans on",
        "put an interface in front of it, move callers one by one, then remove it",
        "technical_debt",
    ),
    _Smell(
        r"\b(?:no tests?|untested|without tests?|coverage|flaky|manual(?:ly)? test)\w*",
        "code nobody dares to change",
        "pin today's behaviour with tests before touching it",
        "technical_debt",
    ),
    _Smell(
        r"\b(?:complex|complicated|hard to (?:understand|read|change)|spaghetti|god (?:class|object)|huge|monolith|tangled|coupl)\w*",
        "one part that does too much",
        "split it along the reasons for which it changes",
        "technical_debt",
    ),
    _Smell(
        r"\b(?:swallow|silent(?:ly)?|ignor(?:e|es|ed) errors?|catch[- ]all|no error handling|unhandled)\w*",
        "errors that vanish",
        "let them surface once, at the border, with what is needed to act",
        "technical_debt",
    ),
    _Smell(
        r"\b(?:expensive|cost|bill|unused|idle|over-?provision)\w*",
        "something paid for and not used",
        "measure use for a week, then size it to that",
        "optimization",
    ),
)


def work(brief: Brief) -> Plan:
    title = f"Refactoring notes: {brief.title}"
    smells = _find_smells(brief)
    hotspots = _hotspots(brief)
    page = (
        Page(title)
        .section(
            "Basis",
            "Read from the card, its comments and the board; no source code was read.",
            bullets([*brief.texts("problem"), *brief.texts("context")]),
        )
        .section(
            "Findings",
            table(
                ("No", "Finding", "Seen in", "Step"),
                [(number, smell.name, f"“{text}”", smell.step) for number, (smell, text) in enumerate(smells, 1)],
            ),
        )
        .section("Same ground as other cards", table(("Topic", "Cards"), hotspots))
        .section(
            "Order",
            bullets(
                [
                    f"{number}. {smell.step[:1].upper()}{smell.step[1:]} ({deriving.lower_first(smell.name)})"
                    for number, (smell, _) in enumerate(sorted(smells, key=lambda pair: "test" not in pair[0].step), 1)
                ]
            ),
        )
        .section(
            "Must not change",
            bullets(
                brief.criteria or [f"{item.id}: {deriving.sentence(item.text)}" for item in brief.scope if item.level == "must"]
            ),
        )
        .section(
            "Proof that it got better",
            bullets(
                [f"{text.rstrip('.')}: measured before and after" for text in brief.constraints if reading.quantities(text)]
                or ["Time to make the next small change here, before and after"]
            ),
        )
    )
    findings = [
        discovery(smell.kind, f"{brief.title}: {smell.name}.\n\nSeen in: “{text}”.\nStep: {smell.step}.", _priority(smell))
        for smell, text in smells[:5]
    ]
    findings += [
        discovery("technical_debt", f"{topic}: {cards} touch the same ground. Settle who owns it before the next change.", "low")
        for topic, cards in hotspots[:2]
    ]
    if findings:
        first = smells[0][0].name if smells else hotspots[0][0]
        summary = f"Raised {count_of(len(findings), 'discovery')} from “{brief.subject}”; first: {first}. No code was changed."
    else:
        summary = (
            f"Nothing in “{brief.subject}”, its comments or the board points to technical debt; "
            "the notes say what must stay as it is. No code was read or changed."
        )
    return Plan(((document("custom", title, page.text()), *findings, comment(summary)),), summary)


def _find_smells(brief: Brief) -> list[tuple[_Smell, str]]:
    comments = brief.card.get("comments") or []
    remarks = [str(item.get("content", "")) for item in comments if isinstance(item, dict)] if isinstance(comments, list) else []
    texts = [
        statement.text
        for text in [brief.title, brief.description, brief.extra, *remarks]
        for statement in reading.statements(text)
    ]
    smells: list[tuple[_Smell, str]] = []
    for smell in _SMELLS:
        text = next((text for text in texts if re.search(smell.signs, text, re.I)), None)
        if text:
            smells.append((smell, text.rstrip(".")))
    return smells


def _hotspots(brief: Brief) -> list[tuple[str, str]]:
    rows = []
    for topic in brief.topics[:5]:
        titles = [str(card.get("title")) for card in brief.siblings if topic in reading.topics([str(card.get("title"))])]
        if len(titles) >= 2:
            rows.append((topic, "; ".join(f"“{title}”" for title in titles[:4])))
    return rows


def _priority(smell: _Smell) -> str:
    return "medium" if smell.kind == "optimization" or "test" in smell.step else "low"
