"""What every kind of exported model offers the predictor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from newsstance.bundle import Bundle
from newsstance.errors import BundleError
from newsstance.labels import HEADS

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Estimates:
    """A model's answer on a list of texts.

    ``probabilities`` holds, by head, an array of shape (texts, labels of the head) whose rows sum to 1. ``parts`` tells in
    how many windows each text was read: more than 1 for a text longer than the model's window. ``models`` names, where
    several models share the work, the one that answered for each text.
    """

    probabilities: Mapping[str, Floats]
    parts: tuple[int, ...]
    models: tuple[str, ...] | None = None


def temperatures(bundle: Bundle) -> dict[str, float]:
    """Give the temperature of each head: what its logits are divided by so that probabilities are as sure as they are right.

    A bundle without any isn't calibrated, and its heads have a temperature of 1. Raises ``BundleError`` for one that is no
    positive number.
    """
    given = bundle.settings.get("temperature", dict.fromkeys(HEADS, 1.0))
    try:
        read = {head: float(given[head]) for head in HEADS}
    except (KeyError, TypeError, ValueError):
        read = {}
    if not read or not all(0 < value < np.inf for value in read.values()):
        raise BundleError(f"{bundle.path}: its temperatures are no positive numbers, one a head: {given!r}")
    return read


class Model(Protocol):
    """Something that estimates the probabilities of each head's labels."""

    def estimate(self, texts: Sequence[str]) -> Estimates:
        """Estimate for each of ``texts``, at least one."""
        ...


def softmax(logits: Floats) -> Floats:
    """Turn logits of shape (rows, labels) into probabilities, row by row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def likeliest(head: str, values: Floats) -> list[str]:
    """Give the likeliest label of ``head`` in each row of ``values``, probabilities or logits of shape (rows, labels)."""
    return [HEADS[head][place] for place in values.argmax(axis=1)]


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Give what ``probabilities`` of shape (rows, labels) would be had their logits been divided by ``temperature``."""
    tiny = np.finfo(np.float32).tiny
    logits = np.log(np.maximum(probabilities, tiny)) / temperature
    return softmax(logits.astype(np.float32))


def sure_enough(probabilities: Mapping[str, Floats], thresholds: Mapping[str, float]) -> npt.NDArray[np.bool_]:
    """Tell of each row whether its likeliest label exceeds the threshold in every head; of shape (rows,)."""
    return np.asarray(np.logical_and.reduce([probabilities[head].max(axis=1) > thresholds[head] for head in HEADS]))
