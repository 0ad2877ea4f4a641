"""Frontend: write an implementation plan with routes, components, states and tests, and create its tasks."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief, Requirement
from shared.agents.providers.embedded.plan import Action, Page, Plan, bullets, comment, count_of, document, table

_SUFFIX = {"Vue": ".vue", "Svelte": ".svelte", "Angular": ".component.ts"}
_KIND = {
    "create": "Form", "change": "Editor", "show": "List", "search": "Search", "delete": "RemoveDialog", "sign in": "SignIn",
    "export": "ExportButton", "import": "Import", "approve": "Decision", "schedule": "Schedule", "notify": "NotificationSettings",
    "measure": "Statistics", "pay": "Checkout", "integrate": "Connection", "do": "Action",
}  # fmt: skip


def work(brief: Brief) -> Plan:
    title = f"Frontend plan: {brief.title}"
    visible = [item for item in brief.scope if item.clause.by_person and not item.clause.negated] or brief.scope
    rows = _components(brief, visible)
    hidden = [item for item in brief.scope if item.clause.negated]
    page = (
        Page(title)
        .section("For whom", bullets([f"{actor.capitalize()}: {_tasks_of(actor, visible)}" for actor in brief.actors]))
        .section("Routes", table(("Route", "Shows", "From"), _routes(visible)))
        .section("Components", table(("File", "Control", "Calls", "From"), rows))
        .section(
            "States",
            bullets(
                [
                    f"{item.id}: while it runs, after “{deriving.edge_cases(item)[0]}”, and when there is nothing"
                    for item in visible
                ]
            ),
        )
        .section(
            "Never shown",
            bullets(
                [
                    f"{item.id}: {deriving.sentence(item.text)} The service refuses it; the screen does not offer it."
                    for item in hidden
                ]
            ),
        )
        .section(
            "Accessibility",
            bullets(
                [f"{row[0].rsplit('/', 1)[-1]}: reachable by keyboard, named for screen readers, errors in words" for row in rows]
            ),
        )
        .section(
            "Tests",
            bullets(
                [f"{item.id}: {scenario.when} → {scenario.then}" for item in visible for scenario in deriving.scenarios(item)]
            ),
        )
        .section("Limits the screen has to bear", bullets([text for text in brief.constraints if reading.quantities(text)]))
    )
    tasks = [_task(item, row) for item, row in zip(visible[:12], rows, strict=False)]
    sizes = f"{count_of(len(rows), 'component')} on {count_of(len(_routes(visible)), 'route')}, {count_of(len(tasks), 'task')}"
    summary = f"Wrote “{title}”: {sizes}. No code was changed."
    return Plan(((document("custom", title, page.text()),), tuple(tasks), (comment(summary),)), summary)


def _tasks_of(actor: str, items: list[Requirement]) -> str:
    activities = [deriving.lower_first(deriving.short_title(item, 60)) for item in items if item.clause.actor == actor]
    return "; ".join(activities) or "sees what concerns them"


def _pascal(text: str) -> str:
    return "".join(word.capitalize() for word in reading.slug(text).split("-"))


def _components(brief: Brief, items: list[Requirement]) -> list[tuple[str, str, str, str]]:
    suffix = next((_SUFFIX[name] for name, _ in brief.technologies if name in _SUFFIX), ".tsx")
    rows = []
    for item in items:
        thing = reading.singular(deriving.collection(item.clause))
        path = f"src/{reading.slug(thing)}/{_pascal(thing)}{_KIND[item.clause.family.name]}{suffix}"
        rows.append((path, deriving.ui_control(item), deriving.endpoint(item), item.id))
    return rows


def _routes(items: list[Requirement]) -> list[tuple[str, str, str]]:
    by_route: dict[str, list[Requirement]] = {}
    for item in items:
        by_route.setdefault(f"/{deriving.collection(item.clause)}", []).append(item)
    return [
        (route, "; ".join(deriving.short_title(item, 50) for item in served), ", ".join(item.id for item in served))
        for route, served in by_route.items()
    ]


def _task(item: Requirement, row: tuple[str, str, str, str]) -> Action:
    path, control, endpoint, _ = row
    scenarios = "\n".join(f"- {scenario.when} → {scenario.then}" for scenario in deriving.scenarios(item))
    text = f"`{path}`: {control}. Calls `{endpoint}`.\n\n{item.id}: {deriving.sentence(item.text)}\n\nDone when:\n{scenarios}"
    priority = {"must": "high", "should": "medium", "could": "low"}[item.level]
    title = f"Screen: {deriving.short_title(item, 100)}"
    arguments = {
        "title": title,
        "description": text[:10_000],
        "task_type": "implementation",
        "priority": priority,
        "depends_on": [],
        "ref": f"frontend-{item.id.lower()}",
    }
    return Action("create_task", arguments, f"Creating the task “{title}”.")
