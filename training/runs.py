"""Runs as they lie in the store: found again by what a user calls them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from training.errors import ComparisonError
from training.predictions import PREDICTIONS_FILE, Predictions, read_predictions

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PARENT: Final = "mlflow.parentRunId"
_NEWEST: Final = ["attributes.start_time DESC"]
_MOST: Final = 1000


def earlier_sweep(client: "MlflowClient", experiment: str, tags: Mapping[str, str]) -> str | None:
    """Give the id of the newest sweep of the recipe and corpus that ``tags`` tell."""
    same = " and ".join(f"tags.{name} = '{tags[name]}'" for name in ("run_type", "recipe_sha256", "corpus_sha256"))
    found = client.search_runs([experiment], same, order_by=_NEWEST, max_results=1)
    return str(found[0].info.run_id) if found else None


def finished_child(client: "MlflowClient", experiment: str, parent: str, seed: int) -> str | None:
    """Give the id of the finished run of ``seed`` below the sweep ``parent``."""
    found = [run for run in _children(client, experiment, parent) if run.data.tags.get("seed") == str(seed)]
    return str(found[0].info.run_id) if found else None


def finished_runs(client: "MlflowClient", experiment: str) -> list["Run"]:
    """Give the finished runs that stand below no other, the newest first."""
    found = client.search_runs([experiment], "attributes.status = 'FINISHED'", order_by=_NEWEST, max_results=_MOST)
    return [run for run in found if PARENT not in run.data.tags]


def find_run(client: "MlflowClient", experiment: str, name: str) -> "Run":
    """Give the run that ``name`` means: its id, its name, or the newest finished one of the recipe ``name``.

    Raises ``ComparisonError`` if there is none.
    """
    if re.fullmatch(r"[0-9a-f]{32}", name):
        from mlflow.exceptions import MlflowException

        try:
            return client.get_run(name)
        except MlflowException as error:
            raise ComparisonError(f"no run with the id {name}") from error
    runs = client.search_runs([experiment], "attributes.status = 'FINISHED'", order_by=_NEWEST, max_results=_MOST)
    named = [run for run in runs if run.info.run_name == name]
    of_recipe = [run for run in runs if run.data.tags.get("recipe") == name and PARENT not in run.data.tags]
    if not (named or of_recipe):
        known = sorted({run.data.tags["recipe"] for run in runs if "recipe" in run.data.tags})
        raise ComparisonError(
            f"no finished run called {name!r}, nor of such a recipe; of {', '.join(known) or 'none'} there are"
        )
    return (named or of_recipe)[0]


def run_predictions(client: "MlflowClient", run: "Run") -> list[Predictions]:
    """Give the answers that ``run`` keeps, or those of each seed below it where it is a sweep.

    Raises ``ComparisonError`` if it keeps none.
    """
    seeds = _sweep_seeds(client, run) if run.data.tags.get("run_type") == "sweep" else [run]
    if not seeds:
        raise ComparisonError(f"{run.info.run_name}: no seed of this sweep has finished")
    return [_kept(client, seed) for seed in seeds]


def _sweep_seeds(client: "MlflowClient", run: "Run") -> list["Run"]:
    """Give the newest finished run of each seed, as many as the sweep says it has, in the order of the seeds."""
    children = _children(client, run.info.experiment_id, run.info.run_id)
    newest = {int(child.data.tags["seed"]): child for child in reversed(children)}
    return [newest[seed] for seed in sorted(newest)][: int(run.data.tags["seeds"])]


def _children(client: "MlflowClient", experiment: str, parent: str) -> Sequence["Run"]:
    below = f"tags.`{PARENT}` = '{parent}' and attributes.status = 'FINISHED'"
    return client.search_runs([experiment], below, order_by=_NEWEST, max_results=_MOST)


def _kept(client: "MlflowClient", run: "Run") -> Predictions:
    from mlflow.exceptions import MlflowException

    with TemporaryDirectory() as folder:
        try:
            return read_predictions(Path(client.download_artifacts(run.info.run_id, PREDICTIONS_FILE, folder)))
        except (MlflowException, OSError) as error:
            raise ComparisonError(f"{run.info.run_name}: this run keeps no predictions to compare; train it again") from error
