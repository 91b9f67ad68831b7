"""What an analyst finds in a run and beside an exported model."""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from newsstance import Predictor
from tests.conftest import Trained
from tests.made import tiny_linear_recipe
from training.calibration_metrics import calibration_metrics
from training.corpus import Sentence, of_split, read_corpus, sentence_id
from training.figures import risk_coverage_figure
from training.material import read_material
from training.measure import wrong_answers
from training.metrics import all_metrics
from training.predictions import PREDICTIONS_FILE, predict_held_out, read_predictions
from training.recipe import DataSettings
from training.selection import trained_on
from training.slices import DIMENSIONS, SMALLEST, slice_metrics, slices
from training.store import store_uri
from training.train import train


@pytest.fixture(scope="module")
def client(trained: Trained) -> MlflowClient:
    return MlflowClient(store_uri(trained.store))


@pytest.fixture(scope="module")
def run(client: MlflowClient, trained: Trained) -> Run:
    return client.get_run(trained.tiny.run_id or "")


def sentence(text: str, topic: str = "") -> Sentence:
    return Sentence(sentence_id(text), text, "none", "neutral", topic, "made", "made-1", "test")


def test_a_run_says_what_it_is_by_name_tags_and_description(run: Run, trained: Trained) -> None:
    digest = trained.tiny.corpus_sha256
    tags = run.data.tags
    assert run.info.run_name == f"tiny {tags['recipe_sha256'][:4]} · corpus {digest[:4]} · seed 1"
    assert tags["encoder"] == str(trained.encoder)
    assert "CPU" in tags["device"]
    assert tags["run_type"] == "training"
    note = tags["mlflow.note.content"]
    found = {name: run.data.metrics[f"test/{name}"] for name in ("stance_f1", "stance_f1_low", "stance_f1_high")}
    assert "- test: stance_f1 **{stance_f1:.3f} [{stance_f1_low:.3f}, {stance_f1_high:.3f}]**".format(**found) in note
    assert "[Figures](#/experiments/" in note
    assert tags["promotion"]


def test_a_run_has_a_dataset_for_each_split_and_system_metrics(run: Run) -> None:
    assert run.inputs is not None
    assert sorted(item.dataset.name for item in run.inputs.dataset_inputs) == [
        "newsstance test", "newsstance train", "newsstance validation",
    ]  # fmt: skip
    assert "system/cpu_utilization_percentage" in run.data.metrics


def without_none(settings: Mapping[str, object]) -> dict[str, object]:
    kept = {key: value for key, value in settings.items() if value is not None}
    return {key: without_none(value) if isinstance(value, Mapping) else value for key, value in kept.items()}


def test_a_run_keeps_recipe_answers_and_wrong_sentences(
    client: MlflowClient, run: Run, trained: Trained, tmp_path: Path
) -> None:
    recipe = tomllib.loads(Path(client.download_artifacts(run.info.run_id, "recipe.toml", str(tmp_path))).read_text())
    assert recipe == without_none(trained.tiny.recipe)
    kept = read_predictions(Path(client.download_artifacts(run.info.run_id, PREDICTIONS_FILE, str(tmp_path))))
    fresh = predict_held_out(Predictor.load(trained.tiny.path), read_corpus(trained.corpus))
    assert kept.keys() == fresh.keys() == {"test", "validation"}
    for split, answers in fresh.items():
        answers.require_same(kept[split])
        assert kept[split].labels("stance") == answers.labels("stance")
    errors = json.loads(Path(client.download_artifacts(run.info.run_id, "errors.json", str(tmp_path))).read_text())
    assert {"stance", "probability_stance", "sentiment", "split", "id"} <= set(errors["columns"])
    assert errors["columns"][:2] == ["text", "predicted_stance"]  # which the evaluation view takes to begin with
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [{"path": "errors.json", "type": "table"}]


def test_what_a_run_tells_follows_from_its_answers(run: Run, trained: Trained) -> None:
    answers = predict_held_out(Predictor.load(trained.tiny.path), read_corpus(trained.corpus))["test"]
    metrics = all_metrics(answers.gold, {head: answers.labels(head) for head in answers.gold})
    for name, value in {**metrics, **calibration_metrics(answers)}.items():
        assert run.data.metrics[f"test/{name}"] == pytest.approx(value, abs=1e-4), name
    assert run.data.metrics["test/stance_f1_low"] <= metrics["stance_f1"] <= run.data.metrics["test/stance_f1_high"]


def test_the_table_holds_each_wrong_sentence_once(trained: Trained) -> None:
    rows = read_corpus(trained.corpus)
    answers = predict_held_out(Predictor.load(trained.linear.path), rows)["test"]
    flipped = dict(answers.gold) | {"stance": ["none" if label == "alarmed" else label for label in answers.gold["stance"]]}
    wrong = wrong_answers(
        type(answers)(answers.ids, answers.units, flipped, answers.probabilities), {row.id: row.text for row in rows}, "test"
    )
    expected = [row.text for row in of_split(rows, "test") if row.stance == "alarmed"]
    assert wrong["text"] == expected
    assert set(wrong["predicted_stance"]) == {"alarmed"}
    assert len({len(column) for column in wrong.values()}) == 1


def test_the_model_card_tells_data_scores_calibration_behaviour_limits_and_versions(trained: Trained) -> None:
    card = (trained.tiny.path / "README.md").read_text()
    for heading in ("Data and splits", "Scores", "Calibration", "By kind of sentence", "Behaviour", "Limits", "Versions"):
        assert f"## {heading}" in card
    assert f"{trained.tiny.metrics['test/stance_f1']:.3f} [" in card
    assert trained.tiny.files["model.onnx"].sha256 in card
    assert (trained.tiny.run_id or "") in card


def test_a_run_and_its_card_count_the_sentences_that_trained(trained: Trained, tmp_path: Path) -> None:
    material = read_material(trained.corpus)
    recipe = replace(tiny_linear_recipe(), name="less", data=DataSettings(shares={"made": 0.5}))
    rows = {name: len(of_split(trained_on(one, material).sentences, "train")) for name, one in
            (("less", recipe), ("floor", tiny_linear_recipe()))}  # fmt: skip
    assert rows["less"] < rows["floor"]
    store = tmp_path / "mlruns"
    whole = train(tiny_linear_recipe(), material, tmp_path / "models", store)
    part_of_it = train(recipe, material, tmp_path / "models", store)  # in the same store, which knows a dataset by its digest
    client = MlflowClient(store_uri(store))
    for one in (part_of_it, whole):
        card = (one.path / "README.md").read_text()
        part = f"`made` {rows['less']} of {rows['floor']}." if one.name == "less" else f"`made` {rows['floor']}."
        assert f"| train | {rows[one.name]} |" in card
        assert f"Origins of what trained: {part}" in card
        inputs = client.get_run(one.run_id or "").inputs
        assert inputs is not None
        profiles = {item.dataset.name: json.loads(item.dataset.profile or "")["num_rows"] for item in inputs.dataset_inputs}
        held_out = {f"newsstance {split}": len(of_split(material.sentences, split)) for split in ("validation", "test")}
        assert profiles == {"newsstance train": rows[one.name], **held_out}


def test_sentences_are_told_apart_by_form_length_and_hedges() -> None:
    kinds = {
        "Will it hold?": ("question", "short", "no"),
        '"It might hold," she said.': ("quotation", "short", "yes"),
        "It is the minister's dam.": ("statement", "short", "no"),
        " ".join(["word"] * 13): ("statement", "medium", "no"),
        " ".join(["word"] * 26) + " likely": ("statement", "long", "yes"),
    }
    for text, expected in kinds.items():
        assert tuple(DIMENSIONS[name](sentence(text)) for name in ("form", "length", "hedged")) == expected


def test_slices_are_named_for_the_ui_and_small_ones_left_out(trained: Trained) -> None:
    predictor = Predictor.load(trained.linear.path)
    rows = [
        sentence(f"Word {place} hopes.", "sport" if place < 40 else "health" if place < 80 else "rare") for place in range(90)
    ]
    answers = predict_held_out(predictor, rows)["test"]
    found = slices(rows, "test", answers)
    assert Counter(item.name for item in found) == {"sport": 1, "health": 1}
    assert all(item.sentences >= SMALLEST for item in found)
    assert set(slice_metrics(found, "test")) == {
        f"test/topic/{metric}_{name}" for metric in ("stance_f1", "sentiment_f1") for name in ("sport", "health")
    }


def test_every_curve_of_risk_fits_its_figure(trained: Trained) -> None:
    predictions = predict_held_out(Predictor.load(trained.linear.path), read_corpus(trained.corpus))
    figure = risk_coverage_figure(predictions, "made")
    for axes in figure.axes:
        assert max(float(np.max(line.get_ydata())) for line in axes.lines) <= axes.get_ylim()[1]
