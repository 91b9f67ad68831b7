"""Whether a newly trained model becomes the champion."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from newsstance.bundle import Bundle
from newsstance.labels import HEADS
from training.bootstrap import difference
from training.calibration_metrics import expected_calibration_error, gold_places
from training.champion import crown, current_champion
from training.material import Material
from training.measure import answers_of
from training.predictions import Predictions, SplitPredictions

SPLIT: Final = "validation"
"""Where models are chosen; the tests are for the report."""

METRIC: Final = "stance_f1"
ECE_MARGIN: Final = 0.01
"""How much larger a challenger's calibration error may be without counting as worse: about what chance makes of it on the
1,300 sentences of validation."""


@dataclass(frozen=True)
class Decision:
    """Whether the challenger became champion, why in one line, and the figures that decided."""

    promoted: bool
    reason: str
    figures: Mapping[str, float]


def promote(challenger: Bundle, answers: Predictions, material: Material, models: Path) -> Decision:
    """Make ``challenger`` champion of ``models`` if it is better than the present one; say so in one line.

    Both are measured on the same sentences, those of ``material``, whatever corpus the champion was trained on.
    """
    with FileLock(models / ".champion.lock"):
        champion = current_champion(models)
        if champion is None:
            decision = Decision(True, f"{challenger.name} is the first model", {})
        else:
            decision = decide(challenger.name, answers[SPLIT], champion.name, answers_of(champion, material)[SPLIT])
        if decision.promoted:
            crown(models, challenger)
    return decision


def decide(name: str, challenger: SplitPredictions, champion_name: str, champion: SplitPredictions) -> Decision:
    """Decide by the paired test on ``METRIC``, and by the calibration error of each head."""
    found = difference([challenger], [champion], METRIC)
    figures = {"promotion/difference": found.value, "promotion/p": found.p}
    figures |= {"promotion/difference_low": found.low, "promotion/difference_high": found.high}
    errors = {head: (_ece(challenger, head), _ece(champion, head)) for head in HEADS}
    for head, (ours, theirs) in errors.items():
        figures |= {f"promotion/{head}_ece": ours, f"promotion/{head}_ece_champion": theirs}
    better = found.is_significant and found.value > 0
    calibrated = all(ours <= theirs + ECE_MARGIN for ours, theirs in errors.values())
    ece = ", ".join(f"{head} {ours:.3f} against {theirs:.3f}" for head, (ours, theirs) in errors.items())
    told = f"{METRIC} on {SPLIT} {found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}], {p_value(found.p)}; ECE {ece}"
    outcome = f"{name} takes over from {champion_name}" if better and calibrated else f"{champion_name} stays"
    why = "" if better and calibrated else f"{name} is not better: " if not better else f"{name} is worse calibrated: "
    return Decision(better and calibrated, f"{outcome}: {why}{told}", figures)


def p_value(p: float) -> str:
    """Write a p-value, no more precisely than resampling knows it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _ece(answers: SplitPredictions, head: str) -> float:
    return expected_calibration_error(answers.probabilities[head], gold_places(answers)[head])
