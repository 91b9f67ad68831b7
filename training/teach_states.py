"""A recipe's teacher of states: found, and asked what it makes of every token."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnx
from onnx import helper

from newsstance.bundle import Bundle, read_bundle
from newsstance.encoder import ATTENTION_MASK, GRAPH_FILE, INPUT_IDS, LOGITS, open_session
from newsstance.identity import bundle_sha256
from newsstance.labels import HEADS
from newsstance.models import Floats, softmax, temperatures, tempered
from newsstance.tokens import TOKENIZER_FILE, Ids, Windows
from training.errors import RecipeError
from training.network_answers import first_windows
from training.pretrained import encoder_folder
from training.recipe import EncoderSettings, Recipe
from training.states import Reader, States, read_states
from training.teach import LESSONS, find_model

_SUFFIX: Final = ".states.npy"


class TaughtStates(NamedTuple):
    """What a teacher of states made of the training sentences, its name, and the SHA-256 of what shapes its scores.

    ``probabilities`` are those that it gives, calibrated, by head, of shape (sentences, labels).
    """

    states: States
    name: str
    sha256: str
    probabilities: Mapping[str, Floats]


def states_path(models: Path, recipe: Recipe) -> Path:
    """Give the place of the states that ``recipe`` learns, while it does, whatever its seed."""
    return models / LESSONS / f"{recipe.name}{_SUFFIX}"


def ask_for_states(recipe: Recipe, models: Path, texts: Sequence[str]) -> TaughtStates:
    """Have the teacher of states of ``recipe``, in ``models``, read ``texts``, into a file that stays until it is forgotten.

    Raises ``RecipeError`` if there is no such teacher in ``models``, or its tokens aren't the recipe's.
    """
    assert recipe.encoder is not None
    assert recipe.teacher is not None
    teacher = states_teacher(recipe, models)
    windows = Windows.read(teacher.path / TOKENIZER_FILE, recipe.encoder.max_length)
    rows = first_windows(windows, texts)
    if [len(row.ids) for row in rows] != _own_lengths(recipe.encoder, texts):
        raise RecipeError(f"{recipe.name}: {teacher.name!r} parts sentences into other tokens, so that its states can't teach")
    sha256, path = bundle_sha256(teacher), states_path(models, recipe)
    states = read_states(_reader(teacher), windows, rows, path, sha256, weight=recipe.teacher.states)
    return TaughtStates(states, teacher.name, sha256, _probabilities(states.answers, temperatures(teacher)))


def states_teacher(recipe: Recipe, models: Path) -> Bundle:
    """Give the teacher of states of ``recipe``; raises ``RecipeError`` if there is none in ``models``."""
    assert recipe.teacher is not None
    teacher = read_bundle(find_model(recipe.teacher.states_of, models, recipe.name))
    if teacher.kind != "encoder":
        raise RecipeError(
            f"{recipe.name} learns what an encoder makes of every token, and {teacher.name!r} is none: `make train` trains one"
        )
    return teacher


def _own_lengths(settings: EncoderSettings, texts: Sequence[str]) -> list[int]:
    own = Windows.read(encoder_folder(settings.encoder) / TOKENIZER_FILE, settings.max_length)
    return [len(row.ids) for row in first_windows(own, texts)]


def _reader(teacher: Bundle) -> Reader:
    """Give what reads the states that ``teacher`` pools, those that its last layer norm gives, and its logits."""
    teacher.require(GRAPH_FILE)
    model = onnx.load(teacher.path / GRAPH_FILE)
    norms = [node.output[0] for node in model.graph.node if node.op_type == "LayerNormalization"]
    if not norms:
        raise RecipeError(f"the graph of {teacher.name!r} doesn't end in a layer norm, so that its states aren't found")
    last = norms[-1]
    model.graph.output.append(helper.make_tensor_value_info(last, onnx.TensorProto.FLOAT, None))
    session = open_session(model.SerializeToString(), threads=1)

    def read(ids: Ids, mask: Ids) -> tuple[Floats, Floats]:
        states, *logits = session.run([last, *LOGITS], {INPUT_IDS: ids, ATTENTION_MASK: mask})
        return np.asarray(states, dtype=np.float32), np.concatenate(logits, axis=1)

    return read


def _probabilities(answers: Floats, temperature: Mapping[str, float]) -> dict[str, Floats]:
    of_heads = np.split(answers, np.cumsum([len(labels) for labels in HEADS.values()])[:-1], axis=1)
    return {head: tempered(softmax(logits), temperature[head]) for head, logits in zip(HEADS, of_heads, strict=True)}
