"""The learning curve, end to end on a small linear model."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.made import tiny_linear_recipe
from training import train as training
from training.curve import curve
from training.material import read_material
from training.store import open_store


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
