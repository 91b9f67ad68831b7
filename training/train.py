"""Train a recipe, end to end: fit, export, measure, track, and let it challenge the champion."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from newsstance.bundle import Bundle
from training.champion import challenges, keep_champion
from training.describe import describe
from training.errors import StoreError
from training.exclusive import only_training
from training.export import Origin
from training.logged_model import log_model
from training.material import Material
from training.measure import Measured, estimates, measure
from training.model_card import write_model_card
from training.promotion import promote
from training.recipe import Recipe
from training.record import record, record_learning_curve, record_start
from training.registry import follow_registry, record_decision, register
from training.run_spec import training_spec
from training.selection import trained_on
from training.store import STORE
from training.tracking import Tracking, tracked

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODELS: Final = Path("models")

Road = Callable[[Origin, Material, Path, Tracking], Bundle]
"""Trains what an origin's recipe says on all training sentences of a material, exports it into a models folder and tracks its
learning curve."""


def train(recipe: Recipe, material: Material, models: Path = MODELS, store: Path = STORE) -> Bundle:
    """Train ``recipe`` on ``material`` into ``models``/NAME, tracked in ``store``; give the exported model's description.

    An interruption leaves what was there and, for an encoder, a checkpoint from which the next training of the same recipe on
    the same material goes on.
    """
    trained_on(recipe, material)  # where it can't be trained on, there is no run either
    with only_training(recipe.name, models), tracked(training_spec(recipe, material), store) as run:
        record_start(run, recipe, material)
        make_way(run, models)
        bundle = fit(recipe, material, models, run)
        measured = measure(bundle, material)
        found = estimates([measured.predictions])
        record(run, measured, material, found)
        record_learning_curve(run, {f"seed {recipe.seed}": run.run_id}, recipe.name)
        write_model_card(measured, recipe, material, found, [recipe.seed])
        describe(run, recipe, found, material)
        challenge(run, measured, material, models)
    return bundle


def fit(recipe: Recipe, material: Material, models: Path, run: Tracking, into: Path | None = None) -> Bundle:
    """Train ``recipe`` and export it into ``into``, or else into ``models``, which holds the models that it builds on."""
    origin = Origin(recipe, material.sha256, run.run_id, models)
    return _road(recipe)(origin, trained_on(recipe, material), into or models, run)


def make_way(run: Tracking, models: Path) -> None:
    """See that the champion is the registry's, and lies where this training won't write."""
    keep_champion(models)
    run.attempt(lambda client, _: _follow_registry(client, models, run.experiment))


def _follow_registry(client: "MlflowClient", models: Path, experiment: str) -> None:
    """Follow the registry; a champion there that can't be read costs a warning, neither the training nor its tracking."""
    try:
        follow_registry(client, models, experiment)
    except StoreError as error:
        print(f"warning: {error}", file=sys.stderr)


def challenge(run: Tracking, measured: Measured, material: Material, models: Path) -> None:
    """Register the model, let it challenge the champion, and say how that went, in one line.

    A model that only serves beside the champion is logged with its run, and does neither.
    """
    if not challenges(measured.bundle):
        run.attempt(lambda client, identity: log_model(client, run.experiment, identity, measured.bundle))
        return
    version = register(run, measured.bundle)
    decision = promote(measured.bundle, measured.predictions, material, models)
    record_decision(run, decision, version, models)
    print(f"champion: {decision.reason}", file=sys.stderr)


def _road(recipe: Recipe) -> Road:
    """Choose the road by the recipe's kind; each is imported only where it is taken, so that tfidf needs no torch."""
    if recipe.linear is not None:
        from training.linear_road import train_linear

        return train_linear
    if recipe.cascade is not None:
        from training.cascade_road import train_cascade

        return train_cascade
    if recipe.early_exit is not None:
        from training.early_exit_road import train_early_exit

        return train_early_exit
    from training.encoder_road import train_encoder

    return train_encoder
