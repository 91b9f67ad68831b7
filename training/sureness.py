"""How sure a fast model must be of its answer for it to stand in the champion's place."""

from collections.abc import Mapping
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from newsstance.labels import HEADS
from newsstance.models import Floats, likeliest, sure_enough
from training.metrics import Labels, head_f1

_STEPS: Final = 24
"""Thresholds tried a head, at even shares of the validation sentences."""


class Sureness(NamedTuple):
    """The probability above which the fast model's answer stands, by head, and the share of sentences that it then answers."""

    thresholds: Mapping[str, float]
    share: float


def choose_sureness(fast: Mapping[str, Floats], champion: Mapping[str, Floats], gold: Labels, tolerance: float) -> Sureness:
    """Choose the thresholds with which the fast model answers most while each head's F1 stays within ``tolerance``.

    ``fast`` and ``champion`` are the two models' probabilities of the same sentences, by head of shape (sentences, labels). A
    sentence is the fast model's if it is sure enough in both heads. Where nothing else keeps the F1, nothing is sure enough.
    """
    least = {head: head_f1(head, gold[head], likeliest(head, champion[head])) - tolerance for head in HEADS}
    tried = [dict(zip(HEADS, chosen, strict=True)) for chosen in product(*(_thresholds(fast[head]) for head in HEADS))]
    for thresholds in sorted(tried, key=lambda thresholds: -sure_enough(fast, thresholds).sum()):
        sure = sure_enough(fast, thresholds)
        if _keeps(sure, fast, champion, gold, least):
            return Sureness(thresholds, float(sure.mean()))
    return Sureness(dict.fromkeys(HEADS, 1.0), 0.0)


def _keeps(
    sure: npt.NDArray[np.bool_],
    fast: Mapping[str, Floats],
    champion: Mapping[str, Floats],
    gold: Labels,
    least: Mapping[str, float],
) -> bool:
    mixed = {head: np.where(sure[:, None], fast[head], champion[head]) for head in HEADS}
    return all(head_f1(head, gold[head], likeliest(head, mixed[head])) >= least[head] for head in HEADS)


def _thresholds(probabilities: Floats) -> list[float]:
    quantiles = np.quantile(probabilities.max(axis=1), np.linspace(0, 1, _STEPS, endpoint=False)[1:])
    return [0.0, *(round(float(value), 4) for value in quantiles)]
