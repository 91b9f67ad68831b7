"""Who becomes champion, and what follows it."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from newsstance import Predictor
from newsstance.bundle import read_bundle
from newsstance.locate import CHAMPION, name_champion
from tests.conftest import Trained
from tests.made import poor_linear_recipe, tiny_linear_recipe
from tests.test_bootstrap import made
from training.champion import crown, current_champion, keep_champion
from training.cli import main
from training.compare import rank
from training.material import read_material
from training.predictions import SplitPredictions
from training.promotion import Decision, decide
from training.registry import REGISTERED, champion_version, follow_registry, record_decision
from training.run_spec import RunSpec
from training.store import open_store, store_uri
from training.tracking import tracked
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
    follow_registry(MlflowClient(store_uri(trained.store)), tmp_path, "1")
    assert (tmp_path / CHAMPION).read_text() == "offline\n"


class Home:
    """A copy of the trained models and their store in ``folder``: the champion, of the version ``alias``, and the ``other``."""

    def __init__(self, trained: Trained, folder: Path) -> None:
        self.models, self.store = folder / "models", folder / "mlruns"
        shutil.copytree(trained.models, self.models)
        shutil.copytree(trained.store, self.store)
        with closing(sqlite3.connect(self.store / "mlflow.db")) as database:
            for place in ("experiments.artifact_location", "runs.artifact_uri", "model_versions.source"):
                table, column = place.split(".")
                moved = f"update {table} set {column} = replace({column}, ?, ?)"  # names of ours
                database.execute(moved, (str(trained.store), str(self.store)))
            database.commit()
        self.client, self.experiment = open_store(self.store)
        self.alias = self.version()
        self.other = next(one for one in (trained.linear, trained.tiny) if one.run_id != self.alias.run_id)

    def version(self) -> ModelVersion:
        """Give the version that has the alias."""
        version = champion_version(self.client)
        assert version is not None
        return version

    def follow(self) -> None:
        """Follow the registry, as each training does first."""
        follow_registry(self.client, self.models, self.experiment)

    def in_use(self) -> str | None:
        """Give the run of the champion in the models folder."""
        return Predictor.load(self.models).bundle.run_id


@pytest.fixture
def home(trained: Trained, tmp_path: Path) -> Home:
    return Home(trained, tmp_path)


def test_a_champion_whose_alias_was_not_set_to_the_end_is_not_taken_for_a_move_by_hand(home: Home) -> None:
    home.follow()
    crown(home.models, home.other)  # and the store fails, or the user interrupts
    home.follow()
    assert home.in_use() == home.version().run_id == home.other.run_id
    home.client.set_registered_model_alias(REGISTERED, CHAMPION, home.alias.version)  # by hand
    home.follow()
    assert home.in_use() == home.version().run_id == home.alias.run_id


def test_of_two_promotions_at_once_the_later_has_the_alias(home: Home) -> None:
    earlier, later = home.other, home.alias
    with tracked(RunSpec("earlier", {"run_type": "training"}, {}), home.store) as run:
        (version,) = (one for one in home.client.search_model_versions(f"run_id = '{earlier.run_id}'"))
        record_decision(run, Decision(True, "earlier", {}), version.version, home.models)  # after the later was crowned
    assert home.version().version == later.version


@pytest.mark.parametrize("store_is_new", [False, True])
def test_a_registry_without_a_champion_gets_the_one_in_use(
    store_is_new: bool, home: Home, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if store_is_new:
        home.store = home.store.with_name("new")  # as after clean-runs; MLflow keeps a store open that is deleted under it
    else:
        home.client.delete_registered_model(REGISTERED)
    train(poor_linear_recipe(), read_material(corpus), home.models, home.store)
    assert "warning" not in capsys.readouterr().err
    home.client, home.experiment = open_store(home.store)
    version = home.version()
    assert (version.run_id or None) == (None if store_is_new else home.alias.run_id)
    assert "was champion before this registry" in str(version.description)
    (home.models / CHAMPION).unlink()
    home.follow()  # and what is registered can be used
    assert home.in_use() == home.alias.run_id
    ranking = rank(home.client, home.experiment, "validation")
    assert ranking.champion == f"champion: {version.tags['recipe']}, version {version.version}: {version.description}"


def test_a_champion_in_the_registry_that_cant_be_read_costs_a_warning_and_not_the_tracking(
    home: Home, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = home.client.create_model_version(REGISTERED, str(home.store / "lost"))
    home.client.set_registered_model_alias(REGISTERED, CHAMPION, lost.version)
    places = ["--models", str(home.models), "--store", str(home.store)]
    assert main(["champion", *places]) == 1
    assert "error: version" in capsys.readouterr().err
    bundle = train(poor_linear_recipe(), read_material(corpus), home.models, home.store)
    err = capsys.readouterr().err
    assert err.count("warning") == err.count("can't be read and isn't followed") == 1
    assert home.client.get_run(bundle.run_id or "").data.tags["promoted"] == "false"
