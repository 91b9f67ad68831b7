"""The figures of a run, each legible at the size that MLflow's UI shows."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.bootstrap import Estimate
from training.calibration_metrics import confidence_bins, expected_calibration_error, gold_places, risk_coverage
from training.predictions import Predictions, SplitPredictions
from training.slices import Slice


def confusion_figure(counts: npt.NDArray[np.int64], labels: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix: ``counts`` of shape (gold, predicted), shaded by the share of each gold label."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        text = f"{counts[row, column]}\n{shares[row, column]:.0%}"
        axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="annotated", title=title)
    figure.colorbar(image, label="share of the annotated label")
    return figure


def reliability_figure(answers: SplitPredictions, title: str) -> Figure:
    """Draw, for each head, how often answers of like confidence are right: on the diagonal if they say how sure they are."""
    figure, panels = _panels(answers, title)
    for axes, (head, gold) in zip(panels, gold_places(answers).items(), strict=True):
        probabilities = answers.probabilities[head]
        bins = confidence_bins(probabilities, gold)
        axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
        axes.plot([item.confidence for item in bins], [item.accuracy for item in bins], marker="o")
        error = expected_calibration_error(probabilities, gold)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="mean confidence", ylabel="share right", title=f"{head}: ECE {error:.3f}")
    return figure


def risk_coverage_figure(predictions: Predictions, title: str) -> Figure:
    """Draw, for each head and split, the share of wrong answers if only the surest share of sentences is answered."""
    figure, panels = _panels(next(iter(predictions.values())), title)
    for split, answers in predictions.items():
        for axes, (head, gold) in zip(panels, gold_places(answers).items(), strict=True):
            coverage, risk = risk_coverage(answers.probabilities[head], gold)
            axes.plot(coverage, risk, label=split)
            axes.set(xlim=(0, 1), xlabel="coverage (share answered)", ylabel="risk (share wrong)", title=head)
    for axes in panels:
        axes.set_ylim(bottom=0)  # only now, since a limit stops the axis from making room for the next curve
    panels[0].legend()
    return figure


def slices_figure(slices: Sequence[Slice], title: str) -> Figure:
    """Draw a bar for the ``stance_f1`` of each slice, with its number of sentences."""
    figure = Figure(figsize=(7, 1.2 + 0.27 * max(len(slices), 3)), layout="constrained")
    axes = figure.subplots()
    colours = {name: f"C{place}" for place, name in enumerate(dict.fromkeys(item.dimension for item in slices))}
    ordered = list(reversed(slices))
    names = [f"{item.dimension}: {item.name} ({item.sentences})" for item in ordered]
    bars = axes.barh(range(len(ordered)), [item.stance_f1 for item in ordered], color=[colours[s.dimension] for s in ordered])
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set_yticks(range(len(ordered)), names)
    axes.set(xlim=(0, 1.08), xlabel="stance_f1", title=title)
    return figure


def scores_figure(estimates: Mapping[str, Mapping[str, Estimate]], title: str) -> Figure:
    """Draw the scores with their intervals: ``estimates`` by metric and split."""
    figure = Figure(figsize=(6.5, 3.2), layout="constrained")
    axes = figure.subplots()
    for place, (metric, by_split) in enumerate(estimates.items()):
        values = [found.value for found in by_split.values()]
        below = [found.value - found.low for found in by_split.values()]
        above = [found.high - found.value for found in by_split.values()]
        rows = np.arange(len(values)) + 0.2 * (place - (len(estimates) - 1) / 2)  # centred on the split's name
        axes.errorbar(values, rows, xerr=np.maximum([below, above], 0), fmt="o", capsize=4, label=metric)
        axes.set_yticks(range(len(values)), list(by_split))
    axes.set(xlim=(0, 1), xlabel="score, with its 95% interval", title=title)
    axes.margins(y=0.15)
    axes.invert_yaxis()
    axes.legend()
    return figure


def share_curve_figure(curves: Mapping[str, Sequence[tuple[int, float, float]]], title: str) -> Figure:
    """Draw ``curves``, by name, of (training sentences, mean ``stance_f1``, its standard deviation), with their bands."""
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        rows, means, deviations = (np.array(column) for column in zip(*points, strict=True))
        axes.plot(rows, means, marker="o", label=name)
        axes.fill_between(rows, means - deviations, means + deviations, alpha=0.2)
    axes.set(xscale="log", xlabel="training sentences", ylabel="stance_f1", title=title)
    axes.legend()
    return figure


def learning_curve_figure(curves: Mapping[str, Sequence[tuple[int, float]]], title: str) -> Figure:
    """Draw ``curves``, by name, of (step, ``stance_f1`` on validation)."""
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot([step for step, _ in points], [value for _, value in points], marker="o", markersize=3, label=name)
    axes.set(xlabel="step", ylabel="stance_f1 on validation", title=title)
    axes.legend()
    return figure


def _panels(answers: SplitPredictions, title: str) -> tuple[Figure, list[Axes]]:
    heads = len(answers.gold)
    figure = Figure(figsize=(4.2 * heads, 4), layout="constrained")
    figure.suptitle(title)
    return figure, list(figure.subplots(1, heads))
