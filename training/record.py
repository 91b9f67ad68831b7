"""What a run keeps of a measured model: metrics, figures, tables and files."""

from collections.abc import Mapping, Sequence

import tomli_w

from newsstance.labels import HEADS
from training.corpus import of_split
from training.datasets import training_digest
from training.figures import (
    confusion_figure,
    learning_curve_figure,
    reliability_figure,
    risk_coverage_figure,
    scores_figure,
    slices_figure,
)
from training.material import Material
from training.measure import Estimates, Measured, interval_metrics, wrong_answers
from training.metrics import confusions
from training.predictions import PREDICTIONS_FILE
from training.recipe import Recipe
from training.run_spec import states_tag
from training.selection import trained_on
from training.tracking import Tracking

CURVE = "curve/validation_stance_f1"


def record_start(run: Tracking, recipe: Recipe, material: Material) -> None:
    """Record what is known before training: the recipe as TOML, and the data, of which it trains on a part or all."""
    train = of_split(trained_on(recipe, material).sentences, "train")
    if train:
        run.data(train, material.path, training_digest(train, material))
    run.data([sentence for sentence in material.sentences if sentence.split != "train"], material.path, material.sha256)
    run.text(tomli_w.dumps(_without_none(recipe.to_dict())), "recipe.toml")


def record(run: Tracking, measured: Measured, material: Material, found: Estimates) -> None:
    """Record everything about ``measured``, whose scores have the intervals ``found``."""
    run.metrics({**measured.metrics, **interval_metrics(found)})
    record_details(run, measured, material, measured.bundle.name)
    run.figure(scores_figure(found, measured.bundle.name), "scores")
    run.file(measured.bundle.path / PREDICTIONS_FILE)


def record_details(run: Tracking, measured: Measured, material: Material, name: str) -> None:
    """Record the figures, titled by ``name``, the table of wrong test sentences and the description of one model."""
    tests = {split: answers for split, answers in measured.predictions.items() if split != "validation"}
    for split, answers in tests.items():
        for head, labels in HEADS.items():
            counts = confusions(answers.gold[head], answers.labels(head), labels)
            run.figure(confusion_figure(counts, labels, f"{name}: {head} on {split}"), f"confusion_{head}_{split}")
        run.figure(reliability_figure(answers, f"{name} on {split}"), f"reliability_{split}")
        if measured.slices[split]:
            run.figure(slices_figure(measured.slices[split], f"{name} on {split}"), f"slices_{split}")
    run.figure(risk_coverage_figure(measured.predictions, name), "risk_coverage")
    texts = {sentence.id: sentence.text for sentence in material.sentences}
    tables = [wrong_answers(answers, texts, split) for split, answers in tests.items()]
    run.table({column: [row for table in tables for row in table[column]] for column in tables[0]}, "errors.json")
    run.file(measured.bundle.path / "bundle.json")
    for tag, value in states_tag(measured.bundle).items():
        run.tag(tag, value)


def record_learning_curve(run: Tracking, runs: Mapping[str, str | None], name: str) -> None:
    """Draw the learning curves of ``runs``, ids by what each is called in the legend, if they have any."""
    curves = {label: _curve(run, identity) for label, identity in runs.items() if identity}
    if any(curves.values()):
        run.figure(learning_curve_figure(curves, name), "learning_curve")


def _curve(run: Tracking, identity: str) -> Sequence[tuple[int, float]]:
    history = run.attempt(lambda client, _: client.get_metric_history(identity, CURVE)) or []
    return [(point.step, point.value) for point in history]


def _without_none(settings: Mapping[str, object]) -> dict[str, object]:
    return {
        name: _without_none(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
        if value is not None
    }
