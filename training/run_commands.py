"""The commands about runs rather than trainings: compare, champion, ui, clean-runs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsstance.locate import CHAMPION, locate_model
from training.options import models_option, store_option

if TYPE_CHECKING:
    from mlflow import MlflowClient


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

    if len(runs) not in (0, 2):
        raise click.UsageError("give two runs to compare, or none to rank all")
    client, experiment = _opened(store)
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
    """Say which model is in use, after following the registry's alias where someone has moved it."""
    from training.registry import follow_registry

    client, _ = _opened(store)
    follow_registry(client, models)
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
    """Delete all runs of the local MLflow store and its registry, after asking; models stay."""
    from training.clean_runs import count_runs, remove_store

    runs = count_runs(store)
    question = f"delete {store}/ with {runs} runs and all they keep (models/ stays)? [y/N] "
    if not (yes or _agrees(question)):
        click.echo("nothing deleted", err=True)
        return 1
    remove_store(store)
    click.echo(f"{store}/: {runs} runs deleted")
    return 0


def _opened(store: Path) -> tuple["MlflowClient", str]:
    """Open the store, or raise ``StoreError`` in one line."""
    from training.errors import StoreError
    from training.store import open_store, store_uri

    try:
        return open_store(store)
    except StoreError:
        raise
    except Exception as error:  # a store can fail in any way: disk, lock, network, version
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise StoreError(f"{store_uri(store)}: the MLflow store can't be opened ({reason})") from error


def _agrees(question: str) -> bool:
    """Ask on standard error; no answer is no."""
    click.echo(question, err=True, nl=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


RUN_COMMANDS = (compare, champion, ui, clean_runs)
"""All of them, for the command line to take up."""
