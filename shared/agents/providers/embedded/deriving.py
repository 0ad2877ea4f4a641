"""Derive scenarios, endpoints, components and estimates from requirements; used by all strategies."""

import re
from dataclasses import dataclass

from shared.agents.providers.embedded import reading
from shared.agents.providers.embedded.brief import NO_LONGER, Brief, Requirement
from shared.agents.providers.embedded.reading import Clause
from shared.agents.providers.embedded.terms import STOP_WORDS
from shared.agents.providers.embedded.verbs import OTHER, third_person


@dataclass(frozen=True)
class Scenario:
    name: str
    given: str
    when: str
    then: str

    def markdown(self) -> str:
        return f"**{self.name}**\n- Given {self.given}\n- When {self.when}\n- Then {self.then}"


def sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?\u3002\uff01\uff1f" else text + "."


def lower_first(text: str) -> str:
    """Lower the first letter: `Export invoices` -> `export invoices`; `PDF export` and `API` stay as they are."""
    return text if text[1:2].isupper() or not text else text[:1].lower() + text[1:]


def _fill(template: str, clause: Clause) -> str:
    actor = clause.actor if clause.by_person else "user"
    thing = clause.object
    if "the {object}" in template or "{object} asked for" in template:
        thing = re.sub(r"^(the|an?|all|their|its)\s+", "", thing, flags=re.I)
    return template.format(object=thing, actor=actor, collection=collection(clause), id="{id}")


def collection(clause: Clause) -> str:
    """Return the path segment for a clause's object: `their invoices of last year` -> `invoices`."""
    head = re.split(r"\s+of\s+|,|\sand\s|\sor\s", clause.object.lower())[0]
    words = [word for word in re.findall(r"[a-z0-9]+", head) if word not in STOP_WORDS and word not in ("your", "own")]
    noun = reading.singular(words[-1]) if words else "item"
    return (
        noun if noun.endswith("s") else (noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s")
    )


def with_article(noun: str) -> str:
    """Put the indefinite article before a noun: `an accountant`, `a user`."""
    vowel = noun[:1].lower() in "aeio" or (noun[:1].lower() == "u" and not noun.lower().startswith(("us", "uni", "ut")))
    return f"{'an' if vowel else 'a'} {noun}"


def _precondition(clause: Clause) -> str:
    if clause.condition:
        return re.sub(r"^(when|if|once|after|as soon as|whenever|while)\s+", "", clause.condition, flags=re.I)
    if clause.actor in ("system", "it"):
        return f"the service is running and there is something for it to work on ({clause.object})"
    if not clause.by_person:
        return f"the {clause.actor} in normal use, with realistic data"
    if clause.family.name in ("change", "delete", "approve", "export", "show", "search"):
        return f"{with_article(clause.actor)} with access, and existing data: {clause.object}"
    return f"{with_article(clause.actor)} with access"


def scenarios(requirement: Requirement) -> list[Scenario]:
    """Return the scenario in which the requirement holds and, if there is one, the scenario in which the system refuses."""
    clause = requirement.clause
    if requirement.text.endswith(NO_LONGER):
        then = f"{requirement.text[: -len(NO_LONGER)]}does not happen, ten times out of ten"
        return [Scenario(f"{requirement.id} holds", "the situation of the report", "the user repeats the reported steps", then)]
    who = "system" if clause.actor == "it" else clause.actor
    limits = reading.quantities(requirement.text)
    if clause.negated:
        when = f"the {who} tries to {clause.predicate}"
        return [
            Scenario(
                f"{requirement.id} holds",
                _precondition(clause),
                when,
                "it does not happen, the reason is given and nothing has changed",
            )
        ]
    then = _fill(clause.family.outcome, clause)
    if clause.purpose:
        then += f", so that {clause.purpose}"
    if limits:
        then += f" (measured: {', '.join(limits)})"
    when = f"the {who} {third_person(clause.verb)} {clause.rest}"
    holds = Scenario(f"{requirement.id} holds", _precondition(clause), when, then)
    if not clause.by_person and clause.family is OTHER:  # a property of the system: there is nothing to refuse
        return [holds]
    against = f"the same situation, with this difference: {edge_cases(requirement)[0]}"
    return [holds, Scenario(f"{requirement.id} refuses", against, when, _fill(clause.family.refusal, clause))]


def endpoint(requirement: Requirement) -> str:
    return _fill(requirement.clause.family.endpoint, requirement.clause)


def ui_control(requirement: Requirement) -> str:
    return _fill(requirement.clause.family.control, requirement.clause)


def edge_cases(requirement: Requirement) -> list[str]:
    if requirement.text.endswith(NO_LONGER):
        return ["the same steps by two people at once", "the same steps after an interruption", "the neighbouring steps"]
    if requirement.clause.negated:
        return [
            "reached by its address instead of the menu",
            "through a list, a search or an export",
            "after the right was taken away",
        ]
    if not requirement.clause.by_person and requirement.clause.family is OTHER:
        return ["at the stated limit and just above it", "with realistic data, not with a handful of rows"]
    return [_fill(case, requirement.clause) for case in requirement.clause.family.edge_cases]


def estimated_hours(requirement: Requirement) -> int:
    """Estimate the hours: the verb family's base, plus extra for long sentences, quantities and external services."""
    outside = any(part == "external service" for _, part in reading.technologies(requirement.text))
    extra = (
        2 * len(reading.quantities(requirement.text)) + (4 if outside else 0) + (2 if len(requirement.text.split()) > 18 else 0)
    )
    return requirement.clause.family.hours + extra


def short_title(requirement: Requirement, limit: int = 90) -> str:
    """Return a short title for a requirement: `Export invoices as CSV`."""
    text = requirement.clause.predicate if requirement.clause.verb != "provide" else requirement.text
    if requirement.text.endswith(NO_LONGER):
        text = requirement.text
    elif requirement.clause.negated or not requirement.clause.by_person:
        text = re.sub(r"^(the|an?)\s+", "", requirement.text, flags=re.I)
    text = text.strip(" .")
    text = text[:1].upper() + text[1:]
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + " …"


def entities(brief: Brief, limit: int = 6) -> list[str]:
    """Return the objects of the requirements as singular nouns, the most frequent first."""
    counts: dict[str, int] = {}
    named = {name.lower() for name, _ in brief.technologies}
    for requirement in brief.scope:
        if requirement.text.endswith(NO_LONGER):
            continue
        noun = reading.singular(collection(requirement.clause))
        if len(noun) > 2 and noun not in STOP_WORDS and noun not in ("item", "it", "action", "able") and noun not in named:
            counts[noun] = counts.get(noun, 0) + 1
    return sorted(counts, key=lambda noun: -counts[noun])[:limit]


def components(brief: Brief) -> list[tuple[str, str, str]]:
    """Return (component, responsibility, technology), derived from the technologies on the card and its verbs."""
    named: dict[str, list[str]] = {}
    for name, part in brief.technologies:
        named.setdefault(part, []).append(name)

    def tech(part: str) -> str:
        return ", ".join(named.pop(part, [])) or "not named on the card"

    things = entities(brief) or brief.topics[:3] or [brief.subject]
    families = {requirement.clause.family.name for requirement in brief.scope}
    people = ", ".join(brief.actors[:3]) or "its users"
    parts = [("Client", f"Lets {people} work with {', '.join(things[:3])}", tech("client"))]
    service_tech = ", ".join([*named.pop("service", []), *named.pop("interface", [])]) or "not named on the card"
    parts.append(("Service", f"Rules and permissions for {', '.join(things)}; the only way to the data", service_tech))
    parts.append(("Store", f"Keeps {', '.join(things)} and who changed them when", tech("store")))
    if "sign in" in families or "identity" in named:
        parts.append(("Identity", "Says who is calling and what they may do", tech("identity")))
    if families & {"notify", "schedule", "import", "export", "integrate"} or "queue" in named:
        slow = sorted(families & {"notify", "schedule", "import", "export", "integrate"})
        parts.append(
            (
                "Worker",
                f"Does what must not keep a caller waiting ({', '.join(slow) or 'queued work'}), with retries",
                tech("queue"),
            )
        )
    if "search" in families or "search index" in named:
        parts.append(("Search", f"Finds {things[0]} by content within the caller's permissions", tech("search index")))
    for part, names in named.items():
        if part not in ("language", "format"):
            parts.append((part.capitalize(), f"Named on the card: {', '.join(names)}", ", ".join(names)))
    return parts
