"""The road of an early exit: a head on a trained encoder's lower layers, how sure it must be, and the graph in two parts."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import onnx

from newsstance import Predictor
from newsstance.bundle import Bundle, read_bundle
from newsstance.encoder import GRAPH_FILE
from newsstance.identity import bundle_sha256
from newsstance.models import likeliest, softmax, temperatures, tempered
from newsstance.tokens import TOKENIZER_FILE, Windows
from training.as_trained import TRAINED, as_trained
from training.checkpoint import CHECKPOINTS, Checkpoint
from training.corpus import of_split
from training.errors import RecipeError
from training.evaluate import Labelled
from training.exit_graphs import layer_states, write_exit_graphs
from training.exit_head import ExitNetwork, fit_exit
from training.exit_tuning import Taught, tune_exit
from training.export import VALIDATION, Origin, write_bundle
from training.int8_graph import calibration_sample, write_int8_graph
from training.layer_answers import LayerAnswers, ask_layer
from training.material import Material, real_or_all
from training.metrics import head_f1
from training.onnx_graph import write_float_graph
from training.predictions import Predictions
from training.processor import use_all_cores
from training.recipe import EarlyExitSettings, Recipe
from training.sureness import Sureness, choose_sureness
from training.teach import find_model
from training.tracking import Tracking
from training.two_heads import TwoHeads
from training.unlabelled import read_unlabelled
from training.weights import read_network

_FLOAT_GRAPH: Final = "float32.onnx"


class _Exiting(NamedTuple):
    """A model's graph, the head on its lower layers, and what it says of the sentences that tell how sure that must be."""

    graph: Path
    precision: str
    head: ExitNetwork
    answers: LayerAnswers


def train_early_exit(origin: Origin, material: Material, models: Path, _run: Tracking) -> Bundle:
    """Give the recipe's model an early exit, and export it beside that, which stays as it is."""
    recipe = origin.recipe
    settings = recipe.early_exit
    assert settings is not None
    whole = _whole(recipe, settings, origin.models)
    weights = _weights(recipe, settings, whole, origin.models)
    validation = Labelled.of(real_or_all(of_split(material.sentences, VALIDATION)))
    texts, windows = _texts(settings, material), _windows(whole)
    asked = ask_layer(whole.path / GRAPH_FILE, windows, settings.layers, [*texts, *validation.texts], whole.name)
    taught, answers = asked.rows(slice(len(texts))), asked.rows(slice(len(texts), None))
    head = fit_exit(taught.means, taught.said, settings.neurons, recipe.seed)
    exiting = _Exiting(whole.path / GRAPH_FILE, str(whole.settings.get("precision", "float32")), head, answers)
    folder = models / CHECKPOINTS / recipe.name
    if weights is not None:
        fingerprint = {"recipe": recipe.to_dict(), "corpus": origin.corpus_sha256, "of": bundle_sha256(whole)}
        network = read_network(weights, whole.recipe["encoder"]["pooling"])
        use_all_cores()
        tune_exit(network, head, windows, Taught(texts, taught.said), settings, recipe.seed, Checkpoint(folder, fingerprint))
        graph = _int8_graph(network, folder, windows, texts, recipe.seed)
        exiting = _Exiting(graph, "int8", head, ask_layer(graph, windows, settings.layers, validation.texts, recipe.name))
    chosen = _sureness(exiting, validation, temperatures(whole), settings.tolerance)
    found = {"validation_share": chosen.share}
    found |= {f"tuning_cost_{head}_f1": cost for head, cost in _cost(answers, exiting.answers, validation).items()}
    bundle = _export(exiting, chosen.thresholds, found, whole, origin, material, models)
    shutil.rmtree(folder, ignore_errors=True)
    return bundle


def _whole(recipe: Recipe, settings: EarlyExitSettings, models: Path) -> Bundle:
    """Find the model that gets an exit; raises ``RecipeError`` if there is none, or it has no such layers."""
    whole = read_bundle(find_model(settings.of, models, recipe.name))
    if whole.kind != "encoder":
        raise RecipeError(
            f"{recipe.name} exits from an encoder's lower layers, and {whole.name!r} is no encoder: `make train` trains one"
        )
    whole.require(GRAPH_FILE)
    layer_states(onnx.load(whole.path / GRAPH_FILE), settings.layers)
    return whole


def _weights(recipe: Recipe, settings: EarlyExitSettings, whole: Bundle, models: Path) -> Path | None:
    """Find ``whole`` as it was trained, if it is to go on learning; raises ``RecipeError`` if it lies there no longer."""
    if not settings.epochs:
        return None
    weights = as_trained(whole, models)
    if weights is None:
        raise RecipeError(
            f"{recipe.name} goes on training {whole.name!r}, which doesn't lie in {models / TRAINED}/ as it was trained: "
            f"`make train RECIPE={whole.name}` trains it again, and with epochs = 0 a recipe needs the exported model alone"
        )
    return weights


def _texts(settings: EarlyExitSettings, material: Material) -> list[str]:
    """Give the sentences that an exit learns from: the training sentences, and those that nobody labelled."""
    known = [sentence.text for sentence in of_split(material.sentences, "train")]
    return [*known, *read_unlabelled(material.sentences, settings.unlabelled, labelled=material.votes)]


def _windows(whole: Bundle) -> Windows:
    return Windows.read(whole.path / TOKENIZER_FILE, int(whole.settings["max_length"]))


def _int8_graph(network: TwoHeads, folder: Path, windows: Windows, texts: Sequence[str], seed: int) -> Path:
    """Write the tuned ``network`` into ``folder`` in int8, with the ranges that some of ``texts`` show; give its place."""
    print("exporting and measuring", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    write_float_graph(network, folder / _FLOAT_GRAPH)
    write_int8_graph(folder / _FLOAT_GRAPH, folder / GRAPH_FILE, windows, calibration_sample(texts, seed))
    return folder / GRAPH_FILE


def _sureness(
    exiting: _Exiting, validation: Labelled, temperature: Mapping[str, float], tolerance: float
) -> Sureness:  # fmt: skip
    """Choose how sure the exit must be of ``validation`` for its answers to stand in the place of the whole model's."""
    logits = exiting.head.learnt().logits(exiting.answers.means)
    early = {head: tempered(softmax(of_head), temperature[head]) for head, of_head in logits.items()}
    late = {head: tempered(of_head, temperature[head]) for head, of_head in exiting.answers.said.items()}
    return choose_sureness(early, late, validation.gold, tolerance)


def _cost(before: LayerAnswers, after: LayerAnswers, validation: Labelled) -> dict[str, float]:
    """Give what the tuning cost the whole model in F1, by head: below 0 where it gained."""
    return {
        head: head_f1(head, gold, likeliest(head, before.said[head])) - head_f1(head, gold, likeliest(head, after.said[head]))
        for head, gold in validation.gold.items()
    }


def _export(
    exiting: _Exiting,
    sure: Mapping[str, float],
    found: Mapping[str, float],
    whole: Bundle,
    origin: Origin,
    material: Material,
    models: Path,
) -> Bundle:
    settings = origin.recipe.early_exit
    assert settings is not None

    def write_files(folder: Path) -> None:
        write_exit_graphs(exiting.graph, folder, settings.layers, exiting.head.learnt())
        shutil.copyfile(whole.path / TOKENIZER_FILE, folder / TOKENIZER_FILE)

    def compare(_: Predictor, __: Predictions) -> dict[str, float]:
        return {f"early_exit/{name}": value for name, value in found.items()}

    told = {
        "max_length": whole.settings["max_length"],
        "temperature": temperatures(whole),
        "precision": exiting.precision,
        "of": {"name": whole.name, "sha256": bundle_sha256(whole)},
        "sure": dict(sure),
    }
    target = models / origin.recipe.name
    return write_bundle(target, origin, told, write_files, material.sentences, compare, calibrate=False)
