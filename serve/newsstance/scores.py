"""What the predictor says: of a sentence, and of an article as a whole."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from newsstance.labels import NO_STANCE, POSTURES, UNSURE


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """What the model says of one sentence.

    ``start`` and ``end`` are its character offsets in the article, or 0 and its length where it came alone. The probabilities
    are keyed by label and sum to 1; ``stance`` and ``sentiment`` are the likeliest, but for a stance that is less likely than
    the predictor's ``min_confidence``, which is ``unsure``. ``parts`` above 1 flags a sentence longer
    than the model's window: it was scored in so many parts, whose probabilities were averaged by length. ``answered_by``
    names the model that answered, which in a cascade is one of two.
    """

    text: str
    start: int
    end: int
    stance: str
    stance_probabilities: Mapping[str, float]
    sentiment: str
    sentiment_probabilities: Mapping[str, float]
    parts: int = 1
    answered_by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give the score as plain types, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ArticleScore:
    """What the model says of one article.

    ``coverage`` is the share of its sentences that take a stance, and ``shares`` the share of each stance among those;
    ``unsure`` is the share of sentences whose stance the model was too unsure of, which count as none of them.
    ``tone`` is (optimistic − alarmed) / stance-bearing, in [−1, 1], ``None`` where no sentence takes a stance. ``dominant``
    is the most frequent stance, ``none`` where there is no stance; a tie goes to the one with the most probability.
    ``mean_sentiment`` is the mean of P(positive) − P(negative), in [−1, 1], ``None`` for an article without sentences.
    ``evidence`` holds, for each stance, the sentence labelled so with the highest probability, or ``None``.
    """

    sentences: tuple[SentenceScore, ...]
    coverage: float
    shares: Mapping[str, float]
    tone: float | None
    dominant: str
    mean_sentiment: float | None
    evidence: Mapping[str, SentenceScore | None]
    unsure: float = 0.0

    @classmethod
    def of(cls, sentences: Sequence[SentenceScore]) -> "ArticleScore":
        """Sum up the scores of an article's sentences."""
        counts = Counter(sentence.stance for sentence in sentences)
        bearing = sum(counts[posture] for posture in POSTURES)
        return cls(
            sentences=tuple(sentences),
            coverage=bearing / len(sentences) if sentences else 0.0,
            shares={posture: counts[posture] / bearing if bearing else 0.0 for posture in POSTURES},
            tone=(counts["optimistic"] - counts["alarmed"]) / bearing if bearing else None,
            dominant=_dominant(sentences, counts) if bearing else NO_STANCE,
            mean_sentiment=sum(map(_valence, sentences)) / len(sentences) if sentences else None,
            evidence={posture: _strongest(sentences, posture) for posture in POSTURES},
            unsure=counts[UNSURE] / len(sentences) if sentences else 0.0,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the score as plain types, ready for JSON; a piece of evidence tells its place among the sentences."""
        places = {id(sentence): place for place, sentence in enumerate(self.sentences)}
        summary = {name: getattr(self, name) for name in ("coverage", "unsure", "tone", "dominant", "mean_sentiment")}
        evidence = {
            posture: sentence
            and {
                "sentence": places[id(sentence)],
                "text": sentence.text,
                "probability": sentence.stance_probabilities[posture],
            }
            for posture, sentence in self.evidence.items()
        }
        sentences = [sentence.to_dict() for sentence in self.sentences]
        return {**summary, "shares": dict(self.shares), "evidence": evidence, "sentences": sentences}


def _dominant(sentences: Sequence[SentenceScore], counts: Mapping[str, int]) -> str:
    mass = {posture: sum(sentence.stance_probabilities[posture] for sentence in sentences) for posture in POSTURES}
    return max(POSTURES, key=lambda posture: (counts[posture], mass[posture]))


def _strongest(sentences: Sequence[SentenceScore], posture: str) -> SentenceScore | None:
    taking = [sentence for sentence in sentences if sentence.stance == posture]
    return max(taking, key=lambda sentence: sentence.stance_probabilities[posture], default=None)


def _valence(sentence: SentenceScore) -> float:
    return sentence.sentiment_probabilities["positive"] - sentence.sentiment_probabilities["negative"]
