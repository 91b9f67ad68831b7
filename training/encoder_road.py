"""The road of an encoder recipe: fine-tune, export the graph as trained, then with int8 weights."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from newsstance import Predictor
from newsstance.bundle import Bundle
from newsstance.encoder import GRAPH_FILE
from newsstance.models import softmax, temperatures
from newsstance.tokens import TOKENIZER_FILE, Windows
from training.agreement import require_close, require_same
from training.calibrate import calibration_sentences
from training.checkpoint import Checkpoint
from training.corpus import Sentence, of_split
from training.evaluate import held_out_metrics
from training.export import Origin, write_bundle
from training.finetune import finetune, network_logits, use_all_cores
from training.onnx_graph import write_float_graph, write_int8_graph
from training.pretrained import encoder_folder
from training.teach import learn_from
from training.tracking import Tracking
from training.two_heads import TwoHeads
from training.weights import write_weights

TRAINED: Final = "trained"
"""The folder in ``models/`` that keeps each encoder as it was trained, in float32, beside the int8 one in use."""

CHECKPOINTS: Final = ".checkpoints"
"""The folder in ``models/`` that keeps the state of trainings under way or interrupted."""


def train_encoder(origin: Origin, sentences: Sequence[Sentence], models: Path, run: Tracking) -> Bundle:
    """Fine-tune the recipe's encoder and export it; the checkpoint goes only once the exported model is in its place."""
    recipe = origin.recipe
    assert recipe.encoder is not None
    use_all_cores()
    train, validation = of_split(sentences, "train"), of_split(sentences, "validation")
    texts = [sentence.text for sentence in train]
    lesson = learn_from(recipe.teacher, models, recipe.name, texts) if recipe.teacher else None
    fingerprint = {"recipe": recipe.to_dict(), "corpus": origin.corpus_sha256, "teacher": lesson and lesson.sha256}
    checkpoint = Checkpoint(models / CHECKPOINTS / recipe.name, fingerprint)
    network, windows = finetune(recipe.encoder, recipe.seed, train, validation, checkpoint, run.metric, lesson)
    print(f"{recipe.name}: exporting and measuring", file=sys.stderr)
    told = {"max_length": recipe.encoder.max_length, "encoder": recipe.encoder.encoder}
    if lesson:
        told["teacher"] = {"name": lesson.name, "sha256": lesson.sha256}
    as_trained = _export_float(network, windows, told, origin, sentences, models)
    bundle = _export_int8(as_trained, told, origin, sentences, models)
    checkpoint.remove()
    return bundle


def _export_float(
    network: TwoHeads,
    windows: Windows,
    told: Mapping[str, Any],
    origin: Origin,
    sentences: Sequence[Sentence],
    models: Path,
) -> Bundle:
    texts = [sentence.text for sentence in of_split(sentences, "validation")]

    def write_files(folder: Path) -> None:
        write_float_graph(network, folder / GRAPH_FILE)
        write_weights(network, folder)
        shutil.copyfile(encoder_folder(told["encoder"]) / TOKENIZER_FILE, folder / TOKENIZER_FILE)

    def measure(exported: Predictor) -> dict[str, float]:
        temperature = temperatures(exported.bundle)
        trained = {head: softmax(logits, temperature[head]) for head, logits in network_logits(network, windows, texts).items()}
        difference = require_same(trained, exported.probabilities(texts))
        return {**held_out_metrics(exported, sentences), "export/largest_difference": difference}

    settings, target = {**told, "precision": "float32"}, models / TRAINED / origin.recipe.name
    return write_bundle(target, origin, settings, write_files, calibration_sentences(sentences), measure)


def _export_int8(
    as_trained: Bundle, told: Mapping[str, Any], origin: Origin, sentences: Sequence[Sentence], models: Path
) -> Bundle:
    texts = [sentence.text for sentence in of_split(sentences, "validation")]

    def write_files(folder: Path) -> None:
        write_int8_graph(as_trained.path / GRAPH_FILE, folder / GRAPH_FILE)
        shutil.copyfile(as_trained.path / TOKENIZER_FILE, folder / TOKENIZER_FILE)

    def measure(exported: Predictor) -> dict[str, float]:
        floats = Predictor.load(as_trained.path).probabilities(texts)
        metrics = held_out_metrics(exported, sentences)
        metrics["export/largest_difference"] = as_trained.metrics["export/largest_difference"]
        metrics["export/int8_mean_difference"] = require_close(floats, exported.probabilities(texts))
        for key in ("validation/stance_f1", "test/stance_f1"):
            metrics[f"export/int8_cost_{key.replace('/', '_')}"] = as_trained.metrics[key] - metrics[key]
        return metrics

    settings = {**told, "precision": "int8"}
    return write_bundle(models / origin.recipe.name, origin, settings, write_files, calibration_sentences(sentences), measure)
