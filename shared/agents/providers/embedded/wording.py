"""Every sentence that the embedded model writes, from the tables of the languages. Nothing is put into a sentence."""

from functools import cache

from shared.agents.providers.embedded.tables import LANGUAGES, table


@cache
def lines() -> dict[str, dict[str, str]]:
    """Return every sentence by its name and language; what has one language only is the same in all."""
    english = table("en")["lines"]
    return {key: {one: table(one)["lines"].get(key, english[key]) for one in LANGUAGES} for key in english}


def say(key: str, language: str) -> str:
    """Return a line in a language; in English for other languages than the six."""
    return lines()[key][language if language in LANGUAGES else "en"]


def checklist(role: str, language: str) -> list[str]:
    """Return the checklist of an agent; empty if it has none."""
    found: list[str] = table(language if language in LANGUAGES else "en")["checklists"].get(role, [])
    return found


@cache
def all_lines() -> frozenset[str]:
    """Return every line of the tables."""
    checks = [line for language in LANGUAGES for many in table(language)["checklists"].values() for line in many]
    return frozenset([*checks, *(line for row in lines().values() for line in row.values())])


def is_ours(text: str) -> bool:
    """Tell whether the embedded model wrote this text: its comments, cards and documents name their author, its summaries the price."""
    ours = {*lines()["author"].values(), *lines()["free"].values()}
    return any(line.strip(" _*") in ours for line in text.splitlines())
