"""A batch killed at random moments, by the kernel and not by an exception, leaves what an undisturbed one leaves."""

from pathlib import Path

import pytest

from tests.conftest import Trained
from tests.kills import kill_often
from tests.test_batch import write_articles


@pytest.mark.slow
def test_fifty_kills_leave_the_files_of_an_undisturbed_batch(trained: Trained, tmp_path: Path) -> None:
    write_articles(tmp_path / "in.jsonl", 4000)
    arguments = [str(tmp_path / "in.jsonl"), "--model", str(trained.linear.path), "--level", "sentence"]
    kills = list(kill_often(arguments, tmp_path / "out.parquet", kills=50, seed=6, longest=3.0))
    assert len(kills) == 50
    assert any(kill.left > kill.before for kill in kills)  # some came while it worked, and not only while it started
