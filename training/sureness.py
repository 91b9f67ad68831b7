"""How sure a fast model must be of its answer for it to stand in the champion's place."""

from collections.abc import Mapping
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from newsstance.labels import HEADS
from newsstance.models import Floats, likeliest, sure_enough
from training.metrics import Labels, expected_f1, head_f1

_STEPS: Final = 24
"""Thresholds tried a head, at even shares of the validation sentences."""


class Sureness(NamedTuple):
    """The probability above which the fast model's answer stands, by head, and the share of sentences that it then answers."""

    thresholds: Mapping[str, float]
    share: float


def choose_sureness(fast: Mapping[str, Floats], champion: Mapping[str, Floats], gold: Labels, tolerance: float) -> Sureness:
    """Choose the thresholds with which the fast model answers most while each head's F1 stays within ``tolerance``.

    ``fast`` and ``champion`` are the two models' probabilities of the same sentences, by head of shape (sentences, labels). A
    sentence is the fast model's if it is sure enough in both heads. The F1 must stay by the labels ``gold`` and, expected, by
    the champion's probabilities: of hundreds of thresholds some are lucky with a few hundred labels, fewer with both. Where
    nothing else keeps the F1, nothing is sure enough.
    """
    least = _f1s(champion, champion, gold) - tolerance
    tried = [dict(zip(HEADS, chosen, strict=True)) for chosen in product(*(_thresholds(fast[head]) for head in HEADS))]
    for thresholds in sorted(tried, key=lambda thresholds: -sure_enough(fast, thresholds).sum()):
        sure = sure_enough(fast, thresholds)
        mixed = {head: np.where(sure[:, None], fast[head], champion[head]) for head in HEADS}
        if (_f1s(mixed, champion, gold) >= least).all():
            return Sureness(thresholds, float(sure.mean()))
    return Sureness(dict.fromkeys(HEADS, 1.0), 0.0)


def _f1s(answers: Mapping[str, Floats], champion: Mapping[str, Floats], gold: Labels) -> Floats:
    """Give the F1 of ``answers`` by the labels and by the champion's probabilities, of shape (2, heads)."""
    labels = {head: likeliest(head, answers[head]) for head in HEADS}
    found = [
        [head_f1(head, gold[head], labels[head]) for head in HEADS],
        [expected_f1(head, champion[head], labels[head]) for head in HEADS],
    ]
    return np.array(found, dtype=np.float32)


def _thresholds(probabilities: Floats) -> list[float]:
    quantiles = np.quantile(probabilities.max(axis=1), np.linspace(0, 1, _STEPS, endpoint=False)[1:])
    return [0.0, *(round(float(value), 4) for value in quantiles)]
