"""The project's metrics, against counts made by hand."""

import numpy as np
import pytest

from newsstance.labels import SENTIMENTS
from training.baselines import vader_labels
from training.class_weights import class_weights
from training.metrics import all_metrics, confusions, expected_f1, head_f1, stance_f1

GOLD = ["optimistic", "optimistic", "cautious", "alarmed", "none", "none"]
PREDICTED = ["optimistic", "none", "cautious", "none", "optimistic", "none"]


def test_stance_f1_averages_the_three_postures_and_lets_none_cost() -> None:
    # optimistic: 1 right, 1 of 2 predicted wrong, 1 of 2 missed: 0.5; cautious: 1; alarmed: 0
    assert stance_f1(GOLD, PREDICTED) == pytest.approx((0.5 + 1 + 0) / 3)
    assert stance_f1(["none", "none"], ["none", "none"]) == 0


def test_all_metrics_hold_every_class() -> None:
    sentiments = ["positive", "negative", "neutral", "neutral", "neutral", "neutral"]
    metrics = all_metrics({"stance": GOLD, "sentiment": sentiments}, {"stance": PREDICTED, "sentiment": sentiments})
    assert metrics["stance_f1"] == pytest.approx(0.5)
    assert metrics["stance_f1_all"] == pytest.approx((0.5 + 1 + 0 + 0.4) / 4)  # none: 1 of 2 found, 1 of 3 right
    assert metrics["stance_precision_none"] == pytest.approx(1 / 3)
    assert metrics["stance_recall_optimistic"] == pytest.approx(1 / 2)
    assert metrics["stance_accuracy"] == pytest.approx(3 / 6)
    assert metrics["sentiment_f1"] == 1


def test_confusions_have_gold_in_rows_and_predicted_in_columns() -> None:
    assert confusions(["a", "a", "b"], ["a", "b", "b"], ["a", "b"]).tolist() == [[1, 1], [0, 1]]


def test_class_weights_average_one_over_the_rows_and_balance_the_classes() -> None:
    indices = [0] * 8 + [1] * 2
    assert class_weights(indices, 2, 0).tolist() == [1, 1]
    full = class_weights(indices, 2, 1)
    assert full[0] * 8 == pytest.approx(full[1] * 2)
    assert (full[0] * 8 + full[1] * 2) / 10 == pytest.approx(1)
    assert class_weights([0, 0], 3, 1)[0] == 1


def test_vader_is_mapped_at_its_usual_thresholds() -> None:
    labels = vader_labels(["Great, wonderful news!", "The table is brown.", "A terrible, horrible disaster."])
    assert labels["stance"] == ["optimistic", "none", "alarmed"]
    assert labels["sentiment"] == ["positive", "neutral", "negative"]


def test_expected_f1_is_the_f1_of_the_expected_counts_and_f1_itself_where_the_labels_are_certain() -> None:
    said = ["negative", "negative", "positive", "neutral"]
    gold = ["negative", "positive", "positive", "neutral"]
    certain = np.eye(3, dtype=np.float32)[[SENTIMENTS.index(label) for label in gold]]
    assert expected_f1("sentiment", certain, said) == pytest.approx(head_f1("sentiment", gold, said))
    even = np.full((4, 3), 1 / 3, np.float32)
    wanted = np.mean([2 * 2 / 3 / (2 + 4 / 3), 2 / 3 / (1 + 4 / 3), 2 / 3 / (1 + 4 / 3)])
    assert expected_f1("sentiment", even, said) == pytest.approx(wanted)
    assert expected_f1("stance", np.eye(4, dtype=np.float32)[[3, 3]], ["none", "none"]) == 0
