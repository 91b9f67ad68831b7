"""The road of an encoder recipe: fine-tune, export the graph as trained, then with int8 weights."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any, Final

from newsstance import Predictor
from newsstance.bundle import Bundle
from newsstance.encoder import GRAPH_FILE
from newsstance.models import softmax
from newsstance.tokens import TOKENIZER_FILE, Windows
from training.agreement import Probabilities, require_close, require_same
from training.as_trained import TRAINED
from training.checkpoint import CHECKPOINTS, Checkpoint
from training.corpus import Sentence, of_split
from training.curriculum import curriculum
from training.evaluate import split_metrics
from training.export import VALIDATION, Origin, write_bundle
from training.finetune import finetune
from training.int8_graph import calibration_sample, write_int8_graph
from training.material import Material
from training.network_answers import network_logits
from training.onnx_graph import write_float_graph
from training.predictions import Predictions, SplitPredictions
from training.pretrained import encoder_folder
from training.processor import use_all_cores
from training.recipe import Recipe
from training.states import forget_states
from training.targets import targets
from training.teach_states import states_path
from training.tracking import Tracking
from training.two_heads import TwoHeads
from training.weights import write_weights

_COMPARED: Final = 512
"""Sentences of validation on which the exported graphs must answer as the network did."""

_MEASURED: Final = 2000
"""Sentences of validation, at most, on which the graph in float32, three times as slow as in int8, is measured."""


def train_encoder(origin: Origin, material: Material, models: Path, run: Tracking) -> Bundle:
    """Fine-tune the recipe's encoder and export it; the checkpoint goes only once the exported model is in its place."""
    recipe, sentences = origin.recipe, material.sentences
    assert recipe.encoder is not None
    use_all_cores()
    learns = curriculum(origin, material)
    train, lesson, taught = learns
    validation = of_split(sentences, "validation")
    teachers = {"teacher": lesson and lesson.sha256, "states": taught and taught.sha256}
    fingerprint = {"recipe": recipe.to_dict(), "corpus": origin.corpus_sha256, **teachers}
    checkpoint = Checkpoint(models / CHECKPOINTS / recipe.name, fingerprint)
    learnt = targets(train, material.votes, recipe.data, lesson, taught and taught.states)
    network, windows = finetune(recipe.encoder, recipe.seed, train, validation, checkpoint, run.metric, learnt)
    print(f"{recipe.name}: exporting and measuring", file=sys.stderr)
    texts = [sentence.text for sentence in validation[:: _step(validation)][:_COMPARED]]
    trained = {head: softmax(logits) for head, logits in network_logits(network, windows, texts).items()}
    told = {"max_length": recipe.encoder.max_length, "encoder": recipe.encoder.encoder, **learns.told()}
    as_trained = _export_float(network, trained, told, origin, sentences, models)
    bundle = _export_int8(as_trained, trained, told, origin, sentences, models)
    checkpoint.remove()
    if models == origin.models:  # the seeds of a sweep learn the same ones
        forget_states(states_path(models, recipe))
    return bundle


def _export_float(
    network: TwoHeads,
    trained: Probabilities,
    told: Mapping[str, Any],
    origin: Origin,
    sentences: Sequence[Sentence],
    models: Path,
) -> Bundle:
    def write_files(folder: Path) -> None:
        write_float_graph(network, folder / GRAPH_FILE)
        write_weights(network, folder)
        shutil.copyfile(encoder_folder(told["encoder"]) / TOKENIZER_FILE, folder / TOKENIZER_FILE)

    def compare(_: Predictor, answers: Predictions) -> dict[str, float]:
        return {"export/largest_difference": require_same(trained, _compared(answers[VALIDATION]))}

    settings, target = {**told, "precision": "float32"}, models / TRAINED / origin.recipe.name
    validation = of_split(sentences, VALIDATION)
    return write_bundle(target, origin, settings, write_files, validation[:: _step(validation)], compare)


def _export_int8(
    as_trained: Bundle,
    trained: Probabilities,
    told: Mapping[str, Any],
    origin: Origin,
    sentences: Sequence[Sentence],
    models: Path,
) -> Bundle:
    def write_files(folder: Path) -> None:
        _write_int8(as_trained.path, folder / GRAPH_FILE, origin.recipe, sentences)
        shutil.copyfile(as_trained.path / TOKENIZER_FILE, folder / TOKENIZER_FILE)

    def compare(_: Predictor, answers: Predictions) -> dict[str, float]:
        metrics = {"export/largest_difference": as_trained.metrics["export/largest_difference"]}
        same = answers[VALIDATION].every(_step(answers[VALIDATION].ids))
        metrics["export/int8_mean_difference"] = require_close(trained, _compared(same))
        measured = split_metrics({VALIDATION: same})
        for metric in ("stance_f1", "sentiment_f1"):
            key = f"{VALIDATION}/{metric}"
            metrics[f"export/int8_cost_{metric}"] = as_trained.metrics[key] - measured[key]
        return metrics

    settings = {**told, "precision": "int8"}
    return write_bundle(models / origin.recipe.name, origin, settings, write_files, sentences, compare)


def _write_int8(trained: Path, graph: Path, recipe: Recipe, sentences: Sequence[Sentence]) -> None:
    assert recipe.encoder is not None
    texts = [sentence.text for sentence in of_split(sentences, "train")]
    windows = Windows.read(trained / TOKENIZER_FILE, recipe.encoder.max_length)
    write_int8_graph(trained / GRAPH_FILE, graph, windows, calibration_sample(texts, recipe.seed))


def _compared(answers: SplitPredictions) -> Probabilities:
    return {head: values[:_COMPARED] for head, values in answers.probabilities.items()}


def _step(validation: Sequence[object]) -> int:
    """Give the step at which ``_MEASURED`` of the validation sentences, or a few less, are spread over them all."""
    return max(1, ceil(len(validation) / _MEASURED))
