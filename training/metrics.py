"""The metrics of this project, defined here and nowhere else."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from newsstance.labels import HEADS, POSTURES, SENTIMENTS, STANCES
from newsstance.models import Floats

Labels = Mapping[str, Sequence[str]]
"""Labels by head, each a list as long as the data."""


def stance_f1(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """Give the macro-F1 over optimistic, cautious and alarmed, with the ``none`` sentences in the data, in [0, 1].

    A ``none`` sentence given a stance counts against that stance's precision, and a stance-bearing one called ``none``
    against its recall: the convention of SemEval-2016 task 6. A stance that is neither in ``gold`` nor predicted scores 0.
    """
    return _macro_f1(gold, predicted, POSTURES)


def head_f1(head: str, gold: Sequence[str], predicted: Sequence[str]) -> float:
    """Give the F1 by which ``head`` is judged: ``stance_f1``, or the macro-F1 over the three sentiments."""
    return stance_f1(gold, predicted) if head == "stance" else _macro_f1(gold, predicted, SENTIMENTS)


def expected_f1(head: str, probabilities: Floats, predicted: Sequence[str]) -> float:
    """Give about what ``head_f1`` would be were the labels drawn by ``probabilities``, of shape (sentences, labels).

    Of each label it is the F1 of the expected counts: the population utility of Dembczyński et al. (2017), "Consistency
    Analysis for Binary Classification Revisited", https://proceedings.mlr.press/v70/dembczynski17a.html.
    """
    scored = POSTURES if head == "stance" else SENTIMENTS
    f1s = []
    for label in scored:
        of_label, chosen = probabilities[:, HEADS[head].index(label)], np.array([one == label for one in predicted])
        f1s.append(2 * of_label[chosen].sum() / max(chosen.sum() + of_label.sum(), np.finfo(np.float32).tiny))
    return float(np.mean(f1s))


def all_metrics(gold: Labels, predicted: Labels) -> dict[str, float]:
    """Give every metric by name, each in [0, 1].

    ``stance_f1``; ``stance_f1_all``, the macro-F1 over the four classes; ``sentiment_f1``, over the three sentiments; the
    accuracy of each head; and ``stance_precision_L``, ``stance_recall_L``, ``stance_f1_L`` for each label L, likewise for
    sentiment.
    """
    metrics = {
        "stance_f1": stance_f1(gold["stance"], predicted["stance"]),
        "stance_f1_all": _macro_f1(gold["stance"], predicted["stance"], STANCES),
        "sentiment_f1": _macro_f1(gold["sentiment"], predicted["sentiment"], SENTIMENTS),
    }
    for head, labels in HEADS.items():
        metrics[f"{head}_accuracy"] = float(np.mean(np.array(gold[head]) == np.array(predicted[head])))
        metrics |= _by_class(head, labels, gold[head], predicted[head])
    return metrics


def confusions(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Count sentences by their gold label (rows) and predicted label (columns), in the order of ``labels``."""
    return np.asarray(confusion_matrix(gold, predicted, labels=list(labels)), dtype=np.int64)


def _macro_f1(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> float:
    return float(f1_score(gold, predicted, labels=list(labels), average="macro", zero_division=0))


def _by_class(head: str, labels: Sequence[str], gold: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    precision, recall, f1, _ = precision_recall_fscore_support(gold, predicted, labels=list(labels), zero_division=0)
    columns = {"precision": precision, "recall": recall, "f1": f1}
    return {
        f"{head}_{name}_{label}": float(column[place]) for name, column in columns.items() for place, label in enumerate(labels)
    }
