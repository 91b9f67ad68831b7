"""A recipe's teacher of states: found, and asked what it makes of every token."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from newsstance.bundle import Bundle, read_bundle
from newsstance.encoder import ATTENTION_MASK, GRAPH_FILE, INPUT_IDS
from newsstance.identity import bundle_sha256
from newsstance.models import Floats
from newsstance.tokens import TOKENIZER_FILE, Ids, Windows
from training.errors import RecipeError
from training.network_answers import first_windows
from training.pretrained import encoder_folder
from training.recipe import EncoderSettings, Recipe
from training.states import Reader, States, read_states
from training.teach import LESSONS, find_model

_SUFFIX: Final = ".states.npy"


class Taught(NamedTuple):
    """What a teacher of states made of the training sentences, its name, and the SHA-256 of what shapes its scores."""

    states: States
    name: str
    sha256: str


def states_path(models: Path, recipe: Recipe) -> Path:
    """Give the place of the states that ``recipe`` learns, while it does."""
    return models / LESSONS / f"{recipe.name}-{recipe.seed}{_SUFFIX}"


def learn_states(recipe: Recipe, models: Path, into: Path, texts: Sequence[str]) -> Taught:
    """Have the teacher of states of ``recipe`` read ``texts``, into a file in the models folder ``into``.

    Raises ``RecipeError`` if there is no such teacher in ``models``, or its tokens aren't the recipe's.
    """
    assert recipe.encoder is not None
    assert recipe.teacher is not None
    teacher = states_teacher(recipe, models)
    windows = Windows.read(teacher.path / TOKENIZER_FILE, recipe.encoder.max_length)
    rows = first_windows(windows, texts)
    if [len(row.ids) for row in rows] != _own_lengths(recipe.encoder, texts):
        raise RecipeError(f"{recipe.name}: {teacher.name!r} parts sentences into other tokens, so that its states can't teach")
    sha256, path = bundle_sha256(teacher), states_path(into, recipe)
    states = read_states(_reader(teacher), windows, rows, path, sha256, recipe.teacher.states)
    return Taught(states, teacher.name, sha256)


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
    """Give what reads the states that ``teacher`` pools: those that its last layer norm gives."""
    teacher.require(GRAPH_FILE)
    model = onnx.load(teacher.path / GRAPH_FILE)
    last = [node.output[0] for node in model.graph.node if node.op_type == "LayerNormalization"][-1]
    model.graph.output.append(helper.make_tensor_value_info(last, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def read(ids: Ids, mask: Ids) -> Floats:
        (states,) = session.run([last], {INPUT_IDS: ids, ATTENTION_MASK: mask})
        if states.shape[:2] != ids.shape:
            raise RecipeError(f"the model {teacher.name!r} has no state of its own for each token, so that it can't teach any")
        return np.asarray(states, dtype=np.float32)

    return read
