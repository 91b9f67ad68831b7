"""What of the corpus a recipe trains on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from newsstance.labels import HEADS
from training.annotations import Vote
from training.corpus import ORIGINS, Sentence, of_split
from training.errors import RecipeError
from training.material import Material
from training.recipe import DataSettings, Recipe


def trained_on(recipe: Recipe, material: Material) -> Material:
    """Give ``material`` with only what ``recipe`` trains on and the whole of the other splits; a cascade trains on nothing.

    Raises ``RecipeError`` if that can't be trained on: an origin is unknown, no sentence is left, or, for a linear model, none
    of some label.
    """
    if recipe.cascade is not None:
        return replace(material, sentences=[sentence for sentence in material.sentences if sentence.split != "train"])
    try:
        selected = select(material.sentences, material.votes, recipe.data)
    except RecipeError as error:
        raise RecipeError(f"{recipe.name}: {error}") from error
    if recipe.linear is not None:
        _require_every_label(recipe, of_split(selected, "train"))
    return replace(material, sentences=selected)


def select(sentences: Sequence[Sentence], votes: Mapping[str, Sequence[Vote]], settings: DataSettings) -> list[Sentence]:
    """Give ``sentences`` with only the training ones that ``settings`` ask for, labelled as they ask; the rest stays whole.

    Raises ``RecipeError`` if ``settings`` name an origin that isn't there, or leave no training sentence.
    """
    there = {sentence.origin for sentence in sentences if sentence.split == "train"}
    _require_known("origins", settings.origins, there)
    # A recipe that takes less of an origin of ours, or weighs it, is sound on a corpus without it.
    _require_known("shares", set(settings.shares) - set(ORIGINS), there)
    _require_known("weights", set(settings.weights) - set(ORIGINS), there)
    selected = [
        _relabelled(sentence, votes, settings)
        for sentence in sentences
        if sentence.split != "train" or (_of_origin(sentence, settings) and _in_share(sentence, settings))
    ]
    if not of_split(selected, "train"):
        raise RecipeError("[data] leaves no sentence to train on: widen its origins, share or shares")
    return selected


def _require_known(setting: str, names: Iterable[str], there: set[str]) -> None:
    unknown = sorted(set(names) - there)
    if unknown:
        known = ", ".join(sorted(there)) or "none"
        raise RecipeError(f"data.{setting}: no sentence that trains has the origin {unknown[0]!r}; there are: {known}")


def _require_every_label(recipe: Recipe, train: Sequence[Sentence]) -> None:
    for head, labels in HEADS.items():
        missing = [label for label in labels if all(sentence.label(head) != label for sentence in train)]
        if missing:
            what = f"of {len(train)} sentences to train on none has the {head} {missing[0]!r}"
            raise RecipeError(f"{recipe.name}: {what}, without which a linear model can't be fitted: widen [data]")


def _of_origin(sentence: Sentence, settings: DataSettings) -> bool:
    return not settings.origins or sentence.origin in settings.origins


def _in_share(sentence: Sentence, settings: DataSettings) -> bool:
    """Tell whether a sentence is of its origin's first: ids are hashes, and a smaller share lies within a larger one."""
    share = settings.share * settings.shares.get(sentence.origin, 1.0)
    return int(sentence.id, 16) < share * float(16 ** len(sentence.id))


def _relabelled(sentence: Sentence, votes: Mapping[str, Sequence[Vote]], settings: DataSettings) -> Sentence:
    if sentence.split != "train" or settings.votes != "first" or sentence.id not in votes:
        return sentence
    first = votes[sentence.id][0]
    return replace(sentence, stance=first.stance, sentiment=first.sentiment)
