"""The road of a linear recipe: fit in scikit-learn, export as arrays."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from newsstance import Predictor
from newsstance.bundle import Bundle
from newsstance.models import softmax, temperatures
from training.agreement import require_same
from training.calibrate import calibration_sentences
from training.corpus import Sentence, of_split
from training.evaluate import held_out_metrics
from training.export import Origin, write_bundle
from training.linear import FittedLinear
from training.tracking import Tracking


def train_linear(origin: Origin, sentences: Sequence[Sentence], models: Path, _run: Tracking) -> Bundle:
    """Fit the recipe's linear model and export it, in seconds: there is no learning curve to track."""
    settings, train = origin.recipe.linear, of_split(sentences, "train")
    assert settings is not None
    print(f"{origin.recipe.name}: fitting on {len(train)} sentences", file=sys.stderr)
    fitted = FittedLinear(settings, origin.recipe.seed).fit(train)
    texts = [sentence.text for sentence in of_split(sentences, "validation")]

    def measure(exported: Predictor) -> dict[str, float]:
        temperature = temperatures(exported.bundle)
        raw = fitted.probabilities(texts)
        fitted_ones = {head: softmax(np.log(values), temperature[head]) for head, values in raw.items()}
        difference = require_same(fitted_ones, exported.probabilities(texts))
        return {**held_out_metrics(exported, sentences), "export/largest_difference": difference}

    calibration = calibration_sentences(sentences)
    return write_bundle(models / origin.recipe.name, origin, {}, fitted.to_model().write, calibration, measure)
