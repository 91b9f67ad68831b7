"""The predictor: an exported model that scores sentences and articles."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Final

from newsstance.bundle import Bundle, read_bundle
from newsstance.cascade import CASCADE, SINGLE_KINDS, CascadeModel
from newsstance.duplicates import estimate_once
from newsstance.errors import ArticleError, BundleError, ConfidenceError
from newsstance.labels import HEADS, UNSURE
from newsstance.locate import locate_model
from newsstance.models import Floats, Model
from newsstance.scores import ArticleScore, SentenceScore
from newsstance.sentences import Span, encodable, split_sentences

KINDS: Final[Mapping[str, Callable[[Bundle], Model]]] = {**SINGLE_KINDS, CASCADE: CascadeModel.read}
"""How each kind of bundle is read."""

_ARTICLES_AT_ONCE: Final = 32
"""Articles whose sentences ``score_many`` batches together; this bounds its memory and how far it reads ahead."""


class Predictor:
    """Scores sentences and articles with one exported model.

    ``bundle`` describes the model: its labels, recipe, metrics and versions. A stance whose probability is below
    ``min_confidence`` is given as ``unsure``.
    """

    def __init__(self, model: Model, bundle: Bundle, min_confidence: float = 0.0) -> None:
        self._model = model
        self.bundle = bundle
        self.min_confidence = min_confidence

    @property
    def sure(self) -> Mapping[str, float] | None:
        """Give, by head, the probability that the fast model of a cascade must exceed; ``None`` for other models."""
        return dict(self._model.sure) if isinstance(self._model, CascadeModel) else None

    @classmethod
    def load(
        cls, path: str | PathLike[str] | None = None, min_confidence: float | None = None, sure: float | None = None
    ) -> "Predictor":
        """Load the exported model at ``path``: a model's folder, a models folder or its ``champion``, or a model's name.

        Without ``path`` it is the champion in ``models/``, or in the folder that ``NEWSSTANCE_MODELS`` names, where names are
        looked for too. Without ``min_confidence``, a probability, the model's own holds; ``sure`` likewise moves how sure the
        fast model of a cascade must be, and means nothing to other models. Raises ``ModelNotFoundError`` if there is no model,
        ``BundleError`` if it is incomplete or altered, and ``ConfidenceError`` for what is no probability.
        """
        bundle = read_bundle(locate_model(None if path is None else Path(path)))
        if not isinstance(bundle.kind, str) or bundle.kind not in KINDS:
            raise BundleError(f"{bundle.path}: a model of the unknown kind {bundle.kind!r}; a newer newsstance may read it")
        asked = bundle.settings.get("min_confidence", 0.0) if min_confidence is None else min_confidence
        model = KINDS[bundle.kind](bundle)
        if sure is not None and isinstance(model, CascadeModel):
            model = model.with_sure(checked_confidence(sure))
        return cls(model, bundle, checked_confidence(asked))

    def predict(self, sentences: Sequence[str]) -> list[SentenceScore]:
        """Score each of ``sentences`` by itself, in order.

        Raises ``ArticleError`` if ``sentences`` is one string, or holds something other than strings.
        """
        if isinstance(sentences, str):
            raise ArticleError("predict takes a list of sentences; to score a text, use score(text)")
        wrong = next((place for place, sentence in enumerate(sentences) if not isinstance(sentence, str)), None)
        if wrong is not None:
            raise ArticleError(f"sentence {wrong} is {type(sentences[wrong]).__name__}, not text")
        return self._score([(sentence, Span(0, len(sentence))) for sentence in sentences])

    def probabilities(self, sentences: Sequence[str]) -> Mapping[str, Floats]:
        """Give, by head, the probabilities of ``sentences``, at least one, as an array of shape (sentences, labels).

        The columns stand in the order of ``STANCES`` and of ``SENTIMENTS``.
        """
        return self._model.estimate([encodable(sentence) for sentence in sentences]).probabilities

    def score(self, text: str) -> ArticleScore:
        """Split ``text``, the whole of an article, into sentences and score them; a text without any is scored as empty.

        Raises ``ArticleError`` if ``text`` isn't a string.
        """
        return next(self.score_many([text]))

    def score_many(self, articles: Iterable[str], at_once: int = _ARTICLES_AT_ONCE) -> Iterator[ArticleScore]:
        """Score each of ``articles`` as it is asked for, in order, reading ``at_once`` of them ahead.

        Raises ``ArticleError``, before anything of the same few dozen is given, if one isn't a string.
        """
        remaining = iter(articles)
        while chunk := list(islice(remaining, at_once)):
            for article in chunk:
                if not isinstance(article, str):
                    raise ArticleError(f"an article is text, not {type(article).__name__}")
            yield from self._score_chunk(chunk)

    def _score_chunk(self, articles: Sequence[str]) -> Iterator[ArticleScore]:
        spans = [split_sentences(encodable(article)) for article in articles]
        scores = iter(self._score([(article, span) for article, of in zip(articles, spans, strict=True) for span in of]))
        for of in spans:
            yield ArticleScore.of(list(islice(scores, len(of))))

    def _score(self, places: Sequence[tuple[str, Span]]) -> list[SentenceScore]:
        if not places:
            return []
        texts = [text[span.start : span.end] for text, span in places]
        estimates = estimate_once(self._model, [encodable(text) for text in texts])
        answers = {head: _by_label(estimates.probabilities[head], labels) for head, labels in HEADS.items()}
        models = estimates.models or (self.bundle.name,) * len(texts)
        rows = zip(places, answers["stance"], answers["sentiment"], estimates.parts, models, strict=True)
        return [
            SentenceScore(
                text[span.start : span.end], *span, self._stance(stance), stance, _likeliest(sentiment), sentiment, parts, model
            )
            for (text, span), stance, sentiment, parts, model in rows
        ]

    def _stance(self, probabilities: Mapping[str, float]) -> str:
        stance = _likeliest(probabilities)
        return stance if probabilities[stance] >= self.min_confidence else UNSURE


def checked_confidence(value: float) -> float:
    """Give ``value``; raises ``ConfidenceError`` unless it is a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ConfidenceError(f"a confidence is a probability, from 0 to 1, not {value!r}")
    return float(value)


def _by_label(probabilities: Floats, labels: Sequence[str]) -> list[dict[str, float]]:
    return [dict(zip(labels, row, strict=True)) for row in probabilities.tolist()]


def _likeliest(probabilities: Mapping[str, float]) -> str:
    return max(probabilities, key=lambda label: probabilities[label])
