"""Intervals and p-values: they are what other articles would have given."""

from collections.abc import Sequence

import numpy as np
import pytest

from newsstance.labels import HEADS
from training.bootstrap import difference, estimate
from training.errors import ComparisonError
from training.metrics import stance_f1
from training.predictions import SplitPredictions


def answers(gold: Sequence[str], predicted: Sequence[str], units: Sequence[str] | None = None) -> SplitPredictions:
    """Make answers that give ``predicted`` for stance, and the right sentiment."""
    ids = [str(place) for place in range(len(gold))]
    labels = {"stance": predicted, "sentiment": ["neutral"] * len(gold)}
    chosen = {head: np.array([HEADS[head].index(label) for label in labels[head]]) for head in HEADS}
    probabilities = {head: np.eye(len(HEADS[head]), dtype=np.float32)[places] for head, places in chosen.items()}
    return SplitPredictions(ids, units or ids, {"stance": list(gold), "sentiment": labels["sentiment"]}, probabilities)


def made(error: float, seed: int, rows: int = 400) -> SplitPredictions:
    """Make answers to the same questions, of which about the share ``error`` is wrong."""
    gold = np.random.default_rng(0).choice(HEADS["stance"], rows)
    rng = np.random.default_rng(seed)
    wrong = rng.random(rows) < error
    return answers(gold.tolist(), np.where(wrong, rng.choice(HEADS["stance"], rows), gold).tolist())


def test_the_value_is_the_metric_and_lies_in_its_interval() -> None:
    found = made(0.4, seed=1)
    value = estimate([found], "stance_f1")
    assert value.value == pytest.approx(stance_f1(found.gold["stance"], found.labels("stance")))
    assert value.low < value.value < value.high


@pytest.mark.slow
def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    truth = float(np.mean([estimate([made(0.4, seed=seed, rows=3000)], "stance_f1").value for seed in range(20)]))
    held = 0
    for seed in range(30):
        rng = np.random.default_rng(seed + 1000)
        gold = rng.choice(HEADS["stance"], 300)
        wrong = rng.random(300) < 0.4
        found = estimate(
            [answers(gold.tolist(), np.where(wrong, rng.choice(HEADS["stance"], 300), gold).tolist())], "stance_f1"
        )
        held += found.low <= truth <= found.high
    assert 0.8 <= held / 30 <= 1


def test_sentences_that_stand_and_fall_with_their_article_widen_the_interval() -> None:
    gold = ["optimistic", "cautious", "alarmed", "none"] * 50
    predicted = [label if place // 20 % 2 else "none" for place, label in enumerate(gold)]
    alone = estimate([answers(gold, predicted)], "stance_f1")
    together = estimate([answers(gold, predicted, [str(place // 20) for place in range(200)])], "stance_f1")
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_a_clear_difference_is_significant_and_has_the_sign_of_the_better() -> None:
    better, worse = made(0.1, seed=1), made(0.5, seed=2)
    found = difference([better], [worse], "stance_f1")
    assert found.is_significant
    assert 0 < found.low < found.value < found.high
    back = difference([worse], [better], "stance_f1")
    assert back.value == pytest.approx(-found.value)
    assert back.p == pytest.approx(found.p)


def test_a_model_does_not_differ_from_itself() -> None:
    same = made(0.3, seed=1)
    assert difference([same], [same], "stance_f1") == (0, 0, 0, 1)


def test_two_of_a_kind_seldom_differ_significantly() -> None:
    found = [difference([made(0.3, seed=2 * pair)], [made(0.3, seed=2 * pair + 1)], "stance_f1") for pair in range(40)]
    assert sum(item.is_significant for item in found) <= 6
    assert len({item.p for item in found}) > 20


def test_seeds_that_differ_widen_the_interval_of_their_mean() -> None:
    alike = estimate([made(0.3, seed=1)] * 5, "stance_f1")
    unlike = estimate([made(error, seed=1) for error in (0.05, 0.15, 0.3, 0.45, 0.6)], "stance_f1")
    assert unlike.high - unlike.low > 1.5 * (alike.high - alike.low)


def test_answers_to_other_sentences_are_not_compared() -> None:
    with pytest.raises(ComparisonError, match="other sentences"):
        difference([made(0.1, seed=1)], [made(0.1, seed=1, rows=200)], "stance_f1")
