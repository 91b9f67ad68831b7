"""Train one recipe with several seeds: how good it is, beyond the luck of one."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Final

from newsstance.bundle import Bundle, read_bundle
from newsstance.errors import BundleError
from newsstance.identity import bundle_sha256
from training.as_trained import TRAINED
from training.bootstrap import METRICS
from training.champion import copy_whole
from training.describe import describe
from training.errors import RecipeError
from training.exclusive import only_training
from training.figures import scores_figure
from training.lessons import lessons_beside, lessons_sha256
from training.material import Material
from training.measure import Estimates, Measured, estimates, interval_metrics, measure
from training.model_card import write_model_card
from training.read_recipe import recipe_of
from training.recipe import Recipe
from training.record import record, record_details, record_learning_curve, record_start
from training.run_spec import LESSONS_TAG, RunSpec, states_tag, sweep_spec, training_spec
from training.runs import finished_child
from training.selection import trained_on
from training.store import STORE
from training.teach import find_model
from training.tracking import Tracking, tracked
from training.train import MODELS, challenge, fit, make_way

SEEDS: Final = 5
SEED_MODELS: Final = "seeds"
"""The folder in ``models/`` that keeps the model of each seed, as ``seeds/SEED/RECIPE``."""


@dataclass(frozen=True)
class Seed:
    """One seed of a sweep: its run, ``None`` where it couldn't be tracked, and what was measured of its model."""

    seed: int
    run_id: str | None
    measured: Measured


def sweep(
    recipe: Recipe, material: Material, seeds: int = SEEDS, models: Path = MODELS, store: Path = STORE
) -> tuple[Sequence[Seed], Estimates]:
    """Train ``recipe`` with ``seeds`` seeds from its own on; export the median one, and give all with their mean's intervals.

    The model that is exported to ``models``/NAME is that of the seed whose ``stance_f1`` on validation is the median (the
    lower of two): what the mean promises, not the luckiest. Seeds that were trained before, by the same recipe on the same
    material, aren't trained again. Raises ``RecipeError`` for a cascade or an early exit.
    """
    trained_on(require_seed(recipe), material)
    with only_training(recipe.name, models), tracked(sweep_spec(recipe, material, seeds), store) as run:
        record_start(run, recipe, material)
        make_way(run, models)
        numbers = range(recipe.seed, recipe.seed + seeds)
        done = [_seed(replace(recipe, seed=seed), material, models, store, run) for seed in numbers]
        median = _median(done)
        measured = replace(median.measured, bundle=_export(median.measured.bundle, recipe, models))
        found = estimates([seed.measured.predictions for seed in done])
        run.metrics({**_means(done), **interval_metrics(found)})
        record_details(run, measured, material, f"{recipe.name}, median seed {median.seed}")
        run.figure(scores_figure(found, f"{recipe.name}, {seeds} seeds"), "scores")
        record_learning_curve(run, {f"seed {seed.seed}": seed.run_id for seed in done}, recipe.name)
        write_model_card(measured, recipe, material, found, numbers)
        describe(run, recipe, found, material, seeds, median.seed)
        challenge(run, measured, material, models)
        leave_states(recipe, models)
    return done, found


def spread(done: Sequence[Seed]) -> dict[str, dict[str, tuple[float, float]]]:
    """Give the mean and the standard deviation (n − 1) over seeds, by metric and split."""
    values = [seed.measured.metrics for seed in done]
    return {
        metric: {split: _mean_sd([one[f"{split}/{metric}"] for one in values]) for split in done[0].measured.predictions}
        for metric in METRICS
    }


def _seed(recipe: Recipe, material: Material, models: Path, store: Path, parent: Tracking) -> Seed:
    """Train one seed and record it below ``parent``, or take it as it was trained and recorded before."""
    folder, spec = models / SEED_MODELS / str(recipe.seed), training_spec(recipe, material, parent.run_id)
    before = trained_before(folder / recipe.name, recipe, material, models)
    if before is not None:
        print(f"{recipe.name}: seed {recipe.seed} was trained before", file=sys.stderr)
        recorded = recorded_before(parent, spec, before)
        if recorded or parent.is_lost:
            return Seed(recipe.seed, recorded, measure(before, material))
    with tracked(spec, store) as run:
        record_start(run, recipe, material)
        measured = measure(before or fit(recipe, material, models, run, folder), material)
        record(run, measured, material, estimates([measured.predictions]))
        record_learning_curve(run, {f"seed {recipe.seed}": run.run_id}, recipe.name)
    return Seed(recipe.seed, run.run_id, measured)


def require_seed(recipe: Recipe) -> Recipe:
    """Give ``recipe``; raises ``RecipeError`` if it is made of trained models, which no seed and no share changes."""
    if recipe.cascade is not None:
        raise RecipeError(f"{recipe.name}: a cascade trains nothing, so that there are no seeds to compare: use `make train`")
    if recipe.early_exit is not None:
        raise RecipeError(
            f"{recipe.name}: an early exit is that of a trained model, so that there are no seeds: use `make train`"
        )
    return recipe


def recorded_before(parent: Tracking, spec: RunSpec, bundle: Bundle) -> str | None:
    """Give the id of the run below ``parent`` that was recorded whole for ``bundle``, which came of what ``spec`` describes."""
    told = {name: spec.tags[name] for name in ("recipe_sha256", "seed", LESSONS_TAG) if name in spec.tags}
    same = {**told, **states_tag(bundle)}
    return parent.attempt(lambda client, run: finished_child(client, parent.experiment, run, same))


def trained_before(folder: Path, recipe: Recipe, material: Material, models: Path) -> Bundle | None:
    """Give the model in ``folder`` if it is what ``recipe`` makes of ``material``; ``None`` otherwise.

    If it was taught, its teacher must be the one that is now in ``models``, or its lessons those beside the corpus. Raises
    ``RecipeError`` if there is none.
    """
    try:
        bundle = read_bundle(folder)
    except BundleError:
        return None
    same = bundle.corpus_sha256 == material.sha256 and _same_training(bundle.recipe, recipe)
    return bundle if same and _same_teacher(bundle, recipe, material, models) else None


def _same_training(trained: Mapping[str, object], recipe: Recipe) -> bool:
    """Tell whether both say the same; a setting that there wasn't when a model was trained has its default."""
    try:
        return replace(recipe_of(trained), description=recipe.description) == recipe
    except RecipeError:
        return False


def _same_teacher(bundle: Bundle, recipe: Recipe, material: Material, models: Path) -> bool:
    if recipe.teacher is None:
        return True
    if recipe.learns_lessons:
        sha256 = lessons_sha256(lessons_beside(material.path))
        if sha256 is None:  # then the labels alone teach
            return "teacher" not in bundle.settings
    else:
        sha256 = bundle_sha256(read_bundle(find_model(recipe.teacher.model, models, recipe.name)))
    told = bundle.settings.get("teacher", {})
    return bool(told.get("sha256") == sha256) and told.get("states", {}).get("sha256") == _states_sha256(recipe, models)


def _states_sha256(recipe: Recipe, models: Path) -> str | None:
    """Give the SHA-256 of the model that teaches ``recipe`` states; ``None`` if none does."""
    if recipe.teacher is None or not recipe.teacher.states:
        return None
    from training.teach_states import states_teacher  # here, since a linear recipe needs no torch

    return bundle_sha256(states_teacher(recipe, models))


def leave_states(recipe: Recipe, models: Path) -> None:
    """Delete the states that ``recipe`` learnt with all of its seeds, if it learns any."""
    if recipe.teacher is not None and recipe.teacher.states:
        from training.states import forget_states  # here, since a linear recipe needs no torch
        from training.teach_states import states_path

        forget_states(states_path(models, recipe))


def _median(done: Sequence[Seed]) -> Seed:
    ordered = sorted(done, key=lambda seed: (seed.measured.bundle.metrics["validation/stance_f1"], seed.seed))
    return ordered[(len(ordered) - 1) // 2]


def _export(bundle: Bundle, recipe: Recipe, models: Path) -> Bundle:
    """Copy the chosen seed's model to where a single training would have put it, and the one in float32 if there is one."""
    copy_whole(bundle.path, models / recipe.name)
    if recipe.encoder is not None:
        copy_whole(bundle.path.parent / TRAINED / recipe.name, models / TRAINED / recipe.name)
    return replace(bundle, path=models / recipe.name)


def _means(done: Sequence[Seed]) -> dict[str, float]:
    values = [seed.measured.metrics for seed in done]
    means = {name: fmean(one[name] for one in values) for name in values[0] if all(name in one for one in values)}
    deviations = {
        f"{split}/{metric}_sd": sd for metric, by_split in spread(done).items() for split, (_, sd) in by_split.items()
    }
    return {**means, **deviations}


def _mean_sd(values: Sequence[float]) -> tuple[float, float]:
    return fmean(values), stdev(values) if len(values) > 1 else 0.0
