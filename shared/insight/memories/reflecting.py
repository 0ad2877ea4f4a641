"""What a report of a completed task says: its files, insights, errors and tags, and what kind of memory it is.

All of it is read from the report itself, by the words of English; what a report does not say is not found.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.agents.embeddings.words import words_of

MAX_FILES, MAX_INSIGHTS, MAX_ERRORS, MAX_TAGS = 50, 10, 20, 12
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_LONGEST: Final = 300  # characters of an insight or an error
_INSIGHT: Final = re.compile(
    r"\b(because|since|instead of|turned out|turns out|root cause|learned|learnt|lesson|always|never|must|should|avoid|make sure|"
    r"remember|note that|important|requires?|needs to|only works|the reason|prefer|beware|careful|don't|do not)\b",
    re.IGNORECASE,
)
_ERROR_NAME: Final = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Timeout|Fault)\b(?::[^\n.;]{1,200})?")
_ERROR_LINE: Final = re.compile(
    r"^[^\n]{0,80}?\b(?:error|failed|failure|fatal|traceback|panic|refused|denied)\b[^\n]{0,220}$", re.IGNORECASE | re.MULTILINE
)
_NO_ERROR: Final = re.compile(r"\b(no|0|zero|without)( \w+)? (errors?|failures?)\b|\b0 failed\b", re.IGNORECASE)
_FAILED: Final = re.compile(
    r"\b(failed|fails|failing|failure|did not work|does not work|doesn't work|not working|could not|unable to|gave up|still broken|"
    r"incomplete|rejected|unsuccessful|wrong)\b",
    re.IGNORECASE,
)
_MENDED: Final = re.compile(
    r"\b(fixed|resolved|now works?|passes|passed|succeeded|successful(ly)?|works|solved|no longer|all good)\b", re.IGNORECASE
)
_PATH_FIELDS: Final = re.compile(r"(^|_)(path|paths|file|files|filename|filenames|filepath)$", re.IGNORECASE)
_PATH: Final = re.compile(
    r"^(?![a-z]+://)[\w.@~+-]*(?:[/\\][\w.@~+-]+)*[/\\]?[\w@~+-]*\.\w{1,8}$|^(?![a-z]+://)[\w.@~+-]+(?:/[\w.@~+-]+)+/?$"
)
_KINDS: Final[Sequence[tuple[str, re.Pattern[str]]]] = (
    ("error_fix", re.compile(r"\b(fix(ed|es)?|bug|resolved?|repair(ed)?|regression|hotfix)\b", re.IGNORECASE)),
    ("decision", re.compile(r"\b(decided?|decision|chose|chosen|choose|trade-?off|agreed)\b", re.IGNORECASE)),
    ("warning", re.compile(r"\b(beware|careful|avoid|never|danger(ous)?|pitfall|warning|do not|don't)\b", re.IGNORECASE)),
    (
        "discovery",
        re.compile(r"\b(discover(ed|y)?|found( out)?|turned out|turns out|noticed|uncovered|root cause)\b", re.IGNORECASE),
    ),
    (
        "codebase_knowledge",
        re.compile(
            r"\b(located in|lives in|is defined in|module|architecture|structure|convention|entry point)\b", re.IGNORECASE
        ),
    ),
)
LANGUAGES: Final[Mapping[str, str]] = {
    "py": "python", "ts": "typescript", "tsx": "typescript", "js": "javascript", "jsx": "javascript", "go": "go", "rs": "rust",
    "java": "java", "rb": "ruby", "php": "php", "cs": "csharp", "c": "c", "cpp": "cpp", "sql": "sql", "sh": "shell",
    "html": "html", "css": "css", "md": "documentation", "yml": "configuration", "yaml": "configuration", "tf": "terraform",
}  # fmt: skip


@dataclass(frozen=True)
class ToolUse:
    tool_name: str
    arguments: Mapping[str, Any]
    result: str | None = None


@dataclass(frozen=True)
class Report:
    """What somebody reports of a completed task."""

    goal: str
    result: str
    tools: Sequence[ToolUse]
    feedback: str

    @property
    def words(self) -> str:
        return f"{self.goal}\n{self.result}\n{self.feedback}"


@dataclass(frozen=True)
class Reflection:
    files: list[str]
    insights: list[str]
    errors: list[str]
    tags: list[str]
    memory_type: str
    success: bool


def reflect(report: Report, task_type: str, *, task_failed: bool = False) -> Reflection:
    """Return what a report says; a failed task is never a success, even if its report says so."""
    files = list(dict.fromkeys(path for tool in report.tools for path in _paths(tool.arguments)))[:MAX_FILES]
    errors = _errors([report.result, report.feedback, *(tool.result or "" for tool in report.tools)])
    success = not task_failed and not _says_failed(report.feedback) and not _says_failed(report.result)
    return Reflection(
        files,
        _insights([report.result, report.feedback]),
        errors,
        _tags(report, task_type, files),
        _kind(report, success, bool(errors)),
        success,
    )


def _paths(value: Any, named: bool = False) -> Iterator[str]:
    """Yield the paths among the arguments of a tool: values of fields with such a name, and texts that look like one."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _paths(one, bool(_PATH_FIELDS.search(str(name))))
    elif isinstance(value, list):
        for one in value:
            yield from _paths(one, named)
    elif isinstance(value, str) and 1 < len(value) <= 300 and "\n" not in value and (named or _PATH.match(value)):
        yield value.strip()


def _sentences(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        for sentence in _SENTENCE.split(text):
            if sentence := sentence.strip(" \t-*•"):
                yield sentence[:_LONGEST]


def _insights(texts: Sequence[str]) -> list[str]:
    found = (one for one in _sentences(texts) if _INSIGHT.search(one) and len(one.split()) >= 4)
    return list(dict.fromkeys(found))[:MAX_INSIGHTS]


def _errors(texts: Sequence[str]) -> list[str]:
    found: list[str] = []
    for text in texts:
        named = [one.strip()[:_LONGEST] for one in _ERROR_NAME.findall(text)]
        lines = [
            line.strip()[:_LONGEST]
            for sentence in _SENTENCE.split(text)
            for line in _ERROR_LINE.findall(sentence)
            if not _NO_ERROR.search(line) and not any(name in line for name in named)
        ]
        found += [*named, *lines]
    return list(dict.fromkeys(found))[:MAX_ERRORS]


def _says_failed(text: str) -> bool:
    """Tell whether a text ends badly: its last sentence that says how it went says that it failed."""
    for sentence in reversed([*_sentences([text])]):
        if _MENDED.search(sentence) or _NO_ERROR.search(sentence):
            return False
        if _FAILED.search(sentence):
            return True
    return False


def _tags(report: Report, task_type: str, files: Sequence[str]) -> list[str]:
    """Return the type of the task, the languages of the files, and the words that the report says most often."""
    languages = [LANGUAGES[end] for end in (file.rpartition(".")[2].lower() for file in files) if end in LANGUAGES]
    written: dict[str, str] = {}
    for raw in report.words.split():
        piece = raw.strip(".,;:!?()[]{}\"'`").lower()
        if piece.isalpha() and len(piece) > 3:
            for word in words_of(piece):
                written.setdefault(word, piece)
    often = Counter(word for word in words_of(report.words) if word in written).most_common(6)
    words = [written[word] for word, number in often if number > 1]
    return list(dict.fromkeys([task_type, *languages, *words]))[:MAX_TAGS]


def _kind(report: Report, success: bool, errors: bool) -> str:
    if not success:
        return "warning"
    for kind, words in _KINDS:
        if words.search(report.words) and (kind != "error_fix" or errors or words.search(report.goal)):
            return kind
    return "learning"


def advice_of(reflection: Reflection, report: Report) -> list[str]:
    """Return the advice for the playbook: the insights, or what failed if a failed task has none."""
    if reflection.insights:
        return reflection.insights
    if not reflection.success and reflection.errors:
        return [f"{report.goal.strip()[:150]}: met {reflection.errors[0][:140]}"]
    return []
