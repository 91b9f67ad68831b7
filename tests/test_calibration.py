"""Calibrated probabilities, and the operating point below which a stance is unsure."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from newsstance import BundleError, ConfidenceError, Predictor
from newsstance.bundle import Bundle, read_bundle
from newsstance.cli import main
from newsstance.labels import HEADS, STANCES, UNSURE
from newsstance.models import Estimates, Floats, softmax, temperatures
from newsstance.scores import ArticleScore
from tests.conftest import Trained
from training.calibrate import NEWS_STRETCH, fit_temperatures
from training.corpus import Sentence, read_corpus
from training.predictions import predict_split


class Overconfident:
    """A model that is right in 3 of 4 sentences of each kind and says 0.99 of all of them."""

    def estimate(self, texts: Sequence[str]) -> Estimates:
        """Estimate as ``Model`` says."""
        logits = {head: np.zeros((len(texts), len(labels)), np.float32) for head, labels in HEADS.items()}
        for values in logits.values():
            values[:, 0] = np.log(99 * (values.shape[1] - 1))
        return Estimates({head: softmax(values) for head, values in logits.items()}, (1,) * len(texts))


def rows(origin: str, right: int, wrong: int, split: str = "validation") -> list[Sentence]:
    labels = [("optimistic", "negative")] * right + [("cautious", "positive")] * wrong
    return [Sentence(f"{origin}{n}", f"{origin} {n}", *pair, "", origin, "b", split) for n, pair in enumerate(labels)]


def test_temperature_makes_a_model_as_sure_as_it_is_right(trained: Trained) -> None:
    sentences = rows("lee", 75, 25)
    answers = predict_split(Predictor(Overconfident(), trained.linear), sentences, "validation")
    fitted = {head: value / NEWS_STRETCH[head] for head, value in fit_temperatures(answers, sentences).items()}
    for head, values in answers.tempered(fitted).probabilities.items():
        assert fitted[head] > 1
        assert values[0, 0] == pytest.approx(0.75, abs=0.01)
        assert np.allclose(
            answers.tempered(fitted).tempered({name: 1 / t for name, t in fitted.items()}).probabilities[head],
            answers.probabilities[head],
            atol=1e-5,
        )


def test_calibration_looks_at_news_like_validation_only_where_there_is_any(trained: Trained) -> None:
    predictor = Predictor(Overconfident(), trained.linear)
    news, clear = rows("lee", 75, 25), rows("grid", 100, 0)
    both, alone = (fit_temperatures(predict_split(predictor, some, "validation"), some) for some in (news + clear, news))
    assert both == alone
    assert fit_temperatures(predict_split(predictor, clear, "validation"), clear)["stance"] < 1


def with_settings(bundle: Bundle, **settings: object) -> Bundle:
    return replace(bundle, settings={**bundle.settings, **settings})


def test_every_exported_model_carries_its_temperatures_and_they_change_no_answer(trained: Trained) -> None:
    texts = [sentence.text for sentence in read_corpus(trained.corpus)][:40]
    for bundle in (trained.linear, trained.tiny):
        kept = read_bundle(bundle.path)
        assert set(kept.settings["temperature"]) == set(HEADS)
        cold = Predictor.load(bundle.path)
        warm_bundle = with_settings(kept, temperature=dict.fromkeys(HEADS, 5.0))
        warm: dict[str, Floats] = dict(type(cold._model).read(warm_bundle).estimate(texts).probabilities)  # type: ignore[attr-defined]
        for head, values in cold.probabilities(texts).items():
            assert (values.argmax(axis=1) == warm[head].argmax(axis=1)).all()
            assert warm[head].max() < values.max()


WRONG = [{"stance": 0, "sentiment": 1}, {"stance": 1}, "warm", {"stance": float("nan"), "sentiment": 1}]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_temperature_that_is_no_positive_number_is_refused(wrong: object, trained: Trained) -> None:
    with pytest.raises(BundleError, match="temperatures"):
        temperatures(with_settings(trained.linear, temperature=wrong))


def test_a_bundle_without_temperatures_is_read_as_it_is(trained: Trained) -> None:
    settings = {name: value for name, value in trained.linear.settings.items() if name != "temperature"}
    assert temperatures(replace(trained.linear, settings=settings)) == {"stance": 1.0, "sentiment": 1.0}


def test_below_the_operating_point_a_stance_is_unsure_and_counts_as_none(trained: Trained) -> None:
    sure, unsure = (Predictor(Overconfident(), trained.linear, least) for least in (0.5, 0.999))
    assert [score.stance for score in sure.predict(["a", "b"])] == ["optimistic", "optimistic"]
    score = unsure.score("Something happens. Something else happens.")
    assert [sentence.stance for sentence in score.sentences] == [UNSURE, UNSURE]
    assert (score.unsure, score.coverage, score.tone, score.dominant) == (1.0, 0.0, None, "none")
    assert set(score.sentences[0].stance_probabilities) == set(STANCES)
    assert json.loads(json.dumps(score.to_dict()))["unsure"] == 1.0


def test_an_article_tells_its_unsure_share_apart() -> None:
    assert ArticleScore.of([]).unsure == 0.0


def test_the_user_moves_the_operating_point_of_a_model(trained: Trained, tmp_path: Path) -> None:
    text = "Nobody knows this sentence."
    predictor = Predictor.load(trained.linear.path, min_confidence=1.0)
    assert predictor.predict([text])[0].stance == UNSURE
    assert Predictor.load(trained.linear.path).predict([text])[0].stance in STANCES


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan"), True])
def test_a_confidence_that_is_no_probability_is_refused(wrong: float, trained: Trained) -> None:
    with pytest.raises(ConfidenceError, match="probability"):
        Predictor.load(trained.linear.path, min_confidence=wrong)


def test_the_command_line_reports_what_is_unsure(trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    article = tmp_path / "article.txt"
    article.write_text("Nobody knows this sentence.", encoding="utf-8")
    model = ["--model", str(trained.linear.path)]
    assert main(["score", str(article), *model, "--min-confidence", "1", "--format", "table"]) == 0
    assert "unsure of 100%" in capsys.readouterr().out
    assert main(["score", str(article), *model, "--min-confidence", "2"]) == 2
    assert "from 0 to 1" in capsys.readouterr().err
