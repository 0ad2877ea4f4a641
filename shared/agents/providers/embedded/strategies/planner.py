"""Planner: split the card into small cards in build order, each with its dependencies."""

from dataclasses import dataclass, field

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief, Requirement
from shared.agents.providers.embedded.plan import Action, Plan, bullets, checklist, comment, count_of, table

_BUILD_LANE, _TEST_LANE, _SCAFFOLD_LANE, _DOCS_LANE = 6, 7, 5, 9
_LIMIT = 12  # most cards for requirements; more belong into another epic
_PRIORITY = {"must": "high", "should": "medium", "could": "low"}


@dataclass(frozen=True)
class _Task:
    ref: str
    title: str
    description: str
    lane: int
    priority: str
    hours: int
    depends_on: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = field(default=(), repr=False)


def work(brief: Brief) -> Plan:
    tasks = _tasks(brief)
    existing = {_key(str(card.get("title"))) for card in brief.siblings}
    created = [task for task in tasks if _key(task.title) not in existing]
    refs = {task.ref for task in created}
    cards = tuple(_card(task) for task in created)
    links = tuple(
        Action("add_dependency", {"card": task.ref, "depends_on": ref, "type": "blocks"}, f"{task.ref} waits for {ref}.")
        for task in created
        for ref in task.depends_on
        if ref in refs
    )
    hours = sum(task.hours for task in created)
    skipped = len(tasks) - len(created)
    size = f"{count_of(len(created), 'card')} with {count_of(len(links), 'dependency')}, about {hours} hours"
    summary = f"Split “{brief.subject}” into {size}."
    if skipped:
        summary += f" {count_of(skipped, 'card').capitalize()} existed already and were not created again."
    return Plan((cards, links, (comment(_overview(created, summary, brief)),)), summary)


def _card(task: _Task) -> Action:
    arguments = {
        "title": task.title,
        "description": task.description,
        "type": "task",
        "priority": task.priority,
        "lane": task.lane,
        "estimated_hours": task.hours,
        "ref": task.ref,
    }
    return Action("create_card", arguments, f"Creating the card “{task.title}”.")


def _fault_tasks(brief: Brief) -> list[_Task]:
    """Return the tasks of a bug: reproduce it, find the cause, fix it, prove the fix. Bugs are not split by feature."""
    symptoms = [statement.text for statement in reading.statements(brief.description)]
    outcomes = [scenario.then for item in brief.scope for scenario in deriving.scenarios(item)]
    subject = brief.subject[:120]
    checks = checklist(brief.criteria or outcomes)
    repeat = (
        "The report says:\n"
        + bullets(symptoms or [brief.title])
        + "\n\nDone when:\n"
        + checklist(["a test fails for the reported reason"])
    )
    cause = "Start from the failing test, not from the code.\n\nDone when:\n" + checklist(
        ["the cause explains every symptom of the report", "it is known since which change it exists, and who else is affected"]
    )
    remove = "Done when:\n" + checks + "\n" + checklist(["the test that repeated it passes, and stays in the suite"])
    prove = "Done when:\n" + checks + "\n" + checklist(["the neighbouring steps still work", "the person who reported it agrees"])
    return [
        _Task("repeat", f"Repeat in a test: {subject}", repeat, _BUILD_LANE, brief.priority, 3),
        _Task("cause", f"Find the cause: {subject}", cause, _BUILD_LANE, brief.priority, 4, ("repeat",)),
        _Task("remove", f"Remove the cause: {subject}", remove, _BUILD_LANE, brief.priority, 4, ("cause",)),
        _Task("prove", f"Prove it is gone: {subject}", prove, _TEST_LANE, brief.priority, 2, ("remove",)),
    ]


def _tasks(brief: Brief) -> list[_Task]:
    if brief.card.get("type") == "bug":
        return _fault_tasks(brief)
    requirements = sorted(brief.scope, key=lambda item: ("must", "should", "could").index(item.level))[:_LIMIT]
    things = deriving.entities(brief)
    tasks: list[_Task] = []
    if things and len(requirements) > 1:
        tasks.append(_data_task(brief, things))
    for part in ("external service", "infrastructure"):
        names = [name for name, kind in brief.technologies if kind == part]
        if names:
            tasks.append(_access_task(brief, part, names))
    base = tuple(task.ref for task in tasks)
    builders: dict[str, str] = {}  # object -> ref of the first card that creates it
    for item in requirements:
        thing = deriving.collection(item.clause)
        earlier = (builders[thing],) if thing in builders else ()
        needed = tuple(ref for ref in base if ref == "data-model" or _mentions(item, brief, ref))
        task = _requirement_task(item, needed + earlier)
        tasks.append(task)
        if item.clause.family.name in ("create", "import", "sign in", "integrate"):
            builders.setdefault(thing, task.ref)
    built = tuple(task.ref for task in tasks if task.requirements)
    tasks.append(_test_task(brief, requirements, built))
    tasks.append(_docs_task(brief, requirements, (tasks[-1].ref,)))
    return tasks


def _mentions(item: Requirement, brief: Brief, ref: str) -> bool:
    part = ref.removeprefix("access-").replace("-", " ")
    names = {name for name, kind in brief.technologies if kind == part}
    return bool(names & {name for name, _ in reading.technologies(item.text)})


def _data_task(brief: Brief, things: list[str]) -> _Task:
    stores = [name for name, part in brief.technologies if part == "store"]
    description = (
        f"The data that “{brief.subject}” needs: {', '.join(things)}.\n\n"
        f"{'Store: ' + ', '.join(stores) if stores else 'The card names no store: take what the project uses.'}\n\nDone when:\n"
        + checklist(
            [f"{thing.capitalize()} can be stored, read, changed and listed, with its owner and its times" for thing in things]
        )
    )
    return _Task(
        "data-model",
        f"Data model for {brief.subject}: {', '.join(things[:4])}",
        description,
        _SCAFFOLD_LANE,
        "high",
        3 + 2 * len(things),
    )


def _access_task(brief: Brief, part: str, names: list[str]) -> _Task:
    description = (
        f"“{brief.subject}” depends on {', '.join(names)}. Get access,"
        " keep the credentials in the secret store, and prove it with one call.\n\n"
        "Done when:\n"
        + checklist([f"{name}: a call succeeds in every stage, and its failure is shown clearly" for name in names])
    )
    return _Task(
        f"access-{reading.slug(part)}",
        f"Set up {', '.join(names)} for {brief.subject}"[:200],
        description,
        _SCAFFOLD_LANE,
        "high",
        3 * len(names),
    )


def _requirement_task(item: Requirement, depends_on: tuple[str, ...]) -> _Task:
    scenarios = deriving.scenarios(item)
    description = (
        f"{deriving.sentence(item.text)}\n\nWay in: `{deriving.endpoint(item)}`; control: {deriving.ui_control(item)}.\n\nDone when:\n"
        + checklist([f"Given {scenario.given}, when {scenario.when}, then {scenario.then}" for scenario in scenarios])
        + "\n\nMind:\n"
        + bullets(deriving.edge_cases(item))
    )
    ref = f"{item.id.lower()}-{reading.slug(item.clause.predicate, 24)}"
    return _Task(
        ref,
        deriving.short_title(item, 110),
        description,
        _BUILD_LANE,
        _PRIORITY[item.level],
        deriving.estimated_hours(item),
        depends_on,
        (item,),
    )


def _test_task(brief: Brief, requirements: list[Requirement], built: tuple[str, ...]) -> _Task:
    checks = brief.criteria or [f"{item.id}: {deriving.scenarios(item)[0].then}" for item in requirements]
    description = "Prove the whole, not the parts:\n" + checklist(checks)
    hours = 2 + len(checks)
    return _Task("acceptance-tests", f"Acceptance tests for {brief.subject}"[:200], description, _TEST_LANE, "high", hours, built)


def _docs_task(brief: Brief, requirements: list[Requirement], depends_on: tuple[str, ...]) -> _Task:
    readers = ", ".join(brief.actors[:3]) or "its users"
    description = f"Tell {readers} how to:\n" + checklist(
        [
            deriving.lower_first(deriving.short_title(item))
            for item in requirements
            if item.clause.by_person and not item.clause.negated
        ]
    )
    return _Task(
        "user-guide",
        f"User guide for {brief.subject}"[:200],
        description,
        _DOCS_LANE,
        "low",
        2 + len(requirements) // 2,
        depends_on,
    )


def _key(title: str) -> str:
    return " ".join(title.lower().split())


def _overview(tasks: list[_Task], summary: str, brief: Brief) -> str:
    rows = [(task.ref, task.title, task.priority, task.hours, ", ".join(task.depends_on) or "-") for task in tasks]
    left_out = brief.scope[_LIMIT:]
    note = f"\n\nNot planned here ({len(left_out)} more requirements): make another epic of them." if left_out else ""
    return f"{summary}\n\n{table(('Card', 'Title', 'Priority', 'Hours', 'Waits for'), rows)}{note}"
