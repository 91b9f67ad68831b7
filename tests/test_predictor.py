"""The predictor, with each kind of model."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from newsstance import SENTIMENTS, STANCES, ArticleError, BundleError, ModelNotFoundError, Predictor, encoder
from tests.conftest import Trained

TEXTS = ["Qwertyui hopes asdfghjk.", "Zxcvbnmq fears poiuytre.", "Lkjhgfds meets mnbvcxzq.", "Asdfqwer doubts zxcvasdf."]


def test_probabilities_are_keyed_by_label_and_sum_to_one(predictor: Predictor) -> None:
    for score in predictor.predict(TEXTS):
        assert tuple(score.stance_probabilities) == STANCES
        assert tuple(score.sentiment_probabilities) == SENTIMENTS
        assert sum(score.stance_probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert sum(score.sentiment_probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert score.stance == max(score.stance_probabilities, key=lambda label: score.stance_probabilities[label])


def test_the_cues_of_the_made_corpus_are_learnt(predictor: Predictor) -> None:
    assert [score.stance for score in predictor.predict(TEXTS)] == ["optimistic", "alarmed", "none", "cautious"]


def test_a_loaded_model_predicts_the_same_each_time(predictor: Predictor) -> None:
    again = Predictor.load(predictor.bundle.path)
    assert again.predict(TEXTS) == predictor.predict(TEXTS)


def test_an_article_is_scored_with_exact_offsets(predictor: Predictor) -> None:
    article = "  Headline meets here\n\n" + " ".join(TEXTS) + " “Été hopes.” \n"
    score = predictor.score(article)
    assert [sentence.text for sentence in score.sentences] == ["Headline meets here", *TEXTS, "“Été hopes.”"]
    assert all(article[sentence.start : sentence.end] == sentence.text for sentence in score.sentences)


def test_many_articles_score_as_one_by_one_and_in_order(predictor: Predictor) -> None:
    articles = [f"{TEXTS[place % 4]} {TEXTS[(place + 1) % 4]}" for place in range(70)]
    many = list(predictor.score_many(iter(articles)))
    assert len(many) == 70
    for article, score in zip(articles, many, strict=True):
        alone = predictor.score(article)
        assert [s.text for s in score.sentences] == [s.text for s in alone.sentences]
        for together, single in zip(score.sentences, alone.sentences, strict=True):
            assert together.stance_probabilities == pytest.approx(single.stance_probabilities, abs=1e-5)


def test_batches_computed_a_core_each_say_what_one_batch_says(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [f"{text} {'Abc ' * (place % 9)}" for place, text in enumerate(TEXTS * 12)]
    together = Predictor.load(trained.tiny.path).probabilities(sentences)
    for limit in ("_TOGETHER_TOKENS", "APART_TOKENS"):
        monkeypatch.setattr(encoder, limit, 64)
    apart = Predictor.load(trained.tiny.path).probabilities(sentences)
    for head, values in together.items():
        np.testing.assert_allclose(apart[head], values, atol=1e-6)


def put_another_model(folder: Path) -> None:
    """Put a model with other weights in the place of the encoder in ``folder``, as a training does."""
    graph = onnx.load(folder / "model.onnx")
    for tensor in graph.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(tensor), tensor.name))
    onnx.save(graph, folder / "new.onnx")
    (folder / "new.onnx").replace(folder / "model.onnx")


@pytest.mark.parametrize("instead", [put_another_model, shutil.rmtree])
def test_a_loaded_model_answers_for_itself_when_another_has_taken_its_place(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instead: Callable[[Path], None]
) -> None:
    for limit in ("_TOGETHER_TOKENS", "APART_TOKENS"):
        monkeypatch.setattr(encoder, limit, 64)
    monkeypatch.setattr(encoder, "usable_cores", lambda: 2)
    folder = Path(shutil.copytree(trained.tiny.path, tmp_path / "copy"))
    predictor, sentences = Predictor.load(folder), TEXTS * 12
    instead(folder)
    said = predictor.probabilities(sentences)
    for head, values in Predictor.load(trained.tiny.path).probabilities(sentences).items():
        np.testing.assert_allclose(said[head], values, atol=1e-6)


def test_threads_that_share_a_predictor_share_its_sessions(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("_TOGETHER_TOKENS", "APART_TOKENS"):
        monkeypatch.setattr(encoder, limit, 64)
    monkeypatch.setattr(encoder, "usable_cores", lambda: 2)
    predictor, made, make = Predictor.load(trained.tiny.path), [], encoder.open_session

    def slow(graph: Path, threads: int, alone: bool) -> object:
        made.append(threads)
        time.sleep(0.05)
        return make(graph, threads, alone)

    monkeypatch.setattr(encoder, "open_session", slow)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: predictor.probabilities(TEXTS * 12), range(4)))
    assert made == [1]


def test_articles_are_read_only_a_few_dozen_ahead(predictor: Predictor) -> None:
    taken = 0

    def endless() -> "object":
        nonlocal taken
        while True:
            taken += 1
            yield TEXTS[0]

    next(predictor.score_many(endless()))  # type: ignore[arg-type]
    assert taken <= 64


def test_a_text_longer_than_the_window_is_scored_in_parts_and_flagged(trained: Trained) -> None:
    predictor = Predictor.load(trained.tiny.path)
    short, long = predictor.predict(["Abc meets def.", "Abc mourns def " * 40 + "and then it hopes hailed thrives hopes."])
    assert short.parts == 1
    assert long.parts > 1
    alone = predictor.predict(["Abc mourns def " * 40])[0]
    assert long.stance_probabilities["optimistic"] > alone.stance_probabilities["optimistic"]  # its end was read


def test_no_sentences_give_no_scores(predictor: Predictor) -> None:
    assert predictor.predict([]) == []
    assert predictor.score(" \n ").sentences == ()
    assert list(predictor.score_many([])) == []


def test_a_lone_surrogate_is_scored_and_keeps_the_offsets(predictor: Predictor) -> None:
    score = predictor.score("Bad \ud800 byte hopes. It fears.")
    assert [(sentence.start, sentence.end) for sentence in score.sentences] == [(0, 17), (18, 27)]


def test_one_string_is_refused_where_a_list_is_meant(predictor: Predictor) -> None:
    with pytest.raises(ArticleError, match="list of sentences"):
        predictor.predict("One string.")
    with pytest.raises(ArticleError, match="sentence 1 is int"):
        predictor.predict(["a", 2])  # type: ignore[list-item]
    with pytest.raises(ArticleError, match="not bytes"):
        predictor.score(b"bytes")  # type: ignore[arg-type]


def test_the_champion_is_found_by_its_models_folder_or_its_file(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSSTANCE_MODELS", str(trained.models))
    found = {Predictor.load(path).bundle.path for path in (None, trained.models, trained.models / "champion")}
    assert found == {trained.models / (trained.models / "champion").read_text().strip()}


def test_without_a_model_the_message_says_to_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError, match="make train"):
        Predictor.load()
    with pytest.raises(ModelNotFoundError, match="no exported model here"):
        Predictor.load(tmp_path)


def test_the_linear_model_gives_what_scikit_learn_gives(trained: Trained) -> None:
    assert trained.linear.metrics["export/largest_difference"] < 1e-5
    probabilities = Predictor.load(trained.linear.path).probabilities(["", "Unknown words only."])
    assert all(np.isfinite(values).all() for values in probabilities.values())


def test_an_unknown_kind_of_model_is_refused(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text((trained.linear.path / "bundle.json").read_text().replace('"linear"', '"oracle"', 1))
    for name in trained.linear.files:
        (tmp_path / name).write_bytes((trained.linear.path / name).read_bytes())
    with pytest.raises(BundleError, match="oracle"):
        Predictor.load(tmp_path)
