"""Requirements in EARS form (ubiquitous, when, while, where, if-then), made of a person's own sentence.

A sentence is turned only where its own words can stay as they are ("Users can sign in" -> "shall let users sign in"); any other one is
quoted whole ("shall fulfil this: ..."). Nothing is negated, conjugated or added.
"""

import re
from dataclasses import dataclass
from typing import Final

from shared.planning.explorations.wording import words

KINDS: Final = ("ubiquitous", "event", "state", "optional", "unwanted")
_FORM: Final = {"event": "when", "state": "while", "unwanted": "if", "optional": "where", "ubiquitous": "always"}
_ACTORS: Final = (
    r"(?:(?:every|each|all|any|only|registered|signed-in|authenticated|new|our|the|an?|my|other|external|site|store|shop)\s+)*"
    r"(?:users?|customers?|admins?|administrators?|people|visitors?|members?|managers?|students?|teachers?|guests?|sellers?|buyers?|"
    r"drivers?|operators?|developers?|owners?|patients?|doctors?|players?|parents?|employees|staff|clients?|everyone|anyone|nobody|"
    r"somebody|i|we|they|editors?|authors?|readers?|analysts?|engineers?|support agents?|plugins?)"
)
_MODAL: Final = (
    r"can ?not|can't|can|should not be able to|must not be able to|should be able to|must be able to|shall be able to|may not|may|"
    r"must not|should not|shall not|are not allowed to|is not allowed to|are allowed to|is allowed to"
)
_WHO: Final = r"(?!(?:if|when|while|where|after|once|it)\b)(?:(?!\b(?:that|which|who|because|so|but)\b)[^,;:.]){2,60}?"
_CAN: Final = re.compile(rf"(?P<who>{_WHO})(?: also)? (?P<modal>{_MODAL})\s+(?P<what>.+)", re.IGNORECASE | re.DOTALL)
_MUST: Final = re.compile(
    rf"(?P<who>{_ACTORS}) (?:must|have to|has to|need to|needs to|should|shall) (?P<what>(?!be\b|not\b|have been\b).+)",
    re.IGNORECASE | re.DOTALL,
)
_VERBS: Final = (
    r"add|answer|approve|archive|ask|assign|book|borrow|browse|buy|cancel|change|chat|choose|click|close|comment|compare|compete|confirm|"
    r"configure|connect|create|delete|download|edit|enter|export|fill|filter|find|follow|get|give|import|integrate|invite|join|learn|lend|"
    r"like|list|log|manage|mark|move|offer|open|order|pay|pick|play|post|publish|query|rate|read|receive|register|reject|rent|reply|report|"
    r"request|reserve|return|revoke|review|save|scan|search|see|select|send|set|share|show|sign|start|stop|submit|subscribe|swap|tag|track|"
    r"train|type|update|upload|use|view|visit|vote|watch|withdraw|work|write"
)
_DO: Final = re.compile(
    rf"(?P<who>{_ACTORS}|[a-z'-]+s|(?:all|our|my|the|other|most) (?:[a-z'-]+ )?[a-z'-]+s) (?P<what>(?:{_VERBS})\b(?!,).+)",
    re.IGNORECASE | re.DOTALL,
)
_SYSTEM: Final = re.compile(
    r"(?:the|this|our|my|that)\s+(?:\w+[\s-]){0,3}(?:system|app|application|tool|site|website|service|shop|store|platform|program|"
    r"product|software|bot|game|pipeline|api|server|client)\s+(?:must|should|shall|has to|needs to|ought to|will)\s+(?P<what>.+)",
    re.IGNORECASE | re.DOTALL,
)
_IT: Final = re.compile(r"(?:it )?(?:must|should|shall|has to|needs to|ought to|will)\s+(?P<what>.+)", re.IGNORECASE | re.DOTALL)
_ORDER: Final = re.compile(
    r"(?:please )?(?P<what>(?:support|allow|let|send|show|store|save|export|import|display|provide|include|offer|use|accept|encrypt|log|"
    r"notify|read|write|run|keep|make|add|enforce|validate|retry|return|print|require|track|record|generate|give|list|delete|remove|"
    r"restrict|limit|publish|render|cache|filter|sort|search|block|reject|refuse|lock|warn|expose|calculate|compute|charge|integrate|"
    r"connect|deploy|scale|skip|move|copy|rename|convert|load|ask|remind|revoke|update|start|stop|restart|redirect|prompt|open|close|create|assign|cancel|refund|e-?mail|archive|mark|hide|prevent|detect|measure|count|group|merge|split|compress|resize|upload|download|sync|synchroni[sz]e|schedule|pay|apply|check|verify|confirm)\b\s.+)",
    re.IGNORECASE | re.DOTALL,
)
_CONDITIONS: Final = (
    (
        "event",
        re.compile(
            r"(?:when|whenever|as soon as|once|after|wenn|sobald|nachdem)\s+(.+?),\s+(?:then\s+|dann\s+)?(.+)", re.I | re.S
        ),
    ),
    ("unwanted", re.compile(r"(?:if|in case|falls)\s+(.+?),\s+(?:then\s+|dann\s+)?(.+)", re.I | re.S)),
    ("state", re.compile(r"(?:while|as long as|during|während|solange)\s+(.+?),\s+(.+)", re.I | re.S)),
    ("optional", re.compile(r"(?:where|wo)\s+(.+?),\s+(.+)", re.I | re.S)),
)
_TRAILING: Final = re.compile(
    r"(?P<main>[^,;:]{1,500}?),? (?P<word>when|whenever|if|while) (?P<condition>[^,;:]+)", re.IGNORECASE | re.DOTALL
)
_NUMBER: Final = re.compile(
    r"(?:(?:within|under|less than|at most|at least|up to|more than|below|over|max(?:imum)?|min(?:imum)?|after|every|"
    r"innerhalb von|höchstens|mindestens|unter|bis zu|weniger als|mehr als|nach|alle)\s+)?"
    r"(?<![\d.,])\d[\d.,]{0,15}\s?(?:%|[kmg]b\b|ms\b|(?:(?:concurrent|failed|daily|active|wrong) )?"
    r"(?:milliseconds?|seconds?|minutes?|hours?|days?|weeks?|"
    r"months?|years?|users?|requests?|records?|orders?|rows?|events?|messages?|attempts?|times|characters?|items?|files?|photos?|"
    r"sekunden?|minuten?|stunden?|tagen?|tage|wochen?|monate?n?|jahren?|nutzern?|anfragen|datensätzen?|bestellungen|versuche?n?|zeichen)\b)"
    r"(?:\s(?:per|a|pro|/)\s\w+)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Ears:
    """A sentence in EARS form. `quoted` is what the response says, in the person's own words."""

    kind: str
    statement: str
    quoted: str
    condition: str = ""
    who: str = ""
    what: str = ""
    denied: bool = False


def to_ears(sentence: str, name: str, language: str, item: str | None = None) -> Ears:
    """Turn a sentence into a requirement. `item` is the form of an entry of a list: "accept payment by {item}"."""
    text = plain(sentence)
    if item is not None and _is_entry(text, language):
        return _ears("ubiquitous", "", item.format(item=f"“{text}”" if language == "en" else f"„{text}“"), text, name, language)
    for kind, form in _CONDITIONS:
        if found := form.fullmatch(text):
            condition, main = found.groups()
            return _of_clause(kind, _kept(condition, language), main, name, language)
    if language == "en" and (found := _TRAILING.fullmatch(text)) and (main := found["main"]) and _predicate(main) is not None:
        kind = {"if": "unwanted", "while": "state"}.get(found["word"].lower(), "event")
        return _of_clause(kind, found["condition"], main, name, language)
    return _of_clause("ubiquitous", "", text, name, language)


def criteria_of(ears: Ears, language: str) -> list[str]:
    """Return what would show that a requirement is fulfilled, in fixed sentences around the person's words."""
    own = words(language)
    if ears.kind != "ubiquitous":
        found = [own["check_event"].format(condition=ears.condition.strip("„“"), quoted=ears.quoted)]
    elif ears.who:
        key = "check_cannot" if ears.denied else "check_can"
        found = [own[key].format(who=_SUBJECT.get(ears.who, ears.who), what=ears.what)]
    else:
        found = [own["check_any"].format(quoted=ears.quoted)]
    return [*found, *(own["check_number"].format(number=one) for one in numbers(ears.quoted))]


def numbers(text: str) -> list[str]:
    """Return the measures in a text: numbers with their units."""
    return list(dict.fromkeys(found[0].strip() for found in _NUMBER.finditer(text)))[:3]


def plain(text: str) -> str:
    """Return a sentence as one line without the stop at its end and without marks that would change the document around it."""
    return " ".join(text.replace("“", '"').replace("”", '"').replace("„", '"').split()).strip(" \t.;,:!").strip()


def _of_clause(kind: str, condition: str, clause: str, name: str, language: str) -> Ears:
    if language == "de" and condition:
        clause = _MODAL_DE.sub("", clause)  # it stands before what is quoted
    found = _predicate(clause) if language == "en" else None
    if found is None:
        return _ears(kind, condition, words(language)["fulfil"].format(quoted=plain(clause)), plain(clause), name, language)
    does, who, what, denied = found
    return _ears(kind, condition, does, plain(clause), name, language, who, what, denied)


def _ears(
    kind: str,
    condition: str,
    does: str,
    quoted: str,
    name: str,
    language: str,
    who: str = "",
    what: str = "",
    denied: bool = False,
) -> Ears:
    own = words(language)
    the = own["system"].format(name=name) if name else own["any_system"]
    values = {
        "condition": condition,
        "the": the[0].lower() + the[1:] if language == "en" else "das System",
        "The": the,
        "does": does,
    }
    statement = own[_FORM[kind]].format(**values)
    return Ears(kind, statement if statement[-1] in ".!?" else f"{statement}.", quoted, condition, who, what, denied)


def _predicate(clause: str) -> tuple[str, str, str, bool] | None:
    """Return what stands behind "shall" in an English clause, who does it and what, and whether it is denied; None: quote it."""
    text = plain(clause)
    if text.endswith("?"):
        return None
    if found := next((found for form in (_SYSTEM, _IT, _ORDER) if (found := form.fullmatch(text))), None):
        return _small(found["what"]), "", "", False
    if (found := _CAN.fullmatch(text)) and not _LIMITED.search(found["what"]):
        who, what, modal = _small(found["who"]), found["what"], found["modal"].lower()
        denied = "not" in modal or modal == "can't"
        return f"{'not ' if denied else ''}let {who} {what}", who, what, denied
    if found := _MUST.fullmatch(text):
        return f"require {_small(found['who'])} to {found['what']}", "", "", False
    if found := _DO.fullmatch(text):
        who = _small(found["who"])
        return f"let {who} {found['what']}", who, found["what"], False
    return None


_LIMITED: Final = re.compile(
    r"\b(?:at most|no more than|up to|at least|only|must|should|has to|have to|need to|needs to|may not|cannot)\b", re.IGNORECASE
)
"""What makes a permission a limit, or a rule of its own: "A driver may drive at most nine hours and must rest then"."""
_MODAL_DE: Final = re.compile(r"^(?:muss|müssen|soll|sollen)\s+", re.IGNORECASE)
_OBJECT: Final = {"i": "me", "we": "us", "they": "them"}
_SUBJECT: Final = {"me": "I", "us": "we", "them": "they"}
_TOGETHER: Final = re.compile(r"(?:only|both|either|neither|nur|sowohl|entweder|weder)\b", re.IGNORECASE)


def _small(text: str) -> str:
    """Return a text with a small first letter, unless its first word is a name or an abbreviation; pronouns as objects."""
    first, space, rest = text.partition(" ")
    if first.lower() in _OBJECT and not rest:
        return _OBJECT[first.lower()]
    return text if first[1:] != first[1:].lower() else first[0].lower() + first[1:] + space + rest


def _kept(condition: str, language: str) -> str:
    return condition if language == "en" else f"„{condition}“"


def _is_entry(text: str, language: str) -> bool:
    """Tell whether an entry of an answer is the name of a thing, and no sentence of its own."""
    is_short = len(text.split()) <= _ENTRY[language] and not _CLAUSE.search(text) and not _MANNER.match(text)
    return is_short and (language != "en" or _predicate(text) is None)


_ENTRY: Final = {"en": 6, "de": 3}  # words
_MANNER: Final = re.compile(r"\w+ed\b|(?:using|with|by|via|per|after|before|until|every)\b", re.IGNORECASE)
_CLAUSE: Final = re.compile(
    r"\b(can|cannot|must|should|shall|will|may|is|are|has|have|needs?|when|if|while|kann|können|muss|müssen|soll|sollen|darf|dürfen|"
    r"ist|sind|hat|haben|wird|werden|wenn|falls)\b",
    re.IGNORECASE,
)


def is_clause(text: str) -> bool:
    """Tell whether a text has a verb of a sentence, and is no name of a thing."""
    return bool(_CLAUSE.search(text))


def entries(text: str, language: str) -> list[str]:
    """Return the entries of a list in a sentence ("OAuth2, JWT, and API keys"); the sentence alone if it is none."""
    line = plain(text)
    if language == "en" and _predicate(line) is not None:
        return [line]
    parts = [part.strip() for part in re.split(r"\s*[,;/]\s*(?:(?:and|or|und|oder)\s+)?|\s+(?:and|or|und|oder|&)\s+", line)]
    if (
        len(parts) < 2
        or _TOGETHER.match(line)
        or _CLAUSE.search(line)
        or any(not part or len(part.split()) > 5 for part in parts)
    ):
        return [line]
    return parts
