"""newsstance tells how the news holds itself towards what is coming: the stance of sentences and of whole articles."""

from newsstance.errors import ArticleError, BundleError, ConfidenceError, ModelNotFoundError, NewsstanceError
from newsstance.labels import SENTIMENTS, STANCES
from newsstance.predictor import Predictor
from newsstance.scores import ArticleScore, SentenceScore
from newsstance.sentences import split_sentences
from newsstance.version import __version__

__all__ = [
    "SENTIMENTS",
    "STANCES",
    "ArticleError",
    "ArticleScore",
    "BundleError",
    "ConfidenceError",
    "ModelNotFoundError",
    "NewsstanceError",
    "Predictor",
    "SentenceScore",
    "__version__",
    "split_sentences",
]
