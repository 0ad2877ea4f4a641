"""The weights by which lines are filed are those that the marked cards teach."""

import pytest

from shared.agents.providers.embedded.sentences import WEIGHTS
from tools.train_reader import examples, learn, text_of


@pytest.mark.thorough
def test_the_weights_are_those_that_the_marked_cards_teach():
    assert WEIGHTS.read_text(encoding="utf-8") == text_of(learn(examples()))


def test_what_two_kinds_differ_in_is_learned():
    found = [([("any", ""), ("must", "")], "ask"), ([("any", ""), ("slow", "")], "problem")] * 6
    learned = learn(found)
    ask, problem = (learned["kinds"].index(kind) for kind in ("ask", "problem"))
    votes = {fact: dict(zip(row[""][::2], row[""][1::2], strict=True)) for fact, row in learned["weights"].items()}
    assert votes["must"][ask] > 0 > votes["must"][problem]
    assert votes["slow"][problem] > 0 > votes["slow"][ask]
