"""The commands about runs rather than trainings: compare, champion, ui, clean-runs."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from newsstance.locate import CHAMPION, locate_model
from training.options import models_option, store_option


@click.command()
@click.argument("runs", nargs=-1, metavar="[A B]")
@click.option("--split", help="A split, such as test-news; for A and B all by default, for the ranking validation.")
@store_option
def compare(runs: Sequence[str], split: str | None, store: Path) -> int:
    """Compare two runs, or rank all of them.

    A and B are names of recipes (their newest run), names of runs or ids of runs. Without them the runs are ranked, and those
    that differ significantly from the champion are marked.
    """
    from training.compare import compare_two, rank
    from training.report import difference_table, ranking_table, show
    from training.store import require_store

    if len(runs) not in (0, 2):
        raise click.UsageError("give two runs to compare, or none to rank all")
    client, experiment = require_store(store)
    if runs:
        show(difference_table(*compare_two(client, experiment, runs[0], runs[1], split)))
        return 0
    ranking = rank(client, experiment, split or "validation")
    show(ranking_table(ranking))
    click.echo(ranking.champion)
    return 0


@click.command()
@models_option
@store_option
def champion(models: Path, store: Path) -> int:
    """Say which model is in use, after following the registry's alias where someone has moved it.

    Where the registry has fallen behind, its alias moves to the model in use.
    """
    from training.registry import follow_registry
    from training.store import require_store

    client, experiment = require_store(store)
    follow_registry(client, models, experiment)
    click.echo(f"champion: {locate_model(models / CHAMPION).name} ({models / CHAMPION})")
    return 0


@click.command()
@store_option
def ui(store: Path) -> int:
    """Open the MLflow UI on this project's store, at 127.0.0.1, and print its address."""
    from training.ui import open_ui

    open_ui(store)
    return 0


@click.command("clean-runs")
@click.option("--yes", is_flag=True, help="Don't ask.")
@store_option
def clean_runs(yes: bool, store: Path) -> int:
    """Delete all runs of the local MLflow store and its registry, after asking; models stay.

    Not while a training of this machine is under way in it. Runs of other machines that were never ended are named, and taken
    for dead.
    """
    from training.clean_runs import count_runs, remove_store

    runs, unended = count_runs(store)
    for name in unended:
        click.echo(f"{name}: marked as running, and can't be looked at from here; taken for dead", err=True)
    question = f"delete {store}/ with {runs} runs and all they keep (models/ stays)? [y/N] "
    if not (yes or _agrees(question)):
        click.echo("nothing deleted", err=True)
        return 1
    remove_store(store)
    click.echo(f"{store}/: {runs} runs deleted")
    return 0


def _agrees(question: str) -> bool:
    """Ask on standard error; no answer is no."""
    click.echo(question, err=True, nl=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


RUN_COMMANDS = (compare, champion, ui, clean_runs)
"""All of them, for the command line to take up."""
