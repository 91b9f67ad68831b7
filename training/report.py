"""Metrics as a table for the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from newsstance.labels import HEADS, POSTURES
from training.bootstrap import LEVEL, Difference, Estimate
from training.calibration_metrics import BINS
from training.compare import Pair, Ranking
from training.curve import Point
from training.measure import Estimates
from training.promotion import p_value

_COLUMNS = {
    "stance_f1": "stance_f1",
    "stance_f1_all": "all four",
    "sentiment_f1": "sentiment_f1",
    **{f"stance_precision_{label}": f"P {label}" for label in POSTURES},
    **{f"stance_recall_{label}": f"R {label}" for label in POSTURES},
}

_CALIBRATION = {"ece": "ECE", "nll": "NLL", "nll_prior": "NLL of shares", "nll_uniform": "NLL of even", "brier": "Brier"}


def metrics_table(title: str, rows: Mapping[str, Mapping[str, float]]) -> Table:
    """Lay out ``rows``, each a name and its metrics: the F1s, and precision (P) and recall (R) of each stance."""
    table = Table(title=title, title_justify="left")
    table.add_column("model", no_wrap=True)
    for heading in _COLUMNS.values():
        table.add_column(heading, justify="right")
    for name, metrics in rows.items():
        table.add_row(name, *(f"{metrics[key]:.3f}" for key in _COLUMNS))
    return table


def calibration_table(title: str, rows: Mapping[str, Mapping[str, float]]) -> Table:
    """Lay out how far the probabilities of ``rows``, each a name and its metrics, can be believed: a line for each head."""
    note = f"ECE: {BINS} bins of equal mass; NLL in nats, beside always answering the class shares, and guessing evenly"
    table = Table(title=title, title_justify="left", caption=note, caption_justify="left")
    for heading in ("model", "head", *_CALIBRATION.values()):
        table.add_column(heading, justify="left" if heading in ("model", "head") else "right", no_wrap=heading == "model")
    for name, metrics in rows.items():
        for head in HEADS:
            table.add_row(name, head, *(f"{metrics[f'{head}_{key}']:.3f}" for key in _CALIBRATION))
    return table


def sweep_table(title: str, spread: Mapping[str, Mapping[str, tuple[float, float]]], found: Estimates) -> Table:
    """Lay out a sweep: mean and standard deviation over seeds (``spread``), and the interval of the mean (``found``)."""
    table = Table(title=title, title_justify="left")
    for heading in ("split", "metric", "mean", "sd", "95% interval"):
        table.add_column(heading, justify="left" if heading in ("split", "metric") else "right")
    for split in next(iter(found.values())):
        for metric, by_split in found.items():
            mean, sd = spread[metric][split]
            table.add_row(split, metric, f"{mean:.3f}", f"{sd:.3f}", _interval(by_split[split]))
    return table


def curve_table(title: str, points: Sequence[Point]) -> Table:
    """Lay out a learning curve, a row for each share of the corpus."""
    table = Table(title=title, title_justify="left")
    for heading in ("share", "training sentences", "mean", "sd"):
        table.add_column(heading, justify="right")
    for point in points:
        table.add_row(str(point.share), str(point.sentences), f"{point.mean:.3f}", f"{point.sd:.3f}")
    return table


def difference_table(first: str, second: str, pairs: Sequence[Pair]) -> Table:
    """Lay out how two runs differ, split by split; ``*`` marks what chance hardly explains."""
    table = Table(title=f"A: {first}\nB: {second}", title_justify="left", caption="* p < 0.05", caption_justify="left")
    for heading in ("split", "metric", "A", "B", "A − B", "95% interval", "p"):
        table.add_column(heading, justify="left" if heading in ("split", "metric") else "right")
    for pair in pairs:
        found, scores = pair.difference, (f"{pair.first.value:.3f}", f"{pair.second.value:.3f}")
        table.add_row(pair.split, pair.metric, *scores, f"{found.value:+.3f}", _interval(found, "+"), _p(found.p))
    return table


def ranking_table(ranking: Ranking) -> Table:
    """Lay out the runs from best to worst, each with its intervals and what sets it apart from the champion."""
    title = f"{ranking.metric} with 95% intervals, ranked on {ranking.split}"
    note = f"* differs from the champion on {ranking.split}: p < 0.05, adjusted for the number of runs"
    table = Table(title=title, title_justify="left", caption=note, caption_justify="left")
    splits = list(dict.fromkeys(split for item in ranking.runs for split in item.scores))
    for heading in ("", "run", *splits, "against the champion", "adjusted p"):
        table.add_column(heading, justify="left" if heading in ("", "run") else "right")
    for place, item in enumerate(ranking.runs, start=1):
        scores = [
            f"{item.scores[split].value:.3f} {_interval(item.scores[split])}" if split in item.scores else ""
            for split in splits
        ]
        found = item.difference
        missing = "champion" if item.is_champion else "not comparable"
        against = missing if found is None else f"{found.value:+.3f} {_interval(found, '+')}"
        table.add_row(str(place), item.name, *scores, against, "" if item.adjusted_p is None else _p(item.adjusted_p))
    return table


def split_metrics(metrics: Mapping[str, float], split: str) -> dict[str, float]:
    """Give the metrics of ``split`` without its name."""
    prefix = f"{split}/"
    return {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}


def _interval(found: Estimate | Difference, sign: str = "") -> str:
    return f"\\[{found.low:{sign}.3f}, {found.high:{sign}.3f}]"  # rich takes a bare bracket for markup


def _p(p: float) -> str:
    return f"{p_value(p).removeprefix('p ').removeprefix('= ')}{' *' if p < 1 - LEVEL else ''}"


def show(table: Table) -> None:
    """Print ``table`` whole, also where the output isn't a terminal."""
    console = Console()
    console.print(table) if console.is_terminal else Console(width=160).print(table)
