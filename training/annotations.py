"""Every annotator's vote on every sentence, and the labels and agreement that follow from them."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from newsstance.labels import HEADS
from training.corpus import Sentence
from training.errors import CorpusError

VOTES_PATH: Final = Path("data/annotations/votes.tsv")
ANNOTATORS: Final = ("first", "second", "third", "fourth")
"""The annotators' places. The first wrote the sentence or was the first to read it; the others saw it alone."""


class Vote(NamedTuple):
    """One annotator's answers on the sentence ``id``."""

    id: str
    annotator: str
    stance: str
    sentiment: str

    def label(self, head: str) -> str:
        """Give the answer for ``head``."""
        return self.stance if head == "stance" else self.sentiment


class Agreement(NamedTuple):
    """How far annotators agree on the sentences that at least two of them labelled.

    ``kappa`` is Cohen's between the first and the second, ``alpha`` Krippendorff's (nominal) over all votes; ``sentences``
    and ``differing`` count those with a second vote, and those where it differs from the first.
    """

    sentences: int
    differing: int
    kappa: float
    alpha: float


def read_votes(path: Path = VOTES_PATH) -> dict[str, list[Vote]]:
    """Read all votes by sentence id, in the order of the annotators.

    Raises ``CorpusError`` for a vote by someone unknown or for something that isn't a label.
    """
    votes: dict[str, list[Vote]] = defaultdict(list)
    if not path.is_file():
        raise CorpusError(f"{path}: there are no votes here")
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter="\t"), start=2):
            vote = Vote(*(str(row.get(field)) for field in Vote._fields))
            if vote.annotator not in ANNOTATORS or any(vote.label(head) not in labels for head, labels in HEADS.items()):
                raise CorpusError(f"{path}:{number}: not a vote: {', '.join(vote)}")
            if any(vote.annotator == other.annotator for other in votes[vote.id]):
                raise CorpusError(f"{path}:{number}: a second vote by the {vote.annotator} annotator of {vote.id}")
            votes[vote.id].append(vote)
    return {identity: sorted(cast, key=lambda vote: ANNOTATORS.index(vote.annotator)) for identity, cast in votes.items()}


def decided(votes: Sequence[Vote], head: str) -> str:
    """Give the label that most annotators chose; of equals, the one that the last of them chose, who judged last."""
    counts = Counter(vote.label(head) for vote in votes)
    return max(reversed([vote.label(head) for vote in votes]), key=lambda label: counts[label])


def stance_agreement(votes: Sequence[Vote]) -> float:
    """Give the share of the annotators who gave the stance that was decided, to three decimals."""
    stance = decided(votes, "stance")
    return round(sum(vote.stance == stance for vote in votes) / len(votes), 3)


def with_votes(sentence: Sentence, votes: Sequence[Vote]) -> Sentence:
    """Give ``sentence`` with the labels that ``votes``, at least one, decide, and how far they agree."""
    return replace(
        sentence,
        stance=decided(votes, "stance"),
        sentiment=decided(votes, "sentiment"),
        votes=len(votes),
        agreement=stance_agreement(votes),
    )


def agreement(votes: Iterable[Sequence[Vote]], head: str, label: str | None = None) -> Agreement:
    """Measure the agreement on ``head``, or on whether a sentence has ``label`` or another."""
    several = [[_answer(vote, head, label) for vote in of_one] for of_one in votes if len(of_one) > 1]
    pairs = [(answers[0], answers[1]) for answers in several]
    return Agreement(len(several), sum(first != second for first, second in pairs), _kappa(pairs), _alpha(several))


def by_group(votes: Mapping[str, Sequence[Vote]], group_of: Mapping[str, str]) -> dict[str, list[Sequence[Vote]]]:
    """Gather the votes of each sentence under its group, such as its origin or split."""
    groups: dict[str, list[Sequence[Vote]]] = defaultdict(list)
    for identity, of_one in votes.items():
        groups[group_of[identity]].append(of_one)
    return dict(sorted(groups.items()))


def _answer(vote: Vote, head: str, label: str | None) -> str:
    answer = vote.label(head)
    return answer if label is None or answer == label else "another"


def _kappa(pairs: Sequence[tuple[str, str]]) -> float:
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score([first for first, _ in pairs], [second for _, second in pairs]))


def _alpha(several: Sequence[Sequence[str]]) -> float:
    import krippendorff

    values = sorted({answer for answers in several for answer in answers})
    counts = np.array([[answers.count(value) for value in values] for answers in several])
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
