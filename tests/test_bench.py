"""The benchmark measures what it says; how fast anything is isn't asserted."""

import json
import shutil
from pathlib import Path

import pytest

from newsstance import NewsstanceError, Predictor
from tests.conftest import Trained
from training import bench
from training.as_trained import TRAINED
from training.bench import Row, measure, probe
from training.bench_report import bench_table, cells, circumstances, keep
from training.contestants import REFERENCE, Contestant, contestants, load
from training.corpus import of_split, read_corpus
from training.metrics import stance_f1

TEXTS = ["Qwertyui hopes asdfghjk.", "Zxcvbnmq fears poiuytre, a longer one.", "Lkjhgfds meets mnbvcxzq."]


@pytest.fixture
def models(trained: Trained, tmp_path: Path) -> Path:
    """Give a models folder whose champion is the tiny encoder."""
    models = Path(shutil.copytree(trained.models, tmp_path / "models"))
    (models / "champion").write_text("tiny\n")
    return models


def rows() -> list[Row]:
    fast = Row("newsstance champion", 800.0, 80.0, 0.5, 10**8, 25_000_000, 0.7)
    return [fast, Row(REFERENCE, 10.0, 1.0, 9.0, 10**9, 10**8, 0.71), Row("VADER", 12345.0, 900.0, 0.1, 10**7, None, 0.2)]


@pytest.mark.parametrize("size", ["1", "32"])
def test_a_pipeline_of_the_kept_weights_says_what_the_trained_model_says(size: str, models: Path) -> None:
    entered = {one.name: one for one in contestants(models)}[REFERENCE]
    scorers = load(entered.module, entered.function, (entered.arguments[0], size))
    texts = TEXTS * 3
    assert scorers.sentences(texts) == [score.stance for score in Predictor.load(models / TRAINED / "tiny").predict(texts)]


def test_what_is_there_is_compared_and_nothing_else(models: Path) -> None:
    names = [one.name for one in contestants(models)]
    assert names[0] == "newsstance champion"
    assert REFERENCE in names
    assert "newsstance fast" not in names
    shutil.copytree(models / "tiny", models / "early")
    assert [one.name for one in contestants(models)][2:4] == ["newsstance early", "early, one at a time"]
    (models / TRAINED / "tiny" / "model.safetensors").unlink()
    assert REFERENCE not in [one.name for one in contestants(models)]


def test_all_take_turns_on_the_same_sentences(trained: Trained, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_SECONDS", 0.0)
    monkeypatch.setattr(bench, "probe", lambda one, texts: (1.5, 10**6))
    kept = [one for one in contestants(models) if one.module == "training.predictors"]
    monkeypatch.setattr(bench, "contestants", lambda _: kept)
    sentences = of_split(read_corpus(trained.corpus), "test")
    whole, single = measure(models, sentences, rounds=2)
    said = [score.stance for score in Predictor.load(models / "tiny").predict([row.text for row in sentences])]
    assert whole.stance_f1 == single.stance_f1 == stance_f1([row.stance for row in sentences], said)
    assert (whole.cold_start, whole.memory) == (1.5, 10**6)
    assert whole.artefact == sum(path.stat().st_size for path in (models / "tiny").iterdir())


def test_a_fresh_process_tells_when_it_scored_and_what_it_held() -> None:
    seconds, memory = probe(Contestant("VADER", "training.baselines", "load_vader"), TEXTS)
    assert seconds > 0
    assert 10**6 < memory < 10**9


def test_a_contestant_that_fails_in_its_process_is_named() -> None:
    with pytest.raises(NewsstanceError, match="ghost: a fresh process"):
        probe(Contestant("ghost", "training.baselines", "load_ghost"), TEXTS)


def test_the_table_gives_ratios_to_the_pipeline_and_leaves_unknowns_empty() -> None:
    assert cells(rows())[0] == ["newsstance champion", "800", "80", "80", "0.50", "100", "25.0", "0.700"]
    assert cells(rows())[2][3:] == ["1,234", "0.10", "10", "", "0.200"]
    assert [row[3] for row in cells(rows()[:1])] == [""]
    assert bench_table(rows()).row_count == 3


def test_figures_are_kept_as_markdown_as_json_and_as_a_run(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    from training.store import EXPERIMENT, store_uri

    keep(rows(), circumstances(9, 3, 1), tmp_path / "mlruns", tmp_path / "bench")
    table = (tmp_path / "bench" / "bench.md").read_text(encoding="utf-8")
    assert "| newsstance champion | 800 |" in table
    assert "- data: 9 sentences of 3 articles" in table
    kept = json.loads((tmp_path / "bench" / "bench.json").read_text(encoding="utf-8"))
    assert [row["sentences"] for row in kept["rows"]] == [800.0, 10.0, 12345.0]
    client = MlflowClient(store_uri(tmp_path / "mlruns"))
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["bench/newsstance_champion/sentences"] == 800.0


def test_textblob_and_vader_label_by_the_same_thresholds() -> None:
    from training.baselines import textblob_labels, vader_labels

    for labels in (textblob_labels, vader_labels):
        assert labels(["What a wonderful, happy day.", "It is on the table.", "A terrible, awful disaster."]) == {
            "stance": ["optimistic", "none", "alarmed"],
            "sentiment": ["positive", "neutral", "negative"],
        }
