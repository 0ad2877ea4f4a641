"""What an idea is about: the name of what is to be built, and what the sentence that names it asks for besides."""

import re
from dataclasses import dataclass
from typing import Final

from shared.agents.providers.embedded.sentences import weight
from shared.agents.providers.embedded.tables import OTHER, recognize
from shared.planning.explorations.ears import is_clause, plain
from shared.planning.explorations.wording import topics

_ARTICLE: Final = r"(?:an?|the|our|my|some|another)\s+"
_BEGIN: Final = re.compile(
    r"(?:(?:so|ok|okay|hi|hello|hey|well|please)[,! ]+)*"
    r"(?:(?:(?:i|we)(?:'d| would)? ?(?:also )?(?:want|like|need|plan|wish|love|have an idea for|am thinking of|are thinking of)"
    r"|can you|could you|help me|let's|my idea is|the idea is|idea:?)\s+(?:to )?)?"
    r"(?:(?:create|build|make|develop|have|write|get|design|set up|building|creating|making)(?: me| us)?\s+)?" + _ARTICLE,
    re.IGNORECASE,
)
_BEGIN_DE: Final = re.compile(
    r"(?:(?:ich|wir) (?:möchten?|wollen|will|brauche[n]?|plane[n]?|hätten? gerne?)\s+)?(?:gern[e]? )?"
    r"(?:eine?[nmrs]?|unsere?[nmrs]?|die|der|das)\s+",
    re.IGNORECASE,
)
_END: Final = re.compile(
    r"\s*(?:[,;:.!?(\n]| [-\u2013\u2014] |\s(?:with|that|which|who|for|where|to|in which|so that|so|using|because|when|"
    r"based on|on|in|by|from|of which|"
    r"mit|für|die|der|das|zum|zur|in|auf|womit|bei|damit|um|aus|bauen|erstellen|entwickeln)\b)",
    re.IGNORECASE,
)
_TAIL: Final = (
    (re.compile(r"with (?P<rest>.+)", re.I | re.S), "have {rest}"),
    (re.compile(r"(?P<rest>(?:that|which) .+)", re.I | re.S), "be one {rest}"),
    (re.compile(r"(?:where|in which|so that|so) (?P<rest>.+)", re.I | re.S), ""),
    (re.compile(r"(?P<rest>for .+)", re.I | re.S), "be made {rest}"),
    (re.compile(r"(?P<rest>(?:using|based on) .+)", re.I | re.S), "be built {rest}"),
    (re.compile(r"(?P<rest>to .+)", re.I | re.S), "serve {rest}"),
)
_LONGEST: Final = 6  # words of a name
_DOES: Final = re.compile(r"[a-z]+s\s")  # a verb of what one thing does: "reads the orders"
_ANY: Final = frozenset(
    [
        "app",
        "application",
        "cli",
        "system",
        "tool",
        "software",
        "platform",
        "website",
        "service",
        "program",
        "anwendung",
        "lösung",
    ]
)
"""Names that say nothing of what a thing is for."""
_TRAILING: Final = frozenset(
    {
        *("a", "an", "and", "for", "of", "the", "to", "in", "on", "or", "that", "which", "with", "by", "from", "our", "my"),
        *("für", "mit", "der", "die", "das", "den", "dem", "unsere", "unseren", "unser", "und", "oder", "zu", "in", "auf", "von"),
    }
)
_SMALL: Final = frozenset({"a", "an", "and", "for", "of", "the", "to", "in", "on", "or"})


@dataclass(frozen=True)
class Goal:
    """`name` as it is said ("authentication system"; "" if none is), `sentence` that names it, and `does`: what stands behind "shall" of
    what the sentence asks for besides; `clause` where that is a clause of its own."""

    name: str
    sentence: str
    does: str = ""
    clause: str = ""
    title: str = ""

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Return what stands behind "shall", each with a title: "that reads A, proposes B, and lets C" are three."""
        found = re.split(r",\s+(?:and\s+)?", self.title) if self.does.startswith("be one ") else []
        if len(found) < 2 or not all(_DOES.match(one) for one in found):
            return [(self.does, self.title)]
        word = self.does.split()[2]
        return [(f"be one {word} {one}", one) for one in found]


def find_goal(sentences: list[str], language: str) -> Goal:
    """Find what an idea is about in its sentences: the first that asks for something to be built. The first of all may only name it."""
    text = " ".join(sentences)
    if len(text.split()) > 2 and recognize(text) not in ("en", "de", OTHER):
        return Goal("", "")  # its words are not known here
    for number, sentence in enumerate(sentences[:5]):
        goal = _goal(sentence, language, first=not number)
        if goal is not None:
            return goal
    return Goal("", "")


def title_of(name: str, idea: str, language: str) -> str:
    """Return a name for headings: that of the goal, else the first words of the idea."""
    words = (name or " ".join(plain(idea).split()[:_LONGEST])).split()
    if name.lower() in _ANY and (found := re.search(rf"\b{re.escape(name)}\s+[^.,;:!?\n(]+", plain(idea), re.IGNORECASE)):
        words = _until_little(found[0].split()[: _LONGEST - 1])  # of such a name it is said what it is for
    if language != "en":
        return " ".join(words)[:80]
    return " ".join(one if index and one in _SMALL else one[0].upper() + one[1:] for index, one in enumerate(words))[:80]


def _until_little(words: list[str]) -> list[str]:
    """Return words without little ones at their end, which would leave the reader waiting."""
    while len(words) > 1 and words[-1].lower() in _TRAILING:
        words.pop()
    return words


def without_begin(idea: str) -> str:
    """Return an idea without the words with which people begin to ask for something."""
    line = plain(idea)
    found = max((one.end() for form in (_BEGIN, _BEGIN_DE) if (one := form.match(line))), default=0)
    return line[found:]


def topics_of(text: str) -> list[str]:
    """Return what a text is about."""
    return [name for name, pattern in topics().items() if pattern.search(text)]


def _goal(sentence: str, language: str, *, first: bool) -> Goal | None:
    line = plain(sentence)
    begun = (_BEGIN_DE if language == "de" else _BEGIN).match(line)
    is_bare = begun is None or re.fullmatch(_ARTICLE, begun[0], re.IGNORECASE) is not None
    if line.endswith("?") or (is_bare and not first):
        return None
    what = line[begun.end() :] if begun else line
    end = _END.search(what) if begun else None
    if end is None and begun is None and first and (bare := _DOING.match(what)) and not is_clause(what[: bare.start("end")]):
        end = re.compile(r"\s").search(what, bare.start("end"))
    name = what[: end.start()].strip() if end else what.strip()
    if not name or weight(name) > _LONGEST or is_clause(name):
        return None
    rest = what[end.start() :].strip(" ,;:-\u2013\u2014(") if end else ""
    if language != "en" or not rest:
        return Goal(_plain_name(name) if language == "en" else name, line)
    for form, does in _TAIL:
        if found := form.fullmatch(rest):
            said = found["rest"]
            title = re.sub(r"^(?:that|which) ", "", said, flags=re.IGNORECASE)
            return Goal(_plain_name(name), line, does.format(rest=said) if does else "", "" if does else said, title)
    return Goal(_plain_name(name), line)


def _plain_name(name: str) -> str:
    """Return a name as it stands inside a sentence: only names of their own keep a capital at the beginning."""
    first, space, rest = name.partition(" ")
    return first.lower() + space + rest if first[1:] == first[1:].lower() and (rest or first.lower() in _KINDS) else name


_DOING: Final = re.compile(
    r"(?!(?:we|i|you|they|it|our|my|there|this)\b)(?:[\w-]+ ){0,2}[\w-]+?(?P<end>\s)(?:to|that|which|where)\b", re.I
)
"""The beginning of an idea that only names a thing and says what it is for: "CLI to rename photos"."""
_KINDS: Final = frozenset({"app", "shop", "website", "game", "tool", "blog", "bot", "platform", "system", "forum", "store"})
