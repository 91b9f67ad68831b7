"""A row for each article, whatever it is, and a model that stays where it has been loaded."""

import os

import pytest

from newsstance import Predictor, __version__
from newsstance.article_rows import ROW_COLUMNS, article_rows
from newsstance.cores import usable_cores
from newsstance.identity import model_id
from newsstance.resident import resident_predictor
from newsstance.scores import ArticleScore
from tests.conftest import Trained

GERMAN = "Der Minister hofft, dass die Verhandlungen bald zu einem guten Ende kommen, sagte er gestern Abend in Berlin."
TEXTS = ["The minister hopes.", None, "", "12, 34", "The end. " * 20, GERMAN, "The council fears.\0", "The bank doubts it."]
REASONS = [None, "empty", "empty", "not text", "size", "language", "not text", None]


def test_each_text_gives_a_row_in_order_with_scores_or_a_reason(predictor: Predictor) -> None:
    rows = list(article_rows(predictor, TEXTS, max_chars=150))
    assert [row["reason"] for row in rows] == REASONS
    assert all(tuple(row) == tuple(ROW_COLUMNS) for row in rows)
    assert {(row["model"], row["version"]) for row in rows} == {(model_id(predictor.bundle), __version__)}
    for row, text in zip(rows, TEXTS, strict=True):
        if row["reason"]:
            assert row["detail"]
            assert row["sentences"] is row["dominant"] is row["coverage"] is None
        else:
            assert row["dominant"] == predictor.score(text or "").dominant


def test_any_language_is_scored_where_it_is_asked_for(predictor: Predictor) -> None:
    (row,) = article_rows(predictor, [GERMAN], any_language=True)
    assert row["reason"] is None


def test_rows_are_the_same_however_many_articles_come_together(predictor: Predictor) -> None:
    texts = [f"The minister hopes {place}. The council fears it." for place in range(150)]
    assert list(article_rows(predictor, texts)) == [row for text in texts for row in article_rows(predictor, [text])]


def test_an_article_that_the_model_fails_on_gives_a_reason_even_alone(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor.load(trained.linear.path)
    score = predictor._score_chunk

    def failing(articles: list[str]) -> object:
        if any("doom" in article for article in articles):
            raise RuntimeError("doom")
        return score(articles)

    monkeypatch.setattr(predictor, "_score_chunk", failing)
    assert [row["reason"] for row in article_rows(predictor, ["It is doom."])] == ["failed"]
    assert [row["reason"] for row in article_rows(predictor, ["It hopes.", "It is doom.", "It fears."])] == [
        None,
        "failed",
        None,
    ]


def test_a_model_that_fails_on_everything_is_not_taken_for_bad_articles(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> ArticleScore:
        raise RuntimeError("broken")

    monkeypatch.setattr(Predictor, "_score_chunk", broken)
    with pytest.raises(RuntimeError, match="broken"):
        list(article_rows(Predictor.load(trained.linear.path), ["It hopes."]))


def test_the_model_is_loaded_once_in_a_process_until_another_is_asked_for(trained: Trained) -> None:
    first = resident_predictor(str(trained.linear.path))
    assert resident_predictor(str(trained.linear.path)) is first
    assert resident_predictor(str(trained.tiny.path)).bundle == trained.tiny
    assert resident_predictor(str(trained.linear.path)) is not first


@pytest.mark.parametrize(("told", "cores"), [("1", 1), ("1,4", 1), ("99", 3), ("", 3), ("0", 3), ("many", 3)])
def test_an_engine_that_runs_a_process_a_core_is_heeded(monkeypatch: pytest.MonkeyPatch, told: str, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert usable_cores() == cores
