"""The commands that train: train, sweep, curve, cross-fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsstance.locate import CHAMPION, locate_model
from training.options import corpus_option, models_option, store_option

if TYPE_CHECKING:
    from training.material import Material
    from training.recipe import Recipe


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@corpus_option
@models_option
@store_option
@click.option("--unchecked", is_flag=True, help="Trust the corpus, as where it is the one that was cloned.")
def train(recipes: Sequence[str], corpus: Path, models: Path, store: Path, unchecked: bool) -> int:
    """Check the corpus, train each RECIPE (a name in training/recipes, or a .toml file), and name the champion."""
    from training.read_recipe import load_recipe
    from training.report import metrics_table, show, split_metrics
    from training.train import train as train_one

    loaded = [load_recipe(name) for name in recipes]  # all of them first: a slip in the second costs no training
    material = _material(loaded, corpus, check=not unchecked)
    click.echo(f"{corpus}: {len(material.sentences)} sentences (sha256 {material.sha256[:12]})", err=True)
    bundles = [train_one(recipe, material, models, store) for recipe in loaded]
    for split in sorted({sentence.split for sentence in material.sentences} - {"train"}):
        rows = {bundle.name: split_metrics(bundle.metrics, split) for bundle in bundles}
        show(metrics_table(f"{split}, as exported", rows))
    for bundle in bundles:
        if "export/int8_cost_stance_f1" in bundle.metrics:
            cost = [bundle.metrics[f"export/int8_cost_{metric}"] for metric in ("stance_f1", "sentiment_f1")]
            click.echo(f"{bundle.name}: int8 costs {cost[0]:+.4f} stance_f1 and {cost[1]:+.4f} sentiment_f1 on validation")
    click.echo(f"champion: {locate_model(models).name} ({models / CHAMPION})")
    return 0


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@click.option("--seeds", type=click.IntRange(2, 100), default=5, show_default=True, help="How many, from the recipe's own on.")
@corpus_option
@models_option
@store_option
def sweep(recipes: Sequence[str], seeds: int, corpus: Path, models: Path, store: Path) -> int:
    """Train each RECIPE with several seeds: mean, spread and interval of its scores. What is done isn't done again."""
    from training.read_recipe import load_recipe
    from training.report import show, sweep_table
    from training.sweep import require_seed, spread
    from training.sweep import sweep as sweep_one

    loaded = [require_seed(load_recipe(name)) for name in recipes]
    material = _material(loaded, corpus)
    for recipe in loaded:
        done, found = sweep_one(recipe, material, seeds, models, store)
        show(sweep_table(f"{recipe.name}, {seeds} seeds, as exported", spread(done), found))
    click.echo(f"champion: {locate_model(models).name} ({models / CHAMPION})")
    return 0


@click.command()
@click.argument("recipe")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="How many, from the recipe's own on.")
@corpus_option
@models_option
@store_option
def curve(recipe: str, seeds: int, corpus: Path, models: Path, store: Path) -> int:
    """Train RECIPE on 1/8, 1/4, 1/2 and all of the corpus, what isn't trained yet: what more sentences would be worth."""
    from training.curve import curve as draw
    from training.read_recipe import load_recipe
    from training.report import curve_table, show
    from training.sweep import require_seed

    loaded = require_seed(load_recipe(recipe))
    split, points = draw(loaded, _material([loaded], corpus), seeds, models, store)
    show(curve_table(f"{loaded.name}: stance_f1 on {split}, {seeds} seeds", points))
    return 0


@click.command("cross-fit")
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@click.option("--folds", type=click.IntRange(2, 100), default=5, show_default=True, help="How often each recipe is trained.")
@corpus_option
@models_option
@store_option
def cross_fit(recipes: Sequence[str], folds: int, corpus: Path, models: Path, store: Path) -> int:
    """Make the lessons beside the corpus anew: what each RECIPE says of training sentences that it didn't train on."""
    from training.cross_fit import cross_fit as fit
    from training.cross_fit import require_encoder
    from training.lessons import lessons_beside, write_lessons
    from training.read_recipe import load_recipe

    loaded = [load_recipe(name) for name in recipes]
    for recipe in loaded:
        require_encoder(recipe)
    lessons = fit(loaded, _material(loaded, corpus), folds, models, store)
    write_lessons(lessons, lessons_beside(corpus))
    click.echo(f"{lessons_beside(corpus)}: {len(lessons)} sentences")
    return 0


def _material(recipes: Sequence["Recipe"], corpus: Path, *, check: bool = True) -> "Material":
    """Read and check the corpus, and see that all ``recipes`` can train on it: a slip in the second costs no training."""
    from training.lessons import require_sound_lessons
    from training.material import read_material, read_sound_material
    from training.selection import trained_on

    click.echo(f"{corpus}: {'checking' if check else 'reading'}", err=True)
    material = read_sound_material(corpus) if check else read_material(corpus)
    for recipe in recipes:
        trained_on(recipe, material)
    if any(recipe.learns_lessons for recipe in recipes):
        require_sound_lessons(corpus, material.sentences)
    return material


TRAIN_COMMANDS = (train, sweep, curve, cross_fit)
"""All of them, for the command line to take up."""
