"""The learning curve, end to end on a small linear model."""

from pathlib import Path

import pytest
from filelock import FileLock, Timeout
from mlflow import MlflowClient

from newsstance.bundle import Bundle
from tests.made import tiny_linear_recipe
from training import train as training
from training.curve import curve
from training.material import Material, read_material
from training.recipe import Recipe
from training.runs import PARENT
from training.store import open_store
from training.tracking import Tracking


def test_a_curve_trains_each_share_once_with_each_seed_and_is_one_run(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    material, models, store = read_material(corpus), tmp_path / "models", tmp_path / "mlruns"
    split, points = curve(tiny_linear_recipe(), material, 2, models, store)
    assert split == "test"
    assert [str(point.share) for point in points] == ["1/8", "1/4", "1/2", "1"]
    assert [point.sentences for point in points] == sorted({point.sentences for point in points})
    assert all(len(point.scores) == 2 for point in points)
    assert points[-1].mean > points[0].mean

    def never(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(training, "fit", never)
    monkeypatch.setattr("training.curve.fit", never)
    assert curve(tiny_linear_recipe(), material, 2, models, store)[1] == points
    client, experiment = open_store(store)
    run = next(run for run in client.search_runs([experiment], "tags.run_type = 'curve'"))
    history = client.get_metric_history(run.info.run_id, "curve/test_stance_f1")
    assert [entry.step for entry in history] == [point.sentences for point in points]
    assert [entry.value for entry in history] == pytest.approx([point.mean for point in points])
    assert [file.path for file in MlflowClient.list_artifacts(client, run.info.run_id, "figures")] != []


def test_an_interrupted_curve_goes_on_in_its_run_and_no_other_is_under_way_meanwhile(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    material, models, store = read_material(corpus), tmp_path / "models", tmp_path / "mlruns"
    fitted: list[str] = []

    def interrupted(recipe: Recipe, material: Material, models: Path, run: Tracking, target: Path) -> Bundle:
        with pytest.raises(Timeout):
            FileLock(tmp_path / "models" / "curve" / ".floor.lock").acquire(timeout=0)
        fitted.append(recipe.name)
        if len(fitted) == 3:
            raise KeyboardInterrupt
        return training.fit(recipe, material, models, run, target)

    monkeypatch.setattr("training.curve.fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        curve(tiny_linear_recipe(), material, 1, models, store)
    _, points = curve(tiny_linear_recipe(), material, 1, models, store)
    assert fitted == ["floor-1-8", "floor-1-4", "floor-1-2", "floor-1-2", "floor-1-1"]
    client, experiment = open_store(store)
    (run,) = client.search_runs([experiment], "tags.run_type = 'curve'")
    below = client.search_runs([experiment], f"tags.`{PARENT}` = '{run.info.run_id}' and attributes.status = 'FINISHED'")
    assert sorted(child.data.tags["recipe"] for child in below) == sorted(set(fitted))
    history = client.get_metric_history(run.info.run_id, "curve/test_stance_f1")
    assert [entry.step for entry in history] == [point.sentences for point in points]
    note = run.data.tags["mlflow.note.content"]
    for point in points:
        assert f"- {point.share} ({point.sentences} sentences): stance_f1 **{point.mean:.3f}**" in note
