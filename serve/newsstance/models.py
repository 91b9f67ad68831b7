"""What every kind of exported model offers the predictor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Estimates:
    """A model's answer on a list of texts.

    ``probabilities`` holds, by head, an array of shape (texts, labels of the head) whose rows sum to 1. ``parts`` tells in
    how many windows each text was read: more than 1 for a text longer than the model's window.
    """

    probabilities: Mapping[str, Floats]
    parts: tuple[int, ...]


class Model(Protocol):
    """Something that estimates the probabilities of each head's labels."""

    def estimate(self, texts: Sequence[str]) -> Estimates:
        """Estimate for each of ``texts``, at least one."""
        ...


def softmax(logits: Floats) -> Floats:
    """Turn logits of shape (rows, labels) into probabilities, row by row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)
