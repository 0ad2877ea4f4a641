"""The platform's validator on marked cases, written by hand: precision and recall of its verdicts.

`tests/data/validation_cases.jsonl` is the set on which its rules were chosen, `validation_cases_held_out.jsonl` one that was written after
that, and on which nothing was chosen.

Each case says what its material truly shows. `reader`: as without a model. `credulous`: with a model that passes everything and quotes the
passage that comes nearest, the worst that can be asked: what is measured is what the checks of its quotations let through.
"""

import json
from itertools import product
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent.parent / "tests" / "data"
SETS = {"chosen on": _DATA / "validation_cases.jsonl", "held out": _DATA / "validation_cases_held_out.jsonl"}
JUDGES = ("reader", "credulous")


def read(name: str) -> list[dict[str, Any]]:
    """Return the cases of a set as they are kept."""
    return [json.loads(line) for line in SETS[name].read_text().splitlines()]


def verdict(case: dict[str, Any], judge_name: str) -> str:
    """Return the verdict on the criterion of a case."""
    from shared.runs.validation.criteria import Material
    from shared.runs.validation.judging import judge
    from shared.runs.validation.material import Work
    from shared.runs.validation.running import BuildSeen, CaseSeen, Ran

    ran = Ran(
        [CaseSeen(**one) for one in case["tests"]],
        [BuildSeen(**one) for one in case["builds"]],
        case["changed_at"],
        case["commit"],
    )
    material = [Material(one["source"], one["text"], one["kind"]) for one in case["material"]]
    ask = None if judge_name == "reader" else lambda _: _believe(case["criterion"], material)
    return judge([case["criterion"]], Work(material, ran), ask)[0].result


def _believe(criterion: str, material: list[Any]) -> dict[str, Any]:
    """Pass a criterion with the passage that shares most words with it, of what is no claim if there is anything else."""
    from shared.agents.embeddings.words import words_of

    wanted = set(words_of(criterion))
    lines = [(one.kind != "claim", len(wanted & set(words_of(line))), line) for one in material for line in one.text.splitlines()]
    quotation = max(lines, default=(False, 0, "All is done"))[2]
    return {"verdicts": [{"criterion": 1, "verdict": "passed", "source": 1, "quotation": quotation, "reason": ""}]}


def measure() -> list[dict[str, Any]]:
    """Return one row for each set, judge and verdict."""
    rows = []
    for set_name, name in product(SETS, JUDGES):
        cases = read(set_name)
        found = [(one["kind"], one["truth"], verdict(one, name)) for one in cases]
        for result in ("passed", "failed"):
            said = [truth for _, truth, got in found if got == result]
            true = [got for _, truth, got in found if truth == result]
            rows.append({
                "set": set_name,
                "judge": name,
                "verdict": result,
                "cases": len(cases),
                "expected": len(true),
                "found": len(said),
                "precision": said.count(result) / max(1, len(said)),
                "recall": true.count(result) / max(1, len(true)),
                "missed": sorted({kind for kind, truth, got in found if truth == result != got}),
                "false": sorted({kind for kind, truth, got in found if got == result != truth}),
            })  # fmt: skip
    return rows


def main() -> None:
    """Print the rows as JSON."""
    print(json.dumps(measure()))


if __name__ == "__main__":
    main()
