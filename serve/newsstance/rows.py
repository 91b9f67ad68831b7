"""The rows of a batch's output: flat, of the same columns in every format."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from newsstance.labels import HEADS, POSTURES
from newsstance.scores import ArticleScore, SentenceScore

Value = str | int | float | None

_DECIMALS: Final = 6
"""Kept of every figure; a float32 has about 7, the last of which is noise."""


class Level(StrEnum):
    """What a row of the output tells of."""

    ARTICLE = "article"
    SENTENCE = "sentence"


_HEAD: Final[Mapping[str, type]] = {"position": int, "id": str}
_TAIL: Final[Mapping[str, type]] = {"model": str, "version": str}
_PROBABILITIES: Final = {f"{head}_{label}": float for head, labels in HEADS.items() for label in labels}

COLUMNS: Final[Mapping[Level, Mapping[str, type]]] = {
    Level.ARTICLE: {
        **_HEAD, "sentences": int, "coverage": float, "unsure": float, "dominant": str, "tone": float, "mean_sentiment": float,
        **{f"share_{posture}": float for posture in POSTURES},
        **{f"evidence_{posture}": str for posture in POSTURES},
        **{f"evidence_{posture}_probability": float for posture in POSTURES},
        **_TAIL,
    },
    Level.SENTENCE: {
        **_HEAD, "sentence": int, "start": int, "end": int, "text": str, "stance": str, "sentiment": str,
        **_PROBABILITIES, "parts": int, "answered_by": str, **_TAIL,
    },
}  # fmt: skip
"""The columns of each level, in order, and what they hold."""


def rows_of(
    level: Level, head: Mapping[str, Value], score: ArticleScore, tail: Mapping[str, Value]
) -> Iterator[dict[str, Value]]:
    """Give the rows that tell of one article; ``head`` says which it is and ``tail`` what scored it."""
    if level is Level.ARTICLE:
        yield {**head, **_of_article(score), **tail}
    else:
        for number, sentence in enumerate(score.sentences):
            yield {**head, "sentence": number, **_of_sentence(sentence), **tail}


def _of_article(score: ArticleScore) -> dict[str, Value]:
    evidence = score.evidence
    return {
        "sentences": len(score.sentences),
        "coverage": _rounded(score.coverage),
        "unsure": _rounded(score.unsure),
        "dominant": score.dominant,
        "tone": _rounded(score.tone),
        "mean_sentiment": _rounded(score.mean_sentiment),
        **{f"share_{posture}": _rounded(share) for posture, share in score.shares.items()},
        **{f"evidence_{posture}": None if sentence is None else sentence.text for posture, sentence in evidence.items()},
        **{
            f"evidence_{posture}_probability": None if sentence is None else _rounded(sentence.stance_probabilities[posture])
            for posture, sentence in evidence.items()
        },
    }


def _of_sentence(sentence: SentenceScore) -> dict[str, Value]:
    return {
        "start": sentence.start,
        "end": sentence.end,
        "text": sentence.text,
        "stance": sentence.stance,
        "sentiment": sentence.sentiment,
        **{f"stance_{label}": _rounded(value) for label, value in sentence.stance_probabilities.items()},
        **{f"sentiment_{label}": _rounded(value) for label, value in sentence.sentiment_probabilities.items()},
        "parts": sentence.parts,
        "answered_by": sentence.answered_by,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS) + 0.0  # so that -0.0 is 0.0
