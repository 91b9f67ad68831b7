"""Metrics as a table for the terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from newsstance.labels import POSTURES

_COLUMNS = {
    "stance_f1": "stance_f1",
    "stance_f1_all": "all four",
    "sentiment_f1": "sentiment_f1",
    **{f"stance_precision_{label}": f"P {label}" for label in POSTURES},
    **{f"stance_recall_{label}": f"R {label}" for label in POSTURES},
}


def metrics_table(title: str, rows: Mapping[str, Mapping[str, float]]) -> Table:
    """Lay out ``rows``, each a name and its metrics: the F1s, and precision (P) and recall (R) of each stance."""
    table = Table(title=title, title_justify="left")
    table.add_column("model", no_wrap=True)
    for heading in _COLUMNS.values():
        table.add_column(heading, justify="right")
    for name, metrics in rows.items():
        table.add_row(name, *(f"{metrics[key]:.3f}" for key in _COLUMNS))
    return table


def split_metrics(metrics: Mapping[str, float], split: str) -> dict[str, float]:
    """Give the metrics of ``split`` without its name."""
    prefix = f"{split}/"
    return {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}


def show(table: Table) -> None:
    """Print ``table`` whole, also where the output isn't a terminal."""
    console = Console()
    console.print(table) if console.is_terminal else Console(width=160).print(table)
