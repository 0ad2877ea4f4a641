"""Research: list the card's questions and prepare comparison tables in which only the findings are missing."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Page, Plan, bullets, comment, count_of, document, numbered, table
from shared.agents.providers.embedded.terms import ALTERNATIVES

_HONEST = "Nothing below was looked up: this model has no network. It says what to look up, where the answer matters and how to compare."


def work(brief: Brief) -> Plan:
    title = f"Research: {brief.title}"
    questions = _questions(brief)
    about = brief.topics[0] if brief.topics else brief.subject
    sizes = ", ".join(_quantities(brief)) or "size not stated"
    page = (
        Page(title)
        .section(
            "What this is for",
            deriving.sentence(f"To decide about “{brief.subject}” on facts"),
            _HONEST,
        )
        .section("Known from the card", bullets([*brief.texts("problem"), *brief.texts("context"), *brief.texts("goal")]))
        .section("Questions, most decisive first", numbered(questions))
        .section("Comparisons", *_comparisons(brief))
        .section("Terms to search for", bullets(_terms(brief)))
        .section(
            "How to judge a source",
            bullets(
                [
                    f"Does it speak about {about} at our size ({sizes})?",
                    "Is it dated, and newer than the product's present version?",
                    "Does its author sell what it recommends?",
                ]
            ),
        )
        .section(
            "Done when",
            bullets(
                [
                    f"Each of the {len(questions)} questions has an answer with a source, or is named as not answerable",
                    "One option is recommended, with the reason that would change our mind",
                ]
            ),
        )
    )
    summary = f"Wrote “{title}”: {count_of(len(questions), 'question')} to answer, starting with: {questions[0]}"
    return Plan(((document("custom", title, page.text()), comment(summary)),), summary)


def _quantities(brief: Brief) -> list[str]:
    return list(dict.fromkeys(quantity for text in brief.everything.splitlines() for quantity in reading.quantities(text)))[:4]


def _questions(brief: Brief) -> list[str]:
    questions = list(brief.questions)
    for name, part in brief.technologies:
        if part in ("external service", "identity", "live channel", "search index", "queue"):
            questions.append(
                f"{name}: what does it cost at our volume, what are its limits, and what happens to us when it is down?"
            )
    for item in brief.scope:
        if item.clause.family.name in ("integrate", "pay", "sign in", "import", "export"):
            questions.append(
                f"How do comparable products {item.clause.predicate.rstrip('.')}, and what do their users complain about? ({item.id})"
            )
    for text in brief.constraints:
        if reading.quantities(text):
            questions.append(f"Is “{text.rstrip('.')}” reachable with ordinary means? Look for published measurements.")
        elif "security" in reading.qualities(text):
            questions.append(f"Which rules and known incidents apply to “{text.rstrip('.')}”?")
    who = brief.actors[0] if brief.actors else "user"
    for topic in brief.topics[:3]:
        questions.append(f"What does a {who} do today about {topic}, and how often?")
    nothing = f"What would have to be known to decide about “{brief.subject}”? The card names nothing that could be looked up."
    return list(dict.fromkeys(questions))[:14] or [nothing]


def _comparisons(brief: Brief) -> list[str]:
    criteria = ["Fits: " + deriving.short_title(item, 50) for item in brief.scope if item.level == "must"][:4]
    criteria += ["Cost at our volume", "Effort to start", "Effort to leave"]
    blocks = []
    for part in dict.fromkeys(part for _, part in brief.technologies if part in ALTERNATIVES):
        named = [name for name, kind in brief.technologies if kind == part]
        options = list(dict.fromkeys([*named, *ALTERNATIVES[part]]))[:4]
        blocks.append(
            f"### {part.capitalize()}\n\n"
            + table(("Criterion", *options), [(criterion, *["?"] * len(options)) for criterion in criteria])
        )
    if not blocks:
        options = ["Build it", "Buy it", "Do without"]
        blocks = [
            "### " + brief.title + "\n\n" + table(("Criterion", *options), [(criterion, *["?"] * 3) for criterion in criteria])
        ]
    return blocks


def _terms(brief: Brief) -> list[str]:
    names = [name for name, _ in brief.technologies][:4]
    pairs = [f"“{topic}” {name}" for topic in brief.topics[:3] for name in names[:2]]
    return pairs + [f"“{topic}” best practices, pitfalls, benchmark" for topic in brief.topics[:4]]
