"""Backend: write an implementation plan with files, endpoints, data and tests, and create its tasks."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief, Requirement
from shared.agents.providers.embedded.plan import Action, Page, Plan, bullets, comment, count_of, document, table

_FOLDERS = {
    "Django": ("{thing}s/models.py", "{thing}s/views.py", "{thing}s/tests.py"),
    "Express": ("src/models/{thing}.ts", "src/routes/{thing}s.ts", "test/{thing}s.test.ts"),
    "TypeScript": ("src/models/{thing}.ts", "src/routes/{thing}s.ts", "test/{thing}s.test.ts"),
    "Go": ("internal/{thing}/{thing}.go", "internal/{thing}/http.go", "internal/{thing}/{thing}_test.go"),
}
_PYTHON = ("app/{thing}s/models.py", "app/{thing}s/routes.py", "tests/test_{thing}s.py")


def work(brief: Brief) -> Plan:
    title = f"Backend plan: {brief.title}"
    things = deriving.entities(brief) or ["item"]
    served = [item for item in brief.scope if item.clause.by_person or item.clause.actor == "system"]
    files = _files(brief, things)
    page = (
        Page(title)
        .section("What is built", bullets([f"{item.id} ({item.level}): {deriving.sentence(item.text)}" for item in brief.scope]))
        .section("Files", table(("File", "Holds"), files))
        .section("Data", *[_entity(brief, thing) for thing in things])
        .section("Endpoints", table(("Endpoint", "Does", "Refuses when", "From"), [_endpoint(item) for item in served]))
        .section("Rules", bullets(_rules(brief)))
        .section(
            "Tests",
            bullets(
                [f"{item.id}: {scenario.when} → {scenario.then}" for item in brief.scope for scenario in deriving.scenarios(item)]
            ),
        )
        .section(
            "Not by hand",
            bullets(
                [
                    f"{name}: use its maintained client, with time limits and retries"
                    for name, part in brief.technologies
                    if part in ("external service", "queue", "search index")
                ]
            ),
        )
    )
    tasks = _tasks(brief, things, served)
    sizes = f"{count_of(len(files), 'file')}, {count_of(len(served), 'endpoint')}, {count_of(len(tasks), 'task')}"
    summary = f"Wrote “{title}”: {sizes}. No code was changed."
    return Plan(((document("custom", title, page.text()),), tuple(tasks), (comment(summary),)), summary)


def _files(brief: Brief, things: list[str]) -> list[tuple[str, str]]:
    layout = next((_FOLDERS[name] for name, _ in brief.technologies if name in _FOLDERS), _PYTHON)
    rows = []
    for thing in things:
        name = reading.slug(thing).replace("-", "_")
        rows += list(
            zip(
                (path.format(thing=name) for path in layout),
                (f"the {thing}: fields, rules, storage", "its endpoints and shapes", "its scenarios"),
                strict=True,
            )
        )
    return rows


def _entity(brief: Brief, thing: str) -> str:
    fields = [
        ("id", "identifier", "made by the service"),
        ("owner", "reference", "who may see and change it"),
        ("created_at, updated_at", "time", "UTC"),
    ]
    words = reading.topics([item.text for item in brief.scope if reading.singular(deriving.collection(item.clause)) == thing], 6)
    fields += [
        (word.replace(" ", "_"), "to be typed", "named in the requirements")
        for word in words
        if word != thing and thing not in word.split() and word not in brief.actors
    ]
    return f"### {thing.capitalize()}\n\n" + table(("Field", "Type", "Why"), fields)


def _endpoint(item: Requirement) -> tuple[str, str, str, str]:
    refusals = deriving.scenarios(item)
    return deriving.endpoint(item), deriving.short_title(item), refusals[-1].then, item.id


def _rules(brief: Brief) -> list[str]:
    rules = [
        f"{deriving.sentence(item.text)} ({item.id}: checked where the data is loaded, not in the route)"
        for item in brief.scope
        if item.clause.negated
    ]
    rules += [f"{deriving.sentence(text)} (a test measures it)" for text in brief.constraints if reading.quantities(text)]
    if any(item.clause.family.name in ("pay", "notify", "import", "integrate") for item in brief.scope):
        rules.append(
            "A repeated request has the effect of one: an idempotency key on every endpoint that sends, books or imports."
        )
    return rules


def _tasks(brief: Brief, things: list[str], served: list[Requirement]) -> list[Action]:
    model = "backend-data"
    what = (
        f"Fields, rules and storage for {', '.join(things)}.\n\nDone when each can be stored, read and listed by its owner only."
    )
    tasks = [_task(f"Data model: {', '.join(things)}"[:200], what, "implementation", "high", (), model)]
    for item in served[:10]:
        scenarios = "\n".join(f"- {scenario.when} → {scenario.then}" for scenario in deriving.scenarios(item))
        text = f"`{deriving.endpoint(item)}` for {item.id}: {deriving.sentence(item.text)}\n\nDone when:\n{scenarios}"
        priority = {"must": "high", "should": "medium", "could": "low"}[item.level]
        tasks.append(
            _task(
                f"Endpoint: {deriving.short_title(item, 100)}",
                text,
                "implementation",
                priority,
                (model,),
                f"backend-{item.id.lower()}",
            )
        )
    refs = tuple(str(task.arguments["ref"]) for task in tasks[1:])
    checks = "\n".join(f"- {text}" for text in brief.criteria) or "The scenarios of the plan."
    tasks.append(_task(f"Backend tests: {brief.title}"[:200], f"Prove:\n{checks}", "test", "high", refs, "backend-tests"))
    return tasks


def _task(title: str, description: str, kind: str, priority: str, depends_on: tuple[str, ...], ref: str) -> Action:
    arguments = {
        "title": title,
        "description": description[:10_000],
        "task_type": kind,
        "priority": priority,
        "depends_on": list(depends_on),
        "ref": ref,
    }
    return Action("create_task", arguments, f"Creating the task “{title}”.")
