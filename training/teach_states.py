"""A recipe's teacher of states: found, and asked what it makes of every token."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor

from newsstance.bundle import Bundle, read_bundle
from newsstance.tokens import TOKENIZER_FILE, Ids, Windows
from training.as_trained import as_trained
from training.errors import RecipeError
from training.network_answers import first_windows
from training.pretrained import encoder_folder
from training.processor import autocast
from training.recipe import EncoderSettings, Recipe
from training.states import Reader, States, read_states
from training.teach import LESSONS, find_model
from training.two_heads import TwoHeads
from training.weights import WEIGHTS_FILE, read_network

_SUFFIX: Final = ".states.npy"


class Taught(NamedTuple):
    """What a teacher of states made of the training sentences, and the name and the SHA-256 of its weights."""

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
    network = read_network(teacher.path, teacher.recipe["encoder"])
    sha256 = weights_sha256(teacher)
    states = read_states(_reader(network), windows, rows, states_path(into, recipe), sha256, recipe.teacher.states)
    return Taught(states, teacher.name, sha256)


def states_teacher(recipe: Recipe, models: Path) -> Bundle:
    """Give the teacher of states of ``recipe`` as it was trained; raises ``RecipeError`` if there is none in ``models``."""
    assert recipe.teacher is not None
    in_use = read_bundle(find_model(recipe.teacher.states_of, models, recipe.name))
    folder = as_trained(in_use, models)
    if folder is None:
        raise RecipeError(
            f"{recipe.name} learns what an encoder makes of every token, and the weights of {in_use.name!r} as it was trained "
            f"aren't in {models}/: train an encoder first, such as `make train`"
        )
    return read_bundle(folder)


def weights_sha256(teacher: Bundle) -> str:
    """Give the SHA-256, in hex, of the weights of a teacher of states."""
    return teacher.files[WEIGHTS_FILE].sha256


def _own_lengths(settings: EncoderSettings, texts: Sequence[str]) -> list[int]:
    own = Windows.read(encoder_folder(settings.encoder) / TOKENIZER_FILE, settings.max_length)
    return [len(row.ids) for row in first_windows(own, texts)]


def _reader(network: TwoHeads) -> Reader:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)

    def read(ids: Ids, mask: Ids) -> Tensor:
        with autocast(device):
            states, _ = network.states(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
            return states

    return read
