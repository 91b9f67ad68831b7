"""What the readme says that an archive costs follows from the rates that it names."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.split("### What an archive costs")[1].split("\n## ")[0]
SENTENCES = int(re.search(r"at (\d+) sentences an article", SECTION)[1])  # type: ignore[index]
ROWS = re.findall(r"^\| `(\w+)`[^|]*\| ([\d,.]+) \| ([\d,.]+) \| ([\d,.]+) \|$", SECTION, re.MULTILINE)


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def test_the_costs_of_the_champion_and_of_all_that_is_faster_are_told() -> None:
    assert [name for name, *_ in ROWS] == ["mpnet", "early", "cascade", "fast"]


@pytest.mark.parametrize(("name", "rate", "million", "billion"), ROWS, ids=[name for name, *_ in ROWS])
def test_core_hours_are_articles_times_sentences_over_the_rate(name: str, rate: str, million: str, billion: str) -> None:
    hours = SENTENCES / number(rate) / 3600
    assert number(million) == pytest.approx(1e6 * hours, rel=0.05)  # two digits are told
    assert number(billion) == pytest.approx(1e9 * hours, rel=0.05)
