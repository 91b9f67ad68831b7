"""The road of a cascade recipe: choose on validation how sure the fast model must be, and export that beside the two models."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from newsstance import Predictor
from newsstance.bundle import Bundle, read_bundle
from newsstance.cascade import ROLES
from newsstance.identity import bundle_sha256
from newsstance.models import sure_enough
from training.corpus import Sentence, of_split
from training.errors import RecipeError
from training.evaluate import Labelled
from training.export import Origin, write_bundle
from training.material import Material, real_or_all
from training.predictions import Predictions, held_out_splits
from training.sureness import Sureness, choose_sureness
from training.teach import find_model
from training.tracking import Tracking


def train_cascade(origin: Origin, material: Material, models: Path, _run: Tracking) -> Bundle:
    """Choose how sure is sure enough for the recipe's two models, and export the cascade of them."""
    recipe = origin.recipe
    assert recipe.cascade is not None
    paths = {role: find_model(getattr(recipe.cascade, role), origin.models, recipe.name) for role in ROLES}
    members = _members(paths, models)
    if members["fast"]["sha256"] == members["champion"]["sha256"]:
        raise RecipeError(f"{recipe.name}: its fast model is the champion itself: `make train` trains a better one")
    print(f"{recipe.name}: {paths['fast']} where it is sure, {paths['champion']} elsewhere", file=sys.stderr)
    # On invented sentences, which are clearer, the fast model's answers look safer than they are on news.
    validation = Labelled.of(real_or_all(of_split(material.sentences, "validation")))
    answers = {role: Predictor.load(path).probabilities(validation.texts) for role, path in paths.items()}
    chosen = choose_sureness(answers["fast"], answers["champion"], validation.gold, recipe.cascade.tolerance)

    def compare(_: Predictor, __: Predictions) -> dict[str, float]:
        shares = _shares(Predictor.load(paths["fast"]), chosen, material.sentences)
        return {**shares, "cascade/validation_share_fast": chosen.share}

    settings = {**members, "sure": dict(chosen.thresholds)}
    return write_bundle(models / recipe.name, origin, settings, lambda _: None, material.sentences, compare, calibrate=False)


def _members(paths: Mapping[str, Path], models: Path) -> dict[str, Any]:
    members = {}
    for role, path in paths.items():
        bundle = read_bundle(path)
        folder = os.path.relpath(path, models)
        members[role] = {"name": bundle.name, "folder": folder, "sha256": bundle_sha256(bundle)}
    return members


def _shares(fast: Predictor, chosen: Sureness, sentences: Sequence[Sentence]) -> dict[str, float]:
    """Give the share of each held-out split that the fast model answers, ``SPLIT/share_fast``."""
    texts = {split: [row.text for row in of_split(sentences, split)] for split in held_out_splits(sentences)}
    return {
        f"{split}/share_fast": float(sure_enough(fast.probabilities(of_one), chosen.thresholds).mean())
        for split, of_one in texts.items()
    }
