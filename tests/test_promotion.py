"""Who becomes champion, and what follows it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from newsstance import Predictor
from newsstance.bundle import read_bundle
from newsstance.locate import CHAMPION, name_champion
from tests.conftest import Trained
from tests.made import tiny_linear_recipe
from tests.test_bootstrap import made
from training.champion import current_champion, keep_champion
from training.cli import main
from training.material import read_material
from training.predictions import SplitPredictions
from training.promotion import decide
from training.registry import REGISTERED, champion_version, follow_registry
from training.store import open_store, store_uri
from training.train import train


def softened(answers: SplitPredictions, sure: float) -> SplitPredictions:
    """Give the same answers, each said with the probability ``sure``."""
    soft = {
        head: (values * sure + (1 - values) * (1 - sure) / (values.shape[1] - 1)).astype(np.float32)
        for head, values in answers.probabilities.items()
    }
    return replace(answers, probabilities=soft)


def test_a_significantly_better_model_takes_over() -> None:
    decision = decide("new", made(0.1, seed=1), "old", made(0.4, seed=2))
    assert decision.promoted
    assert decision.reason.startswith("new takes over from old: stance_f1 on validation +0.")
    assert "p < 0.001" in decision.reason
    assert "\n" not in decision.reason
    assert decision.figures["promotion/difference"] > 0


def test_a_better_score_that_may_be_chance_does_not_take_over() -> None:
    better, worse = made(0.29, seed=3), made(0.3, seed=2)
    decision = decide("new", better, "old", worse)
    assert decision.figures["promotion/p"] > 0.05
    assert not decision.promoted
    assert "old stays: new is not better" in decision.reason


def test_a_better_model_that_is_worse_calibrated_does_not_take_over() -> None:
    better, worse = softened(made(0.1, seed=1), 0.55), softened(made(0.4, seed=2), 0.7)
    decision = decide("new", better, "old", worse)
    assert decision.figures["promotion/difference"] > 0
    assert not decision.promoted
    assert "new is worse calibrated" in decision.reason


def test_the_first_model_becomes_champion_and_a_retrained_one_does_not_overwrite_it(corpus: Path, tmp_path: Path) -> None:
    models, store, material = tmp_path / "models", tmp_path / "mlruns", read_material(corpus)
    first = train(tiny_linear_recipe(), material, models, store)
    champion = current_champion(models)
    assert champion is not None
    assert champion.run_id == first.run_id
    again = train(tiny_linear_recipe(), material, models, store)
    assert again.run_id != first.run_id
    assert Predictor.load(models).bundle.run_id == first.run_id
    client, _ = open_store(store)
    run = client.get_run(again.run_id or "")
    assert run.data.tags["promoted"] == "false"
    assert "floor stays" in run.data.tags["promotion"]
    assert run.data.metrics["promotion/p"] == 1
    version = champion_version(client)
    assert version is not None
    assert version.description == "floor is the first model"


def test_a_champion_of_the_older_layout_is_set_apart_before_its_recipe_is_trained_again(
    trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained.linear.path, tmp_path / "floor")
    name_champion(tmp_path, "floor")
    keep_champion(tmp_path)
    shutil.rmtree(tmp_path / "floor")
    assert Predictor.load(tmp_path).bundle.created == trained.linear.created


def test_a_champion_that_cant_be_read_gives_way(trained: Trained, corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(trained.linear.path, tmp_path / "floor")
    name_champion(tmp_path, "floor")
    (tmp_path / "floor" / "vocabulary.json").write_text("{}")
    bundle = train(replace(tiny_linear_recipe(), name="fresh"), read_material(corpus), tmp_path, tmp_path / "mlruns")
    assert Predictor.load(tmp_path).bundle.run_id == bundle.run_id


def test_models_follow_the_alias_where_someone_moves_it(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models, store = Path(shutil.copytree(trained.models, tmp_path / "models")), tmp_path / "mlruns"
    shutil.copytree(trained.store, store)
    client = MlflowClient(store_uri(store))
    (other,) = (
        version
        for version in client.search_model_versions(f"name = '{REGISTERED}'")
        if version.run_id != Predictor.load(models).bundle.run_id
    )
    client.set_registered_model_alias(REGISTERED, CHAMPION, other.version)
    assert main(["champion", "--models", str(models), "--store", str(store)]) == 0
    assert Predictor.load(models).bundle.run_id == other.run_id
    assert "as its alias says" in capsys.readouterr().err


def test_a_champion_that_the_registry_does_not_know_stays(trained: Trained, tmp_path: Path) -> None:
    bundle = read_bundle(Path(shutil.copytree(trained.linear.path, tmp_path / "offline")))
    replace(bundle, settings={"made": "offline"}).write()
    name_champion(tmp_path, "offline")
    follow_registry(MlflowClient(store_uri(trained.store)), tmp_path)
    assert (tmp_path / CHAMPION).read_text() == "offline\n"
