"""What is measured of an exported model: every held-out sentence, the slices, the behavioural suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from newsstance import Predictor
from newsstance.bundle import Bundle
from training.behaviour import CASES, pass_rates, read_cases
from training.bootstrap import METRICS, Estimate, estimate
from training.calibration_metrics import calibration_metrics
from training.errors import ComparisonError
from training.material import Material
from training.predictions import PREDICTIONS_FILE, Predictions, SplitPredictions, predict_held_out, read_predictions
from training.slices import Slice, slice_metrics, slices

Estimates = Mapping[str, Mapping[str, Estimate]]
"""Scores with their intervals, by metric and split."""


@dataclass(frozen=True)
class Measured:
    """An exported model and what it does: its answers by split, its slices by split, its behavioural pass rates."""

    bundle: Bundle
    predictions: Predictions
    slices: Mapping[str, Sequence[Slice]]
    behaviour: Mapping[str, float]

    @property
    def metrics(self) -> dict[str, float]:
        """Give every figure by name, without intervals."""
        metrics = {**self.bundle.metrics, **self.behaviour}
        for split, answers in self.predictions.items():
            metrics |= {f"{split}/{name}": value for name, value in calibration_metrics(answers).items()}
            metrics |= slice_metrics(self.slices[split], split)
        return metrics


def measure(bundle: Bundle, material: Material) -> Measured:
    """Score the held-out sentences with ``bundle``, keep the answers beside it, and put it through the behavioural suite."""
    predictor = Predictor.load(bundle.path)
    predictions = answers_of(bundle, material)
    found = {split: slices(material.sentences, split, answers) for split, answers in predictions.items()}
    behaviour = pass_rates(predictor, read_cases()) if CASES.is_dir() else {}  # training may run outside the repository
    return Measured(bundle, predictions, found, behaviour)


def answers_of(bundle: Bundle, material: Material) -> Predictions:
    """Give what ``bundle`` answers on the held-out sentences: as kept beside it, or scored anew where that is outdated."""
    try:
        return read_predictions(Path(bundle.path, PREDICTIONS_FILE), material.sha256)
    except ComparisonError:
        return predict_held_out(Predictor.load(bundle.path), material.sentences)


def estimates(seeds: Sequence[Predictions]) -> Estimates:
    """Give the mean over ``seeds`` with its interval, by metric and split."""
    return {
        metric: {split: estimate([predictions[split] for predictions in seeds], metric) for split in seeds[0]}
        for metric in METRICS
    }


def interval_metrics(found: Estimates) -> dict[str, float]:
    """Name the ends of intervals ``SPLIT/METRIC_low`` and ``SPLIT/METRIC_high``."""
    return {
        f"{split}/{metric}_{end}": float(getattr(item, end))
        for metric, by_split in found.items()
        for split, item in by_split.items()
        for end in ("low", "high")
    }


def wrong_answers(answers: SplitPredictions, texts: Mapping[str, str], split: str) -> dict[str, list[object]]:
    """Give the columns of a table of the sentences that ``answers`` has wrong in stance or sentiment, with probabilities.

    The UI's evaluation view sets runs beside each other by the first two columns: the sentence, and the stance predicted.
    """
    labels = {head: answers.labels(head) for head in answers.gold}
    wrong = [
        place for place in range(len(answers.ids)) if any(labels[head][place] != answers.gold[head][place] for head in labels)
    ]
    columns: dict[str, list[object]] = {"text": [texts[answers.ids[place]] for place in wrong]}
    for head, names in labels.items():
        columns[f"predicted_{head}"] = [names[place] for place in wrong]
        columns[head] = [answers.gold[head][place] for place in wrong]
        columns[f"probability_{head}"] = [round(float(answers.probabilities[head][place].max()), 4) for place in wrong]
        columns[f"probabilities_{head}"] = [
            ", ".join(f"{value:.3f}" for value in answers.probabilities[head][place].tolist()) for place in wrong
        ]
    columns["split"] = [split] * len(wrong)
    columns["id"] = [answers.ids[place] for place in wrong]
    return columns
