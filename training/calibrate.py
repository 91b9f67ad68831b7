"""Calibrate an exported model: temperatures at which its probabilities are as sure as its answers are right."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from newsstance.labels import HEADS
from newsstance.models import Floats
from training.corpus import Sentence
from training.predictions import SplitPredictions

NEWS_LIKE: Final = frozenset({"lee", "wire", "wire-form"})
"""The origins whose sentences stand as they do in running news. The others were written to take a stance and are clearer than
news: a temperature fitted on them would leave the model too sure of itself on news."""

NEWS_STRETCH: Final = {"stance": 1.15, "sentiment": 1.0}
"""What real news needs beyond the temperature that validation asks for, by head. Measured by holding out a third of ``lee``'s
training documents at a time and fitting a temperature on it and on validation: their ratio was 1.09 to 1.17 for stance and 0.98
to 1.0 for sentiment over four recipes of three folds each (``training/NOTES.md``, "Calibration")."""

_BOUNDS: Final = (np.log(0.1), np.log(10.0))


def fit_temperatures(answers: SplitPredictions, sentences: Sequence[Sentence]) -> dict[str, float]:
    """Give, by head, the temperature that suits news: the one that suits a model's ``answers`` on validation, times a constant.

    The first minimises the negative log-likelihood there; the constant is ``NEWS_STRETCH``.
    The model isn't calibrated yet. Only those of ``sentences`` that stand as in running news count, or all where validation has
    none. One number a head (Guo et al. 2017, https://arxiv.org/abs/1706.04599) changes no answer, only how sure it is.
    """
    news_like = {sentence.id for sentence in sentences if sentence.origin in NEWS_LIKE}
    places = [place for place, identity in enumerate(answers.ids) if identity in news_like] or list(range(len(answers.ids)))
    return {
        head: round(NEWS_STRETCH[head] * _best_temperature(_logs(values[places]), _indices(answers, head, places)), 4)
        for head, values in answers.probabilities.items()
    }


def _best_temperature(logits: npt.NDArray[np.float64], gold: npt.NDArray[np.int64]) -> float:
    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        of_gold = scaled[np.arange(len(gold)), gold]
        return float(np.mean(np.logaddexp.reduce(scaled, axis=1) - of_gold))

    return float(np.exp(minimize_scalar(loss, bounds=_BOUNDS, method="bounded").x))


def _logs(probabilities: Floats) -> npt.NDArray[np.float64]:
    return np.log(np.maximum(probabilities.astype(np.float64), 1e-12))


def _indices(answers: SplitPredictions, head: str, places: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.array([HEADS[head].index(answers.gold[head][place]) for place in places])
