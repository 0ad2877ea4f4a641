"""Make the held-out traces of the guardian's rules: `python -m bench.guardian_heldout` writes `tests/data/guardian_heldout.jsonl`.

No rule and no number was chosen by them. They have other subjects, tools and lengths than `bench.guardian_traces`, four languages, and
agents that talk like coding agents: short remarks, paths, commands, output of tests. What is expected is what a person would say
of the end of the trace.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "tests" / "data" / "guardian_heldout.jsonl"
SEED = 1_971
EACH = 12


@dataclass(frozen=True)
class Subject:
    """A card, what is said of it, and the paths of its code."""

    goal: str
    remarks: tuple[str, ...]
    paths: tuple[str, ...]
    language: str


def _subjects() -> tuple[Subject, ...]:
    read = json.loads((Path(__file__).parent / "texts" / "guardian_subjects.json").read_text(encoding="utf-8"))
    return tuple(Subject(one["goal"], tuple(one["remarks"]), tuple(one["paths"]), one["language"]) for one in read)


SUBJECTS = _subjects()
OPENINGS = {
    "en": ("Next: {0}.", "I check that {0}.", "So {0}; {1}.", "Looking at how {0}.", "{0} - and {1}."),
    "de": ("Als Nächstes: {0}.", "Ich prüfe, dass {0}.", "Also {0}; {1}.", "{0}, und {1}."),
    "es": ("Ahora: {0}.", "Compruebo que {0}.", "Entonces {0}; {1}.", "{0}, y {1}."),
    "fr": ("Ensuite: {0}.", "Je vérifie que {0}.", "Donc {0}; {1}.", "{0}, et {1}."),
}
TERSE = ("Let me look.", "OK.", "Hm, not there.", "Again.", "Now the test.", "Good.")
SYMPTOMS = (
    "AssertionError: expected 3 rows, got 2",
    "TypeError: cannot read properties of undefined",
    "panic: index out of range [4]",
    "error: field has incomplete type",
    "ImportError: no module of that name",
)
Turns = list[dict[str, Any]]


def _call(tool: str, result: str, *, failed: bool = False, made: str | None = None, **arguments: Any) -> dict[str, Any]:
    text = " ".join(f"{name}: {value}" for name, value in sorted(arguments.items()))
    return {"tool": tool, "arguments": text, "result": result, "failed": failed, "made": made}


class _Agent:
    """Writes the turns of a coding agent."""

    def __init__(self, seed: random.Random, number: int) -> None:
        self.seed = seed
        self.subject = SUBJECTS[number % len(SUBJECTS)]
        self.turns: Turns = []
        self.clock = 0.0
        self.files = 0

    def other(self) -> Subject:
        """Return another subject, in any language."""
        return self.seed.choice([one for one in SUBJECTS if one is not self.subject])

    def remark(self, about: Subject | None = None) -> str:
        subject = about or self.subject
        opening = self.seed.choice(OPENINGS[subject.language])
        return opening.format(*self.seed.sample(subject.remarks, 2))

    def path(self, about: Subject | None = None) -> str:
        return self.seed.choice((about or self.subject).paths)

    def add(self, text: str, *calls: dict[str, Any], pause: tuple[float, float] = (3, 40)) -> None:
        self.clock += self.seed.uniform(*pause)
        self.turns.append({"text": text, "calls": list(calls), "at": round(self.clock, 2)})

    def look(self, about: Subject | None = None, *, terse: float = 0.2, pause: tuple[float, float] = (3, 40)) -> None:
        text = self.seed.choice(TERSE) if self.seed.random() < terse else self.remark(about)
        path, line = self.path(about), self.seed.randrange(5, 900)
        if self.seed.random() < 0.5:
            call = _call("open_file", f"{line}: {self.seed.getrandbits(40):x}", path=path, line=line)
        else:
            word = self.seed.choice((about or self.subject).remarks).split()[-1]
            call = _call("grep", f"{path}:{line}: {word}", pattern=word, glob=path.rsplit("/", 1)[0])
        self.add(text, call, pause=pause)

    def edit(self, about: Subject | None = None, *, pause: tuple[float, float] = (3, 40)) -> None:
        self.files += 1
        path, text = self.path(about), self.remark(about)
        name = f"file:{path}@{self.files}"
        self.add(text, _call("edit_file", "written", made=name, path=path, text=self.remark(about)), pause=pause)

    def test(self, failures: int) -> None:
        result = f"{failures} failed, {40 - failures} passed in {self.seed.uniform(1, 9):.2f}s" if failures else "40 passed"
        self.add(self.seed.choice(TERSE), _call("run_tests", result, failed=bool(failures), path=self.subject.paths[3]))

    def work(self, turns: int) -> None:
        while turns > 0:
            reads = self.seed.randint(0, 3)
            for _ in range(reads):
                self.look()
            self.edit()
            turns -= reads + 1


Kind = Callable[[_Agent], tuple[int, list[str]]]


def _short_and_done(a: _Agent) -> tuple[int, list[str]]:
    a.work(a.seed.randint(2, 5))
    return a.seed.randint(900, 9_000), []


def _long_and_steady(a: _Agent) -> tuple[int, list[str]]:
    a.work(a.seed.randint(18, 34))
    return a.seed.randint(30_000, 60_000), []


def _test_and_mend(a: _Agent) -> tuple[int, list[str]]:
    """Tests, each time with other failures, and edits between them."""
    a.work(2)
    for failures in range(a.seed.randint(3, 6), 0, -1):
        a.test(failures)
        a.edit()
    return a.seed.randint(4_000, 30_000), []


def _debugs_deep(a: _Agent) -> tuple[int, list[str]]:
    """Says little of the card, because it looks for one error in the card's own files."""
    a.work(4)
    symptom = a.seed.choice(SYMPTOMS)
    for _ in range(a.seed.randint(4, 6)):
        path, line = a.path(), a.seed.randrange(900)
        text = f"{symptom} comes from line {line}; I print the values there."
        a.add(text, _call("shell", f"{symptom} at {line}", command=f"run {path} --trace {line}"))
    if a.seed.random() < 0.4:
        a.edit()
    return a.seed.randint(6_000, 22_000), []


def _taciturn(a: _Agent) -> tuple[int, list[str]]:
    for _ in range(a.seed.randint(3, 5)):
        a.look(terse=1.0)
        a.edit()
        a.add("Good.", _call("shell", f"ok {a.seed.randrange(999)}", command="make lint"))
    return a.seed.randint(3_000, 18_000), []


def _polls_a_pipeline(a: _Agent) -> tuple[int, list[str]]:
    a.work(3)
    for second in range(a.seed.randint(5, 8)):
        call = _call("pipeline_status", f"stage {second + 1} of 9, {second * 31}s", id=88)
        a.add("The pipeline still runs.", call, pause=(20, 45))
    return a.seed.randint(3_000, 12_000), []


def _one_detour(a: _Agent) -> tuple[int, list[str]]:
    a.work(4)
    other = a.other()
    for _ in range(a.seed.randint(1, 2)):
        a.look(other)
    a.look(terse=0)
    a.edit()
    a.edit()
    return a.seed.randint(4_000, 15_000), []


def _answers_in_another_language(a: _Agent) -> tuple[int, list[str]]:
    """Works on the card's own files and names its things, but talks in general terms."""
    a.work(3)
    for _ in range(5):
        remark = a.seed.choice(a.subject.remarks)
        title = " ".join(a.subject.goal.split()[:5])
        a.files += 1
        call = _call("edit_file", "written", made=f"file:{a.path()}@{a.files}", path=a.path(), text=f"{title} # {remark}")
        a.add("Done with this part, now the part after it.", call)
    return a.seed.randint(4_000, 15_000), []


def _big_but_worth_it(a: _Agent) -> tuple[int, list[str]]:
    a.work(20)
    return a.files * a.seed.randint(8_000, 25_000), []


def _looks_four_times_elsewhere(a: _Agent) -> tuple[int, list[str]]:
    """Four searches that find nothing, each for another word."""
    a.work(3)
    for word in a.seed.sample(" ".join(a.subject.remarks).split(), 4):
        a.add(a.remark(), _call("grep", "no matches", pattern=word, glob="**/*"))
    return a.seed.randint(4_000, 15_000), []


def _same_command(a: _Agent) -> tuple[int, list[str]]:
    a.work(a.seed.randint(1, 9))
    command, said = f"cat {a.path()}", a.remark()
    for number in range(a.seed.randint(5, 9)):
        a.add(said if number % 2 else a.remark(), _call("shell", "(empty)", command=command))
    return a.seed.randint(4_000, 19_000), ["loop"]


def _same_error(a: _Agent) -> tuple[int, list[str]]:
    a.work(a.seed.randint(2, 6))
    path = a.path()
    for _ in range(a.seed.randint(4, 7)):
        a.add(a.remark(), _call("edit_file", "error: the text to replace was not found", failed=True, path=path, text="x = 1"))
    return a.seed.randint(4_000, 19_000), ["loop"]


def _same_error_with_a_clock(a: _Agent) -> tuple[int, list[str]]:
    """The same failing command; only the time in its output differs."""
    a.work(3)
    for _ in range(a.seed.randint(5, 8)):
        second = a.seed.uniform(0.1, 9)
        call = _call("run_tests", f"1 failed in {second:.2f}s", failed=True, path=a.subject.paths[3])
        a.add(a.seed.choice(TERSE), call)
    return a.seed.randint(4_000, 19_000), ["loop"]


def _there_and_back(a: _Agent) -> tuple[int, list[str]]:
    """Opens two or three files in turns, again and again."""
    a.work(a.seed.randint(2, 5))
    paths = a.seed.sample(a.subject.paths, a.seed.randint(2, 3))
    rounds = 4 if len(paths) == 2 else 3
    for _ in range(rounds):
        for path in paths:
            a.add(a.remark(), _call("open_file", f"contents of {path}", path=path, line=1))
    return a.seed.randint(4_000, 19_000), ["loop"]


def _guesses(a: _Agent) -> tuple[int, list[str]]:
    """Guesses names of files that do not exist, eight times."""
    a.work(2)
    for number in range(8):
        a.add(a.remark(), _call("open_file", "error: no such file", failed=True, path=f"{a.path()}.{number}"))
    return a.seed.randint(4_000, 19_000), ["loop"]


def _reads_on_and_on(a: _Agent) -> tuple[int, list[str]]:
    a.work(a.seed.randint(2, 6))
    for _ in range(a.seed.randint(13, 22)):
        a.look()
    return a.seed.randint(9_000, 19_000), ["stall"]


def _hours_without_a_file(a: _Agent) -> tuple[int, list[str]]:
    a.work(2)
    for _ in range(a.seed.randint(5, 8)):
        a.look(pause=(300, 700))
    return a.seed.randint(4_000, 15_000), ["stall"]


def _polishes_one_file(a: _Agent) -> tuple[int, list[str]]:
    """Writes the same file again and again, with other words."""
    a.work(3)
    path = a.path()
    for _ in range(a.seed.randint(12, 16)):
        a.add(
            a.remark(), _call("edit_file", f"written {a.seed.randrange(10**6)}", made=f"file:{path}", path=path, text=a.remark())
        )
    return a.seed.randint(9_000, 19_000), ["stall"]


def _does_another_card(a: _Agent) -> tuple[int, list[str]]:
    a.work(a.seed.randint(3, 9))
    other = a.other()
    for _ in range(a.seed.randint(5, 9)):
        if a.seed.random() < 0.5:
            a.look(other, terse=0.1)
        else:
            a.edit(other)
    return a.seed.randint(4_000, 19_000), ["drift"]


def _names_the_card_but_does_another(a: _Agent) -> tuple[int, list[str]]:
    """Says in each second turn that it will go back to the card, and goes on elsewhere."""
    a.work(4)
    other = a.other()
    for number in range(a.seed.randint(7, 9)):
        a.files += 1
        path = a.path(other)
        said = f"{a.remark(other)} {a.seed.choice(a.subject.remarks)}: later." if number % 2 else a.remark(other)
        made = f"file:{path}@{a.files}"
        a.add(said, _call("edit_file", "written", made=made, path=path, text=f"{a.remark(other)} {a.remark(other)}"))
    return a.seed.randint(4_000, 19_000), ["drift"]


def _tidies_up_tools(a: _Agent) -> tuple[int, list[str]]:
    """Leaves the card for chores that nobody asked for."""
    a.work(3)
    chores = (
        "The linter complains about import order in many places, I sort all imports now.",
        "The editor settings have tabs; I convert the whole tree to spaces.",
        "A newer formatter exists, I upgrade it and reformat everything.",
        "The licence headers are from last year, I update the year in every header.",
        "The shell prompt in the container has no colours, I write a configuration for it.",
        "The readme's badges are outdated, I replace them with new ones.",
        "Commit hooks run slowly; I rewrite them in another language.",
    )
    for number, chore in enumerate(a.seed.sample(chores, 6)):
        a.files += 1
        path = f".config/tool{number}.toml"
        a.add(chore, _call("edit_file", "written", made=f"file:{path}", path=path, text=a.seed.choice(chores)))
    return a.seed.randint(4_000, 19_000), ["drift"]


def _burns_tokens(a: _Agent) -> tuple[int, list[str]]:
    a.work(a.seed.randint(2, 5))
    for _ in range(a.seed.randint(1, 6)):
        a.look()
    return a.files * a.seed.randint(45_000, 90_000), ["waste"]


def _burns_tokens_for_nothing(a: _Agent) -> tuple[int, list[str]]:
    for _ in range(a.seed.randint(4, 8)):
        a.look()
    return a.seed.randint(60_000, 200_000), ["waste"]


KINDS: dict[str, Kind] = {
    "short and done": _short_and_done,
    "long and steady": _long_and_steady,
    "tests and mends": _test_and_mend,
    "debugs deep": _debugs_deep,
    "taciturn": _taciturn,
    "polls a pipeline": _polls_a_pipeline,
    "one detour": _one_detour,
    "talks in general terms": _answers_in_another_language,
    "big but worth it": _big_but_worth_it,
    "four searches in vain": _looks_four_times_elsewhere,
    "the same command": _same_command,
    "the same error": _same_error,
    "the same error with a clock": _same_error_with_a_clock,
    "there and back": _there_and_back,
    "guesses names": _guesses,
    "reads on and on": _reads_on_and_on,
    "hours without a file": _hours_without_a_file,
    "polishes one file": _polishes_one_file,
    "does another card": _does_another_card,
    "names the card but does another": _names_the_card_but_does_another,
    "tidies up tools": _tidies_up_tools,
    "burns tokens": _burns_tokens,
    "burns tokens for nothing": _burns_tokens_for_nothing,
}


def make() -> list[dict[str, Any]]:
    """Return the traces: EACH of every kind."""
    traces = []
    for kind, write in KINDS.items():
        for number in range(EACH):
            agent = _Agent(random.Random(f"{SEED} {kind} {number}"), number)  # noqa: S311 - the same traces each time
            tokens, expected = write(agent)
            trace = {"goal": agent.subject.goal, "turns": agent.turns, "tokens": tokens}
            traces.append({"kind": kind, "expected": expected, "trace": trace})
    return traces


def text() -> str:
    """Return the file: one trace a line."""
    return "".join(f"{json.dumps(one, separators=(',', ':'))}\n" for one in make())


if __name__ == "__main__":
    FILE.write_text(text())
