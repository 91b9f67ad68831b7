"""What there was before newsstance, measured the same way."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from training.contestants import Scorers

if TYPE_CHECKING:
    from training.metrics import Labels  # what it imports would be paid for by the baselines in the benchmark

VADER_THRESHOLD: Final = 0.05
"""The usual threshold on VADER's compound score: at least this is positive, at most its negative is negative."""

_STANCE_OF: Final = {"positive": "optimistic", "neutral": "none", "negative": "alarmed"}


def vader_labels(texts: Sequence[str]) -> "Labels":
    """Label ``texts`` by VADER's compound score; its three answers are taken for optimistic, none and alarmed.

    VADER knows no caution, so that its F1 on ``cautious`` is 0. Thresholds: Hutto and Gilbert (2014), the package's README.
    """
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # here, since nothing else needs it

    analyzer = SentimentIntensityAnalyzer()
    sentiments = [_sentiment(analyzer.polarity_scores(text)["compound"]) for text in texts]
    return {"stance": [_STANCE_OF[sentiment] for sentiment in sentiments], "sentiment": sentiments}


def textblob_labels(texts: Sequence[str]) -> "Labels":
    """Label ``texts`` by the polarity that TextBlob's default analyser gives, at VADER's thresholds, likewise."""
    from textblob import TextBlob  # here, since nothing else needs it

    sentiments = [_sentiment(TextBlob(text).sentiment.polarity) for text in texts]
    return {"stance": [_STANCE_OF[sentiment] for sentiment in sentiments], "sentiment": sentiments}


def load_vader() -> Scorers:
    """Give VADER as a contestant of ``bench``."""
    return Scorers(lambda texts: list(vader_labels(texts)["stance"]))


def load_textblob() -> Scorers:
    """Give TextBlob as a contestant of ``bench``."""
    return Scorers(lambda texts: list(textblob_labels(texts)["stance"]))


def _sentiment(compound: float) -> str:
    if compound >= VADER_THRESHOLD:
        return "positive"
    return "negative" if compound <= -VADER_THRESHOLD else "neutral"
