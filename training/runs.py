"""Runs as they lie in the store: found again by what a user calls them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from training.errors import ComparisonError
from training.predictions import PREDICTIONS_FILE, Predictions, read_predictions
from training.run_spec import LESSONS_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PARENT: Final = "mlflow.parentRunId"
_NEWEST: Final = ["attributes.start_time DESC"]
_MOST: Final = 1000
_SAME: Final = (LESSONS_TAG,)
_DRAWN: Final = ("seeds", "first_seed", "folds", "seed")


def earlier_parent(client: "MlflowClient", experiment: str, tags: Mapping[str, str]) -> str | None:
    """Give the id of the newest run that stands above others, of the kind, recipe, corpus and lessons that ``tags`` tell.

    A sweep can grow by seeds. The points of a curve, once drawn, can't be taken back, nor can those of a cross-fit: they go on
    only with the same seeds and folds.
    """
    names = ["run_type", "recipe_sha256", "corpus_sha256", *(name for name in _SAME if name in tags)]
    if tags["run_type"] != "sweep":
        names += [name for name in _DRAWN if name in tags]
    same = " and ".join(f"tags.{name} = '{tags[name]}'" for name in names)
    found = client.search_runs([experiment], same, order_by=_NEWEST, max_results=1)
    return str(found[0].info.run_id) if found else None


def finished_child(client: "MlflowClient", experiment: str, parent: str, tags: Mapping[str, str]) -> str | None:
    """Give the id of the finished run below ``parent`` that has ``tags`` and keeps its answers, as one recorded whole does."""
    for run in _children(client, experiment, parent):
        if tags.items() <= run.data.tags.items() and _has_predictions(client, run):
            return str(run.info.run_id)
    return None


def finished_runs(client: "MlflowClient", experiment: str) -> list["Run"]:
    """Give the finished trainings and sweeps that stand below no other, the newest first."""
    found = client.search_runs([experiment], "attributes.status = 'FINISHED'", order_by=_NEWEST, max_results=_MOST)
    return [run for run in found if _stands_for_its_recipe(run)]


def find_run(client: "MlflowClient", experiment: str, name: str) -> "Run":
    """Give the run that ``name`` means: its id, its name, or the newest finished one of the recipe ``name``.

    Of several runs, it is the newest that keeps answers. Raises ``ComparisonError`` if there is none.
    """
    if re.fullmatch(r"[0-9a-f]{32}", name):
        from mlflow.exceptions import MlflowException

        try:
            return client.get_run(name)
        except MlflowException as error:
            raise ComparisonError(f"no run with the id {name}") from error
    runs = client.search_runs([experiment], "attributes.status = 'FINISHED'", order_by=_NEWEST, max_results=_MOST)
    named = [run for run in runs if run.info.run_name == name]
    of_recipe = [run for run in runs if run.data.tags.get("recipe") == name and _stands_for_its_recipe(run)]
    if not (named or of_recipe):
        known = sorted({run.data.tags["recipe"] for run in runs if "recipe" in run.data.tags and _stands_for_its_recipe(run)})
        raise ComparisonError(
            f"no finished run called {name!r}, nor of such a recipe; of {', '.join(known) or 'none'} there are"
        )
    meant = named or of_recipe
    return next((run for run in meant if _keeps_answers(client, run)), meant[0])


def run_predictions(client: "MlflowClient", run: "Run") -> list[Predictions]:
    """Give the answers that ``run`` keeps, or those of each seed below it where it is a sweep.

    Raises ``ComparisonError`` if it keeps none.
    """
    seeds = _sweep_seeds(client, run) if run.data.tags.get("run_type") == "sweep" else [run]
    if not seeds:
        raise ComparisonError(f"{run.info.run_name}: no seed of this sweep has finished")
    return [_kept(client, seed) for seed in seeds]


def _stands_for_its_recipe(run: "Run") -> bool:
    """Tell a training or sweep from a seed below one, a learning curve and a benchmark; an older newsstance tagged no type."""
    return PARENT not in run.data.tags and run.data.tags.get("run_type", "training") in ("training", "sweep")


def _keeps_answers(client: "MlflowClient", run: "Run") -> bool:
    seeds = _sweep_seeds(client, run) if run.data.tags.get("run_type") == "sweep" else [run]
    return bool(seeds) and all(_has_predictions(client, seed) for seed in seeds)


def _has_predictions(client: "MlflowClient", run: "Run") -> bool:
    return any(kept.path == PREDICTIONS_FILE for kept in client.list_artifacts(run.info.run_id))


def _sweep_seeds(client: "MlflowClient", run: "Run") -> list["Run"]:
    """Give the newest finished run of each seed that the sweep was last made of, in the order of the seeds.

    A sweep of an older newsstance doesn't tell its first seed: then it is the lowest.
    """
    children = _children(client, run.info.experiment_id, run.info.run_id)
    newest = {int(child.data.tags["seed"]): child for child in reversed(children)}
    first = int(run.data.tags.get("first_seed", min(newest, default=0)))
    return [newest[seed] for seed in sorted(newest) if first <= seed < first + int(run.data.tags["seeds"])]


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
