"""Calibration: sums done by hand, and what the figures must tell apart."""

import numpy as np
import pytest

from training.calibration_metrics import (
    brier_score,
    confidence_bins,
    expected_calibration_error,
    log_loss,
    prior_log_loss,
    risk_coverage,
    uniform_log_loss,
)

EVEN = np.array([[0.8, 0.2], [0.8, 0.2], [0.6, 0.4], [0.6, 0.4]], dtype=np.float32)


def test_the_calibration_error_is_the_mean_gap_of_bins_of_equal_mass() -> None:
    # the surer two: 0.8 said, 0.5 right; the others: 0.6 said, 1 right
    assert expected_calibration_error(EVEN, [0, 1, 0, 0], bins=2) == pytest.approx((0.3 + 0.4) / 2)
    assert [item.sentences for item in confidence_bins(EVEN, [0, 1, 0, 0], bins=3)] == [2, 1, 1]


def test_answers_as_often_right_as_they_say_have_little_error_and_too_sure_ones_much() -> None:
    rng = np.random.default_rng(0)
    said = rng.uniform(0.5, 1, 20_000)
    gold = (rng.random(20_000) > said).astype(int).tolist()
    honest = np.stack([said, 1 - said], axis=1).astype(np.float32)
    assert expected_calibration_error(honest, gold) < 0.02
    sure = np.stack([said**0.2, 1 - said**0.2], axis=1).astype(np.float32)
    assert expected_calibration_error(sure, gold) > 0.1
    assert log_loss(sure, gold) > log_loss(honest, gold)


def test_log_loss_and_brier_are_those_of_the_textbook() -> None:
    assert log_loss(EVEN, [0, 1, 0, 0]) == pytest.approx(-(np.log(0.8) + np.log(0.2) + 2 * np.log(0.6)) / 4, abs=1e-6)
    assert brier_score(EVEN, [0, 1, 0, 0]) == pytest.approx((0.08 + 1.28 + 0.32 + 0.32) / 4, abs=1e-6)
    assert np.isfinite(log_loss(np.array([[1.0, 0.0]]), [1]))


def test_the_prior_baseline_is_the_entropy_and_never_above_the_uniform_one() -> None:
    assert prior_log_loss([0, 0, 0, 1], 2) == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    assert prior_log_loss([0, 1], 2) == pytest.approx(uniform_log_loss(2))
    assert prior_log_loss([0, 0], 2) == 0


def test_risk_rises_to_the_error_rate_as_all_is_answered() -> None:
    coverage, risk = risk_coverage(EVEN, [0, 0, 1, 0])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk.tolist() == [0, 0, pytest.approx(1 / 3), 0.25]
