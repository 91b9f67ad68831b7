"""How far probabilities can be believed: calibration error, log loss and Brier score."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from newsstance.labels import HEADS
from newsstance.models import Floats
from training.predictions import SplitPredictions

BINS: Final = 15
"""Bins of the calibration error, the usual number since Guo and others (2017)."""

_LEAST: Final = 1e-12
"""The least probability that log loss takes a label to have had, so that one certain mistake doesn't make it infinite."""


class Bin(NamedTuple):
    """Sentences of like confidence: how many, their mean confidence, and the share that was answered rightly."""

    sentences: int
    confidence: float
    accuracy: float


def confidence_bins(probabilities: Floats, gold: Sequence[int], bins: int = BINS) -> list[Bin]:
    """Sort sentences by the probability of their likeliest label into ``bins`` bins of like size.

    ``probabilities`` has shape (sentences, labels) and ``gold`` holds each sentence's label as a column. Bins of equal mass,
    unlike those of equal width, are never empty and bias the error less (Nguyen and O'Connor 2015,
    https://aclanthology.org/D15-1182; Roelofs and others 2022, https://proceedings.mlr.press/v151/roelofs22a.html).
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == np.asarray(gold)
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return [Bin(len(part), float(confidence[part].mean()), float(right[part].mean())) for part in parts]


def expected_calibration_error(probabilities: Floats, gold: Sequence[int], bins: int = BINS) -> float:
    """Give the mean gap of confidence and accuracy over bins of equal mass, in [0, 1].

    The top-label calibration error of Guo and others (2017), https://proceedings.mlr.press/v70/guo17a.html.
    """
    found = confidence_bins(probabilities, gold, bins)
    return sum(item.sentences * abs(item.confidence - item.accuracy) for item in found) / len(gold)


def log_loss(probabilities: npt.NDArray[np.floating], gold: Sequence[int]) -> float:
    """Give the mean negative log likelihood of the gold labels, in nats."""
    given = probabilities[np.arange(len(gold)), gold].astype(np.float64)
    return float(-np.log(np.maximum(given, _LEAST)).mean())


def brier_score(probabilities: Floats, gold: Sequence[int]) -> float:
    """Give Brier's score over all labels, in [0, 2]: the mean squared distance from certainty of the gold label.

    Brier (1950), https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    truth = np.eye(probabilities.shape[1])[gold]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def uniform_log_loss(labels: int) -> float:
    """Give the log loss of finding all ``labels`` labels equally likely."""
    return float(np.log(labels))


def prior_log_loss(gold: Sequence[int], labels: int) -> float:
    """Give the log loss of always answering with the class shares of ``gold`` itself.

    No constant answer has a lower one, so that this is the hardest baseline of its kind: the entropy of the labels.
    """
    shares = np.bincount(gold, minlength=labels) / len(gold)
    return log_loss(np.tile(shares, (len(gold), 1)), gold)


def calibration_metrics(answers: SplitPredictions) -> dict[str, float]:
    """Give ``HEAD_ece``, ``HEAD_nll``, ``HEAD_brier``, and the baselines ``HEAD_nll_uniform`` and ``HEAD_nll_prior``."""
    metrics: dict[str, float] = {}
    for head, gold in gold_places(answers).items():
        probabilities = answers.probabilities[head]
        metrics |= {
            f"{head}_ece": expected_calibration_error(probabilities, gold),
            f"{head}_nll": log_loss(probabilities, gold),
            f"{head}_brier": brier_score(probabilities, gold),
            f"{head}_nll_uniform": uniform_log_loss(len(HEADS[head])),
            f"{head}_nll_prior": prior_log_loss(gold, len(HEADS[head])),
        }
    return metrics


def gold_places(answers: SplitPredictions) -> Mapping[str, list[int]]:
    """Give, by head, each sentence's gold label as its position among the head's labels."""
    return {head: [labels.index(label) for label in answers.gold[head]] for head, labels in HEADS.items()}


def risk_coverage(probabilities: Floats, gold: Sequence[int]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give the share of sentences answered (coverage) and of wrong answers among them (risk), the surest answered first.

    El-Yaniv and Wiener (2010), https://jmlr.org/papers/v11/el-yaniv10a.html.
    """
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = (probabilities.argmax(axis=1) != np.asarray(gold))[order]
    answered = np.arange(1, len(order) + 1)
    return answered / len(order), np.cumsum(wrong) / answered
