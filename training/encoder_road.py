"""The road of an encoder recipe: fine-tune, export the graph as trained, then with int8 weights."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from newsstance.bundle import Bundle
from newsstance.encoder import GRAPH_FILE
from newsstance.models import softmax
from newsstance.tokens import TOKENIZER_FILE
from training.agreement import Probabilities, require_close, require_same
from training.checkpoint import Checkpoint
from training.corpus import Sentence, of_split
from training.evaluate import split_metrics
from training.export import VALIDATION, Origin, write_bundle
from training.finetune import finetune, network_logits, use_all_cores
from training.onnx_graph import write_float_graph, write_int8_graph
from training.predictions import Predictions
from training.pretrained import encoder_folder
from training.recipe import EncoderSettings
from training.tracking import Tracking
from training.two_heads import TwoHeads

TRAINED: Final = "trained"
"""The folder in ``models/`` that keeps each encoder as it was trained, in float32, beside the int8 one in use."""

CHECKPOINTS: Final = ".checkpoints"
"""The folder in ``models/`` that keeps the state of trainings under way or interrupted."""


_COMPARED: Final = 512
"""Sentences of validation on which the exported graphs must answer as the network did."""


def train_encoder(origin: Origin, sentences: Sequence[Sentence], models: Path, run: Tracking) -> Bundle:
    """Fine-tune the recipe's encoder and export it; the checkpoint goes only once the exported model is in its place."""
    recipe = origin.recipe
    assert recipe.encoder is not None
    use_all_cores()
    fingerprint = {"recipe": recipe.to_dict(), "corpus": origin.corpus_sha256}
    checkpoint = Checkpoint(models / CHECKPOINTS / recipe.name, fingerprint)
    train, validation = of_split(sentences, "train"), of_split(sentences, "validation")
    network, windows = finetune(recipe.encoder, recipe.seed, train, validation, checkpoint, run.metric)
    print(f"{recipe.name}: exporting and measuring", file=sys.stderr)
    texts = [sentence.text for sentence in validation[:_COMPARED]]
    trained = {head: softmax(logits) for head, logits in network_logits(network, windows, texts).items()}
    as_trained = _export_float(network, trained, origin, sentences, models)
    bundle = _export_int8(as_trained, trained, origin, sentences, models)
    checkpoint.remove()
    return bundle


def _export_float(
    network: TwoHeads, trained: Probabilities, origin: Origin, sentences: Sequence[Sentence], models: Path
) -> Bundle:
    settings = origin.recipe.encoder
    assert settings is not None

    def write_files(folder: Path) -> None:
        write_float_graph(network, folder / GRAPH_FILE)
        shutil.copyfile(encoder_folder(settings.encoder) / TOKENIZER_FILE, folder / TOKENIZER_FILE)

    def compare(answers: Predictions) -> dict[str, float]:
        return {"export/largest_difference": require_same(trained, _compared(answers))}

    told = _settings(settings, "float32")
    return write_bundle(models / TRAINED / origin.recipe.name, origin, told, write_files, sentences, compare)


def _export_int8(
    as_trained: Bundle, trained: Probabilities, origin: Origin, sentences: Sequence[Sentence], models: Path
) -> Bundle:
    assert origin.recipe.encoder is not None

    def write_files(folder: Path) -> None:
        write_int8_graph(as_trained.path / GRAPH_FILE, folder / GRAPH_FILE)
        shutil.copyfile(as_trained.path / TOKENIZER_FILE, folder / TOKENIZER_FILE)

    def compare(answers: Predictions) -> dict[str, float]:
        metrics = {"export/largest_difference": as_trained.metrics["export/largest_difference"]}
        metrics["export/int8_mean_difference"] = require_close(trained, _compared(answers))
        measured = split_metrics(answers)
        for key in ("validation/stance_f1", "test/stance_f1"):
            metrics[f"export/int8_cost_{key.replace('/', '_')}"] = as_trained.metrics[key] - measured[key]
        return metrics

    told = _settings(origin.recipe.encoder, "int8")
    return write_bundle(models / origin.recipe.name, origin, told, write_files, sentences, compare)


def _compared(answers: Predictions) -> Probabilities:
    return {head: values[:_COMPARED] for head, values in answers[VALIDATION].probabilities.items()}


def _settings(settings: EncoderSettings, precision: str) -> dict[str, Any]:
    return {"max_length": settings.max_length, "precision": precision, "encoder": settings.encoder}
