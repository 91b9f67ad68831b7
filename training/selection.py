"""What of the corpus a recipe trains on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from training.annotations import Vote
from training.corpus import Sentence
from training.recipe import DataSettings


def select(sentences: Sequence[Sentence], votes: Mapping[str, Sequence[Vote]], settings: DataSettings) -> list[Sentence]:
    """Give ``sentences`` with only the training ones that ``settings`` ask for, labelled as they ask; the rest stays whole."""
    return [
        _relabelled(sentence, votes, settings)
        for sentence in sentences
        if sentence.split != "train" or (_of_origin(sentence, settings) and _in_share(sentence, settings))
    ]


def _of_origin(sentence: Sentence, settings: DataSettings) -> bool:
    return not settings.origins or sentence.origin in settings.origins


def _in_share(sentence: Sentence, settings: DataSettings) -> bool:
    """Tell whether a sentence is of its origin's first: ids are hashes, and a smaller share lies within a larger one."""
    share = settings.share * settings.shares.get(sentence.origin, 1.0)
    return int(sentence.id, 16) < share * float(16 ** len(sentence.id))


def _relabelled(sentence: Sentence, votes: Mapping[str, Sequence[Vote]], settings: DataSettings) -> Sentence:
    if sentence.split != "train" or settings.votes == "all" or sentence.id not in votes:
        return sentence
    first = votes[sentence.id][0]
    return replace(sentence, stance=first.stance, sentiment=first.sentiment)
