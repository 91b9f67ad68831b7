"""The road of an early exit: a head on a trained encoder's lower layers, how sure it must be, and the graph in two parts."""

import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper
from tqdm import tqdm

from newsstance import Predictor
from newsstance.bundle import Bundle, read_bundle
from newsstance.cores import usable_cores
from newsstance.encoder import ATTENTION_MASK, GRAPH_FILE, INPUT_IDS, LOGITS, open_session
from newsstance.identity import bundle_sha256
from newsstance.labels import HEADS
from newsstance.models import Floats, softmax, temperatures, tempered
from newsstance.tokens import TOKENIZER_FILE, Windows, batches_by_length
from training.cascade_road import real_or_all
from training.corpus import of_split
from training.errors import RecipeError
from training.evaluate import Labelled
from training.exit_graphs import layer_states, write_exit_graphs
from training.exit_head import ExitHead, fit_exit
from training.export import VALIDATION, Origin, write_bundle
from training.material import Material
from training.network_answers import first_windows
from training.predictions import Predictions
from training.recipe import EarlyExitSettings, Recipe
from training.sureness import Sureness, choose_sureness
from training.teach import find_model
from training.tracking import Tracking
from training.unlabelled import read_unlabelled

_BATCH_TOKENS: Final = 256


class _Read(NamedTuple):
    """What a model makes of texts: means of a layer's states, (texts, width), and probabilities by head, (texts, labels)."""

    means: Floats
    said: dict[str, Floats]

    def rows(self, some: slice) -> "_Read":
        """Give what it makes of some of the texts."""
        return _Read(self.means[some], {head: values[some] for head, values in self.said.items()})


def train_early_exit(origin: Origin, material: Material, models: Path, _run: Tracking) -> Bundle:
    """Give the recipe's model an early exit, and export it beside that, which stays as it is."""
    recipe = origin.recipe
    settings = recipe.early_exit
    assert settings is not None
    whole = _whole(recipe, settings, origin.models)
    validation = Labelled.of(real_or_all(of_split(material.sentences, VALIDATION)))
    taught = _taught(settings, material)
    read = _read(whole, settings.layers, [*taught, *validation.texts])
    head = fit_exit(*read.rows(slice(len(taught))), settings.neurons, recipe.seed)
    chosen = _sureness(whole, settings, head, read.rows(slice(len(taught), None)), validation)

    def write_files(folder: Path) -> None:
        write_exit_graphs(whole.path / GRAPH_FILE, folder, settings.layers, head)
        shutil.copyfile(whole.path / TOKENIZER_FILE, folder / TOKENIZER_FILE)

    def compare(_: Predictor, __: Predictions) -> dict[str, float]:
        return {"early_exit/validation_share": chosen.share}

    told = {
        "max_length": whole.settings["max_length"],
        "temperature": temperatures(whole),
        "precision": whole.settings.get("precision", "float32"),
        "of": {"name": whole.name, "sha256": bundle_sha256(whole)},
        "sure": dict(chosen.thresholds),
    }
    return write_bundle(models / recipe.name, origin, told, write_files, material.sentences, compare, calibrate=False)


def _whole(recipe: Recipe, settings: EarlyExitSettings, models: Path) -> Bundle:
    """Find the model that gets an exit; raises ``RecipeError`` if there is none, or it has no such layers."""
    whole = read_bundle(find_model(settings.of, models, recipe.name))
    if whole.kind != "encoder":
        raise RecipeError(
            f"{recipe.name} exits from an encoder's lower layers, and {whole.name!r} is no encoder: `make train` trains one"
        )
    layer_states(_graph(whole), settings.layers)
    return whole


def _taught(settings: EarlyExitSettings, material: Material) -> list[str]:
    """Give the sentences that the exit's head learns from: the training sentences, and those that nobody labelled."""
    known = [sentence.text for sentence in of_split(material.sentences, "train")]
    return [*known, *read_unlabelled(material.sentences, settings.unlabelled, labelled=material.votes)]


def _sureness(whole: Bundle, settings: EarlyExitSettings, head: ExitHead, read: _Read, validation: Labelled) -> Sureness:
    """Choose how sure ``head`` must be for its answer to stand in the place of what ``whole`` says of ``validation``."""
    temperature = temperatures(whole)
    early = {name: tempered(softmax(logits), temperature[name]) for name, logits in head.logits(read.means).items()}
    late = {name: tempered(said, temperature[name]) for name, said in read.said.items()}
    return choose_sureness(early, late, validation.gold, settings.tolerance)


def _graph(whole: Bundle) -> onnx.ModelProto:
    whole.require(GRAPH_FILE)
    return onnx.load(whole.path / GRAPH_FILE)


def _read(whole: Bundle, layers: int, texts: Sequence[str]) -> _Read:
    """Have ``whole`` read ``texts``, of a long one its first window, on all cores."""
    model, windows = _graph(whole), Windows.read(whole.path / TOKENIZER_FILE, int(whole.settings["max_length"]))
    states = layer_states(model, layers)
    model.graph.output.append(helper.make_tensor_value_info(states, TensorProto.FLOAT, None))
    session = open_session(model.SerializeToString(), threads=1)
    rows = first_windows(windows, texts)
    batches = list(batches_by_length([len(row.ids) for row in rows], _BATCH_TOKENS))

    def read(batch: Sequence[int]) -> tuple[Floats, list[Floats]]:
        ids, mask = windows.pad([rows[row] for row in batch])
        *logits, of_tokens = session.run([*LOGITS, states], {INPUT_IDS: ids, ATTENTION_MASK: mask})
        attended = mask[:, :, None].astype(np.float32)
        return (of_tokens * attended).sum(axis=1) / attended.sum(axis=1), logits

    bar = {"desc": f"asking {whole.name}", "unit": "batch", "mininterval": 1 if sys.stderr.isatty() else 30}
    with ThreadPoolExecutor(usable_cores()) as cores:
        answers = list(tqdm(cores.map(read, batches), total=len(batches), **bar))
    back = np.argsort(np.concatenate(batches))
    means = np.concatenate([of_batch for of_batch, _ in answers])[back]
    said = (np.concatenate(parts)[back] for parts in zip(*(logits for _, logits in answers), strict=True))
    return _Read(means, {head: softmax(logits) for head, logits in zip(HEADS, said, strict=True)})
