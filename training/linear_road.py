"""The road of a linear recipe: fit in scikit-learn, export as arrays."""

import sys
from pathlib import Path

from newsstance import Predictor
from newsstance.bundle import Bundle
from training.agreement import require_same
from training.corpus import of_split
from training.export import VALIDATION, Origin, write_bundle
from training.linear import FittedLinear
from training.material import Material
from training.predictions import Predictions
from training.targets import sentence_weights
from training.tracking import Tracking


def train_linear(origin: Origin, material: Material, models: Path, _run: Tracking) -> Bundle:
    """Fit the recipe's linear model and export it, in seconds: there is no learning curve to track."""
    settings, train = origin.recipe.linear, of_split(material.sentences, "train")
    assert settings is not None
    print(f"{origin.recipe.name}: fitting on {len(train)} sentences", file=sys.stderr)
    fitted = FittedLinear(settings, origin.recipe.seed).fit(train, sentence_weights(train, origin.recipe.data))
    texts = [sentence.text for sentence in of_split(material.sentences, "validation")]

    def compare(_: Predictor, answers: Predictions) -> dict[str, float]:
        difference = require_same(fitted.probabilities(texts), answers[VALIDATION].probabilities)
        return {"export/largest_difference": difference}

    return write_bundle(models / origin.recipe.name, origin, {}, fitted.to_model().write, material.sentences, compare)
