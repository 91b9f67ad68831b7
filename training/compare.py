"""Compare runs by what they answered, sentence by sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from training.bootstrap import METRICS, Difference, Estimate, difference, estimate
from training.errors import ComparisonError
from training.predictions import Predictions, SplitPredictions
from training.registry import PROMOTED, champion_version
from training.run_spec import LESSONS_TAG, STATES_TAG
from training.runs import find_run, finished_runs, run_predictions

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class Pair:
    """Two runs on one split: the score of each in ``metric`` and how much better the first is."""

    split: str
    metric: str
    first: Estimate
    second: Estimate
    difference: Difference


@dataclass(frozen=True)
class Ranked:
    """A run among others: its scores by split, and how it differs from the champion, ``None`` where it can't be told.

    ``adjusted_p`` is the p-value after allowing for how many runs are looked at.
    """

    name: str
    is_champion: bool
    scores: Mapping[str, Estimate]
    difference: Difference | None
    adjusted_p: float | None


@dataclass(frozen=True)
class Ranking:
    """Runs from best to worst by ``metric`` on ``split``, and which model is champion and why, in one line."""

    split: str
    metric: str
    runs: Sequence[Ranked]
    champion: str


def compare_two(
    client: "MlflowClient", experiment: str, first: str, second: str, split: str | None = None
) -> tuple[str, str, list[Pair]]:
    """Compare the runs that ``first`` and ``second`` mean, on ``split`` or all that both have; give their names too.

    Raises ``ComparisonError`` if one isn't there, keeps no answers, or both answered other sentences.
    """
    runs = [find_run(client, experiment, name) for name in (first, second)]
    ours, theirs = (run_predictions(client, run) for run in runs)
    shared = [name for name in ours[0] if name in theirs[0] and split in (None, name)]
    if not shared:
        raise ComparisonError(f"no split {split!r}: there are {', '.join(ours[0])}")
    pairs = [_pair(name, metric, ours, theirs) for name in shared for metric in METRICS]
    return str(runs[0].info.run_name), str(runs[1].info.run_name), pairs


def rank(client: "MlflowClient", experiment: str, split: str, metric: str = "stance_f1") -> Ranking:
    """Rank the newest run of each recipe and corpus by ``metric`` on ``split``.

    P-values are adjusted for the number of runs that are held against the champion (Benjamini and Hochberg 1995, as in SciPy).
    Raises ``ComparisonError`` if there is no run to rank.
    """
    version = champion_version(client)
    crowned = (version.run_id or None) if version is not None else None
    chosen = _newest_of_each(client, finished_runs(client, experiment), split, crowned)
    if not chosen:
        raise ComparisonError(f"no finished run has answers on {split!r}: train one with `make train`")
    answers = {run.info.run_id: kept for run, kept in chosen}
    found = []
    for run, ours in chosen:
        is_champion = run.info.run_id == crowned
        against = None if is_champion or crowned not in answers else _against(ours, answers[crowned], split, metric)
        scores = {name: estimate(_on(ours, name), metric) for name in ours[0]}
        found.append(Ranked(str(run.info.run_name), is_champion, scores, against, None))
    ordered = sorted(_adjusted(found), key=lambda item: -item.scores[split].value)
    return Ranking(split, metric, ordered, _told(version))


def _newest_of_each(
    client: "MlflowClient", runs: Sequence["Run"], split: str, keep: str | None
) -> list[tuple["Run", list[Predictions]]]:
    """Give the first of ``runs`` of each recipe, corpus and lessons with answers on ``split``, and the one called ``keep``."""
    seen: set[tuple[str | None, ...]] = set()
    chosen = []
    for run in runs:
        key = tuple(run.data.tags.get(name) for name in ("recipe", "recipe_sha256", "corpus_sha256", LESSONS_TAG, STATES_TAG))
        if (key not in seen or run.info.run_id == keep) and (kept := _kept(client, run, split)):
            chosen.append((run, kept))
            seen.add(key)
    return chosen


def _pair(split: str, metric: str, ours: Sequence[Predictions], theirs: Sequence[Predictions]) -> Pair:
    first, second = _on(ours, split), _on(theirs, split)
    found = difference(first, second, metric)
    return Pair(split, metric, estimate(first, metric), estimate(second, metric), found)


def _on(predictions: Sequence[Predictions], split: str) -> list[SplitPredictions]:
    return [one[split] for one in predictions]


def _kept(client: "MlflowClient", run: "Run", split: str) -> list[Predictions]:
    """Give the answers of ``run``; none where it keeps none on ``split``, as runs of an older newsstance."""
    try:
        predictions = run_predictions(client, run)
    except ComparisonError:
        return []
    return predictions if all(split in one for one in predictions) else []


def _against(ours: Sequence[Predictions], champion: Sequence[Predictions], split: str, metric: str) -> Difference | None:
    try:
        return difference(_on(ours, split), _on(champion, split), metric)
    except ComparisonError:  # measured on another corpus
        return None


def _adjusted(found: Sequence[Ranked]) -> list[Ranked]:
    """Fill in the p-values that allow for the number of comparisons, by the false discovery rate."""
    from scipy.stats import false_discovery_control

    tested = [item.difference.p for item in found if item.difference is not None]
    values = iter(false_discovery_control(tested, method="bh").tolist() if tested else [])
    return [item if item.difference is None else replace(item, adjusted_p=next(values)) for item in found]


def _told(version: "ModelVersion | None") -> str:
    if version is None:
        return "champion: none is registered yet; a training makes one"
    why = version.description if version.tags.get(PROMOTED) != "false" else None  # else it tells of the decision against it
    return f"champion: {version.tags.get('recipe', 'unknown')}, version {version.version}: {why or 'by hand'}"
