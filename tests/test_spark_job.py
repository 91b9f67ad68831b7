"""An archive scored by Spark: the scores of one machine, whatever is among the rows and whichever process dies."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from mlflow import MlflowClient

import spark_job
from newsstance import __version__
from newsstance.cli import main as newsstance
from newsstance.errors import EngineError
from newsstance.identity import model_id
from newsstance.locate import CHAMPION
from tests.conftest import Trained
from tests.made import CUES
from training.registry import REGISTERED
from training.store import store_uri

T = TypeVar("T")

JOB = spark_job.__file__
ARTICLES, TASKS = 1200, 12
GERMAN = "Der Minister hofft, dass die Verhandlungen bald zu einem guten Ende kommen, sagte er gestern Abend in Berlin."
BAD = {
    3: (None, "empty"),
    50: (b"", "empty"),
    51: (b"caf\xe9 fears the worst", "encoding"),
    52: (b"The end. " * 1000, "size"),
    600: (b"12, 34", "not text"),
    1199: (GERMAN.encode(), "language"),
}
"""The rows that can't be scored, by place, and why."""
PLAIN = ("minister", "court", "city", "bank", "river", "council", "workers", "report", "budget", "strike", "storm", "prices")


def java_is_missing() -> str:
    """Give why there is no Java for Spark, or nothing: where CI asks for it, its absence fails."""
    try:
        spark_job.require_spark()
    except EngineError as error:
        return "" if os.environ.get("NEWSSTANCE_REQUIRE_JAVA") else str(error)
    return ""


needs_java = pytest.mark.skipif(bool(java_is_missing()), reason=java_is_missing())


def article(rng: random.Random) -> str:
    cues = [cue for of_label in CUES.values() for cue in of_label]
    sentences = (f"The {' '.join(rng.sample(PLAIN, 3))} {rng.choice(cues)} the {rng.choice(PLAIN)}." for _ in range(12))
    return " ".join(sentences)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write articles as Parquet, some of which can't be scored, one of them since it isn't even UTF-8."""
    rng = random.Random(5)
    texts = [BAD[place][0] if place in BAD else article(rng).encode() for place in range(ARTICLES)]
    raw = pa.array(texts, pa.binary())
    strings = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers(), raw.null_count)  # pyarrow's cast would refuse it
    path = tmp_path_factory.mktemp("archive") / "archive.parquet"
    pyarrow.parquet.write_table(pa.table({"key": [f"a{place}" for place in range(ARTICLES)], "text": strings}), path)
    return path


@pytest.fixture(scope="module")
def one_machine(archive: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Any]]:
    """Score the same articles, but for the one that isn't UTF-8, by ``newsstance score``; give the rows by id."""
    home = tmp_path_factory.mktemp("one")
    table = pyarrow.parquet.read_table(archive)
    texts = table["text"].combine_chunks().view(pa.binary()).to_pylist()
    with (home / "in.jsonl").open("w", encoding="utf-8") as file:
        for key, text in zip(table["key"].to_pylist(), texts, strict=True):
            if text != BAD[51][0]:
                file.write(json.dumps({"id": key, "text": None if text is None else text.decode()}) + "\n")
    words = ["score", str(home / "in.jsonl"), "-o", str(home / "out.parquet"), "--max-chars", "2000"]
    assert newsstance([*words, "--model", str(trained.models / CHAMPION)]) == 3
    return {row["id"]: row for row in pyarrow.parquet.read_table(home / "out.parquet").drop_columns("position").to_pylist()}


def start(archive: Path, out: Path, master: str, trained: Trained, *more: str) -> subprocess.Popen[bytes]:
    """Start the job as a user does, its words on standard error in ``OUT.log``."""
    words = [str(archive), str(out), "--master", master, "--id-column", "key", "--max-chars", "2000", "--tasks", str(TASKS)]
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": store_uri(trained.store),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYSPARK_SUBMIT_ARGS": "--conf spark.ui.enabled=false --driver-memory 512m pyspark-shell",
    }
    with log(out).open("wb") as errors:
        return subprocess.Popen([sys.executable, JOB, *words, *more], env=environment, stderr=errors, cwd=out.parent)


def log(out: Path) -> Path:
    return out.with_suffix(".log")


def rows(out: Path) -> list[dict[str, Any]]:
    """Give the rows that the job wrote, scored and quarantined."""
    found: list[dict[str, Any]] = pyarrow.dataset.dataset(out, partitioning="hive").to_table().to_pylist()
    return found


def scored(out: Path) -> dict[str, dict[str, Any]]:
    """Give the rows that were scored, by id, with what a batch's rows hold."""
    own = ("quarantined", "reason", "detail")
    good = [row for row in rows(out) if row["quarantined"] == "false"]
    return {row["id"]: {name: value for name, value in row.items() if name not in own} for row in good}


@pytest.fixture(scope="module")
def out(archive: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Score the archive with two workers that nothing disturbs."""
    out = tmp_path_factory.mktemp("spark") / "out"
    assert start(archive, out, "local[2]", trained).wait(300) == 3, log(out).read_text()[-3000:]
    return out


@needs_java
@pytest.mark.slow
def test_spark_gives_the_scores_of_one_machine_to_the_last_digit(
    out: Path, one_machine: Mapping[str, Mapping[str, Any]], trained: Trained
) -> None:
    assert scored(out) == one_machine
    assert {(row["model"], row["version"]) for row in rows(out)} == {(champion_id(trained), __version__)}


def champion_id(trained: Trained) -> str:
    client = MlflowClient(store_uri(trained.store))
    run = client.get_model_version_by_alias(REGISTERED, CHAMPION).run_id
    return model_id(next(bundle for bundle in (trained.linear, trained.tiny) if bundle.run_id == run))


@needs_java
@pytest.mark.slow
def test_bad_rows_are_quarantined_with_their_reasons_and_every_row_comes_out_once(out: Path) -> None:
    quarantined = {row["id"]: row for row in rows(out) if row["quarantined"] == "true"}
    assert {key: row["reason"] for key, row in quarantined.items()} == {f"a{place}": why for place, (_, why) in BAD.items()}
    assert all(row["detail"] and row["dominant"] is None and row["tone"] is None for row in quarantined.values())
    assert sorted(row["id"] for row in rows(out)) == sorted(f"a{place}" for place in range(ARTICLES))
    assert (out / "_SUCCESS").exists()
    assert "1,194 articles scored, 6 quarantined (empty 2, encoding 1," in log(out).read_text()


@needs_java
@pytest.mark.slow
def test_columns_are_taken_by_their_names_to_the_letter_and_only_for_what_they_hold(trained: Trained, tmp_path: Path) -> None:
    table = {"article.text": ["The city hopes."], "doc`s id": [7], "words": [["The city hopes."]]}
    pyarrow.parquet.write_table(pa.table(table), tmp_path / "archive.parquet")
    for text, status in (("words", 2), ("article.text", 0)):
        more = ("--text-column", text, "--id-column", "doc`s id", "--tasks", "1")
        job = start(tmp_path / "archive.parquet", tmp_path / text, "local[1]", trained, *more)
        assert job.wait(300) == status, log(tmp_path / text).read_text()[-3000:]
    (row,) = rows(tmp_path / "article.text")
    assert (row["id"], row["quarantined"], row["sentences"]) == (7, "false", 1)
    assert "the column 'words' holds array<string>, not text; --text-column" in log(tmp_path / "words").read_text()


def python_workers(job: int, out: Path) -> list[psutil.Process]:
    """Give the processes that run Python for the executors of ``job``, as soon as they are at their first task."""
    forks = _named(job, "pyspark.daemon")
    workers = [process for process in forks if _of(process, psutil.Process.ppid) in {fork.pid for fork in forks}]
    return workers if any(_of(process, lambda it: it.cpu_times().user > 0.3) for process in workers) else []


def one_executor(job: int, out: Path) -> list[psutil.Process]:
    """Give one of the executors of ``job``, where each is a process, as soon as there is a first part of the output."""
    return _named(job, "CoarseGrainedExecutorBackend")[:1] if any(out.glob("_temporary/**/*.parquet")) else []


def _named(job: int, word: str) -> list[psutil.Process]:
    found = psutil.Process(job).children(recursive=True)
    return [process for process in found if word in " ".join(_of(process, psutil.Process.cmdline) or [])]


def _of(process: psutil.Process, ask: Callable[[psutil.Process], T]) -> T | None:
    """Give what one process says, or None: a zombie among the others says nothing for as long as nobody waits for it."""
    try:
        return ask(process)
    except psutil.Error:
        return None


def kill_once(job: subprocess.Popen[bytes], victims: Callable[[], list[psutil.Process]]) -> bool:
    """Kill the ``victims`` once there are some; tell whether it came to that before the end of ``job``."""
    while job.poll() is None:
        with suppress(psutil.NoSuchProcess):  # it has ended since it was looked at
            if found := victims():
                for victim in found:
                    victim.kill()
                return True
        time.sleep(0.02)
    return False


@needs_java
@pytest.mark.slow
@pytest.mark.parametrize(
    ("master", "victims", "told"),
    [
        ("local[2,4]", python_workers, "Python worker exited unexpectedly"),
        ("local-cluster[2,1,1024]", one_executor, "ExecutorLostFailure"),
    ],
    ids=["python workers", "executor"],
)
def test_a_process_that_is_killed_at_work_costs_no_row_and_no_score(
    archive: Path,
    trained: Trained,
    tmp_path: Path,
    one_machine: Mapping[str, Any],
    master: str,
    victims: Callable[[int, Path], list[psutil.Process]],
    told: str,
) -> None:
    job = start(archive, tmp_path / "out", master, trained)
    assert kill_once(job, lambda: victims(job.pid, tmp_path / "out"))
    assert job.wait(300) == 3, log(tmp_path / "out").read_text()[-3000:]
    assert told in log(tmp_path / "out").read_text()
    assert scored(tmp_path / "out") == one_machine
    assert len(rows(tmp_path / "out")) == ARTICLES


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """Give the one line that was said."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_missing_java_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert spark_job.main(["archive", "out"]) == 1
    assert "install Java 17" in told(capsys)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert spark_job.main(["archive", "out"]) == 1
    assert f"there is none in {tmp_path}: install Java 17" in told(capsys)


@pytest.mark.parametrize(("version", "good"), [("1.8.0_402", False), ("11.0.22", False), ("17.0.15", True), ("25", True)])
def test_a_java_that_is_too_old_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, good: bool
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-16' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if good:
        spark_job.require_spark()
    else:
        with pytest.raises(EngineError, match=f"{version}: install Java 17"):
            spark_job.require_spark()


def test_a_missing_spark_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert spark_job.main(["archive", "out"]) == 1
    assert "pip install 'newsstance[spark]'" in told(capsys)


def test_a_registry_or_a_model_that_is_not_there_is_told_before_spark_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(spark_job, "require_spark", lambda: None)
    assert spark_job.main(["archive", "out"]) == 1
    assert "run `make train` first" in told(capsys)
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path}")
    assert spark_job.main(["archive", "out", "--model", str(tmp_path / "nothing")]) == 1
    assert "registers a model" in told(capsys)


def test_a_model_that_an_older_newsstance_registered_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spark_job, "require_spark", lambda: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    (tmp_path / "MLmodel").write_text(
        "flavors: {python_function: {loader_module: mlflow.pyfunc.model}}\nutc_time_created: ''\n"
    )
    assert spark_job.main(["archive", "out", "--model", str(tmp_path)]) == 1
    assert "registered by an older newsstance" in told(capsys)
