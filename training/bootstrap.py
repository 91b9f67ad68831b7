"""How sure a score is, and a difference of two: intervals and p-values by resampling.

What is drawn with replacement are whole articles where sentences of an article stand together, since they aren't independent
(the cluster bootstrap: Davison and Hinkley 1997, Bootstrap Methods and their Application, section 3.8), and, for a sweep, its
seeds besides, so that an interval holds both what other articles and what other seeds would have given. Intervals are
percentile intervals (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13). A difference is resampled in
pairs, the same articles for both models (Koehn 2004, https://aclanthology.org/W04-3250; Berg-Kirkpatrick and others 2012,
https://aclanthology.org/D12-1091).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from newsstance.labels import HEADS, POSTURES, SENTIMENTS
from training.predictions import SplitPredictions

METRICS: Final = {"stance_f1": ("stance", POSTURES), "sentiment_f1": ("sentiment", SENTIMENTS)}
"""The metrics that have intervals: the head that each is about, and the labels whose F1 it averages."""

SAMPLES: Final = 10_000
LEVEL: Final = 0.95
"""The share of the resampled scores that an interval holds; a difference is significant where its p is below the rest."""

_SEED: Final = 20261126
_AT_ONCE: Final = 1000
"""Samples drawn at once, which bounds memory."""

Array = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A score and its interval at ``LEVEL``."""

    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """How much the first of two is better, its interval at ``LEVEL``, and the two-sided p-value of there being none."""

    value: float
    low: float
    high: float
    p: float

    @property
    def is_significant(self) -> bool:
        """Tell whether chance is an unlikely reason for it."""
        return self.p < 1 - LEVEL


def estimate(seeds: Sequence[SplitPredictions], metric: str) -> Estimate:
    """Give the mean of ``metric`` over ``seeds``, answers of one recipe on the same sentences, and its interval."""
    value, resampled = _scores(seeds, metric)
    return Estimate(value, *_interval(_over_seeds(resampled, stream=1)))


def difference(first: Sequence[SplitPredictions], second: Sequence[SplitPredictions], metric: str) -> Difference:
    """Give how much better ``first`` is than ``second`` in ``metric``, each one answer or those of several seeds.

    The p-value is twice the share of samples in which the worse one is at least as good, counting one sample more, so that
    it is never 0 (Davison and Hinkley, section 4.2). Raises ``ComparisonError`` unless all answer the same sentences.
    """
    for answers in (*first, *second):
        first[0].require_same(answers)
    ours, our_samples = _scores(first, metric)
    theirs, their_samples = _scores(second, metric)
    samples = _over_seeds(our_samples, stream=1) - _over_seeds(their_samples, stream=2)
    tail = min(int((samples <= 0).sum()), int((samples >= 0).sum()))
    return Difference(ours - theirs, *_interval(samples), min(1.0, 2 * (tail + 1) / (SAMPLES + 1)))


def macro_f1(counts: Array, places: Sequence[int]) -> Array:
    """Give the macro-F1 over the labels at ``places``, from confusions of shape (..., gold, predicted); none seen scores 0."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    f1 = np.divide(2 * right, total, out=np.zeros_like(total, dtype=float), where=total > 0)
    return np.asarray(f1[..., list(places)].mean(axis=-1), dtype=np.float64)


def _scores(seeds: Sequence[SplitPredictions], metric: str) -> tuple[float, Array]:
    """Give the mean score over seeds, and the resampled scores of shape (samples, seeds)."""
    head, labels = METRICS[metric]
    places = [HEADS[head].index(label) for label in labels]
    counts = np.stack([_unit_confusions(answers, head) for answers in seeds])
    value = float(macro_f1(counts.sum(axis=1), places).mean())
    rng = np.random.default_rng(_SEED)
    count, units, size, _ = counts.shape
    flat = counts.transpose(1, 0, 2, 3).reshape(units, -1)
    chunks = []
    for _ in range(SAMPLES // _AT_ONCE):
        drawn = _draw(rng, units)
        chunks.append(macro_f1((drawn @ flat).reshape(_AT_ONCE, count, size, size), places))
    return value, np.concatenate(chunks)


def _unit_confusions(answers: SplitPredictions, head: str) -> Array:
    """Count each unit's sentences by gold and predicted label: (units, gold, predicted)."""
    place = {label: index for index, label in enumerate(HEADS[head])}
    units = {unit: index for index, unit in enumerate(dict.fromkeys(answers.units))}
    counts = np.zeros((len(units), len(place), len(place)))
    gold = [place[label] for label in answers.gold[head]]
    predicted = answers.probabilities[head].argmax(axis=1)
    np.add.at(counts, ([units[unit] for unit in answers.units], gold, predicted), 1)
    return counts


def _draw(rng: np.random.Generator, units: int) -> Array:
    """Draw ``units`` units with replacement, many times over: how often each was drawn, of shape (samples, units)."""
    picked = rng.integers(units, size=(_AT_ONCE, units)) + units * np.arange(_AT_ONCE)[:, None]
    return np.bincount(picked.ravel(), minlength=_AT_ONCE * units).reshape(_AT_ONCE, units).astype(np.float64)


def _over_seeds(resampled: Array, stream: int) -> Array:
    """Average each sample's scores over seeds that are drawn with replacement too."""
    samples, seeds = resampled.shape
    drawn = np.random.default_rng([_SEED, stream]).multinomial(seeds, np.full(seeds, 1 / seeds), size=samples) / seeds
    return np.asarray((resampled * drawn).sum(axis=1), dtype=np.float64)


def _interval(samples: Array) -> tuple[float, float]:
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
