"""Kill a batch at random moments, start it again, and see that its files come out byte for byte as if undisturbed.

``python -m tests.kills INPUT... --kills 50`` does so with the champion; ``NEWSSTANCE_MODELS`` names another models folder.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from newsstance.outputs import Outputs


@dataclass(frozen=True)
class Kill:
    """One kill: after how many seconds of its start, and how many bytes of journal there were before and after."""

    after: float
    before: int
    left: int


def run(arguments: Sequence[str], out: Path, kill_after: float | None = None) -> int:
    """Run a batch and give its exit status, or kill it after some seconds, which gives -9."""
    command = [sys.executable, "-m", "newsstance", "score", *arguments, "-o", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return process.returncode


def contents(out: Path) -> dict[str, bytes]:
    """Give what a finished batch left, by name; raises ``AssertionError`` if something unfinished is among it."""
    outputs = Outputs(out)
    assert not outputs.folder.exists(), f"{outputs.folder} is still there"
    return {path.name: path.read_bytes() for path in (out, outputs.rejects, outputs.receipt) if path.exists()}


def kill_often(arguments: Sequence[str], out: Path, kills: int, seed: int, longest: float) -> Iterator[Kill]:
    """Start the batch that writes to ``out`` again and again, killing it after at most ``longest`` seconds, ``kills`` times.

    When it ends before it is killed, its files are compared with those of an undisturbed run, and it starts from nothing.
    Ends with a comparison.
    """
    undisturbed = out.parent / "undisturbed" / out.name
    undisturbed.parent.mkdir()
    assert run(arguments, undisturbed) in (0, 3)
    rng, done = random.Random(seed), 0
    while done < kills:
        after, before = rng.uniform(0, longest), _journal(out)
        if run(arguments, out, after) == -9:
            done += 1
            yield Kill(after, before, _journal(out))
        else:
            _compare(out, undisturbed)
    run(arguments, out)
    _compare(out, undisturbed)


def _journal(out: Path) -> int:
    path = Outputs(out).folder / "journal.jsonl"
    return path.stat().st_size if path.exists() else 0


def _compare(out: Path, undisturbed: Path) -> None:
    assert contents(out) == contents(undisturbed), f"{out} differs from {undisturbed}"
    for path in (out, Outputs(out).rejects, Outputs(out).receipt):
        path.unlink(missing_ok=True)


@click.command()
@click.argument("inputs", nargs=-1, required=True)
@click.option("--kills", default=50, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--longest", default=20.0, show_default=True, help="Seconds after which it is killed at the latest.")
@click.option("--suffix", default=".jsonl", show_default=True, help="The format of the output.")
def main(inputs: Sequence[str], kills: int, seed: int, longest: float, suffix: str) -> None:
    """Kill a batch over INPUTS at random moments and compare what it leaves with an undisturbed run."""
    with TemporaryDirectory() as folder:
        began = time.monotonic()
        for number, kill in enumerate(kill_often(inputs, Path(folder, f"scores{suffix}"), kills, seed, longest), start=1):
            click.echo(f"kill {number:3}: after {kill.after:6.2f} s; journal {kill.before:6} to {kill.left:6} bytes")
        click.echo(f"{kills} kills in {time.monotonic() - began:.0f} s: every file as undisturbed, byte for byte")


if __name__ == "__main__":
    main()
