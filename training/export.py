"""From a trained model to a bundle: written beside its place, measured there, then put in its place."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from newsstance import Predictor
from newsstance.bundle import Bundle, record_files
from newsstance.installed import installed_version
from newsstance.labels import HEADS
from training.agreement import require_same
from training.calibrate import fit_temperatures
from training.corpus import Sentence
from training.evaluate import split_metrics
from training.predictions import PREDICTIONS_FILE, Predictions, SplitPredictions, predict_held_out, write_predictions
from training.recipe import Recipe

VALIDATION: Final = "validation"
_CHECKED: Final = 16
_PACKAGES: Final = ("newsstance", "numpy", "onnxruntime", "scikit-learn", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Origin:
    """Where a bundle comes from: its recipe, the SHA-256 of its corpus and its MLflow run.

    ``models`` is the folder of the models that it builds on, if it does: its teacher, or the parts of a cascade.
    """

    recipe: Recipe
    corpus_sha256: str
    run_id: str | None
    models: Path


def write_bundle(
    target: Path,
    origin: Origin,
    settings: Mapping[str, Any],
    write_files: Callable[[Path], None],
    sentences: Sequence[Sentence],
    compare: Callable[[Predictor, Predictions], Mapping[str, float]],
    *,
    calibrate: bool = True,
) -> Bundle:
    """Write a bundle to the folder ``target``, replacing what was there only when the new one is whole and measured.

    ``write_files`` writes the model's files into the folder it is given. The model that they make answers every held-out one of
    ``sentences`` once: from that follow its temperatures, its metrics, and, as metrics too, what ``compare`` finds of it beside
    the model that was trained; if one of these raises, ``target`` stays as it was. The calibrated answers are kept with it.
    A model made of calibrated ones needs no temperatures of its own: ``calibrate`` is off.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        write_files(beside)
        bundle = Bundle(
            name=target.name,
            kind=origin.recipe.kind,
            labels=HEADS,
            settings={**settings, "min_confidence": origin.recipe.min_confidence},
            files=record_files(beside),
            corpus_sha256=origin.corpus_sha256,
            run_id=origin.run_id,
            recipe=origin.recipe.to_dict(),
            metrics={},
            versions=_versions(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            path=beside,
        )
        bundle.write()
        predictor = Predictor.load(beside)
        answers = calibrated = predict_held_out(predictor, sentences)
        if calibrate:
            temperature = fit_temperatures(answers[VALIDATION], sentences)
            calibrated = {split: of_split.tempered(temperature) for split, of_split in answers.items()}
            bundle = replace(bundle, settings={**bundle.settings, "temperature": temperature})
        bundle = replace(bundle, metrics={**split_metrics(calibrated), **compare(predictor, answers)})
        bundle.write()
        _require_served(Predictor.load(beside), calibrated[VALIDATION], sentences)
        write_predictions(calibrated, origin.corpus_sha256, beside / PREDICTIONS_FILE)
        _swap(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return replace(bundle, path=target)


def _require_served(predictor: Predictor, answers: SplitPredictions, sentences: Sequence[Sentence]) -> None:
    """Raise ``ExportError`` unless ``predictor`` serves the calibrated ``answers`` that were measured, by a few of them."""
    texts = {sentence.id: sentence.text for sentence in sentences}
    few = slice(0, _CHECKED)
    served = predictor.probabilities([texts[identity] for identity in answers.ids[few]])
    require_same({head: values[few] for head, values in answers.probabilities.items()}, served)


def _swap(new: Path, target: Path) -> None:
    """Put ``new`` in the place of ``target``; a folder can't be renamed over another, so the old one steps aside first."""
    old = target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():
        old.rename(target)  # an earlier swap was cut off between its two renames
    shutil.rmtree(old, ignore_errors=True)
    try:
        if target.exists():
            target.rename(old)
        new.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _versions() -> dict[str, str]:
    found = {package: installed_version(package) for package in _PACKAGES}
    return {package: version for package, version in found.items() if version}  # a linear model is trained without torch
