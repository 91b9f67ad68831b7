"""Runs as they lie in a store, made by hand: which is meant, which counts, and how each ends."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from newsstance.locate import CHAMPION
from tests.made import tiny_linear_recipe
from tests.test_bootstrap import made as made_answers
from training.compare import compare_two, rank
from training.material import Material
from training.predictions import PREDICTIONS_FILE, SplitPredictions, write_predictions
from training.read_recipe import load_recipe
from training.recipe import CascadeSettings, LinearSettings, Recipe
from training.registry import PROMOTED, REGISTERED
from training.run_spec import RunSpec, curve_spec, sweep_spec, training_spec
from training.runs import PARENT, earlier_parent, find_run, finished_child, run_predictions
from training.store import open_store
from training.tracking import Tracking, tracked

SAME = {"recipe": "floor", "recipe_sha256": "0", "corpus_sha256": "0"}
MATERIAL = Material(Path("corpus.jsonl"), [], {}, "0" * 64)


def made(error: float, seed: int) -> SplitPredictions:
    return made_answers(error, seed, rows=80)


class Store:
    """A store in ``folder``, to put finished runs into."""

    def __init__(self, folder: Path) -> None:
        self.client, self.experiment = open_store(folder / "mlruns")
        self._folder = folder

    def add(self, name: str, tags: Mapping[str, str], answers: SplitPredictions | None = None) -> str:
        """Add a finished run that keeps ``answers``, and give its id."""
        run = str(self.client.create_run(self.experiment, run_name=name, tags=dict(tags)).info.run_id)
        if answers is not None:
            write_predictions({"validation": answers}, "0", self._folder / PREDICTIONS_FILE)
            self.client.log_artifact(run, str(self._folder / PREDICTIONS_FILE))
        self.client.set_terminated(run)
        return run

    def sweep(self, name: str, first: int, seeds: int) -> str:
        """Add a finished sweep without its seeds."""
        return self.add(name, {**SAME, "run_type": "sweep", "seeds": str(seeds), "first_seed": str(first)})

    def seed(self, parent: str, seed: int, answers: SplitPredictions | None) -> str:
        """Add the run of a seed."""
        return self.add(f"seed {seed}", {**SAME, "run_type": "training", "seed": str(seed), PARENT: parent}, answers)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_only_what_keeps_answers_stands_for_its_recipe(store: Store) -> None:
    kept = store.add("kept", {**SAME, "run_type": "training"}, made(0.2, seed=1))
    store.add("other", {**SAME, "recipe": "other", "run_type": "training"}, made(0.4, seed=2))
    store.sweep("a sweep of which nothing is left", first=1, seeds=2)
    store.add("a training that lost its store", {**SAME, "run_type": "training"})
    for run_type in ("curve", "bench"):
        store.add(f"a {run_type}", {**SAME, "run_type": run_type})
    assert find_run(store.client, store.experiment, "floor").info.run_id == kept
    assert [item.name for item in rank(store.client, store.experiment, "validation").runs] == ["kept", "other"]
    assert compare_two(store.client, store.experiment, "floor", "other")[:2] == ("kept", "other")


def test_a_sweep_from_another_first_seed_is_compared_by_its_own_seeds(store: Store) -> None:
    sweep = store.sweep("sweep", first=7, seeds=2)
    errors = {1: 0.1, 2: 0.2, 7: 0.3, 8: 0.4}
    for seed, error in errors.items():
        store.seed(sweep, seed, made(error, seed))
    answers = run_predictions(store.client, store.client.get_run(sweep))
    expected = [made(errors[seed], seed).labels("stance") for seed in (7, 8)]
    assert [one["validation"].labels("stance") for one in answers] == expected
    store.client.delete_tag(sweep, "first_seed")  # as of an older newsstance
    assert len(run_predictions(store.client, store.client.get_run(sweep))) == 2


def test_a_seed_counts_as_recorded_only_with_its_answers(store: Store) -> None:
    sweep, same = store.sweep("sweep", first=1, seeds=1), {"recipe_sha256": "0", "seed": "1"}
    store.seed(sweep, 1, None)
    assert finished_child(store.client, store.experiment, sweep, same) is None
    whole = store.seed(sweep, 1, made(0.2, seed=1))
    store.seed(sweep, 1, None)
    assert finished_child(store.client, store.experiment, sweep, same) == whole
    assert finished_child(store.client, store.experiment, sweep, {**same, "recipe_sha256": "1"}) is None


def test_a_sweep_goes_on_with_any_seeds_and_a_curve_with_its_own(store: Store) -> None:
    recipe = tiny_linear_recipe()
    sweep, curve = (store.add(spec.name, spec.tags) for spec in (of(recipe, MATERIAL, 2) for of in (sweep_spec, curve_spec)))

    def earlier(spec: RunSpec) -> str | None:
        return earlier_parent(store.client, store.experiment, spec.tags)

    assert earlier(sweep_spec(recipe, MATERIAL, 2)) == earlier(sweep_spec(replace(recipe, seed=5), MATERIAL, 3)) == sweep
    assert earlier(curve_spec(recipe, MATERIAL, 2)) == curve
    assert earlier(curve_spec(recipe, MATERIAL, 3)) is None
    assert earlier(curve_spec(replace(recipe, seed=5), MATERIAL, 2)) is None


@pytest.mark.parametrize("lost", [False, True])
def test_a_run_that_could_not_be_recorded_whole_has_failed_though_its_store_came_back(
    lost: bool, store: Store, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    with tracked(RunSpec("cut off", {"run_type": "training"}, {}), tmp_path / "mlruns") as run:
        if lost:
            run.attempt(fail)
    assert run.run_id is not None
    assert store.client.get_run(run.run_id).info.status == ("FAILED" if lost else "FINISHED")


def test_an_interrupted_run_stays_killed_where_its_store_failed_too(store: Store, tmp_path: Path) -> None:
    tracking = Tracking()
    tracking.start(RunSpec("cut off", {"run_type": "training"}, {}), tmp_path / "mlruns")
    tracking.attempt(lambda client, _: client.get_run("nowhere"))
    tracking.end("KILLED")
    assert store.client.get_run(tracking.run_id or "").info.status == "KILLED"


def test_a_champion_against_which_its_training_decided_is_one_by_hand(store: Store) -> None:
    client, run = store.client, store.add("floor", {**SAME, "run_type": "training"}, made(0.2, seed=1))
    client.create_registered_model(REGISTERED)
    client.create_model_version(REGISTERED, "nowhere", run, tags={"recipe": "floor"}, description="other stays")
    client.set_registered_model_alias(REGISTERED, CHAMPION, "1")
    for promoted, told in {"false": "by hand", "true": "other stays"}.items():
        client.set_model_version_tag(REGISTERED, "1", PROMOTED, promoted)
        assert rank(client, store.experiment, "validation").champion == f"champion: floor, version 1: {told}"


def test_the_edits_of_a_recipe_have_different_names_and_a_shipped_one_is_plain() -> None:
    shipped = load_recipe("tfidf")
    assert training_spec(shipped, MATERIAL).name == "tfidf · corpus 0000 · seed 1"
    assert (
        sweep_spec(replace(shipped, seed=3, description="in other words"), MATERIAL, 2).name == "tfidf · corpus 0000 · 2 seeds"
    )
    edits = [replace(shipped, linear=LinearSettings(inverse_penalty=value)) for value in (0.1, 0.2, 0.3)]
    for spec in (training_spec, lambda recipe, material: curve_spec(recipe, material, 2)):
        assert len({spec(recipe, MATERIAL).name for recipe in (shipped, *edits)}) == 4
    assert training_spec(edits[0], MATERIAL).name.startswith("tfidf ")


def test_a_cascade_names_its_two_models_where_others_name_their_encoder() -> None:
    recipe = Recipe("both", "two models", cascade=CascadeSettings("quick", "thorough"))
    assert training_spec(recipe, MATERIAL).tags["encoder"] == "those of quick and thorough"
