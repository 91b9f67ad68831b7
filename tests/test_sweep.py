"""Sweeps and comparisons of runs, end to end on a small linear model."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from newsstance.bundle import read_bundle
from tests.made import poor_linear_recipe, tiny_linear_recipe
from training import linear, linear_road
from training.cli import main
from training.compare import compare_two, rank
from training.corpus import of_split, read_corpus, write_corpus
from training.errors import ComparisonError
from training.material import Material, read_material
from training.recipe import DataSettings, LinearSettings
from training.runs import PARENT, find_run
from training.store import open_store
from training.sweep import Seed, sweep, trained_before
from training.tracking import Tracking
from training.train import train


@dataclass(frozen=True)
class Swept:
    """A sweep of three seeds and, in the same store, a training of a much worse recipe."""

    home: Path
    material: Material
    seeds: list[Seed]
    client: MlflowClient
    experiment: str

    def run(self, name: str) -> Run:
        """Find the run called ``name``."""
        return find_run(self.client, self.experiment, name)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Swept:
    home = tmp_path_factory.mktemp("swept")
    material = read_material(corpus)
    seeds, _ = sweep(tiny_linear_recipe(), material, 3, home / "models", home / "mlruns")
    train(poor_linear_recipe(), material, home / "models", home / "mlruns")
    return Swept(home, material, list(seeds), *open_store(home / "mlruns"))


def test_a_sweep_is_one_run_with_a_run_for_each_seed_below(swept: Swept) -> None:
    parent = swept.run("floor")
    own = parent.data.tags["recipe_sha256"][:4]  # the recipe isn't one that comes with newsstance
    assert parent.info.run_name == f"floor {own} · corpus {swept.material.sha256[:4]} · 3 seeds"
    below = f"tags.`{PARENT}` = '{parent.info.run_id}'"
    children = swept.client.search_runs([swept.experiment], below)
    assert sorted(child.data.tags["seed"] for child in children) == ["1", "2", "3"]
    assert {child.info.status for child in (parent, *children)} == {"FINISHED"}
    assert not {"seed", "description"} & set(parent.data.params)


def test_the_parent_holds_mean_deviation_and_interval(swept: Swept) -> None:
    metrics = swept.run("floor").data.metrics
    for name in ("validation/stance_f1", "test/sentiment_f1"):
        assert metrics[name] == pytest.approx(fmean(seed.measured.metrics[name] for seed in swept.seeds))
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]
        assert metrics[f"{name}_sd"] >= 0


def test_the_exported_model_is_that_of_the_median_seed(swept: Swept) -> None:
    exported = read_bundle(swept.home / "models" / "floor")
    ordered = sorted(swept.seeds, key=lambda seed: (seed.measured.metrics["validation/stance_f1"], seed.seed))
    assert exported.recipe["seed"] == ordered[1].seed
    assert "3 seeds were trained" in (exported.path / "README.md").read_text()
    told = f"All figures but the scores and the learning curves, and `errors.json`, are of seed {ordered[1].seed} alone"
    assert told in swept.run("floor").data.tags["mlflow.note.content"]
    assert " alone" not in swept.run("poor").data.tags["mlflow.note.content"]


def test_seeds_that_are_done_are_not_trained_again(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[int] = []

    class Counted(linear.FittedLinear):
        def __init__(self, settings: LinearSettings, seed: int) -> None:
            fitted.append(seed)
            super().__init__(settings, seed)

    monkeypatch.setattr(linear_road, "FittedLinear", Counted)
    titles: dict[str, str] = {}
    monkeypatch.setattr(Tracking, "figure", lambda _, figure, name: titles.update({name: figure.axes[0].get_title()}))
    before = swept.run("floor").info.run_id
    models, store = swept.home / "models", swept.home / "mlruns"
    sweep(tiny_linear_recipe(), swept.material, 3, models, store)
    assert fitted == []
    exported = read_bundle(models / "floor").recipe["seed"]
    assert titles["confusion_stance_test"] == f"floor, median seed {exported}: stance on test"
    assert titles["scores"] == "floor, 3 seeds"
    assert swept.run("floor").info.run_id == before
    seeds, _ = sweep(tiny_linear_recipe(), swept.material, 4, models, store)
    assert fitted == [4]
    assert swept.run("floor").info.run_id == before
    assert swept.run("floor").info.run_name.endswith("4 seeds")
    assert [seed.seed for seed in seeds] == [1, 2, 3, 4]


def test_another_recipe_or_corpus_is_trained_afresh_and_another_description_is_not(swept: Swept) -> None:
    recipe, models = tiny_linear_recipe(), swept.home / "models"
    folder = models / "seeds" / "1" / "floor"
    assert trained_before(folder, recipe, swept.material, models) is not None
    assert trained_before(folder, replace(recipe, description="in other words"), swept.material, models) is not None
    assert trained_before(folder, replace(recipe, linear=LinearSettings(inverse_penalty=1.0)), swept.material, models) is None
    assert trained_before(folder, recipe, replace(swept.material, sha256="0" * 64), models) is None
    assert trained_before(folder.parent / "nowhere", recipe, swept.material, models) is None


def test_a_seed_of_before_there_was_a_setting_is_that_of_its_default(swept: Swept, tmp_path: Path) -> None:
    recipe, models = tiny_linear_recipe(), swept.home / "models"
    folder = Path(shutil.copytree(models / "seeds" / "1" / "floor", tmp_path / "floor"))
    content = json.loads((folder / "bundle.json").read_text())
    del content["recipe"]["data"]["weights"]
    (folder / "bundle.json").write_text(json.dumps(content))
    assert trained_before(folder, recipe, swept.material, models) is not None
    weighed = replace(recipe, data=DataSettings(weights={"made": 2.0}))
    assert trained_before(folder, weighed, swept.material, models) is None
    content["recipe"]["linear"]["penalty"] = "a setting that there no longer is"
    (folder / "bundle.json").write_text(json.dumps(content))
    assert trained_before(folder, recipe, swept.material, models) is None


def test_two_runs_are_compared_by_recipe_run_name_or_id(swept: Swept) -> None:
    good, poor = swept.run("floor"), swept.run("poor")
    expected = compare_two(swept.client, swept.experiment, "floor", "poor")
    for first in (good.info.run_name, good.info.run_id):
        assert compare_two(swept.client, swept.experiment, first, poor.info.run_name) == expected
    (stance, *_) = (pair for pair in expected[2] if pair.split == "test" and pair.metric == "stance_f1")
    assert stance.difference.value == pytest.approx(stance.first.value - stance.second.value)
    assert stance.difference.is_significant


@pytest.mark.parametrize(("name", "message"), [("nope", "no finished run called 'nope'"), ("0" * 32, "no run with the id")])
def test_a_run_that_is_not_there_is_told(swept: Swept, name: str, message: str) -> None:
    with pytest.raises(ComparisonError, match=message):
        compare_two(swept.client, swept.experiment, "floor", name)


def test_a_run_without_answers_is_told(swept: Swept) -> None:
    bare = swept.client.create_run(swept.experiment, run_name="bare").info.run_id
    swept.client.set_terminated(bare)
    with pytest.raises(ComparisonError, match="keeps no predictions to compare"):
        compare_two(swept.client, swept.experiment, "floor", bare)


def test_runs_are_ranked_and_those_that_differ_from_the_champion_marked(swept: Swept) -> None:
    ranking = rank(swept.client, swept.experiment, "validation")
    assert [item.name.split(" ")[0] for item in ranking.runs] == ["floor", "poor"]
    good, poor = ranking.runs
    assert good.is_champion
    assert poor.difference is not None
    assert poor.difference.value < 0
    assert poor.adjusted_p is not None
    assert poor.adjusted_p < 0.05
    assert ranking.champion.startswith("champion: floor, version 1: floor is the first model")


def test_runs_of_another_corpus_are_ranked_but_not_compared(swept: Swept, tmp_path: Path) -> None:
    rows = read_corpus(swept.material.path)
    left_out = of_split(rows, "validation")[0]
    write_corpus([row for row in rows if row != left_out], tmp_path / "corpus.jsonl")
    recipe = replace(poor_linear_recipe(), name="other")
    train(recipe, read_material(tmp_path / "corpus.jsonl"), tmp_path, swept.home / "mlruns")
    (other,) = (item for item in rank(swept.client, swept.experiment, "validation").runs if item.name.startswith("other"))
    assert other.difference is None
    with pytest.raises(ComparisonError, match="other sentences"):
        compare_two(swept.client, swept.experiment, "floor", "other")


def test_the_command_line_compares_and_ranks(swept: Swept, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(swept.home / "mlruns")]
    assert main(["compare", "floor", "poor", "--split", "test", *store]) == 0
    out = capsys.readouterr().out
    assert "A: floor" in out
    assert "*" in out
    assert main(["compare", *store]) == 0
    out = capsys.readouterr().out
    assert "champion: floor" in out
    assert main(["compare", "floor", "poor", "--split", "nowhere", *store]) == 1
    assert "no split 'nowhere'" in capsys.readouterr().err
    assert main(["compare", "floor", *store]) == 2


def test_the_command_line_sweeps(swept: Swept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "quick.toml"
    recipe.write_text('description = "quick"\n[linear]\n')
    places = ["--corpus", str(swept.material.path), "--models", str(tmp_path / "models"), "--store", str(tmp_path / "mlruns")]
    assert main(["sweep", str(recipe), "--seeds", "2", *places]) == 0
    out = capsys.readouterr().out
    assert "quick, 2 seeds" in out
    assert "champion: quick-" in out
