"""The figures of ``bench`` as a table, as files, and as a run in MLflow."""

import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from newsstance.cores import usable_cores
from newsstance.files import write_atomically
from newsstance.installed import installed_version
from training.bench import Row
from training.contestants import REFERENCE
from training.run_spec import RunSpec
from training.tracking import tracked

FOLDER: Final = Path("bench")
_PACKAGES: Final = ("newsstance", "numpy", "onnxruntime", "tokenizers", "torch", "transformers", "vaderSentiment", "textblob")
_HEADINGS: Final = (
    "", "sentences/s", "articles/s", "× pipeline at 32", "cold start, s", "peak memory, MB", "artefact, MB", "stance_f1",
)  # fmt: skip


def circumstances(sentences: int, articles: int, rounds: int) -> dict[str, str]:
    """Tell where, when busy with what, and how the figures were measured."""
    cpu = [line.partition(":")[2].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    processor = cpu[0] if cpu else platform.processor()
    return {
        "machine": f"{platform.system()} {platform.machine()}, {processor}, {usable_cores()} cores",
        "load": f"{os.getloadavg()[0]:.1f} at the end, over the last minute",
        "versions": ", ".join(f"{name} {_version(name)}" for name in ("Python", *_PACKAGES)),
        "data": f"{sentences} sentences of {articles} articles of test-news; medians of {rounds} interleaved rounds",
        "command": shlex.join(["python", "-m", "training", *sys.argv[1:]]),
    }


def cells(rows: Sequence[Row]) -> list[list[str]]:
    """Give the table's cells, without its headings."""
    reference = next((row.sentences for row in rows if row.name == REFERENCE), None)
    return [
        [
            row.name,
            _figure(row.sentences),
            _figure(row.articles),
            _figure(row.sentences / reference) if reference else "",
            f"{row.cold_start:.2f}",
            f"{row.memory / 1e6:.0f}",
            f"{row.artefact / 1e6:.1f}" if row.artefact else "",
            f"{row.stance_f1:.3f}",
        ]
        for row in rows
    ]


def bench_table(rows: Sequence[Row]) -> Table:
    """Lay the figures out for the terminal."""
    table = Table(title="scoring the same real sentences", title_justify="left")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=not heading)
    for of_row in cells(rows):
        table.add_row(*of_row)
    return table


def keep(rows: Sequence[Row], told: Mapping[str, str], store: Path, folder: Path = FOLDER) -> None:
    """Write ``bench.md`` and ``bench.json`` into ``folder``, and a run into the MLflow store."""
    lines = [_line(_HEADINGS), _line(["---"] * len(_HEADINGS)), *map(_line, cells(rows)), ""]
    lines += [f"- {name}: {value}" for name, value in told.items()]
    write_atomically(folder / "bench.md", ("\n".join(lines) + "\n").encode())
    content: dict[str, Any] = {"circumstances": dict(told), "rows": [asdict(row) for row in rows]}
    write_atomically(folder / "bench.json", (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    with tracked(RunSpec("bench", {"run_type": "bench"}, told), store) as run:
        for row in rows:
            name = "".join(letter if letter.isalnum() else "_" for letter in row.name)
            values = {key: value for key, value in asdict(row).items() if isinstance(value, (int, float))}
            run.metrics({f"bench/{name}/{key}": float(value) for key, value in values.items()})
        run.file(folder / "bench.md")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _line(row: Sequence[str]) -> str:
    return f"| {' | '.join(row)} |"


def _version(name: str) -> str:
    return platform.python_version() if name == "Python" else installed_version(name) or "absent"


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []
