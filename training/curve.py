"""The learning curve: what a recipe reaches on shares of the corpus, which tells what more sentences would be worth."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from statistics import fmean, stdev
from typing import Final

from newsstance.bundle import Bundle
from training.corpus import of_split
from training.describe import describe_curve
from training.exclusive import only_training
from training.figures import share_curve_figure
from training.material import Material
from training.measure import estimates, measure
from training.news import TEST_NEWS
from training.recipe import Recipe
from training.record import record, record_start
from training.run_spec import curve_spec, training_spec
from training.selection import trained_on
from training.store import STORE
from training.sweep import leave_states, recorded_before, require_seed, trained_before
from training.tracking import Tracking, metric_name, tracked
from training.train import MODELS, fit

SHARES: Final = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(1))
SEEDS: Final = 3
CURVE_MODELS: Final = "curve"
"""The folder in ``models/`` that keeps the models of a curve, as ``curve/SEED/RECIPE-SHARE``."""


@dataclass(frozen=True)
class Point:
    """What a recipe reaches on ``sentences`` training sentences, ``share`` of them all: ``stance_f1`` of each seed."""

    share: Fraction
    sentences: int
    scores: Sequence[float]

    @property
    def mean(self) -> float:
        """Give the mean over seeds."""
        return fmean(self.scores)

    @property
    def sd(self) -> float:
        """Give the standard deviation over seeds (n − 1), 0 for one seed."""
        return stdev(self.scores) if len(self.scores) > 1 else 0.0


def curve(
    recipe: Recipe, material: Material, seeds: int = SEEDS, models: Path = MODELS, store: Path = STORE
) -> tuple[str, list[Point]]:
    """Train ``recipe`` on each of ``SHARES`` with ``seeds`` seeds; give the split it is measured on and a point for each share.

    The split is test-news, or test where the material has no real news. What was trained before isn't trained again, and a
    curve that was interrupted goes on in its run. A recipe that learns from lessons learns from labels alone. Raises
    ``RecipeError`` for a cascade or an early exit.
    """
    recipe = _without_lessons(recipe)
    split = TEST_NEWS if of_split(material.sentences, TEST_NEWS) else "test"
    numbers = range(recipe.seed, recipe.seed + seeds)
    trained_on(require_seed(recipe), material)
    with only_training(recipe.name, models / CURVE_MODELS), tracked(curve_spec(recipe, material, seeds), store) as run:
        record_start(run, recipe, material)
        points = []
        for share in SHARES:
            points.append(_point(recipe, share, numbers, split, material, models, store, run))
            _draw(run, points[-1], f"curve/{split}_stance_f1")
        title = f"{recipe.name} on {split}: {seeds} seeds, mean and standard deviation"
        run.figure(share_curve_figure({recipe.name: [(p.sentences, p.mean, p.sd) for p in points]}, title), "learning_curve")
        told = [(str(point.share), point.sentences, point.mean, point.sd) for point in points]
        describe_curve(run, recipe, split, told, material, seeds)
    return split, points


def _without_lessons(recipe: Recipe) -> Recipe:
    """Leave the lessons out: models that trained on the whole corpus gave them, of which a share would then know."""
    if not recipe.learns_lessons:
        return recipe
    print(f"{recipe.name}: without its lessons, which the whole corpus taught", file=sys.stderr)
    return replace(recipe, teacher=None)


def _draw(run: Tracking, point: Point, name: str) -> None:
    """Add ``point`` to the metric ``name``, unless it was drawn before the curve was interrupted."""
    drawn = run.attempt(lambda client, identity: client.get_metric_history(identity, metric_name(name))) or []
    if (point.sentences, point.mean) not in [(entry.step, entry.value) for entry in drawn]:
        run.metric(point.sentences, name, point.mean)


def _point(
    recipe: Recipe, share: Fraction, seeds: Sequence[int], split: str, material: Material, models: Path, store: Path,
    run: Tracking,
) -> Point:  # fmt: skip
    name = f"{recipe.name}-{share.numerator}-{share.denominator}"
    shared = replace(recipe, name=name, data=replace(recipe.data, share=float(share) * recipe.data.share))
    rows = len(of_split(trained_on(shared, material).sentences, "train"))
    bundles = [_trained(replace(shared, seed=seed), material, models, store, run) for seed in seeds]
    leave_states(shared, models)
    return Point(share, rows, [bundle.metrics[f"{split}/stance_f1"] for bundle in bundles])


def _trained(recipe: Recipe, material: Material, models: Path, store: Path, parent: Tracking) -> Bundle:
    """Train one share with one seed and record it below ``parent``, or take it as it was trained and recorded before."""
    folder, spec = models / CURVE_MODELS / str(recipe.seed), training_spec(recipe, material, parent.run_id)
    before = trained_before(folder / recipe.name, recipe, material, models)
    if before is not None and (recorded_before(parent, spec, before) or parent.is_lost):
        return before
    with tracked(spec, store) as run:
        record_start(run, recipe, material)
        bundle = before or fit(recipe, material, models, run, folder)
        measured = measure(bundle, material)
        record(run, measured, material, estimates([measured.predictions]))
    return bundle
