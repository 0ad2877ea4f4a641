"""How good the search of memories is, on questions that were marked by hand (`tests/data/memory_queries.yaml`)."""

from functools import cache
from typing import Any

import pytest

from shared.agents.embeddings.company import CompanyEmbedder
from shared.insight.memories.ranking import MODES, Indexed, Ranked, SearchQuery, kept_words, rank
from shared.insight.memories.vectors import Question, pack, unpack
from tests.marked import marked

DATA: dict[str, Any] = marked("memory_queries")
QUERIES: list[dict[str, Any]] = DATA["queries"]
LEAST = {"fresh": (0.87, 0.81), "held_out": (0.92, 0.81), "other_questions": (0.6, 0.5)}
"""Recall and rank of questions that were not tuned for one by one: about the same memories, and about other subjects. None is blind: the
whole of the search was chosen with their results in view."""
EMBEDDER = CompanyEmbedder()


def indexed(memory_id: str, text: str, **more: Any) -> Indexed:
    vector, step = pack(EMBEDDER.embed([text])[0])
    fields = {"task_type": "implementation", "task_id": "t", "proj_id": "p", "memory_type": "learning", "success": True}
    return Indexed(memory_id, **fields | more, model="m", vector=vector, step=step, words=kept_words(text))


@cache
def stored() -> list[Indexed]:
    return [indexed(memory_id, text) for memory_id, text in DATA["memories"].items()]


@cache
def more() -> list[Indexed]:
    return [*stored(), *(indexed(memory_id, text) for memory_id, text in DATA["other_memories"].items())]


def found(text: str, rows: list[Indexed] | None = None, **options: Any) -> list[Ranked]:
    return rank(SearchQuery(text, **options), stored() if rows is None else rows, "m", EMBEDDER.embed([text])[0])


def measured(
    mode: str, kind: str | None = None, queries: list[dict[str, Any]] = QUERIES, rows: list[Indexed] | None = None
) -> tuple[float, float]:
    """Recall at 5 and the mean of the reciprocal ranks, by the first memory that was marked for a question."""
    places = []
    for query in queries:
        if kind is None or kind == query["kind"]:
            ids = [one.indexed.memory_id for one in found(query["q"], rows, mode=mode)]
            places.append(ids.index(query["want"][0]) + 1 if query["want"][0] in ids else 0)
    return sum(place > 0 for place in places) / len(places), sum(1 / place for place in places if place) / len(places)


def test_there_are_enough_questions():
    assert len(QUERIES) >= 60
    assert {query["kind"] for query in QUERIES} == {"words", "paraphrase", "typo", "language"}
    assert {one for query in QUERIES for one in query["want"]} <= set(DATA["memories"])


@pytest.mark.parametrize(("mode", "recall", "rank_"), [("hybrid", 0.97, 0.94), ("semantic", 0.89, 0.86), ("keyword", 0.96, 0.93)])
def test_what_answers_a_question_is_among_the_first_five(mode, recall, rank_):
    assert [round(one, 3) >= least for one, least in zip(measured(mode), (recall, rank_), strict=True)] == [True, True], measured(
        mode
    )


@pytest.mark.parametrize(("kind", "recall"), [("words", 0.95), ("paraphrase", 0.7), ("typo", 0.75), ("language", 0.9)])
def test_each_kind_of_question_is_answered(kind, recall):
    """Each question in the default mode, and the best single mode never finds more."""
    assert measured("hybrid", kind)[0] >= recall
    assert measured("hybrid", kind)[0] >= max(measured("semantic", kind)[0], measured("keyword", kind)[0])


@pytest.mark.parametrize("name", LEAST)
def test_questions_that_nothing_was_fitted_to_are_answered_too(name):
    recall, mean_rank = measured("hybrid", queries=DATA[name], rows=more() if name == "other_questions" else None)
    assert (recall >= LEAST[name][0], mean_rank >= LEAST[name][1]) == (True, True), (recall, mean_rank)


@pytest.mark.parametrize("name", ["nothing", "held_out_nothing"])
def test_what_nothing_answers_finds_little(name):
    answers = [len(found(text)) for text in DATA[name]]
    assert sum(answers) <= len(answers) / 2, answers
    assert sum(number == 0 for number in answers) >= len(answers) / 2


def test_words_of_one_field_and_misspelled_ones_are_found_by_keywords():
    rows = [indexed("1", "thumbnail of a product"), indexed("2", "quarterly report"), indexed("3", "authentication")]
    assert [one.indexed.memory_id for one in found("previews", rows, mode="keyword")] == ["1"]
    assert [one.indexed.memory_id for one in found("quartely", rows, mode="keyword")] == ["2"]
    assert found("repair", [indexed("1", "Fixed the login"), *rows[:2]], mode="keyword")
    assert not found("repair the brakes of a bicycle", [indexed("1", "Fixed the login"), *rows[:2]], mode="keyword")


def test_a_packed_vector_has_almost_the_same_cosine():
    texts = list(DATA["memories"].values())
    exact = EMBEDDER.embed(texts)
    question = Question(exact[0])
    for vector in exact:
        packed, step = pack(vector)
        assert len(packed) == len(vector)
        assert packed.isascii()
        true = sum(one * other for one, other in zip(exact[0], vector, strict=True))
        assert question.cosine(packed, step) == pytest.approx(true, abs=0.02)
        assert unpack(packed, step) == pytest.approx(vector, abs=step)
    assert pack([0.0, 0.0]) == ("PP", 1.0)
    assert Question([0.5]).cosine(*pack([1.0])) == pytest.approx(0.5, abs=1e-4)


def test_the_weights_decide_and_only_their_ratio():
    rows = [indexed("1", "alpha beta gamma delta"), indexed("2", "session login timeout"), indexed("3", "nothing of it")]
    rows[0] = rows[0]._replace(words=kept_words("login timeout"))  # found by words only

    def first(**weights: float) -> list[str]:
        return [one.indexed.memory_id for one in found("login timeout", rows, threshold=0.1, **weights)]

    assert first(semantic_weight=1.0, keyword_weight=0.0)[0] == "2"
    assert first(semantic_weight=0.6, keyword_weight=0.4) == first(semantic_weight=0.3, keyword_weight=0.2)
    scores = [one.score for one in found("login timeout", rows)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


@pytest.mark.parametrize("mode", MODES)
def test_of_equal_ones_the_newest_comes_first_every_time(mode):
    rows = [indexed(str(number), "the same words about the login") for number in (2, 1, 3)]
    assert [one.indexed.memory_id for one in found("login words", rows, mode=mode)] == ["3", "2", "1"]


def test_vectors_of_another_model_are_found_by_words_only():
    rows = [one._replace(model="another") for one in stored()]
    assert found("login timeout", rows, mode="semantic") == []
    assert found("login timeout session", rows)[0].indexed.memory_id == "login"
