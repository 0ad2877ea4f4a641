"""The weights by which lines are filed are those that the marked cards teach."""

import pytest

from shared.agents.providers.embedded.votes import WEIGHTS
from tools.train_reader import examples, learn, text_of


@pytest.mark.thorough
def test_the_weights_are_those_that_the_marked_cards_teach():
    assert WEIGHTS.read_text(encoding="utf-8") == text_of(learn(examples()))


def test_what_two_kinds_differ_in_is_learned():
    found = [(["any", "must"], "ask"), (["any", "slow"], "problem")] * 3
    weights = learn(found)
    ask, problem = (weights["kinds"].index(kind) for kind in ("ask", "problem"))
    assert weights["weights"]["must"][ask] > 0 > weights["weights"]["must"][problem]
    assert weights["weights"]["slow"][problem] > 0 > weights["weights"]["slow"][ask]
