"""Architect: derive components, data, interfaces and decisions from the objects, verbs and technologies of the card."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Page, Plan, bullets, comment, count_of, document, table
from shared.agents.providers.embedded.terms import ALTERNATIVES

_PART_OF = {
    "Store": "store",
    "Client": "client",
    "Service": "service",
    "Worker": "queue",
    "Search": "search index",
    "Identity": "identity",
}


def work(brief: Brief) -> Plan:
    title = f"Architecture: {brief.title}"
    parts = deriving.components(brief)
    decisions = _decisions(brief, parts)
    undecided = [name for name, _, technology in parts if technology.startswith("not named")]
    page = (
        Page(title)
        .section("Context", _context(brief))
        .section("Forces", bullets([f"{', '.join(reading.qualities(text)) or 'limit'}: {text}" for text in brief.constraints]))
        .section("Components", table(("Component", "Responsibility", "Technology"), parts), _diagram(parts))
        .section("Data", table(("Entity", "Changed by", "Read by"), _data(brief)))
        .section(
            "Interfaces",
            table(
                ("Interface", "Serves", "Requirement"),
                [
                    (deriving.endpoint(item), deriving.short_title(item), item.id)
                    for item in brief.scope
                    if item.clause.by_person or item.clause.actor == "system"
                ],
            ),
        )
        .section("Decisions", *decisions)
        .section("What can go wrong", table(("Where", "What happens", "Answer"), _failures(parts)))
        .section("Open", bullets(brief.questions + [f"{name}: no technology is named on the card." for name in undecided]))
    )
    sizes = f"{count_of(len(parts), 'component')}, {count_of(len(decisions), 'decision')}, {count_of(len(undecided), 'choice')} left open"
    summary = f"Wrote “{title}”: {sizes}."
    actions = [document("architecture", title, page.text())]
    if undecided:
        actions.append(
            comment(
                f"The architecture leaves open which technology carries: {', '.join(undecided)}. The document lists the options."
            )
        )
    return Plan((tuple(actions),), summary)


def _context(brief: Brief) -> str:
    people = ", ".join(brief.actors) or "people the card does not name"
    services = [name for name, part in brief.technologies if part in ("external service", "identity")]
    problems = " ".join(deriving.sentence(text) for text in brief.texts("problem")[:3])
    return f"Used by {people}. Talks to {', '.join(services) or 'no outside service that the card names'}. {problems}".strip()


def _diagram(parts: list[tuple[str, str, str]]) -> str:
    names = [name for name, _, _ in parts]
    lines = ["```mermaid", "flowchart LR"]
    ids = {name: reading.slug(name).replace("-", "_") for name in names}
    lines += [f"  {ids[name]}[{name}]" for name in names]
    for name in names:
        if name == "Client":
            lines.append(f"  {ids[name]} --> {ids['Service']}")
        elif name == "Worker":
            lines += [f"  {ids['Service']} -- queue --> {ids[name]}", f"  {ids[name]} --> {ids['Store']}"]
        elif name != "Service":
            lines.append(f"  {ids['Service']} --> {ids[name]}")
    return "\n".join([*lines, "```"])


def _data(brief: Brief) -> list[tuple[str, str, str]]:
    rows = []
    for thing in deriving.entities(brief):
        about = [item for item in brief.scope if reading.singular(deriving.collection(item.clause)) == thing]
        writes = [item.id for item in about if item.clause.family.name not in ("show", "search", "export", "measure")]
        reads = [item.id for item in about if item.id not in writes]
        rows.append((thing, ", ".join(writes) or "-", ", ".join(reads) or "-"))
    return rows


def _decisions(brief: Brief, parts: list[tuple[str, str, str]]) -> list[str]:
    decisions: list[str] = []

    def decide(question: str, choice: str, because: str, price: str) -> None:
        number = len(decisions) + 1
        decisions.append(f"### D-{number}: {question}\n\n- **Choice:** {choice}\n- **Because:** {because}\n- **Price:** {price}")

    by_part: dict[str, list[str]] = {}
    for name, part in brief.technologies:
        if part not in ("external service", "format"):
            by_part.setdefault(part, []).append(name)
    for part, names in by_part.items():
        others = [other for other in ALTERNATIVES.get(part, ()) if other not in names][:2]
        if others:
            price = f"gives up {' and '.join(others)}; leaving it later costs a migration"
            decide(part.capitalize(), ", ".join(names), "the card names it", price)
    for name, duty, technology in parts:
        if technology.startswith("not named"):
            options = ALTERNATIVES.get(_PART_OF.get(name, "service"), ())
            decide(
                f"Technology of the {name.lower()}",
                f"open: {', '.join(options)}",
                f"its duty is stated ({deriving.lower_first(duty)}), its technology is not",
                "waits for an answer; start with what the project runs already",
            )
    slow = [item for item in brief.scope if item.clause.family.name in ("notify", "import", "export", "schedule", "integrate")]
    if slow:
        ids = ", ".join(item.id for item in slow)
        decide(
            "When slow work happens",
            "behind a queue, answered at once with a state that can be asked for",
            f"{ids} depend on files, time or others",
            "callers see “accepted” before they see “done”",
        )
    guarded = [item for item in brief.scope if item.clause.negated or "security" in reading.qualities(item.text)]
    if guarded:
        ids = ", ".join(item.id for item in guarded)
        decide(
            "Where permissions are checked",
            "in the service, at the one place that loads data",
            f"{ids} must hold for every way in",
            "no shortcut to the store, not even for reports",
        )
    measured = [text for text in brief.constraints if reading.quantities(text)]
    if measured:
        decide(
            "How limits are kept",
            "each number gets a test that fails when it is missed",
            "; ".join(measured[:3]),
            "tests need realistic amounts of data",
        )
    return decisions


def _failures(parts: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    answers = {
        "Store": ("is unreachable or slow", "requests fail with a clear error and can be repeated safely"),
        "Worker": ("dies half way", "the job returns to the queue; doing it twice has the effect of doing it once"),
        "Client": ("sends the same request twice", "an idempotency key makes the second one a repetition of the first answer"),
        "Identity": ("is unreachable", "existing sessions go on until they expire; nobody new gets in"),
        "External service": ("is down or slow", "time limit, retries with growing pauses, the state shown to the user"),
    }
    return [(name, *answers[name]) for name, _, _ in parts if name in answers]
