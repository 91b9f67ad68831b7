"""What is summed up of an article."""

import json
from dataclasses import FrozenInstanceError

import pytest

from newsstance import SENTIMENTS, STANCES, ArticleScore, SentenceScore


def sentence(stance: str, p: float = 0.7, positive: float = 0.5, negative: float = 0.2) -> SentenceScore:
    rest = {label: (1 - p) / 3 for label in STANCES if label != stance}
    sentiment = {"negative": negative, "neutral": 1 - positive - negative, "positive": positive}
    return SentenceScore(stance, 0, 4, stance, {**rest, stance: p}, "positive", sentiment)


def test_shares_coverage_and_tone_follow_their_definitions() -> None:
    score = ArticleScore.of([sentence(label) for label in ("optimistic", "optimistic", "alarmed", "cautious", "none", "none")])
    assert score.coverage == pytest.approx(4 / 6)
    assert score.shares == {"optimistic": 0.5, "cautious": 0.25, "alarmed": 0.25}
    assert score.tone == pytest.approx((2 - 1) / 4)
    assert score.dominant == "optimistic"
    assert score.mean_sentiment == pytest.approx(0.3)


def test_evidence_is_the_strongest_sentence_of_each_stance() -> None:
    strong = sentence("alarmed", 0.9)
    score = ArticleScore.of([sentence("alarmed", 0.6), strong, sentence("none", 0.99)])
    assert score.evidence == {"optimistic": None, "cautious": None, "alarmed": strong}
    assert score.to_dict()["evidence"]["alarmed"] == {"sentence": 1, "text": "alarmed", "probability": 0.9}


def test_a_tie_goes_to_the_stance_with_the_most_probability() -> None:
    assert ArticleScore.of([sentence("optimistic", 0.5), sentence("alarmed", 0.9)]).dominant == "alarmed"


def test_an_article_without_a_stance_has_no_tone() -> None:
    score = ArticleScore.of([sentence("none")])
    assert (score.coverage, score.tone, score.dominant) == (0.0, None, "none")
    assert set(score.shares.values()) == {0.0}


def test_an_empty_article_is_scored_as_empty() -> None:
    score = ArticleScore.of([])
    assert (score.sentences, score.coverage, score.tone, score.mean_sentiment) == ((), 0.0, None, None)


def test_scores_are_frozen_and_turn_into_json() -> None:
    score = ArticleScore.of([sentence("cautious"), sentence("none")])
    with pytest.raises(FrozenInstanceError):
        score.coverage = 1.0  # type: ignore[misc]
    back = json.loads(json.dumps(score.to_dict()))
    assert back["sentences"][0]["stance"] == "cautious"
    assert set(back["sentences"][0]["sentiment_probabilities"]) == set(SENTIMENTS)
