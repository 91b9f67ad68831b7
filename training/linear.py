"""Fit the linear model."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from newsstance.labels import HEADS
from newsstance.linear import LinearModel
from newsstance.ngrams import ANALYZERS
from training.class_weights import class_weights
from training.corpus import Sentence, label_indices
from training.errors import RecipeError
from training.recipe import LinearSettings


class FittedLinear:
    """The linear model as scikit-learn fits it; ``to_model`` gives what is exported."""

    def __init__(self, settings: LinearSettings, seed: int) -> None:
        self.vectorizers_ = {
            name: TfidfVectorizer(analyzer=analyzer, min_df=settings.minimum_count, sublinear_tf=True, dtype=np.float32)
            for name, analyzer in ANALYZERS.items()
        }
        self.classifiers_: dict[str, LogisticRegression] = {}
        self._settings = settings
        self._seed = seed

    def fit(self, sentences: Sequence[Sentence], weights: npt.NDArray[np.float32] | None = None) -> "FittedLinear":
        """Fit both heads on ``sentences``, which count alike or by ``weights``, of shape (sentences,)."""
        texts = [sentence.text for sentence in sentences]
        try:
            features = hstack([vectorizer.fit_transform(texts) for vectorizer in self.vectorizers_.values()]).tocsr()
        except ValueError as error:
            raise RecipeError(f"no n-gram occurs in {self._settings.minimum_count} sentences: lower minimum_count") from error
        for head, labels in HEADS.items():
            indices = label_indices(sentences, head)
            counted = class_weights(indices, len(labels), self._settings.balance)[indices]
            if weights is not None:
                counted = counted * weights / weights.mean()  # so that the penalty keeps its strength
            classifier = LogisticRegression(C=self._settings.inverse_penalty, max_iter=1000, random_state=self._seed)
            self.classifiers_[head] = classifier.fit(features, indices, sample_weight=counted)
        return self

    def probabilities(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Give, by head, scikit-learn's own probabilities, of shape (texts, labels)."""
        features: csr_matrix = hstack([vectorizer.transform(texts) for vectorizer in self.vectorizers_.values()]).tocsr()
        return {head: classifier.predict_proba(features) for head, classifier in self.classifiers_.items()}

    def to_model(self) -> LinearModel:
        """Give the same model without scikit-learn."""
        return LinearModel(
            vocabulary={name: fitted.get_feature_names_out().tolist() for name, fitted in self.vectorizers_.items()},
            idf={name: fitted.idf_.astype(np.float32) for name, fitted in self.vectorizers_.items()},
            coefficients={head: fitted.coef_.T.astype(np.float32) for head, fitted in self.classifiers_.items()},
            intercepts={head: fitted.intercept_.astype(np.float32) for head, fitted in self.classifiers_.items()},
        )
