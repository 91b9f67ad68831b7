"""Cross-fit: what models say of every training sentence that haven't seen it, for others to learn from."""

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.numpy import load, save

from newsstance.files import write_atomically
from newsstance.labels import HEADS
from newsstance.models import Floats, likeliest, softmax
from newsstance.tokens import Windows
from training.calibration_metrics import log_loss
from training.checkpoint import CHECKPOINTS, Checkpoint
from training.corpus import Sentence, label_indices, of_split, sentence_id
from training.errors import RecipeError
from training.exclusive import only_training
from training.finetune import finetune
from training.lessons import Lessons
from training.material import Material
from training.metrics import all_metrics
from training.network_answers import network_logits
from training.processor import autocast, use_all_cores
from training.progress_bar import progress_bar
from training.recipe import EncoderSettings, Recipe
from training.record import record_start
from training.run_spec import cross_fit_spec
from training.selection import trained_on
from training.store import STORE
from training.targets import targets
from training.teach import LESSONS
from training.tracking import Tracking, tracked
from training.train import MODELS
from training.two_heads import TwoHeads
from training.unlabelled import read_unlabelled

FOLDS: Final = 5
_AT_ONCE: Final = 2048
"""Sentences asked between two steps of the progress bar."""


@dataclass(frozen=True)
class Fold:
    """One of ``of`` folds, counted from 0: ``texts`` holds by id what the model that trains without it is asked about."""

    number: int
    of: int
    texts: Mapping[str, str]

    def holds(self, block: str) -> bool:
        """Tell whether the sentences of ``block`` are in this fold."""
        return int(hashlib.sha256(block.encode()).hexdigest(), 16) % self.of == self.number


def cross_fit(
    recipes: Sequence[Recipe], material: Material, folds: int = FOLDS, models: Path = MODELS, store: Path = STORE
) -> Lessons:
    """Train each of ``recipes`` ``folds`` times, each time without a fold of the training sentences; give the answers' means.

    Each model answers the fold that it hasn't seen and the real sentences that nobody has labelled. It learns from labels
    alone: a recipe's teacher is left out. A block lies in one fold, and a text that stands in two of them trains no model
    that is asked about it. What is trained isn't trained again. Raises ``RecipeError`` for a recipe that isn't an encoder's.
    """
    untaught = [replace(recipe, teacher=None) for recipe in recipes]
    for recipe in untaught:
        require_encoder(recipe)
    unlabelled = {sentence_id(text): text for text in read_unlabelled(material.sentences, sys.maxsize)}
    parts = [Fold(number, folds, {**_held_out(material, number, folds), **unlabelled}) for number in range(folds)]
    _require_folds(untaught, parts, material)
    found: dict[str, list[Mapping[str, Floats]]] = defaultdict(list)
    for recipe in untaught:
        with only_training(recipe.name, models), tracked(cross_fit_spec(recipe, material, folds), store) as run:
            record_start(run, recipe, material)
            of_recipe = [_answers(recipe, fold, material, models, run) for fold in parts]
            run.metrics(held_out_metrics(of_recipe, material))
        for one in of_recipe:
            for identity, answer in one.items():
                found[identity].append(answer)
    return {identity: _mean(said) for identity, said in found.items()}


def require_encoder(recipe: Recipe) -> EncoderSettings:
    """Give the encoder settings of ``recipe``; raises ``RecipeError`` if it has none."""
    if recipe.encoder is None:
        raise RecipeError(f"{recipe.name}: only an encoder can be cross-fitted, and this is a {recipe.kind} recipe")
    return recipe.encoder


def held_out_metrics(answers: Sequence[Lessons], material: Material) -> dict[str, float]:
    """Measure the ``answers`` of each fold's model to what it hadn't seen, all together: F1s, and the log loss of each head."""
    said = {identity: answer for of_fold in answers for identity, answer in of_fold.items()}
    asked = [sentence for sentence in of_split(material.sentences, "train") if sentence.id in said]
    values = {head: np.stack([said[sentence.id][head] for sentence in asked]) for head in HEADS}
    gold = {head: [sentence.label(head) for sentence in asked] for head in HEADS}
    metrics = all_metrics(gold, {head: likeliest(head, values[head]) for head in HEADS})
    losses = {f"{head}_nll": log_loss(values[head], label_indices(asked, head)) for head in HEADS}
    return {f"held_out/{name}": value for name, value in {**metrics, **losses}.items()}


def _require_folds(recipes: Sequence[Recipe], folds: Sequence[Fold], material: Material) -> None:
    """Raise ``RecipeError`` if a fold is empty, or leaves a recipe nothing to train on: few blocks may fall so."""
    for fold in folds:
        if not _held_out(material, fold.number, fold.of):
            raise RecipeError(f"fold {fold.number + 1} of {fold.of} is empty: the corpus has few blocks, use fewer folds")
        for recipe in recipes:
            if not _without(fold, recipe, material):
                raise RecipeError(
                    f"{recipe.name}: all that trains it is in fold {fold.number + 1} of {fold.of}: use more folds"
                )


def _without(fold: Fold, recipe: Recipe, material: Material) -> list[Sentence]:
    """Give what ``recipe`` trains on of all that the model without ``fold`` isn't asked about."""
    return [one for one in of_split(trained_on(recipe, material).sentences, "train") if one.id not in fold.texts]


def _mean(said: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {head: np.mean([one[head] for one in said], axis=0) for head in HEADS}


def _held_out(material: Material, number: int, folds: int) -> dict[str, str]:
    fold = Fold(number, folds, {})
    return {one.id: one.text for one in of_split(material.sentences, "train") if fold.holds(one.block)}


def _answers(recipe: Recipe, fold: Fold, material: Material, models: Path, run: Tracking) -> Lessons:
    """Train without ``fold`` and answer its texts, or read what was answered before."""
    told = {"recipe": recipe.to_dict(), "corpus": material.sha256, "fold": fold.number, "folds": fold.of}
    digest = hashlib.sha256(json.dumps([told, list(fold.texts)], sort_keys=True).encode()).hexdigest()
    path = models / LESSONS / f"{recipe.name}-{fold.number}-{digest[:16]}.safetensors"
    checkpoint = Checkpoint(models / CHECKPOINTS / f"{recipe.name}-fold-{fold.number}", told)
    if path.is_file():
        print(f"{recipe.name}: without fold {fold.number + 1} of {fold.of} it was trained before", file=sys.stderr)
        said = load(path.read_bytes())
    else:
        print(f"{recipe.name}: training without fold {fold.number + 1} of {fold.of}", file=sys.stderr)
        said = _train_and_ask(recipe, fold, material, checkpoint, run)
        write_atomically(path, save(said))
    checkpoint.remove()
    return {identity: {head: said[head][place] for head in HEADS} for place, identity in enumerate(fold.texts)}


def _train_and_ask(
    recipe: Recipe, fold: Fold, material: Material, checkpoint: Checkpoint, run: Tracking
) -> dict[str, Floats]:  # fmt: skip
    def report(step: int, name: str, value: float) -> None:
        run.metric(step, f"fold_{fold.number}/{name}", value)

    use_all_cores()
    train, validation = _without(fold, recipe, material), of_split(material.sentences, "validation")
    learnt = targets(train, material.votes, recipe.data)
    network, windows = finetune(require_encoder(recipe), recipe.seed, train, validation, checkpoint, report, learnt)
    return _ask(network, windows, list(fold.texts.values()))


def _ask(network: TwoHeads, windows: Windows, texts: Sequence[str]) -> dict[str, Floats]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    parts: list[dict[str, Floats]] = []
    with progress_bar("asking", len(texts), "sentence") as bar:
        for start in range(0, len(texts), _AT_ONCE):
            some = texts[start : start + _AT_ONCE]
            with autocast(device):
                parts.append({head: softmax(logits) for head, logits in network_logits(network, windows, some).items()})
            bar.update(len(some))
    return {head: np.concatenate([part[head] for part in parts]).astype(np.float32) for head in HEADS}
