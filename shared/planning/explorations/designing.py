"""The embedded author's design: its sections file the requirements by component, data, boundary, failure and protection."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from shared.planning.explorations.requirements import Requirement, RequirementsText
from shared.planning.explorations.wording import CATEGORIES, words

SECTIONS: Final = (
    "Architecture Overview",
    "Component Design",
    "Data Model",
    "Interfaces",
    "Error Handling",
    "Security",
    "Testing",
)
_DATA: Final = re.compile(
    r"\b(stor\w*|sav\w*|record\w*|histor\w*|database|data|files?|csv|json|orders?|accounts?|profiles?|catalog\w*|backup\w*|import\w*|export\w*|"
    r"e-?mail addresses|messages?|documents?|photos?|inventory|stock|daten\w*|speicher\w*|konto|konten|bestellung\w*|datei\w*|bestand)\b",
    re.IGNORECASE,
)
_BOUNDARY: Final = re.compile(
    r"\b(apis?|browsers?|phones?|tablets?|e-?mails?|webhooks?|cli|command|terminal|ui|screens?|pages?|forms?|import\w*|export\w*|stripe|paypal|"
    r"slack|print\w*|notif\w*|users?|customers?|admins?|devices?|linux|macos|windows|ios|android|work with|"
    r"schnittstelle\w*|seite\w*|gerät\w*|"
    r"kund\w*|nutzer\w*|benutzer\w*)\b",
    re.IGNORECASE,
)
_FAILURE: Final = re.compile(
    r"\b(fail\w*|errors?|invalid|wrong|unavailable|timeouts?|retr(?:y|ies)|refused?|reject\w*|lost|duplicates?|fehl\w*|ungültig\w*|ausfall\w*)\b",
    re.IGNORECASE,
)
_PROTECTION: Final = re.compile(
    r"\b(only (?:an? )?(?:\w+ )?(?:admins?|owners?|members?|managers?|users?|staff)|roles?|permissions?|encrypt\w*|gdpr|"
    r"personal data|log-?in|sign[- ]?in|passwords?|"
    r"oauth\w*|tokens?|jwt|mfa|two-factor|audit\w*|nur (?:admins?|mitglieder)|rechte|dsgvo|verschlüssel\w*|anmeld\w*|passwort\w*)\b",
    re.IGNORECASE,
)


_THINGS: Final = 3  # that the heading of a component names
_NOUN: Final = re.compile(
    r"\b(?i:the|an?|their|his|her|its|our|my|each|every)\s+(?:[a-z-]+\s){0,2}?([a-z][a-z-]{3,})"
    r"(?=\s+(?:from|of|on|in|with|by|and|or|for|to|at|is|are|was|were|when|that|which|through|can|must|should|shall|may|needs?)\b|[.,;:)]|$)"
)
"""The last word of what stands behind an article, before what goes on with the sentence."""
_NOUN_DE: Final = re.compile(r"(?<=[\wäöüß,] )(?!Software\b|System\b|Anwendung\b|App\b)([A-ZÄÖÜ][\wäöüß-]{3,})")


def design_of(title: str, name: str, goal: str, text: RequirementsText) -> str:
    """Return the text of a design. Each section says to which requirements it traces."""
    own, found = words(text.language)["design"], text.requirements
    groups = [(category, [one for one in found if one.category == category]) for category in CATEGORIES]
    names = dict(zip(CATEGORIES, own["components"], strict=True))
    components = [(_named(names[category], members, text.language), members) for category, members in groups if members]
    sections = [
        _overview(own, name, goal, components, groups),
        _components(own, components),
        _listed(own, found, name, "data", _DATA),
        _listed(own, found, name, "interfaces", _BOUNDARY),
        _listed(own, found, name, "errors", _FAILURE, lambda one: one.kind == "unwanted"),
        _listed(own, found, name, "security", _PROTECTION, lambda one: one.category == "security & compliance"),
        _testing(own, found, text),
    ]
    parts = [f"# {title}\n"]
    parts += [f"## {heading}\n\n{body}" for heading, body in zip(SECTIONS, sections, strict=True)]
    return "\n".join([*parts, f"---\n\n_{words(text.language)['author']}_\n"])


def _named(heading: str, members: Sequence[Requirement], language: str) -> str:
    """Return the heading of a component with the things that its requirements speak of most."""
    things = things_of([one.title for one in members], language)
    return f"{heading}: {', '.join(things)}" if things else heading


def things_of(texts: Sequence[str], language: str) -> list[str]:
    """Return the things that texts name, those that most name first: German nouns by their capital, English ones by what stands before."""
    counted: Counter[str] = Counter()
    for text in texts:
        form = _NOUN_DE if language == "de" else _NOUN
        counted.update(list(dict.fromkeys(found[1] for found in form.finditer(text))))
    return [word for word, _ in counted.most_common(_THINGS)]


def sections_of(design: str) -> list[str]:
    """Return the headings of a design's sections."""
    return [line[3:].strip() for line in design.splitlines() if line.startswith("## ")]


def _overview(
    own: dict[str, Any],
    name: str,
    goal: str,
    components: Sequence[tuple[str, list[Requirement]]],
    groups: Sequence[tuple[str, list[Requirement]]],
) -> str:
    rows = [f"| {heading} | {refs(members)} |" for heading, members in components]
    technical = next(members for category, members in groups if category == "technical")
    given = [own["technical_given"], "", *_lines(technical)] if technical else [own["nothing_given"]]
    quoted = [f"> {line}".rstrip() for line in goal.strip().splitlines()]
    table = [f"| {own['component']} | {own['requirements']} |", "| --- | --- |", *rows]
    return "\n".join([own["goal"], "", *quoted, "", own["made_of"].format(name=name), "", *table, "", *given, ""])


def _components(own: dict[str, Any], components: Sequence[tuple[str, list[Requirement]]]) -> str:
    parts = []
    for heading, members in components:
        parts += [
            f"### {heading}",
            "",
            own["component_duty"],
            "",
            *_lines(members),
            "",
            own["trace"].format(refs=refs(members)),
            "",
        ]
    return "\n".join(parts)


def _listed(
    own: dict[str, Any],
    found: Sequence[Requirement],
    system: str,
    name: str,
    pattern: re.Pattern[str],
    also: Callable[[Requirement], bool] = lambda _: False,
) -> str:
    """List the requirements that have a word of a section; those of the system's own name do not count."""
    named = re.compile(re.escape(system), re.IGNORECASE)
    members = [one for one in found if also(one) or pattern.search(named.sub("", one.statement))]
    if not members:
        return f"{own[f'no_{name}']}\n"
    return "\n".join(
        [
            own[f"{name}_{'is' if name in ('data', 'security') else 'are'}"],
            "",
            *_lines(members),
            "",
            own["trace"].format(refs=refs(members)),
            "",
        ]
    )


def _testing(own: dict[str, Any], found: Sequence[Requirement], text: RequirementsText) -> str:
    lines = [own["testing_is"], ""]
    for one in found:
        lines += [f"- {one.ref}", *(f"  - {criterion}" for criterion in one.criteria)]
    lines += ["", own["trace"].format(refs=refs(found)), ""]
    if asked := text.entries("open"):
        lines += [own["open_is"], "", *(f"- {entry}" for entry in asked), ""]
    return "\n".join(lines)


def _lines(found: Sequence[Requirement]) -> list[str]:
    return [f"- {one.ref}: {one.statement}" for one in found]


def refs(found: Sequence[Requirement]) -> str:
    return ", ".join(one.ref for one in found)
