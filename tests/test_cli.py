"""The command line as a user meets it."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from newsstance import __version__
from newsstance.cli import main
from tests.conftest import Trained

TEXT = "Qwertyui hopes asdfghjk. Zxcvbnmq fears poiuytre."


@pytest.fixture(autouse=True)
def home(tmp_path: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with the trained models in use."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEWSSTANCE_MODELS", str(trained.models))
    return tmp_path


def scored(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_files_folders_and_json_lines_give_one_line_each_in_order(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "one.txt").write_text(TEXT)
    (home / "folder" / "deeper").mkdir(parents=True)
    (home / "folder" / "b.txt").write_text(TEXT)
    (home / "folder" / "deeper" / "c.txt").write_text("\ufeff" + TEXT, encoding="utf-8")
    (home / "folder" / "notes.md").write_text("not an article")
    (home / "more.jsonl").write_text(json.dumps({"id": 7, "text": TEXT}) + "\n\n" + json.dumps({"text": TEXT}) + "\n")
    assert main(["score", "one.txt", "folder", "more.jsonl"]) == 0
    rows = scored(capsys.readouterr().out)
    assert [row["id"] for row in rows] == ["one.txt", "folder/b.txt", "folder/deeper/c.txt", "7", "more.jsonl:3"]
    assert all(row["coverage"] == 1 and len(row["sentences"]) == 2 for row in rows)  # type: ignore[arg-type]


def test_standard_input_is_an_article(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert main(["score", "-"]) == 0
    assert scored(capsys.readouterr().out)[0]["id"] == "-"


BAD: list[tuple[str, bytes | None, str]] = [
    ("missing.txt", None, "no such file"),
    ("empty.txt", b" \n", "empty"),
    ("picture.txt", b"\x89PNG\0\0", "binary"),
    ("latin.txt", "caf\u00e9".encode("latin-1"), "not UTF-8 (byte 3)"),
    ("wide.txt", TEXT.encode("utf-16"), "UTF-16"),
    ("lines.jsonl", b"{oops}\n", "lines.jsonl:1: not a line of JSON"),
    ("fields.jsonl", b'{"title": "x"}\n', "fields.jsonl:1: no text"),
    ("blank.jsonl", b'{"text": " "}\n', "blank.jsonl:1: the article is empty"),
    ("missing.jsonl", None, "no such file"),
    ("nothing.jsonl", b"\n", "the file is empty"),
    ("x" * 300 + ".txt", None, "can't be read"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD, ids=[name for name, _, _ in BAD])
def test_what_cant_be_read_is_named_in_one_line_and_the_others_are_scored(
    name: str, content: bytes | None, message: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (home / name).write_bytes(content)
    (home / "good.txt").write_text(TEXT)
    assert main(["score", name, "good.txt"]) == 1
    captured = capsys.readouterr()
    assert [row["id"] for row in scored(captured.out)] == ["good.txt"]
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert name in captured.err


def test_a_lone_surrogate_in_json_costs_a_question_mark(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "cut.jsonl").write_text('{"id": "\\ud83d", "text": "It fears \\ud83d"}\n{"id": null, "text": "It hopes."}\n')
    assert main(["score", "cut.jsonl"]) == 0
    rows = scored(capsys.readouterr().out)
    assert [row["id"] for row in rows] == ["?", "cut.jsonl:2"]
    assert "It fears ?" in str(rows[0])


def test_a_file_name_that_is_not_utf8_costs_question_marks(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in ((b"caf\xe9.txt", TEXT), (b"\xe9.txt", "")):
        Path(os.fsdecode(name)).write_text(text)
    for form in ("json", "table"):
        assert main(["score", ".", "--format", form]) == 1
        captured = capsys.readouterr()
        assert "caf?.txt" in captured.out
        assert captured.err == "newsstance: ?.txt: the file is empty\n"


def test_a_folder_without_articles_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "folder").mkdir()
    assert main(["score", "folder"]) == 1
    assert "folder: no .txt, .html" in capsys.readouterr().err


def test_a_table_shows_every_sentence_with_its_stance(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "one.txt").write_text(TEXT + " It sits [bold].")
    assert main(["score", "--format", "table", "one.txt"]) == 0
    out = capsys.readouterr().out
    assert "optimistic" in out
    assert "alarmed" in out
    assert "[bold]" in out  # the article's brackets are text, not markup
    assert "tone +0.00" in out


def test_without_a_model_one_line_says_to_train(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NEWSSTANCE_MODELS")
    assert main(["score", "one.txt"]) == 1
    captured = capsys.readouterr()
    assert "run `make train`" in captured.err
    assert captured.err.count("\n") == 1


def test_a_model_can_be_named(home: Path, trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "one.txt").write_text(TEXT)
    assert main(["score", "--model", str(trained.linear.path), "one.txt"]) == 0
    assert main(["score", "--model", "nowhere", "one.txt"]) == 1
    assert "nowhere: no exported model here" in capsys.readouterr().err


def test_help_has_examples_and_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "newsstance score article.txt" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["score"], ["score", "x", "--format", "xml"], ["scor", "x"]])
def test_misuse_exits_with_2_and_says_what_is_wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Error" in capsys.readouterr().err
