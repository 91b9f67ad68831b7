"""What a model said about every held-out sentence: kept with the run, so that any two runs can be compared later."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from newsstance import Predictor
from newsstance.files import write_atomically
from newsstance.labels import HEADS
from newsstance.models import Floats, likeliest, tempered
from training.corpus import Sentence, of_split
from training.errors import ComparisonError
from training.metrics import Labels
from training.news import TEST_NEWS

PREDICTIONS_FILE: Final = "predictions.json"
_DECIMALS: Final = 6


@dataclass(frozen=True, eq=False)
class SplitPredictions:
    """A model's answers on one split, sentence by sentence, in the order of ``ids``.

    ``units`` names what is resampled whole: the article of each sentence on test-news, elsewhere the sentence itself.
    ``probabilities`` holds, by head, an array of shape (sentences, labels).
    """

    ids: Sequence[str]
    units: Sequence[str]
    gold: Labels
    probabilities: Mapping[str, Floats]

    def labels(self, head: str) -> list[str]:
        """Give the likeliest label of each sentence."""
        return likeliest(head, self.probabilities[head])

    def tempered(self, temperature: Mapping[str, float]) -> "SplitPredictions":
        """Give the same answers with the probabilities of each head at its ``temperature``."""
        changed = {head: tempered(values, temperature[head]) for head, values in self.probabilities.items()}
        return replace(self, probabilities=changed)

    def every(self, step: int) -> "SplitPredictions":
        """Give the answers on the first sentence and each ``step``-th after it."""
        gold = {head: labels[::step] for head, labels in self.gold.items()}
        probabilities = {head: values[::step] for head, values in self.probabilities.items()}
        return SplitPredictions(self.ids[::step], self.units[::step], gold, probabilities)

    def require_same(self, other: "SplitPredictions") -> None:
        """Raise ``ComparisonError`` unless both hold the same sentences with the same labels."""
        if list(self.ids) != list(other.ids) or dict(self.gold) != dict(other.gold):
            raise ComparisonError("the two were measured on other sentences or labels: train both on this corpus")


Predictions = Mapping[str, SplitPredictions]
"""A model's answers by split."""


def held_out_splits(sentences: Sequence[Sentence]) -> list[str]:
    """Name the splits that don't train, in alphabetical order."""
    return sorted({sentence.split for sentence in sentences} - {"train"})


def predict_held_out(predictor: Predictor, sentences: Sequence[Sentence]) -> dict[str, SplitPredictions]:
    """Score every split that doesn't train."""
    return {split: predict_split(predictor, sentences, split) for split in held_out_splits(sentences)}


def predict_split(predictor: Predictor, sentences: Sequence[Sentence], split: str) -> SplitPredictions:
    """Score the sentences of ``split``, at least one."""
    rows = of_split(sentences, split)
    probabilities = predictor.probabilities([row.text for row in rows])
    return SplitPredictions(
        ids=[row.id for row in rows],
        units=[row.block if split == TEST_NEWS else row.id for row in rows],
        gold={head: [row.label(head) for row in rows] for head in HEADS},
        probabilities=probabilities,
    )


def write_predictions(predictions: Predictions, corpus_sha256: str, path: Path) -> None:
    """Write ``predictions`` to ``path`` as JSON."""
    splits = {name: _to_dict(split) for name, split in predictions.items()}
    write_atomically(path, json.dumps({"corpus_sha256": corpus_sha256, "labels": HEADS, "splits": splits}).encode())


def read_predictions(path: Path, corpus_sha256: str | None = None) -> dict[str, SplitPredictions]:
    """Read what ``write_predictions`` wrote.

    Raises ``ComparisonError`` if it can't be read, or was measured on another corpus than ``corpus_sha256``.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        splits = {name: _of_dict(split) for name, split in content["splits"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ComparisonError(f"{path}: no predictions that can be read; train again") from error
    if corpus_sha256 is not None and content.get("corpus_sha256") != corpus_sha256:
        raise ComparisonError(f"{path}: predictions on another corpus; train again")
    return splits


def _to_dict(split: SplitPredictions) -> dict[str, Any]:
    rounded = {
        head: [[round(value, _DECIMALS) for value in row] for row in values.tolist()]
        for head, values in split.probabilities.items()
    }
    return {"ids": split.ids, "units": split.units, "gold": split.gold, "probabilities": rounded}


def _of_dict(content: Mapping[str, Any]) -> SplitPredictions:
    probabilities = {head: np.array(rows, dtype=np.float32) for head, rows in content["probabilities"].items()}
    return SplitPredictions(content["ids"], content["units"], content["gold"], probabilities)
