"""A batch as a user meets it: its files, its exit status, and how it goes on whatever stopped it."""

import csv
import errno
import io
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import filelock
import pyarrow.parquet
import pytest

from newsstance import Predictor, __version__, journal, outputs, split_sentences
from newsstance.cli import main
from newsstance.files import write_all
from newsstance.identity import bundle_sha256, model_id
from newsstance.labels import HEADS
from newsstance.models import Estimates
from newsstance.rows import COLUMNS, Level
from newsstance.scores import ArticleScore, SentenceScore
from newsstance.sentences import Span
from tests.conftest import Trained
from tests.kills import contents
from tests.made import CUES

SENTENCES = ["Qwertyui hopes asdfghjk.", "Zxcvbnmq fears poiuytre.", "Lkjhgfds meets mnbvcxzq.", "Asdfqwer doubts zxcvasdf."]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with the small linear model in use."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEWSSTANCE_MODELS", str(trained.linear.path))
    return tmp_path


def write_articles(path: Path, count: int = 300, seed: int = 5) -> None:
    """Write articles of cues, every tenth of which can't be scored, as JSON lines."""
    rng, cues = random.Random(seed), [cue for cues in CUES.values() for cue in cues]
    rows = [
        {"id": f"a{place}", "text": "" if place % 10 == 9 else " ".join(f"Abc {rng.choice(cues)} def." for _ in range(4))}
        for place in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def rows(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_rows_come_in_the_order_of_the_input_and_tell_what_scored_them(home: Path, trained: Trained) -> None:
    write_articles(home / "in.jsonl")
    assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 3
    scored, rejected = rows("out.jsonl"), rows("out.jsonl.rejects.jsonl")
    assert [row["position"] for row in scored] == [place for place in range(300) if place % 10 != 9]
    assert [row["id"] for row in scored] == [f"a{row['position']}" for row in scored]
    assert {(row["model"], row["version"]) for row in scored} == {(model_id(trained.linear), __version__)}
    assert [(row["position"], row["id"], row["reason"]) for row in rejected] == [
        (place, f"a{place}", "empty") for place in range(9, 300, 10)
    ]
    assert not Path("out.jsonl.partial").exists()


def test_a_row_says_what_the_predictor_says(home: Path, trained: Trained) -> None:
    text = " ".join(SENTENCES)
    (home / "one.txt").write_text(text)
    expected = Predictor.load(trained.linear.path).score(text)
    assert main(["score", "one.txt", "-o", "articles.jsonl"]) == 0
    assert main(["score", "one.txt", "-o", "sentences.jsonl", "--level", "sentence"]) == 0
    article, sentences = rows("articles.jsonl")[0], rows("sentences.jsonl")
    assert list(article) == list(COLUMNS[Level.ARTICLE])
    assert list(sentences[0]) == list(COLUMNS[Level.SENTENCE])
    assert (article["sentences"], article["coverage"], article["tone"]) == (4, 0.75, 0.0)
    assert article["evidence_alarmed"] == SENTENCES[1]
    assert article["dominant"] == expected.dominant
    for row, sentence in zip(sentences, expected.sentences, strict=True):
        assert text[row["start"] : row["end"]] == row["text"] == sentence.text
        assert row["stance"] == sentence.stance
        assert row["stance_alarmed"] == pytest.approx(sentence.stance_probabilities["alarmed"], abs=1e-6)
        assert row["sentiment_negative"] == pytest.approx(sentence.sentiment_probabilities["negative"], abs=1e-6)


@pytest.mark.parametrize("level", ["article", "sentence"])
def test_every_format_holds_the_same_rows(level: str, home: Path) -> None:
    write_articles(home / "in.jsonl", 40)
    for suffix in ("jsonl", "csv", "parquet"):
        assert main(["score", "in.jsonl", "-o", f"out.{suffix}", "--level", level]) == 3
    lines = rows("out.jsonl")
    assert pyarrow.parquet.read_table("out.parquet").to_pylist() == lines
    with Path("out.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert table == [{name: "" if value is None else str(value) for name, value in row.items()} for row in lines]


def test_a_carriage_return_in_a_value_keeps_its_row_in_csv_and_changes_no_other(home: Path) -> None:
    articles = [{"id": "a\rb", "text": "It hopes\rand fears."}, {"id": "c", "text": "It hopes, and fears."}]
    for name, some in (("both", articles), ("one", articles[1:])):
        (home / f"{name}.jsonl").write_text("".join(json.dumps(article) + "\n" for article in some))
        for suffix in ("jsonl", "csv"):
            assert main(["score", f"{name}.jsonl", "-o", f"{name}-out.{suffix}", "--level", "sentence"]) == 0
    with Path("both-out.csv").open(newline="", encoding="utf-8") as file:
        told = [(row["id"], row["text"], row["version"]) for row in csv.DictReader(file)]
    assert told == [(row["id"], row["text"], row["version"]) for row in rows("both-out.jsonl")]
    assert b"\r" not in Path("one-out.csv").read_bytes()


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_where_nothing_can_be_scored_the_output_is_there_and_empty(suffix: str, home: Path) -> None:
    (home / "empty.txt").write_text("")
    assert main(["score", "empty.txt", "-o", f"out.{suffix}"]) == 3
    assert len(rows(f"out.{suffix}.rejects.jsonl")) == 1
    if suffix == "parquet":
        assert pyarrow.parquet.read_table("out.parquet").column_names == list(COLUMNS[Level.ARTICLE])
    elif suffix == "csv":
        assert Path("out.csv").read_text().strip().split(",") == list(COLUMNS[Level.ARTICLE])
    else:
        assert Path("out.jsonl").read_bytes() == b""


def test_other_languages_are_rejected_unless_asked_for(home: Path) -> None:
    text = "Le ministre a déclaré lundi que la situation restait fragile. Les syndicats craignent une vague de départs."
    (home / "fr.txt").write_text(text, encoding="utf-8")
    assert main(["score", "fr.txt", "-o", "out.jsonl"]) == 3
    assert rows("out.jsonl.rejects.jsonl")[0]["reason"] == "language"
    assert main(["score", "fr.txt", "-o", "all.jsonl", "--any-language"]) == 0


def test_a_sentence_repeated_within_a_chunk_is_estimated_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from newsstance.linear import LinearModel

    asked: list[str] = []
    estimate = LinearModel.estimate

    def watched(self: LinearModel, texts: list[str]) -> Estimates:
        asked.extend(texts)
        return estimate(self, texts)

    monkeypatch.setattr(LinearModel, "estimate", watched)
    (home / "in.jsonl").write_text("".join(json.dumps({"text": " ".join(SENTENCES)}) + "\n" for _ in range(50)))
    assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 0
    assert sorted(asked) == sorted(SENTENCES)
    assert len({row["mean_sentiment"] for row in rows("out.jsonl")}) == 1


def test_an_article_that_the_model_fails_on_is_rejected_and_the_rest_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from newsstance import predictor

    class PanicException(BaseException):
        """What a failure in Rust comes as."""

    def failing(text: str) -> object:
        if "doom" in text:
            raise PanicException
        return split_sentences(text)

    monkeypatch.setattr(predictor, "split_sentences", failing)
    (home / "in.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in ("It hopes.", "It is doom.", "It fears."))
    )
    assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 3
    assert [row["position"] for row in rows("out.jsonl")] == [0, 2]
    assert rows("out.jsonl.rejects.jsonl")[0]["reason"] == "failed"


def test_a_model_that_fails_on_everything_is_not_taken_for_bad_articles(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> ArticleScore:
        raise RuntimeError("broken")

    monkeypatch.setattr(Predictor, "_score_chunk", broken)
    write_articles(home / "in.jsonl", 5)
    with pytest.raises(RuntimeError, match="broken"):
        main(["score", "in.jsonl", "-o", "out.jsonl"])


def test_a_model_that_fails_on_many_sentences_only_is_not_taken_for_long_articles(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = Predictor._score

    def broken(self: Predictor, places: Sequence[tuple[str, Span]]) -> list[SentenceScore]:
        if len(places) > 100:
            raise RuntimeError("broken")
        return score(self, places)

    monkeypatch.setattr(Predictor, "_score", broken)
    (home / "in.jsonl").write_text("".join(json.dumps({"text": " ".join(SENTENCES * many)}) + "\n" for many in (1, 30)))
    with pytest.raises(RuntimeError, match="broken"):
        main(["score", "in.jsonl", "-o", "out.jsonl"])


def test_the_same_batch_run_again_finds_all_done(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_articles(home / "in.jsonl", 20)
    assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 3
    before = contents(home / "out.jsonl")
    assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 3
    assert "all of it by an earlier start" in capsys.readouterr().err
    assert contents(home / "out.jsonl") == before


def stopped(home: Path, monkeypatch: pytest.MonkeyPatch, after: int = 1) -> None:
    """Begin a batch over in.jsonl that stops after some chunks, as if it had been killed."""

    class Killed(BaseException):
        """No handler knows it."""

    count = 0
    append = journal.Journal.append

    def killing(self: journal.Journal, *arguments: Any) -> journal.Entry:
        nonlocal count
        count += 1
        if count > after:
            raise Killed
        return append(self, *arguments)

    write_articles(home / "in.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "append", killing)
        with pytest.raises(Killed):
            main(["score", "in.jsonl", "-o", "out.jsonl"])
    assert Path("out.jsonl.partial").exists()


def test_what_is_finished_is_not_scored_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped(home, monkeypatch)
    capsys.readouterr()
    assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 3
    assert "236 articles in" in capsys.readouterr().err
    resumed = contents(home / "out.jsonl")
    assert main(["score", "in.jsonl", "-o", "out.jsonl", "--restart"]) == 3
    assert "300 articles in" in capsys.readouterr().err
    assert contents(home / "out.jsonl") == resumed


def change_first_row(home: Path, trained: Trained) -> list[str]:
    path = home / "in.jsonl"
    path.write_text(path.read_text().replace("Abc", "Abd", 1))
    return []


def change_last_row(home: Path, trained: Trained) -> list[str]:
    path = home / "in.jsonl"
    path.write_text(path.read_text() + '{"text": "It hopes."}\n')
    return []


def change_model(home: Path, trained: Trained) -> list[str]:
    return ["--model", str(trained.tiny.path)]


def change_confidence(home: Path, trained: Trained) -> list[str]:
    return ["--min-confidence", "0.7"]


def change_level(home: Path, trained: Trained) -> list[str]:
    return ["--level", "sentence"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_first_row, "another input"),
        (change_last_row, "another input"),
        (change_model, "begun with the model 'floor-"),
        (change_confidence, "begun with the min confidence 0.0, and now it is 0.7"),
        (change_level, "begun with the level 'article', and now it is 'sentence'"),
    ],
)
@pytest.mark.parametrize("when", ["stopped", "finished"])
def test_a_change_is_noticed_in_one_line_and_nothing_is_mixed(
    when: str,
    change: Callable[[Path, Trained], list[str]],
    message: str,
    home: Path,
    trained: Trained,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopped(home, monkeypatch)
    if when == "finished":
        assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 3
    arguments = ["score", "in.jsonl", "-o", "out.jsonl", *change(home, trained)]
    capsys.readouterr()
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert message in told
    assert "--restart" in told
    assert told.count("\n") == 1
    assert main([*arguments, "--restart"]) == 3
    restarted = contents(home / "out.jsonl")
    assert main([*arguments[:3], "fresh.jsonl", *arguments[4:]]) == 3
    assert list(restarted.values()) == list(contents(home / "fresh.jsonl").values())


def test_a_change_while_it_is_scored_is_noticed_and_what_is_done_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_articles(home / "in.jsonl")
    before = (home / "in.jsonl").read_text()
    append = journal.Journal.append

    def change(self: journal.Journal, *arguments: Any) -> journal.Entry:
        (home / "in.jsonl").write_text(before.replace("Abc", "Abd", 1))
        return append(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "append", change)
        assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert "out.jsonl: the input has changed while it was scored" in told
    assert "--restart" in told
    assert not Path("out.jsonl").exists()
    assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 1
    (home / "in.jsonl").write_text(before)
    capsys.readouterr()
    assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 3
    assert "all of it by an earlier start" in capsys.readouterr().err


def cascade(home: Path, trained: Trained, sure: float) -> Path:
    """Make a cascade of the two small models."""
    models = Path(shutil.copytree(trained.models, home / "models"))
    members = {"fast": trained.linear, "champion": trained.tiny}
    settings = {role: {"name": bundle.name, "sha256": bundle_sha256(bundle)} for role, bundle in members.items()}
    described = replace(trained.linear, name="cascade", kind="cascade", files={}, path=models / "cascade")
    replace(described, settings={**settings, "sure": dict.fromkeys(HEADS, sure)}).write()
    return described.path


def test_how_sure_a_cascade_must_be_can_be_moved_and_is_noticed_when_it_is(
    home: Path, trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    write_articles(home / "in.jsonl", 20)
    arguments = ["score", "in.jsonl", "-o", "out.jsonl", "--level", "sentence", "--model", str(cascade(home, trained, 0.0))]
    assert main(arguments) == 3
    assert {row["answered_by"] for row in rows("out.jsonl")} == {"floor"}
    capsys.readouterr()
    assert main([*arguments, "--sure", "1"]) == 1
    assert "begun with the sure {'sentiment': 0.0, 'stance': 0.0}, and now it is {" in capsys.readouterr().err
    assert main([*arguments, "--sure", "1", "--restart"]) == 3
    assert {row["answered_by"] for row in rows("out.jsonl")} == {"tiny"}


def test_standard_input_is_compared_chunk_by_chunk(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def give(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    write_articles(home / "in.jsonl")
    text = (home / "in.jsonl").read_text()
    for content, status in ((text, 3), (text, 3), (text.replace("Abc", "Abd", 1), 1), (text[: len(text) // 2], 1)):
        give(content)
        assert main(["score", "-", "-o", "out.jsonl"]) == status
    assert "another input" in capsys.readouterr().err


def test_a_file_that_is_no_batch_of_ours_is_left_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_articles(home / "in.jsonl", 5)
    (home / "out.csv").write_text("mine")
    assert main(["score", "in.jsonl", "-o", "out.csv"]) == 1
    assert "there already" in capsys.readouterr().err
    assert (home / "out.csv").read_text() == "mine"
    assert not Path("out.csv.partial").exists()
    assert main(["score", "in.jsonl", "-o", "out.csv", "--restart"]) == 0


def test_two_at_once_on_one_output_are_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_articles(home / "in.jsonl", 5)
    (home / "out.jsonl.partial").mkdir()
    with filelock.FileLock(home / "out.jsonl.partial" / "lock"):
        assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 1
    assert "another newsstance is at work" in capsys.readouterr().err


def test_damaged_work_is_done_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_articles(home / "in.jsonl")
    assert main(["score", "in.jsonl", "-o", "undisturbed.jsonl"]) == 3
    damages: list[tuple[str, Callable[[bytes], bytes]]] = [
        ("scores.jsonl", lambda content: content[:1000]),
        ("scores.jsonl", lambda content: content.replace(b"a1", b"a7")),
        ("rejects.jsonl", lambda content: b""),
        ("journal.jsonl", lambda content: content[:-30]),
        ("journal.jsonl", lambda content: content + b"\0" * 40),
        ("scores.jsonl", lambda content: content + b'{"half a'),
    ]
    for name, spoil in damages:
        stopped(home, monkeypatch, after=2)
        path = home / "out.jsonl.partial" / name
        path.write_bytes(spoil(path.read_bytes()))
        assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 3
        assert list(contents(home / "out.jsonl").values()) == list(contents(home / "undisturbed.jsonl").values())
        for path in (home / "out.jsonl", home / "out.jsonl.rejects.jsonl", home / "out.jsonl.run.json"):
            path.unlink()


def full(at: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Let the disk be full at the ``at``-th write, half of which it still takes; give what tells whether that came."""
    count = 0
    fsync = os.fsync

    def no_room() -> None:
        nonlocal count
        count += 1
        if count == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write_half(file: Any, content: bytes) -> None:
        try:
            no_room()
        except OSError:
            file.write(content[: len(content) // 2])
            raise
        write_all(file, content)

    def no_sync(handle: int) -> None:
        no_room()
        fsync(handle)

    monkeypatch.setattr(journal, "write_all", write_half)
    monkeypatch.setattr(os, "fsync", no_sync)
    return lambda: count >= at


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_disk_that_is_full_at_any_write_costs_a_line_and_nothing_else(
    suffix: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_articles(home / "in.jsonl", 200)
    assert main(["score", "in.jsonl", "-o", f"undisturbed.{suffix}"]) == 3
    expected = list(contents(home / f"undisturbed.{suffix}").values())
    arguments = ["score", "in.jsonl", "-o", f"out.{suffix}"]
    for at in range(1, 100):
        capsys.readouterr()
        with monkeypatch.context() as patch:
            came = full(at, patch)
            status = main(arguments)
        if not came():
            break
        told = capsys.readouterr().err
        assert (status, "can't be written (No space left on device)" in told) == (1, True), at
        assert "run the same command again" in told
        assert main(arguments) == 3
        assert list(contents(home / f"out.{suffix}").values()) == expected, at
        for path in home.glob("out.*"):
            path.unlink()
    assert at > 12


def test_a_renaming_that_is_cut_off_at_any_step_is_made_up_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """No handler knows it."""

    write_articles(home / "in.jsonl", 20)
    arguments = ["score", "in.jsonl", "-o", "out.jsonl"]
    assert main(["score", "in.jsonl", "-o", "undisturbed.jsonl"]) == 3
    expected = list(contents(home / "undisturbed.jsonl").values())
    for step in ("write_atomically", "_moved", "sync", "shutil"):
        with monkeypatch.context() as patch:
            patch.setattr(outputs, step, lambda *_: (_ for _ in ()).throw(Killed))
            if step == "shutil":
                patch.setattr(outputs, step, type("none", (), {"rmtree": lambda *_: (_ for _ in ()).throw(Killed)}))
            with pytest.raises(Killed):
                main(arguments)
        assert main(arguments) == 3
        assert list(contents(home / "out.jsonl").values()) == expected, step
        for path in home.glob("out.*"):
            path.unlink()


def test_nothing_is_written_beside_the_output_that_a_kill_could_leave_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, make = set(), tempfile.mkstemp

    def watched(*arguments: Any, **named: Any) -> tuple[int, str]:
        folders.add(named["dir"])
        return make(*arguments, **named)

    monkeypatch.setattr(tempfile, "mkstemp", watched)
    write_articles(home / "in.jsonl", 5)
    assert main(["score", "in.jsonl", "-o", "out.jsonl"]) == 0
    assert folders == {Path("out.jsonl.partial")}
    assert Path("out.jsonl.run.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.jsonl", "-o", "out.xls"], "name a file that ends in .jsonl, .csv, .parquet"),
        (["missing.txt", "-o", "out.csv"], "missing.txt: no such file"),
        (["table.csv", "-o", "out.csv"], "table.csv: which column is the text?"),
        (["table.csv", "-o", "out.csv", "--text-column", "c"], "no column 'c'; its columns are 'a', 'b'"),
        (["in.jsonl", "-o", "in.jsonl", "--restart"], "would overwrite the input"),
        (["/dev/null", "-o", "out.csv"], "a pipe or a device"),
        (["x" * 300, "-o", "out.csv"], "xxx: can't be read"),
        (["in.jsonl", "-o", "out.csv", "--format", "json"], "--format goes without -o"),
        (["in.jsonl", "--restart"], "go with -o"),
        (["in.jsonl", "-o", "out.csv", "--min-confidence", "2"], "'--min-confidence': a confidence is a probability"),
        (["in.jsonl", "--min-confidence", "nan"], "from 0 to 1, not nan"),
        (["in.jsonl", "--sure", "-1"], "'--sure': a confidence is a probability"),
        (["in.jsonl", "-o", "out.csv", "--sure", "0.9"], "--sure goes with a cascade, which the model 'floor' isn't"),
        (["in.jsonl", "-o", "out.csv", "--level", "word"], "--level"),
    ],
)
def test_misuse_is_told_before_anything_is_done(
    arguments: list[str], message: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_articles(home / "in.jsonl", 5)
    (home / "table.csv").write_text("a,b\nIt hopes.,1\n")
    assert main(["score", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in home.iterdir()) == ["in.jsonl", "table.csv"]


@pytest.mark.parametrize(
    ("library", "name", "arguments"),
    [
        ("trafilatura", "html", ["page.html", "-o", "out.csv"]),
        ("pyarrow.parquet", "parquet", ["page.txt", "-o", "out.parquet"]),
        ("pyarrow.parquet", "parquet", ["t.parquet", "-o", "out.csv"]),
    ],
)
def test_a_missing_library_is_named_with_what_installs_it(
    library: str,
    name: str,
    arguments: list[str],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from newsstance.pages import require_trafilatura

    for file in ("page.html", "page.txt", "t.parquet"):
        (home / file).write_text("It hopes.")
    require_trafilatura.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    assert main(["score", *arguments]) == 1
    assert f"pip install 'newsstance[{name}]'" in capsys.readouterr().err


def test_the_id_of_a_model_changes_with_its_files_and_not_with_what_is_told_of_it(trained: Trained) -> None:
    bundle = trained.linear
    files = {name: replace(record, sha256="0" * 64) for name, record in bundle.files.items()}
    assert model_id(replace(bundle, created="later", metrics={}, run_id="other")) == model_id(bundle)
    assert model_id(replace(bundle, files=files)) != model_id(bundle)
    assert model_id(bundle).startswith("floor-")
