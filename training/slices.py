"""Scores by kind of sentence: where a model is good, and where it isn't."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from training.bootstrap import METRICS
from training.corpus import Sentence, of_split
from training.metrics import all_metrics
from training.predictions import SplitPredictions

SMALLEST: Final = 30
"""Sentences below which a slice's score would say more about chance than about the slice; it isn't given."""

SHORT, LONG = 12, 25
"""Words up to which a sentence is short, and beyond which it is long: about the thirds of real news."""

_QUOTE: Final = re.compile(r"[\"“”]|(?:^|\s)['‘]\w")
_HEDGE: Final = re.compile(
    r"\b(may|might|could|would|should|perhaps|possibl[ey]|probabl[ey]|likely|unlikely|appears?|appeared|seems?|seemed|suggests?"
    r"|suggested|expect(?:s|ed)?|fears?|feared|hopes?|hoped|believes?|believed|if|unless|unclear|uncertain|apparently|reportedly"
    r"|allegedly)\b",
    re.IGNORECASE,
)
"""Modal verbs, epistemic verbs and adverbs, and conditionals: the families of hedges in Hyland (2005), Metadiscourse."""


class Slice(NamedTuple):
    """The scores on the sentences of a split for which ``dimension`` has the value ``name``."""

    dimension: str
    name: str
    sentences: int
    stance_f1: float
    sentiment_f1: float


def _form(sentence: Sentence) -> str:
    if sentence.text.rstrip("\"'”’ ").endswith("?"):
        return "question"
    return "quotation" if _QUOTE.search(sentence.text) else "statement"


def _length(sentence: Sentence) -> str:
    words = len(sentence.text.split())
    return "short" if words <= SHORT else "long" if words > LONG else "medium"


DIMENSIONS: Final[Mapping[str, Callable[[Sentence], str]]] = {
    "topic": lambda sentence: sentence.topic or "untold",
    "origin": lambda sentence: sentence.origin,
    "form": _form,
    "length": _length,
    "hedged": lambda sentence: "yes" if _HEDGE.search(sentence.text) else "no",
}
"""How sentences are told apart, and what each is by that."""


def slices(sentences: Sequence[Sentence], split: str, answers: SplitPredictions) -> list[Slice]:
    """Score ``answers`` on ``split`` by every dimension that tells at least two slices of ``SMALLEST`` sentences apart."""
    rows = of_split(sentences, split)
    predicted = {head: answers.labels(head) for head in answers.gold}
    found = []
    for dimension, value_of in DIMENSIONS.items():
        places: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            places[value_of(row)].append(place)
        large = {name: of_slice for name, of_slice in sorted(places.items()) if len(of_slice) >= SMALLEST}
        if len(large) > 1:
            found += [_score(dimension, name, answers, predicted, of_slice) for name, of_slice in large.items()]
    return found


def slice_metrics(found: Sequence[Slice], split: str) -> dict[str, float]:
    """Name the scores ``SPLIT/DIMENSION/METRIC_VALUE``, so that the UI shows each dimension of a split as one group."""
    return {
        f"{split}/{item.dimension}/{metric}_{item.name}": float(getattr(item, metric)) for item in found for metric in METRICS
    }


def _score(
    dimension: str, name: str, answers: SplitPredictions, predicted: Mapping[str, Sequence[str]], places: Sequence[int]
) -> Slice:
    gold = {head: [labels[place] for place in places] for head, labels in answers.gold.items()}
    metrics = all_metrics(gold, {head: [labels[place] for place in places] for head, labels in predicted.items()})
    return Slice(dimension, name, len(places), metrics["stance_f1"], metrics["sentiment_f1"])
