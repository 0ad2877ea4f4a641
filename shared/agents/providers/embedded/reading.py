"""Analyse prose without a language model: statements, clauses, criteria, actors, topics. Pure functions."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from shared.agents.providers.embedded.terms import PEOPLE, QUALITIES, STOP_WORDS, TECHNOLOGIES
from shared.agents.providers.embedded.verbs import VERBS, Family, base_form, family_of

_BULLET = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.*\S)")
_HEADING = re.compile(r"\s*(?:#{1,6}\s+(.*\S)|\*\*(.{2,60}?)\*\*:?|([A-Z][\w /&'-]{2,60}):)\s*$")
_LABEL = re.compile(r"\s*(?:\*\*)?([A-Z][A-Za-z /&'-]{2,40}?)(?:\*\*)?:\s+(.*\S)")
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|etc|vs|approx|no|mr|mrs|dr|fig|incl)\.$", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ0-9+#/'\u2019-]*")
_QUANTITY = re.compile(
    r"(?:(?:under|below|within|at least|at most|up to|less than|more than|max(?:imum)?|min(?:imum)?|over|every)\s+)?"
    r"[$€£]?\d[\d.,]*\s?(?:%|ms|milliseconds?|s\b|seconds?|minutes?|hours?|days?|weeks?|months?|[kKMG]B\b|users?|requests?(?:/s)?"
    r"|rows?|items?|records?|characters?|USD|EUR|concurrent \w+|per \w+)",
    re.IGNORECASE,
)
_MODAL = (
    r"(?:can(?:not)?|could|must(?: not)?|shall(?: not)?|should(?: not)?|may|might|will|needs? to|ha(?:s|ve) to|"
    r"(?:is|are) able to|wants? to|would like to|want to be able to)"
)
_STORY = re.compile(
    r"as an? (?P<actor>[^,]{2,40}?),? i (?:want|need|would like|can|must|should)(?: to)?(?: be able to)? (?P<rest>.+)", re.I
)
_ACTING = re.compile(rf"(?P<actor>[\w' /-]{{1,60}}?)\s+(?P<modal>{_MODAL})\s+(?:be able to\s+)?(?P<rest>.+)", re.I)
_ALLOWING = re.compile(
    r"(?:allow|let|enable|permit|help)s?\s+(?P<actor>(?:[\w-]+\s){0,3}?[\w-]+?)\s+(?:to\s+)?(?P<rest>.+)", re.I
)
_IRREGULAR = {
    "kept": "keep", "sent": "send", "shown": "show", "made": "make", "held": "hold", "given": "give", "written": "write",
    "seen": "see", "found": "find", "paid": "pay", "read": "read", "told": "tell", "built": "build", "set": "set", "lost": "lose",
    "known": "know", "taken": "take", "done": "do", "hidden": "hide", "met": "meet", "brought": "bring",
}  # fmt: skip
_TWO_WORDS = {"login": "log in", "signup": "sign up", "logout": "log out", "signin": "sign in"}
_PASSIVE = re.compile(
    rf"(?:the |an? |all )?(?P<what>[\w' /-]{{2,60}}?)\s+(?:{_MODAL}\s+(?:not\s+)?be|is|are|gets|get)\s+(?:not\s+|never\s+|always\s+)?"
    rf"(?P<participle>\w+ed|{'|'.join(_IRREGULAR)})\b\s*(?P<rest>.*)",
    re.I,
)
_PURPOSE = re.compile(r",?\s+(?:so that|in order to|so (?=\w+ (?:can|do|is|are))|because)\s+(?P<why>.+)", re.I)
_CONDITION = re.compile(r"^(?P<when>(?:when|if|once|after|while|as soon as|whenever)\s+[^,]+),\s*(?P<rest>.+)", re.I)


@dataclass(frozen=True)
class Statement:
    """A sentence or a bullet of the card, with the heading above it (lower case, may be empty)."""

    text: str
    heading: str = ""
    bullet: bool = False


@dataclass(frozen=True)
class Clause:
    """Who does what to which object. `actor` is `user` or `system` if the sentence names nobody."""

    actor: str
    verb: str
    rest: str  # everything after the verb
    condition: str = ""
    purpose: str = ""
    negated: bool = False

    @property
    def family(self) -> Family:
        return family_of(self.verb)

    @property
    def by_person(self) -> bool:
        """Whether the actor is a person, not the system or a part of it."""
        return is_person(self.actor)

    @property
    def object(self) -> str:
        """Return the words up to the first preposition; without any, `it` for a person and the actor itself for a system."""
        words: list[str] = []
        for word in self.rest.split():
            if word.lower().strip(",.;") in _PREPOSITIONS:
                break
            words.append(word)
            if word.endswith((",", ";", ".")):
                break
        shortened = " ".join(words[:6]).strip(" ,.;:")
        return shortened or ("it" if self.by_person else f"the {self.actor}")

    @property
    def predicate(self) -> str:
        return f"{self.verb} {self.rest}".strip()


_PREPOSITIONS = frozenset(
    [
        "to",
        "in",
        "on",
        "at",
        "by",
        "with",
        "from",
        "as",
        "for",
        "of",
        "into",
        "via",
        "using",
        "through",
        "within",
        "without",
        "per",
        "when",
        "if",
        "so",
        "and",
        "or",
        "that",
        "which",
        "where",
        "while",
        "before",
        "after",
        "during",
        "under",
        "over",
        "between",
        "against",
        "across",
        "about",
    ]
) - {"of"}


def plain(text: str) -> str:
    """Remove Markdown's marks for emphasis, code and links."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(\*\*|__|`)", "", text)
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    """Split one paragraph into sentences; abbreviations and decimal points do not end a sentence."""
    result: list[str] = []
    start = 0
    for mark in re.finditer(r"[.!?]+[\"')\]]*(?=\s|$)|[\u3002\uff01\uff1f]", text):
        piece = text[start : mark.end()].strip()
        if piece and not _ABBREVIATION.search(piece):
            result.append(piece)
            start = mark.end()
    rest = text[start:].strip()
    return [*result, rest] if rest else result


def word_count(text: str) -> int:
    """Count the words; in scripts without spaces, two characters count as one word."""
    return len(text.split()) + sum(1 for character in text if character >= "\u2e80") // 2


def statements(text: str) -> list[Statement]:
    """Return a text's statements in order: each bullet is one, paragraphs are split into sentences, code blocks are left out."""
    result: list[Statement] = []
    heading, paragraph, fenced = "", list[str](), False

    def flush() -> None:
        result.extend(Statement(piece, heading) for piece in sentences(plain(" ".join(paragraph))))
        paragraph.clear()

    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            flush()
            fenced = not fenced
        elif fenced:
            continue
        elif match := _BULLET.match(line):
            flush()
            result.append(Statement(plain(match[1]), heading, bullet=True))
        elif match := _HEADING.match(line):
            flush()
            heading = plain(next(group for group in match.groups() if group)).strip(" :").lower()
        elif (match := _LABEL.match(line)) and not match[1].endswith(("Error", "Exception", "Warning")):
            flush()
            first, *others = sentences(plain(match[2]))  # a label (`Goal: ...`) is the heading of one sentence only
            result.append(Statement(first, match[1].lower()))
            paragraph += others
        elif not line.strip():
            flush()
        else:
            paragraph.append(line.strip())
    flush()
    return [statement for statement in result if _WORD.search(statement.text) or len(statement.text) > 3]


def clause(text: str) -> Clause:
    """Parse a sentence: `As an admin, I want to export invoices as CSV so that ...` -> admin / export / invoices as CSV / ..."""
    sentence = plain(text).strip(" .!?;")
    purpose = condition = ""
    if match := _PURPOSE.search(sentence):
        purpose, sentence = _in_third_person(match["why"].strip(" .")), sentence[: match.start()]
    if match := _CONDITION.match(sentence):
        condition, sentence = match["when"], match["rest"]
    negated = bool(re.search(r"\b(?:cannot|not|never|no longer)\b", sentence, re.I))
    if match := _PASSIVE.match(sentence):
        verb = _IRREGULAR.get(match["participle"].lower()) or _stem(match["participle"])
        by = re.search(r"\bby (?:an? |the |all )?((?:[\w-]+ )?[\w-]+)$", match["rest"])
        agent = _actor_name(by[1]) if by and is_person(_actor_name(by[1])) else "system"
        rest = match["rest"][: by.start()] if by and agent != "system" else match["rest"]
        what = match["what"][:1].lower() + match["what"][1:]
        return Clause(agent, verb, f"{what} {rest}".strip(), condition, purpose, negated)
    for pattern in (_STORY, _ALLOWING, _ACTING):
        if match := pattern.match(sentence):
            verb, rest = _verb_and_rest(match["rest"])
            return Clause(_actor_name(match["actor"]), verb, rest, condition, purpose, negated)
    words = [_TWO_WORDS.get(word.lower(), word) for word in sentence.split()[:1]] + sentence.split()[1:]
    first, _, rest = " ".join(words).partition(" ")
    if base_form(first.strip(",:")) in VERBS and rest and not first.endswith("ed"):  # "deleted files ..." is no imperative
        return Clause("system" if first.endswith("s") else "user", base_form(first), rest, condition, purpose, negated)
    for position, word in enumerate(words[1:7], start=1):
        known = base_form(word.strip(",.")) in VERBS and word.lower() == word and not word.endswith(("ed", "ing"))
        if known and words[position + 1 :]:
            actor = _actor_name(" ".join(words[:position]))
            return Clause(actor, base_form(word), " ".join(words[position + 1 :]), condition, purpose, negated)
    rest = sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
    return Clause("system", "provide", rest, condition, purpose, negated)


def is_person(name: str) -> bool:
    return any(word in PEOPLE or singular(word) in PEOPLE for word in (name, *name.split()))


def _stem(participle: str) -> str:
    """Return the base form of a participle, also for unknown verbs: `archived` -> `archive`."""
    known = base_form(participle)
    if known != participle.lower():
        return known
    stem = participle.lower().removesuffix("ed")
    return stem + "e" if stem.endswith(("v", "c", "s", "z", "u", "at", "ir", "ur")) else stem


def _in_third_person(text: str) -> str:
    """Put a text into the third person: `I can import them into my books` -> `they can import them into their books`."""
    for mine, theirs in ((r"\bI am\b", "they are"), (r"\bI\b", "they"), (r"\bmy\b", "their"), (r"\bme\b", "them")):
        text = re.sub(mine, theirs, text)
    return text


def _actor_name(text: str) -> str:
    words = [
        word
        for word in text.lower().split()
        if word not in ("the", "a", "an", "all", "every", "each", "any", "new", "our", "i", "we")
    ]
    name = " ".join(words[-3:]) or "user"
    return name[:-1] if name.endswith("s") and name[:-1] in PEOPLE else name


def _verb_and_rest(text: str) -> tuple[str, str]:
    words = text.split() or ["provide"]
    while len(words) > 1 and words[0].lower() in (
        "not",
        "also",
        "only",
        "always",
        "never",
        "be",
        "easily",
        "quickly",
        "directly",
    ):
        words.pop(0)
    verb = words[0].lower().strip(",.;")
    return (base_form(verb) if base_form(verb) in VERBS else verb), " ".join(words[1:]) or "it"


def actors(texts: Iterable[str]) -> list[str]:
    """Return the people (roles) that the texts name, the most frequent first."""
    counts: Counter[str] = Counter()
    for text in texts:
        lowered = text.lower()
        if match := _STORY.match(lowered):
            counts[_actor_name(match["actor"])] += 2
        for person in PEOPLE:
            counts[person] += len(re.findall(rf"\b{person}s?\b", lowered))
    return [name for name, count in counts.most_common() if count]


def technologies(text: str) -> list[tuple[str, str]]:
    """Return (name, kind of component) of every technology in the text, in order of appearance."""
    lowered = text.lower()
    mentions: list[tuple[int, str, str]] = []
    for name, (part, words) in TECHNOLOGIES.items():
        places = [match.start() for word in words if (match := re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", lowered))]
        if places:
            mentions.append((min(places), name, part))
    return [(name, part) for _, name, part in sorted(mentions)]


def qualities(text: str) -> list[str]:
    """Return the quality attributes (performance, security, ...) that a statement mentions."""
    lowered = f" {text.lower()} "
    return [
        name for name, words in QUALITIES.items() if any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", lowered) for word in words)
    ]


def quantities(text: str) -> list[str]:
    return [" ".join(match.split()) for match in _QUANTITY.findall(text)]


def topics(texts: Iterable[str], limit: int = 8) -> list[str]:
    """Return the main topics of the texts: words and word pairs, the most frequent first (a pair counts double)."""
    counts: Counter[str] = Counter()
    first_seen: dict[str, int] = {}
    position = 0
    for text in texts:
        previous = ""
        for raw in _WORD.findall(plain(text)):
            word = singular(raw.lower().strip("'\u2019-/"))
            position += 1
            if word in STOP_WORDS or len(word) < 3 or (base_form(word) in VERBS and word != "report"):
                previous = ""
                continue
            counts[word] += 1
            first_seen.setdefault(word, position)
            if previous:
                pair = f"{previous} {word}"
                counts[pair] += 2
                first_seen.setdefault(pair, position)
            previous = word
    ranked = sorted(counts, key=lambda term: (-counts[term], first_seen[term]))
    chosen: list[str] = []
    for term in ranked:
        if not any(set(term.split()) & set(other.split()) for other in chosen):
            chosen.append(term)
        if len(chosen) == limit:
            break
    return chosen


def singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ws")):
        return word[:-1]
    return word


def slug(text: str, limit: int = 40) -> str:
    """Return the text in lower case with hyphens, cut between words to `limit` characters; "item" if nothing is left."""
    whole = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(whole) > limit:
        whole = whole[: limit + 1].rsplit("-", 1)[0][:limit]
    return whole.strip("-") or "item"
