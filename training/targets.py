"""What a model learns of each training sentence: labels, what votes or a teacher make of them, and how much it counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from newsstance.labels import HEADS
from newsstance.models import Floats
from training.annotations import Vote
from training.corpus import Sentence, label_indices
from training.recipe import DataSettings
from training.states import States
from training.teach import Lesson

Votes = Mapping[str, Sequence[Vote]]
"""All votes on a sentence, by its id."""


@dataclass(frozen=True, eq=False)
class Targets:
    """What to learn of the training sentences, in their order.

    ``labels`` holds, by head, their indices, of shape (sentences,), or probabilities, of shape (sentences, labels);
    ``weights`` how much each counts in the loss, of shape (sentences,), or ``None`` if all count alike; ``states`` a teacher's
    of their tokens, or ``None``.
    """

    labels: Mapping[str, npt.NDArray[np.int64] | Floats]
    weights: npt.NDArray[np.float32] | None = None
    states: States | None = None


def targets(
    train: Sequence[Sentence], votes: Votes, data: DataSettings, lesson: Lesson | None = None, states: States | None = None
) -> Targets:
    """Give what a recipe's ``data`` makes of the sentences ``train``, which ``lesson`` and ``states``, if any, are about."""
    several = {identity: cast for identity, cast in votes.items() if len(cast) > 1} if data.votes == "shares" else {}
    return Targets({head: _of_head(train, head, several, lesson) for head in HEADS}, sentence_weights(train, data), states)


def sentence_weights(train: Sequence[Sentence], data: DataSettings) -> npt.NDArray[np.float32] | None:
    """Give the weight of each sentence by its origin, of shape (sentences,), or ``None`` if ``data`` weighs all alike."""
    if not data.weights:
        return None
    return np.array([data.weights.get(sentence.origin, 1.0) for sentence in train], dtype=np.float32)


def _of_head(
    train: Sequence[Sentence], head: str, several: Votes, lesson: Lesson | None
) -> npt.NDArray[np.int64] | Floats:  # fmt: skip
    indices = label_indices(train, head)
    if not several and lesson is None:
        return np.asarray(indices, dtype=np.int64)
    labels = np.eye(len(HEADS[head]), dtype=np.float32)[indices]
    for place, sentence in enumerate(train):
        if sentence.id in several:
            labels[place] = _shares(several[sentence.id], head)
    if lesson is None:
        return labels
    annotated = np.array([sentence.votes > 0 for sentence in train])
    return _taught(labels, annotated, head, lesson)


def _shares(votes: Sequence[Vote], head: str) -> Floats:
    given = [vote.label(head) for vote in votes]
    return np.array([given.count(label) / len(given) for label in HEADS[head]], dtype=np.float32)


def _taught(labels: Floats, annotated: npt.NDArray[np.bool_], head: str, lesson: Lesson) -> Floats:
    softened = lesson.probabilities[head] ** np.float32(1 / lesson.settings.temperature)
    softened /= softened.sum(axis=1, keepdims=True)
    weight = np.where(annotated, np.float32(lesson.settings.weight), np.float32(1))[:, None]
    return np.asarray((1 - weight) * labels + weight * softened)
