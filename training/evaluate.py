"""Measure a model on labelled sentences."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from newsstance import Predictor
from newsstance.labels import HEADS
from training.calibration_metrics import calibration_metrics
from training.corpus import Sentence, read_lines
from training.errors import CorpusError
from training.metrics import Labels, all_metrics
from training.predictions import Predictions, SplitPredictions


class Labelled(NamedTuple):
    """Sentences and their gold labels by head."""

    texts: list[str]
    gold: Labels

    @classmethod
    def of(cls, sentences: Sequence[Sentence]) -> "Labelled":
        """Take the texts and labels of corpus sentences."""
        gold = {head: [sentence.label(head) for sentence in sentences] for head in HEADS}
        return cls([sentence.text for sentence in sentences], gold)


def read_labelled(path: Path) -> Labelled:
    """Read labelled sentences from JSON lines with ``text``, ``stance`` and ``sentiment``; other fields are passed over.

    Raises ``CorpusError`` naming the line that isn't so.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: no such file")
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row["text"], str) or any(row[head] not in labels for head, labels in HEADS.items()):
                raise CorpusError(f"{path}:{number}: the text isn't a string, or a label isn't one of newsstance's")
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(f"{path}:{number}: not a JSON object with text, stance and sentiment") from error
        rows.append(row)
    if not rows:
        raise CorpusError(f"{path}: no sentences")
    return Labelled([row["text"] for row in rows], {head: [row[head] for row in rows] for head in HEADS})


def evaluated(predictor: Predictor, labelled: Labelled) -> dict[str, float]:
    """Give every metric of a model's likeliest labels, however unsure, and of its probabilities, on ``labelled`` sentences."""
    places = [str(place) for place in range(len(labelled.texts))]
    answers = SplitPredictions(places, places, labelled.gold, predictor.probabilities(labelled.texts))
    return {**all_metrics(labelled.gold, {head: answers.labels(head) for head in HEADS}), **calibration_metrics(answers)}


def split_metrics(answers: Predictions) -> dict[str, float]:
    """Give the metrics of a model's answers, named ``split/metric``."""
    return {
        f"{split}/{name}": value
        for split, of_split in answers.items()
        for name, value in all_metrics(of_split.gold, {head: of_split.labels(head) for head in HEADS}).items()
    }
