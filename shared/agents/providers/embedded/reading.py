"""Reading a card: its lines and sentences, each with its exact text and what kind it is. Nothing is rewritten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from shared.agents.providers.embedded import markers

_BULLET = re.compile(
    r"(\s*)(?:[-*+•‣◦–—·・►▪▸➤✓✔☐☑✅👉→]|(\(?(?:\d{1,3}|[a-zA-Z])[.)）]|[（(]\d{1,2}[)）]|\d{1,2}、|[①-⑳]))(?:\s+|(?<=[・、）①-⑳☐•])(?=\S))(\[[ xX]?\]\s*)?(\S.*)"
)
_MARKED = re.compile(
    r"\s*(?:#{1,6}\s+(.*\S)|(?:[^\w\s\-*+•>|`\[\]]{1,3}\s+)?(?:\*\*?|__?)([^*_]{2,80})(?:\*\*?|__?)[:：]?|[【\[■◆●□◇▼]+\s*([^】\]]{2,40})[】\]]?)\s*#*$"
)
_LABEL = re.compile(r"\s*(?:>\s*)?(?:\*\*|__)?([^\n:：/|]{2,50}?)(?:\*\*|__)?[:：](?:\*\*|__)?(?:\s+|(?<=：))(\S.*)")
_UNDERLINE = re.compile(r"\s*(?:={3,}|-{3,}|\*{3,}|_{3,})\s*")
_ROW = re.compile(r"\s*\|.*\|\s*")
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？]+[」』”）]*")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|no|nr|mr|mrs|ms|dr|fig|incl|z\. ?b|d\. ?h|bzw|ca|usw|u\. ?a|ggf|evtl|inkl|max|min|std|st|str|p\. ?ej|sra?|art|pág|mme|env|ex|resp|vgl|tel)|\b[A-Z]|^\d{1,3})\.$",
    re.IGNORECASE,
)
_DATE = re.compile(r"\b\d{1,2}\.(?:\d{1,2}\.)?$")
_TRACE = re.compile(
    r"\s*(?:Traceback \(most recent|File \"[^\"]+\", line \d+|at .+[(:].*\d+\)?$|at [\w$.<>/]+\(.*\)|Caused by: |\.\.\. \d+ (?:more|common)|goroutine \d+|panic: |[~^]*\^+\s*$|#\d+ +\S+.*[(:/]"
    r"|thread '.+' panicked|During handling of|from \S+:\d+:in |\S+\.rb:\d+:in |\S+\.go:\d+|Exit code|npm ERR!)"
    r"|\s*(?:Uncaught |Unhandled \w+[: ]+|Exception in thread \"[^\"]*\" )?[\w.$\\]*[A-Z]?\w*(?:Error|Exception|Timeout|Failure)(?:: \S|:?\s*$)"
    r"|\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d\S*\s.*\b(?:ERROR|WARN|WARNING|INFO|DEBUG|FATAL|CRITICAL)\b|(?:ERROR|FATAL|WARN|INFO|DEBUG|CRITICAL)\b[ :\[]"
)
_CALL = re.compile(r"[\w./*-]+\.[\w.*()]+\(.*\)\s*$")
_QUESTION = re.compile(r"[?？][\"'”’»)\]」』]*$|(?:吗|か)。?$")
_QUANTITY = re.compile(
    r"(?<![\d.,])\d[\d.,]*\s?(?:%|‰|€|\$|£|¥|°|ms\b|s\b|sec|min|h\b|hours?|hrs|days?|weeks?|months?|years?|[kmgt]i?b\b|users?|requests?|req|rows?|items?|px|mm|cm|km|kg|usd|eur|x\b|times|characters?|stunden?|sekunden?|minuten?|tage?n?\b|wochen?"
    r"|zeilen|horas?|minutos?|segundos?|días|filas|heures?|secondes?|jours?|lignes|ans\b|秒|分|小时|时间|天|行|元|次|个|月|年|件|日|円|時間|回|人|以内)|[<>≤≥]=?\s?\d|[$€£¥]\s?\d", re.IGNORECASE
)  # fmt: skip
_LINK = re.compile(r"https?://\S+|www\.\S+")
_HANDLE = re.compile(r"(?<![\w.])@[\w-]{2,}|[\w.+-]+@[\w-]+\.\w+")
_LONG: Final = 1_000  # characters of a line or sentence that are looked at: nobody writes a longer one, and patterns stay fast
_ANYWHERE: Final = (
    "en",
    "zh",
)  # languages whose imperatives begin a sentence with the verb alone; in the others only list items do
_CONCRETE = re.compile(r"\d|[\"“„«「`]|https?:")


@dataclass(frozen=True)
class Piece:
    """A statement of a card. `text` is exact, with its line breaks; `lead` is the line that introduces it, unless that is a heading."""

    kind: str  # a kind of markers.HEADINGS
    text: str
    lead: str = ""
    vague: bool = False

    @property
    def line(self) -> str:
        return " ".join(self.text.split())


@lru_cache(maxsize=256)  # every turn of a run reads the same texts again
def read(text: str, language: str, *, fault: bool = False, kind: str | None = None) -> tuple[Piece, ...]:
    """Return the statements of a text in order. `fault`: it reports something broken. `kind`: what a text without headings is."""
    reader = _Reader(language, fault, kind)
    reader.read([line.rstrip() for line in text.splitlines()])
    return tuple(reader.pieces)


def heading_kind(text: str, *, whole: bool = False) -> str | None:
    """Return the kind that a heading announces, by its beginning or as a `whole`."""
    plain = re.sub(r"^[^\w]+|^\d+[.)]\s*|[^\w]+$", "", text.strip().lower().replace("’", "'")).strip()
    if not plain or len(plain.split()) > 8:
        return None
    for kind, pattern in _headings():
        if pattern.fullmatch(plain) if whole else pattern.match(plain):
            return kind
    return None


@cache
def _headings() -> list[tuple[str, re.Pattern[str]]]:
    """Latin words end at a word's end; of Chinese and Japanese words nobody can tell."""
    found = []
    for kind, (*latin, chinese, japanese) in markers.HEADINGS.items():
        found.append((kind, re.compile(rf"(?:{'|'.join(latin)})(?<!\s)|(?:{chinese}|{japanese})")))
    return found


@cache
def mark(language: str, name: str) -> re.Pattern[str]:
    """Return the pattern of a kind of mark in a language and in English."""
    languages = dict.fromkeys(one for one in (language, "en") if one in markers.MARKS)
    return re.compile("|".join(markers.MARKS[one][name] for one in languages) or r"(?!)")


def sentences(text: str, language: str = "en") -> list[str]:
    """Split a paragraph into its sentences; abbreviations, initials and dates do not end one."""
    found, start = [], 0
    for end in _END.finditer(text):
        piece = text[start : end.end()].strip()
        follows = text[end.end() :].lstrip()[:1]
        if _ABBREVIATION.search(piece) or (language == "de" and _DATE.search(piece) and follows):
            continue
        if piece:
            found.append(piece)
            start = end.end()
    rest = text[start:].strip()
    return [*found, rest] if rest else found


class _Reader:
    def __init__(self, language: str, fault: bool, kind: str | None) -> None:
        self.language, self.fault, self.base = language, fault, kind
        self.pieces: list[Piece] = []
        self.kind: str | None = kind
        self.lead = ""
        self.weak = self.begun = self.gap = False  # a weak heading (`Steps:`) ends with its list or paragraph
        self.lines: list[str] = []
        self.item = self.numbered = self.ticked = False
        self.raw = ""  # the item with its number
        self.indent = self.column = 0
        self.parents: list[tuple[int, str, str | None]] = []  # the indent, lead and kind that an inner list ends with

    def read(self, lines: list[str]) -> None:
        code: list[str] = []
        fence = ""
        self.column = max((_width(line) for line in lines if not _is_trace(line)), default=0)
        for number, line in enumerate(lines):
            stripped = line.strip()
            following = next((one for one in lines[number + 1 :] if one.strip()), "")
            if fence:
                if stripped.startswith(fence):
                    self._code(code)
                    fence = ""
                else:
                    code.append(line)
            elif stripped[:3] in ("```", "~~~"):
                self._code(code)
                fence = stripped[:3]
            elif _is_trace(line) or (code and self._goes_on(line, following)):
                code.append(line)
            else:
                self._code(code)
                self._line(line, lines[number + 1] if number + 1 < len(lines) else "", following)
        self._code(code)
        self._flush()

    def _goes_on(self, line: str, following: str) -> bool:
        """Tell whether a trace goes on: by an indented line, a call, or an empty line before more of it."""
        if not line:
            return _is_trace(following) or bool(_CALL.match(following[:_LONG]))
        return line[0] in " \t" or bool(_CALL.match(line[:_LONG]))

    def _code(self, code: list[str]) -> None:
        if code:
            self._flush()
            self.pieces.append(Piece("code", "\n".join(code).strip("\n").rstrip()))
            code.clear()
            self.begun = True

    def _line(self, line: str, next_line: str, following: str) -> None:
        stripped = line.strip()
        bullet = _BULLET.fullmatch(line)
        if not stripped or _UNDERLINE.fullmatch(line):
            self._flush()
            self.gap = True
        elif gherkin := self._gherkin(stripped, following):
            if gherkin == "begins" or self.item or not self.lines:
                self._flush()
            self.item = False
            self._add(re.sub(r"^\s*[-*+•]\s+", "", line))
        elif marked := _MARKED.fullmatch(line):
            self._heading(next(one for one in marked.groups() if one), weak=False)
        elif _ROW.fullmatch(line):
            self._flush()
            if not re.fullmatch(r"[\s|:-]+", line):
                self.pieces.append(Piece("context", stripped))
        elif bullet and not (bullet[2] and bullet[2][0].isalpha() and not self.item and bullet[2][-1] == "."):
            self._item(bullet)
        elif not bullet and (label := _LABEL.match(line)) and (kind := heading_kind(label[1])) and len(label[1].split()) <= 6:
            self._labelled(kind, line, label[2])
        elif not bullet and self._is_heading(stripped, next_line, following):
            self._heading(stripped, weak=True)
        else:
            self._prose(line)

    def _is_heading(self, line: str, next_line: str, following: str) -> bool:
        if line.endswith((":", "：")) and len(line) <= 160 and not self.lines:
            return True
        if len(line) > 60:
            return False
        if line[-1:] in "?？":  # a form's question: `What happened?`
            return heading_kind(line) in ("criterion", "problem", "steps", "exclusion") and bool(next_line.strip())
        if line[-1:] in ".!。！,":
            return False
        if _BULLET.fullmatch(next_line) or re.fullmatch(r"\s*(?:={3,}|-{3,})\s*", next_line):
            return bool(heading_kind(line)) or not self.lines
        return heading_kind(line, whole=True) is not None and bool(following)

    def _heading(self, text: str, *, weak: bool) -> None:
        """Begin what a heading announces. A weak one may be a sentence (`The export must have:`): then its own kind counts, and it leads."""
        self._flush()
        kind = heading_kind(text)
        self.lead = text.strip() if weak and (kind is None or len(text.split()) > 4) else ""
        if kind is None and weak:
            own = self._classify(text.rstrip(":：").strip(), item=False)[0]
            kind = None if own in ("context", "person", "link", "limit") else own
        self.kind = kind or (None if weak else self.base)
        self.weak, self.begun, self.gap, self.item, self.parents = weak, False, False, False, []

    def _labelled(self, kind: str, line: str, rest: str) -> None:
        """File `Out of scope: the rest`: its first sentence is of the label's kind (of questions, each), what follows is read by itself."""
        self._flush()
        before = (self.kind, self.lead, self.weak)
        self.kind, self.lead, self.weak = kind, "", True
        if kind == "code":
            self.pieces.append(Piece("code", rest.strip()))
        else:
            whole = kind in ("person", "context", "link", "limit")  # `Owner: Ines` says more than `Ines`
            first, *others = sentences(line.strip() if whole else rest, self.language)
            self._file([first], item=False)
            self.kind = kind if kind in ("question", "steps") else None
            self._file(others, item=False)
        self.kind, self.lead, self.weak = (None, "", False) if before[2] and self.gap else before
        self.item, self.gap = False, False

    def _item(self, bullet: re.Match[str]) -> None:
        indent = len(bullet[1])
        previous = " ".join(self.lines).strip() if self.item else ""
        if previous.endswith((":", "：")) and indent > self.indent:
            self.parents.append((self.indent, self.lead, self.kind))
            kind = heading_kind(previous) or self._classify(previous, item=True)[0]
            self.lines = []
            self.kind, self.lead = (kind if kind not in ("context", "limit", "person", "link") else self.kind), previous
        self._flush()
        while self.parents and indent <= self.parents[-1][0]:
            _, self.lead, self.kind = self.parents.pop()
        self.ticked = bool(bullet[3]) and "x" in bullet[3].lower()
        self.item, self.indent, self.numbered, self.gap, self.begun = True, indent, bool(bullet[2]), False, True
        self.lines, self.raw = [bullet[4]], bullet[0].strip()

    def _prose(self, line: str) -> None:
        wrapped = (
            self.lines
            and (self._fills(self.lines[-1], line) or line[:1].isspace())
            and self.lines[-1].rstrip()[-1:] not in ":：。！？"
        )
        story = bool(self.lines) and bool(re.match(markers.STORY, self.lines[0].lower()))  # As a ... / I want ... / so that ...
        continues = (story and not self.item) or (
            bool(wrapped) and not (self.lines[-1].rstrip()[-1:] in ".!?" and self.item and not line[:1].isspace())
        )
        if not continues:
            ended = self.item
            self._flush()
            if self.weak and ((self.gap and self.begun) or (ended and not line[:1].isspace())):
                self.kind, self.lead, self.weak = self.base, "", False
            self.item = False
        self._add(re.sub(r"^\s*>\s?", "", line))

    def _fills(self, line: str, next_line: str) -> bool:
        """Tell whether a line ends only because the text is wrapped: the next word had no room in it."""
        return 55 <= self.column <= 100 and _width(line) + 1 + _width(next_line.split(maxsplit=1)[0]) > self.column

    def _add(self, line: str) -> None:
        self.lines.append(line)
        self.begun, self.gap = True, False

    def _gherkin(self, line: str, following: str) -> str | None:
        """Tell whether a line `begins` or `goes on` a scenario of Given, When and Then."""
        low = re.sub(r"^[-*+•]\s+", "", line.lower())
        inside = self.lines and re.match(markers.GIVEN, re.sub(r"^\s*[-*+•]?\s*", "", self.lines[0].lower()))
        if re.match(markers.GIVEN, low):
            next_low = re.sub(r"^\s*[-*+•]?\s*", "", following.lower())
            if (
                inside
                and len(self.lines) == 1
                and re.match(r"scen|szen|escen|scén|场景|シナ|exam", self.lines[0].strip().lower())
            ):
                return "goes on"
            more = f"{markers.WHEN}|{markers.THEN}|{markers.AND}"
            return (
                "begins"
                if re.match(more, next_low) or re.match(r"(?:scenario|szenario|escenario|scénario|场景|シナリオ)", low)
                else None
            )
        return "goes on" if inside and re.match(f"{markers.WHEN}|{markers.THEN}|{markers.AND}", low) else None

    def _flush(self) -> None:
        text = "\n".join(line.strip() for line in self.lines).strip()
        first = self.lines[0] if self.lines else ""
        self.lines = []
        if not text:
            return
        if re.match(markers.GIVEN, re.sub(r"^\s*[-*+•]?\s*", "", first.lower())) and "\n" in text:
            self.pieces.append(Piece("criterion", text))
            return
        found = sentences(text, self.language)
        if not self.item:
            self._file(found, item=False)
            return
        kinds = {kind for kind, _ in (self._classify(one, item=True) for one in found)} - {"context", "limit", "person", "link"}
        self._file([text] if len(kinds) <= 1 else found, item=True)

    def _file(self, found: list[str], *, item: bool) -> None:
        for text in found:
            if re.match(markers.GREETING, text.lower()):
                continue
            kind, vague = self._classify(text, item=item)
            if kind == "ask" and item and self.ticked:
                kind = "context"  # it is done already
            numbered = kind == "steps" and item and self.numbered and self.raw.endswith(text)
            self.pieces.append(Piece(kind, self.raw if numbered else text, self.lead, vague))

    def _classify(self, text: str, *, item: bool) -> tuple[str, bool]:
        low = text[:_LONG].lower().replace("’", "'").replace("\n", " ")
        kind = self._kind_of(low, item=item)
        return kind, kind == "ask" and self.kind != "ask" and is_vague(low, self.language)

    def _kind_of(self, low: str, *, item: bool) -> str:
        def has(name: str) -> bool:
            return bool(mark(self.language, name).search(low))

        if _QUESTION.search(low) and self.kind not in ("criterion", "ask", "steps"):
            return "ask" if has("strict") and self.kind != "question" else "question"
        if self.kind in ("exclusion", "criterion", "steps", "question", "person", "link", "code"):
            return self.kind
        if re.match(markers.STORY, low) and has("strict"):
            return "ask"
        if mark(self.language, "exclusion").search(re.split(markers.PURPOSE, low)[0]):
            return "exclusion"
        if self.kind in ("ask", "limit"):
            return self.kind
        if self.kind in ("context", "problem"):
            return "ask" if has("strict") and not has("now") else self.kind
        if _is_scenario(low) or has("criterion"):
            return "criterion"
        if has("strict"):
            return "ask"
        if item and self.fault and self.numbered:
            return "steps"
        begins = ((item or self.language in _ANYWHERE) and has("start")) or bool(re.match(markers.MARKS["en"]["start"], low))
        if has("modal") or begins or (has("can") and not self.fault):
            return "problem" if has("now") else "ask"
        if has("problem"):
            return "problem"
        if item and self.fault:
            return "context"
        if item and not _LINK.fullmatch(low.strip()) and not has("person"):
            return "ask"
        return fallback_kind(low, self.language)


def fallback_kind(low: str, language: str) -> str:
    """Return what a sentence without any mark is: it names somebody, links, limits, or is context."""
    if _HANDLE.search(low) or mark(language, "person").search(low):
        return "person"
    if _LINK.search(low):
        return "link"
    return "limit" if _QUANTITY.search(low) else "context"


def is_ask(text: str, language: str) -> bool:
    """Tell whether a line by itself, like a title, asks for something definite."""
    low = text.lower()
    asks = any(mark(language, name).search(low) for name in ("strict", "modal", "start"))
    return asks and not is_vague(low, language) and not mark(language, "problem").search(low)


def is_story(piece: Piece) -> bool:
    """Tell whether a wish says whose it is: `As a nurse, I want ...`."""
    return bool(re.match(markers.STORY, piece.text.lower()))


def is_vague(low: str, language: str) -> bool:
    """Tell whether a wish says only that something should be better, without a number, a quotation or a name."""
    return bool(mark(language, "vague").search(low)) and not _CONCRETE.search(low)


def _is_scenario(low: str) -> bool:
    return bool(re.match(markers.GIVEN, low)) and bool(re.search(rf"(?:{markers.WHEN}).*(?:{markers.THEN})", low))


def _is_trace(line: str) -> bool:
    return len(line) <= _LONG and bool(_TRACE.match(line))


def _width(text: str) -> int:
    return sum(2 if character >= "\u2e80" else 1 for character in text)


def distinct(pieces: list[Piece]) -> Iterator[Piece]:
    """Yield the pieces without those that say the same again."""
    seen = set[str]()
    for piece in pieces:
        key = piece.line.lower().strip(" .!。")
        if key not in seen:
            seen.add(key)
            yield piece
