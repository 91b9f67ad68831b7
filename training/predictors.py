"""Newsstance's own predictors as contestants of ``bench``."""

from newsstance import Predictor
from training.contestants import Scorers


def load_whole(path: str) -> Scorers:
    """Load the model at ``path`` as one uses it on many texts: all handed over at once."""
    predictor = Predictor.load(path)
    return Scorers(
        lambda texts: [score.stance for score in predictor.predict(texts)],
        lambda articles: [score.dominant for score in predictor.score_many(articles)],
    )


def load_single(path: str) -> Scorers:
    """Load the model at ``path`` as one uses it on texts that come one at a time."""
    predictor = Predictor.load(path)
    return Scorers(
        lambda texts: [predictor.predict([text])[0].stance for text in texts],
        lambda articles: [predictor.score(article).dominant for article in articles],
    )
