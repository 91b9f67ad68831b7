"""The exported model as MLflow serves it. MLflow keeps this file with the model and runs it; nothing is pickled.

It imports the newsstance package that travels with the model, and nothing of training.
"""

import json
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from newsstance import ArticleScore, SentenceScore
from newsstance.article_rows import article_rows
from newsstance.resident import resident_predictor


class ServedModel(PythonModel):
    """Scores a column of texts: a row out for each row in, in order.

    By the parameter ``unit`` a text is taken for one ``sentence`` or for an ``article``, which is split into sentences; a
    missing text is scored as an empty one. With the unit ``row`` a text is an article too, and what comes out is one column of
    JSON objects: the row that a batch writes, or the ``reason`` and ``detail`` of its reject. ``max_chars`` and
    ``any_language`` say what is rejected. (JSON, since MLflow and Spark make words and zeros of what is missing in a table.)
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Load the exported model."""
        self._predictor = resident_predictor(context.artifacts["bundle"])

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002  # without it MLflow would derive a schema from the type hints
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Score the first column of ``model_input``; raises ``ValueError`` for a ``unit`` that there isn't."""
        given = [None if pd.isna(text) else str(text) for text in model_input.iloc[:, 0]]
        options = dict(params or {})
        unit = options.pop("unit", "sentence")
        if unit == "row":
            rows = article_rows(self._predictor, given, **options)
            return pd.DataFrame({"row": [json.dumps(row, ensure_ascii=False) for row in rows]})
        texts = [text or "" for text in given]
        if unit == "sentence":
            return pd.DataFrame([_sentence(score) for score in self._predictor.predict(texts)])
        if unit == "article":
            return pd.DataFrame([_article(score) for score in self._predictor.score_many(texts)])
        raise ValueError(f"unit is 'sentence', 'article' or 'row', not {unit!r}")


def _sentence(score: SentenceScore) -> dict[str, object]:
    return {
        "stance": score.stance,
        "sentiment": score.sentiment,
        **{f"stance_{label}": value for label, value in score.stance_probabilities.items()},
        **{f"sentiment_{label}": value for label, value in score.sentiment_probabilities.items()},
    }


def _article(score: ArticleScore) -> dict[str, object]:
    return {
        "dominant": score.dominant,
        "sentences": len(score.sentences),
        "coverage": score.coverage,
        "tone": score.tone,
        "mean_sentiment": score.mean_sentiment,
        **{f"share_{label}": share for label, share in score.shares.items()},
    }


set_model(ServedModel())
