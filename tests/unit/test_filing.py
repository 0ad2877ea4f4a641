"""Whatever changes how a card is counted or found files it anew: an agent's run once did not, and lists by status were wrong."""

import ast
from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared"
CARDS = {"card", "item", "self.item"}
FILED_BY = {"status", "type", "assignee", "tags", "lane_id", "phase_id", "archived_at", "deleted_at"}


def changes_of(tree: ast.AST) -> set[str]:
    """The fields of a card that a module sets by name."""
    targets = [target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets]
    plain = [one for target in targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return {
        one.attr for one in plain if isinstance(one, ast.Attribute) and one.attr in FILED_BY and ast.unparse(one.value) in CARDS
    }


def test_each_module_that_changes_what_a_card_is_filed_by_files_it_anew():
    changing = {}
    for path in SHARED.rglob("*.py"):
        text = path.read_text()
        if changed := changes_of(ast.parse(text)):
            changing[path.relative_to(SHARED).as_posix()] = changed
            assert "reindex(" in text or path.stem == "stays", (path, changed)  # whoever calls it files the card
    assert {"runs/agent_runs/ending.py", "work/items/beginning.py", "work/items/updating.py"} <= set(changing)
