"""Calibrate an exported model: temperatures at which its probabilities are as sure as its answers are right."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from newsstance import Predictor
from newsstance.labels import HEADS
from training.corpus import Sentence, label_indices, of_split

NEWS_LIKE: Final = frozenset({"lee", "wire", "wire-form"})
"""The origins whose sentences stand as they do in running news. The others were written to take a stance and are clearer than
news: a temperature fitted on them would leave the model too sure of itself on news."""

_BOUNDS: Final = (np.log(0.1), np.log(10.0))


def calibration_sentences(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Give the sentences of validation that stand as in running news, or all of validation where it has none."""
    validation = of_split(sentences, "validation")
    return [sentence for sentence in validation if sentence.origin in NEWS_LIKE] or validation


def fit_temperatures(predictor: Predictor, sentences: Sequence[Sentence]) -> dict[str, float]:
    """Give, by head, the temperature that minimises the negative log-likelihood of ``sentences``, at least one.

    ``predictor`` isn't calibrated yet. One number a head (Guo et al. 2017, https://arxiv.org/abs/1706.04599) changes no
    answer, only how sure it is.
    """
    probabilities = predictor.probabilities([sentence.text for sentence in sentences])
    logits = {head: np.log(np.maximum(values.astype(np.float64), 1e-12)) for head, values in probabilities.items()}
    return {head: _best_temperature(logits[head], np.array(label_indices(sentences, head))) for head in HEADS}


def _best_temperature(logits: npt.NDArray[np.float64], gold: npt.NDArray[np.int64]) -> float:
    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        of_gold = scaled[np.arange(len(gold)), gold]
        return float(np.mean(np.logaddexp.reduce(scaled, axis=1) - of_gold))

    return round(float(np.exp(minimize_scalar(loss, bounds=_BOUNDS, method="bounded").x)), 4)
