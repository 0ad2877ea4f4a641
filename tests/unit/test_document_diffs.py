"""Structured diffs: they lead from the old text to the new one, and stay within their bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.work.documents import diffs
from shared.work.documents.diffs import diff_texts
from shared.work.documents.texts import shown_size

LINES = st.lists(st.sampled_from(["", "a", "b", "c", "## d", "e"]), max_size=40).map("\n".join)


def applied(old: str, diff: dict) -> str:
    """The old text with the hunks carried out; they must be whole."""
    lines = old.split("\n")
    made: list[str] = []
    at = 0
    for hunk in diff["hunks"]:
        start = hunk["old_start"] - 1 if hunk["old_lines"] else hunk["old_start"]
        made += lines[at:start]
        at = start + hunk["old_lines"]
        assert [line[1:] for line in hunk["lines"] if line[0] == "-"] == lines[start:at]
        assert len(made) == (hunk["new_start"] - 1 if hunk["new_lines"] else hunk["new_start"])
        made += [line[1:] for line in hunk["lines"] if line[0] == "+"]
    return "\n".join(made + lines[at:])


@given(LINES, LINES)
def test_a_diff_leads_from_one_text_to_the_other(old, new):
    diff = diff_texts(old, new)
    assert applied(old, diff) == new
    assert (diff["truncated"], diff["coarse"]) == (False, False)
    assert diff["added"] - diff["removed"] == new.count("\n") - old.count("\n")
    assert (diff["hunks"] == []) == (old == new)


def test_hunks_say_what_they_do():
    ops = [hunk["op"] for hunk in diff_texts("a\nb\nc\nd\ne", "a\nx\nb\nd\nE")["hunks"]]
    assert ops == ["insert", "delete", "replace"]


def test_edits_at_both_ends_of_a_long_text_are_two_small_hunks():
    lines = [f"Line {number}" for number in range(5_000)]
    changed = ["First", *lines[1:2_500], "Between", *lines[2_500:-1], "Last"]
    diff = diff_texts("\n".join(lines), "\n".join(changed))
    assert applied("\n".join(lines), diff) == "\n".join(changed)
    assert (diff["added"], diff["removed"], diff["coarse"], diff["truncated"]) == (3, 2, False, False)


def test_blocks_that_changed_places_are_found():
    one, two = [f"One {n}" for n in range(300)], [f"Two {n}" for n in range(400)]
    diff = diff_texts("\n".join(one + two), "\n".join(two + one))
    assert (diff["added"], diff["removed"], diff["coarse"]) == (300, 300, False)


def test_what_is_too_large_to_compare_is_one_replacement():
    old, new = "\n".join("ab" * 500), "\n".join("ba" * 600)
    diff = diff_texts(old, new)
    assert diff["coarse"] is True
    assert diff["added"] - diff["removed"] == 200


@pytest.mark.parametrize("line", ["x", "ж" * 300, "\x01" * 50, '"' * 10_000], ids=["short", "cyrillic", "control", "quotes"])
def test_a_diff_stays_within_its_size_and_says_so(line):
    diff = diff_texts("", "\n".join(f"{line}{number}" for number in range(20_000)))
    assert diff["truncated"] is True
    assert diff["added"] == 20_000
    assert sum(shown_size(one) for hunk in diff["hunks"] for one in hunk["lines"]) <= diffs.MAX_BYTES


def test_many_hunks_are_cut_and_counted():
    old = [f"Line {number}" for number in range(2_000)]
    new = [line if number % 2 else "changed" for number, line in enumerate(old)]
    diff = diff_texts("\n".join(old), "\n".join(new))
    assert (len(diff["hunks"]), diff["truncated"], diff["added"]) == (diffs.MAX_HUNKS, True, 1_000)
