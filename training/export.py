"""From a trained model to a bundle: written beside its place, measured there, then put in its place."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from newsstance import Predictor
from newsstance.bundle import Bundle, record_files
from newsstance.labels import HEADS
from training.calibrate import fit_temperatures
from training.corpus import Sentence
from training.recipe import Recipe

_PACKAGES: Final = ("newsstance", "numpy", "onnxruntime", "scikit-learn", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Origin:
    """Where a bundle comes from: its recipe, the SHA-256 of its corpus and its MLflow run."""

    recipe: Recipe
    corpus_sha256: str
    run_id: str | None


def write_bundle(
    target: Path,
    origin: Origin,
    settings: Mapping[str, Any],
    write_files: Callable[[Path], None],
    calibration: Sequence[Sentence],
    measure: Callable[[Predictor], Mapping[str, float]],
) -> Bundle:
    """Write a bundle to the folder ``target``, replacing what was there only when the new one is whole and measured.

    ``write_files`` writes the model's files into the folder it is given, the temperatures of its heads are fitted on the
    sentences ``calibration``, unless there are none, and ``measure`` gives the metrics of the predictor that was then loaded;
    if one of them raises, ``target`` stays as it was.
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
        if calibration:
            temperature = fit_temperatures(Predictor.load(beside), calibration)
            bundle = replace(bundle, settings={**bundle.settings, "temperature": temperature})
            bundle.write()
        bundle = replace(bundle, metrics=measure(Predictor.load(beside)))
        bundle.write()
        _swap(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return replace(bundle, path=target)


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
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue  # a linear model is trained without torch
    return versions
