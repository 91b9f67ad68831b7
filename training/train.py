"""Train a recipe, end to end: fit, export, measure, track, and name the champion."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from newsstance import Predictor
from newsstance.bundle import Bundle
from newsstance.labels import HEADS
from training.behaviour import CASES, pass_rates, read_cases
from training.champion import challenges, choose_champion
from training.corpus import Sentence, of_split
from training.evaluate import Labelled, predicted_labels
from training.export import Origin
from training.figures import confusion_figure
from training.material import Material
from training.metrics import confusions
from training.recipe import Recipe
from training.selection import select
from training.store import STORE
from training.tracking import Tracking, tracked

MODELS: Final = Path("models")

Road = Callable[[Origin, Sequence[Sentence], Path, Tracking], Bundle]
"""Trains what an origin's recipe says on sentences, exports it into a models folder and tracks its learning curve."""


def train(recipe: Recipe, material: Material, models: Path = MODELS, store: Path = STORE) -> Bundle:
    """Train ``recipe`` on ``material`` into ``models``/NAME, tracked in ``store``; give the exported model's description.

    An interruption leaves what was there and, for an encoder, a checkpoint from which the next training of the same recipe on
    the same material goes on.
    """
    with tracked(recipe, material, store) as run:
        sentences = select(material.sentences, material.votes, recipe.data)
        bundle = _road(recipe)(Origin(recipe, material.sha256, run.run_id), sentences, models, run)
        if challenges(bundle):
            choose_champion(models, material.sha256)
        run.metrics(bundle.metrics)
        predictor = Predictor.load(bundle.path)
        if CASES.is_dir():  # they lie in the repository, and training may run elsewhere
            run.metrics(pass_rates(predictor, read_cases()))
        _keep_figures(run, predictor, material.sentences)
        run.file(bundle.path / "bundle.json")
    return bundle


def _road(recipe: Recipe) -> Road:
    """Choose the road by the recipe's kind; each is imported only where it is taken, so that tfidf needs no torch."""
    if recipe.linear is not None:
        from training.linear_road import train_linear

        return train_linear
    if recipe.cascade is not None:
        from training.cascade_road import train_cascade

        return train_cascade
    from training.encoder_road import train_encoder

    return train_encoder


def _keep_figures(run: Tracking, predictor: Predictor, sentences: Sequence[Sentence]) -> None:
    test = Labelled.of(of_split(sentences, "test"))
    predicted = predicted_labels(predictor, test.texts)
    for head, labels in HEADS.items():
        counts = confusions(test.gold[head], predicted[head], labels)
        run.figure(confusion_figure(counts, labels, f"{predictor.bundle.name}: {head} on test"), f"confusion_{head}")
