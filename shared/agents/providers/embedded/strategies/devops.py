"""DevOps: plan the infrastructure, the deployment pipeline, the alarms and the dependencies."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Action, Page, Plan, bullets, comment, count_of, document, numbered, table

_RUNS_AS = {
    "Client": "static files behind a CDN",
    "Service": "functions or containers behind the gateway",
    "Store": "managed, with point-in-time recovery",
    "Worker": "functions or containers on the queue, with a dead-letter queue",
    "Search": "managed, rebuilt from the store",
    "Identity": "managed or part of the service",
}


def work(brief: Brief) -> Plan:
    title = f"Infrastructure plan: {brief.title}"
    parts = deriving.components(brief)
    external_services = [name for name, part in brief.technologies if part == "external service"]
    alarms = _alarms(brief, parts)
    page = (
        Page(title)
        .section(
            "What has to run",
            table(
                ("Component", "Technology", "Runs as"),
                [(name, technology, _RUNS_AS.get(name, "outside, reached over HTTPS")) for name, _, technology in parts],
            ),
        )
        .section(
            "Stages",
            table(
                ("Stage", "Data", "Who gets in"),
                [
                    ("local", "made up", "developers"),
                    (
                        "staging",
                        "a cut of realistic size: " + (", ".join(_quantities(brief)) or "size not stated on the card"),
                        "the team",
                    ),
                    ("production", "real", ", ".join(brief.actors) or "its users"),
                ],
            ),
        )
        .section("Pipeline", numbered(_pipeline(brief)))
        .section(
            "Configuration and secrets",
            bullets(
                [
                    f"{name}: endpoint and credentials for each stage, in the secret store, rotated without a deployment"
                    for name in external_services
                ]
                or ["Nothing the card names needs a secret."]
            ),
        )
        .section("Watched", table(("Signal", "Alarm at", "Because"), alarms))
        .section(
            "Recovery",
            bullets(
                [f"{thing}: restore tested into a second environment, with a measured time" for thing in deriving.entities(brief)]
            ),
        )
        .section(
            "Cost drivers",
            bullets(
                [f"{name}: {deriving.lower_first(duty)}" for name, duty, _ in parts if name in ("Store", "Worker", "Search")]
            ),
        )
        .section("Open", bullets(brief.questions))
    )
    tasks = [
        _task(
            f"Provision: {name}",
            f"{duty}. Technology: {technology}. Described as code, one stage at a time.",
            f"infra-{reading.slug(name)}",
        )
        for name, duty, technology in parts
    ]
    tasks.append(
        _task(
            f"Pipeline and alarms for {brief.title}"[:200],
            "Steps:\n" + numbered(_pipeline(brief)),
            "infra-pipeline",
            [str(task.arguments["ref"]) for task in tasks],
        )
    )
    sizes = f"{count_of(len(parts), 'component')}, {count_of(len(alarms), 'alarm')}, {count_of(len(tasks), 'task')}"
    summary = f"Wrote “{title}”: {sizes}. Nothing was provisioned."
    return Plan(((document("custom", title, page.text()),), tuple(tasks), (comment(summary),)), summary)


def _quantities(brief: Brief) -> list[str]:
    return list(dict.fromkeys(quantity for text in brief.constraints for quantity in reading.quantities(text)))[:4]


def _pipeline(brief: Brief) -> list[str]:
    languages = [name for name, part in brief.technologies if part in ("language", "service", "client")]
    steps = [f"Lint and type-check ({', '.join(languages)})" if languages else "Lint and type-check", "Unit tests"]
    steps += [
        f"Contract test against {name}, with the real service in staging"
        for name, part in brief.technologies
        if part == "external service"
    ]
    steps += [f"Measure: {text.rstrip('.')}" for text in brief.constraints if reading.quantities(text)]
    return [
        *steps,
        "Deploy to staging, run the acceptance tests",
        "Approval by a person",
        "Deploy to production in steps, roll back on the alarms below",
    ]


def _alarms(brief: Brief, parts: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    rows = [
        (f"time of “{deriving.short_title(item, 50)}”", ", ".join(reading.quantities(item.text)), item.id)
        for item in brief.scope
        if reading.quantities(item.text)
    ]
    rows += [
        (f"failures of “{deriving.short_title(item, 50)}”", "1 % over 5 minutes", item.id)
        for item in brief.scope
        if item.level == "must" and not item.clause.negated
    ][:5]
    names = {name for name, *_ in parts}
    if "Worker" in names:
        rows += [
            ("age of the oldest queued job", "5 minutes", "work that waits is work that is lost to its user"),
            ("dead-letter queue", "1 message", "somebody has to look"),
        ]
    return rows


def _task(title: str, description: str, ref: str, depends_on: list[str] | None = None) -> Action:
    arguments = {
        "title": title[:200],
        "description": description,
        "task_type": "deployment",
        "priority": "medium",
        "depends_on": depends_on or [],
        "ref": ref,
    }
    return Action("create_task", arguments, f"Creating the task “{title}”.")
