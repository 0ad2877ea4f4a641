"""Deployment: write the release checklist, its risks and the rollback."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Page, Plan, bullets, checklist, comment, count_of, document, numbered, table

_RISK = {
    "delete": ("data is removed for good", "first release only marks it; removal follows a week later"),
    "pay": (
        "money moves twice or not at all",
        "test account in production, one real payment by the team, amounts compared with the provider",
    ),
    "import": ("bad data gets in", "import into a copy first; keep the file and a way to undo one import"),
    "integrate": (
        "the other side behaves differently from its test system",
        "switch on for one account first; queue kept, not dropped",
    ),
    "sign in": ("people are locked out", "old way in stays open until the new one has been used by the team for a day"),
    "notify": (
        "many people are told at once by mistake",
        "send to the team only until the numbers look right; one switch turns it off",
    ),
    "change": ("old and new versions write different shapes", "the new version reads both shapes before it writes the new one"),
    "schedule": (
        "a job runs twice or not at all around the switch",
        "pause the schedule during the switch, then run once by hand",
    ),
}


def work(brief: Brief) -> Plan:
    title = f"Release plan: {brief.title}"
    risks = _risks(brief)
    unfinished = [card for card in brief.siblings if _related(brief, card) and card.get("status") not in ("done", None)]
    before = [
        *(f"Proven: {text.rstrip('.')}" for text in brief.criteria),
        *(f"Measured: {text.rstrip('.')}" for text in brief.constraints if reading.quantities(text)),
    ]
    before += [
        f"{name}: production credentials set and tried with one call"
        for name, part in brief.technologies
        if part == "external service"
    ]
    before += [f"Finished or left out on purpose: “{card.get('title')}” ({card.get('status')})" for card in unfinished[:6]]
    after = [
        f"{deriving.short_title(item)}: done once by hand in production ({item.id})"
        for item in brief.scope
        if item.level == "must" and not item.clause.negated
    ]
    after += [f"Tried and refused: {item.text.rstrip('.')} ({item.id})" for item in brief.scope if item.clause.negated]
    page = (
        Page(title)
        .section("What goes live", bullets([f"{item.id}: {deriving.sentence(item.text)}" for item in brief.scope]))
        .section("Before", checklist(before or [f"Somebody other than its author has used “{brief.subject}” in staging"]))
        .section("Steps", numbered(_steps(brief)))
        .section("After, within the first hour", checklist(after))
        .section("Risks", table(("Risk", "Where", "What we do about it"), risks))
        .section("Going back", bullets(_rollback(brief)))
        .section("Who is told", bullets([f"{actor.capitalize()}: what is new for them" for actor in brief.actors]))
    )
    verdict = f"{count_of(len(unfinished), 'related card')} not done yet" if unfinished else "no related card is open"
    sizes = f"{count_of(len(before), 'check')} before, {len(after)} after, {count_of(len(risks), 'risk')}"
    summary = f"Wrote “{title}”: {sizes}; {verdict}. Nothing was deployed."
    return Plan(((document("custom", title, page.text()), comment(summary)),), summary)


def _related(brief: Brief, card: object) -> bool:
    title = str(card.get("title")) if isinstance(card, dict) else ""
    return bool(set(brief.topics[:4]) & set(reading.topics([title])))


def _risks(brief: Brief) -> list[tuple[str, str, str]]:
    by_family: dict[str, list[str]] = {}
    for item in brief.scope:
        if item.clause.family.name in _RISK and not item.clause.negated:
            by_family.setdefault(item.clause.family.name, []).append(item.id)
    rows = [(_RISK[name][0], ", ".join(ids), _RISK[name][1]) for name, ids in by_family.items()]
    rows += [
        (f"{text.rstrip('.')} is missed under real load", "whole", "go live for a part of the users and watch the number")
        for text in brief.constraints
        if reading.quantities(text)
    ]
    return rows + [(text.rstrip("."), "stated on the card", "decide before the release") for text in brief.texts("risk")]


def _steps(brief: Brief) -> list[str]:
    stores = [name for name, part in brief.technologies if part == "store"]
    steps = [f"Back up {', '.join(stores)} and note the time"] if stores else ["Note the version that runs now"]
    if any(item.clause.family.name in ("create", "import", "change") for item in brief.scope):
        steps.append(
            f"Apply the data changes for {', '.join(deriving.entities(brief)[:4]) or 'the new data'}; they must suit the old version too"
        )
    if any(item.clause.family.name in ("schedule", "notify") for item in brief.scope):
        steps.append("Pause schedules and notifications")
    steps += ["Deploy to a tenth of the traffic, watch errors and times for ten minutes", "Deploy to all"]
    if "Pause schedules and notifications" in steps:
        steps.append("Resume schedules and notifications, one by one")
    return steps


def _rollback(brief: Brief) -> list[str]:
    writes = [item.id for item in brief.scope if item.clause.family.name in ("create", "import", "change", "delete")]
    steps = ["Decide within an hour of the release; the person on duty may do it without asking."]
    if writes:
        steps.append(
            f"{', '.join(writes)} write data: the old version must be able to read what the new one wrote, or the way back is a restore."
        )
    else:
        steps.append("Nothing in this release changes stored data: the previous version can be put back at once.")
    return steps
