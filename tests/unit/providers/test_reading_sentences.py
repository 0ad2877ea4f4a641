"""What a sentence below a request is: left out, a rule, a fact or a criterion, in six languages; and what opens the gate."""

from pathlib import Path

import pytest
import yaml

from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.embedded.reading import read
from shared.agents.providers.embedded.sentences import sentences

SAID = yaml.safe_load((Path(__file__).parents[2] / "data" / "sentences_below_a_request.yaml").read_text())
LANGUAGES = list(SAID)


def filed_as(sentence, language, below="\n\n"):
    return read(SAID[language]["asked"] + below + sentence, language)[-1].kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_left_to_others_or_for_later_or_not_changed_is_out_of_scope(language):
    assert [one for one in SAID[language]["exclusion"] if filed_as(one, language) != "exclusion"] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("below", ["\n\n", " "], ids=["paragraph", "sentence"])
def test_a_rule_in_the_present_tense_below_a_request_is_asked_for(language, below):
    below = below if language not in ("zh", "ja") else below.replace(" ", "")
    assert [one for one in SAID[language]["ask"] if filed_as(one, language, below) != "ask"] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fact_below_a_request_is_not_asked_for(language):
    kinds = {one: filed_as(one, language) for one in SAID[language]["fact"]}
    assert [one for one, kind in kinds.items() if kind in ("ask", "exclusion", "criterion")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_how_success_is_seen_is_a_criterion(language):
    assert [one for one in SAID[language]["criterion"] if filed_as(one, language) != "criterion"] == []


def test_a_second_lead_in_holds_across_an_empty_line_as_the_first_does():
    text = "Buyers ask where their order is.\n\nWhat we want from the page:\n\nAn order has a state. Buyers see it.\n"
    assert [piece.kind for piece in read(text, "en")][1:] == ["ask", "ask"]


def test_what_goes_on_with_a_title_that_asks_is_asked_for():
    card = {"type": "task", "title": "csv import should skip empty rows", "description": "and report how many. same for xlsx."}
    assert [piece.kind for piece in FiledCard(card).pieces] == ["ask", "ask"]


def test_what_people_are_quoted_with_is_told_and_not_asked_for():
    assert read('He said: "Every quarter the insurer wants all plans as PDFs."', "en")[0].kind == "problem"
    assert read("「保存しても、次の請求書は古いままです。」", "ja", fault=True)[0].kind == "problem"
    assert read('She said: "We need an export by region."', "en")[0].kind == "ask"


def test_an_hour_ends_a_sentence_and_an_initial_does_not():
    assert len(sentences("It is cancelled after 24 h. A paid order stays.")) == 2
    assert len(sentences("Ask J. Doe and z. B. so.", "de")) == 1


def test_a_word_alone_is_no_title_that_asks():
    assert not FiledCard({"type": "feature", "title": "Search", "description": "Nobody finds anything."}).is_explicit
