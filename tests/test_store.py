"""A store that lasts: made once, shared by many, migrated, killed under, remote, unreachable."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from newsstance import Predictor
from tests.made import tiny_linear_recipe
from training.checkpoint import CHECKPOINTS
from training.cli import main
from training.material import read_material
from training.processes import PROCESS_TAG, end_abandoned, this_process
from training.registry import REGISTERED, champion_version
from training.runs import run_predictions
from training.runs_view import RUNS_VIEW_TAG
from training.store import is_local, open_store, store_uri
from training.train import train
from training.ui import HOST, free_port

LINEAR = 'description = "a small linear model"\n[linear]\n'
PATIENCE = 300


def recipe(folder: Path, name: str, content: str = LINEAR) -> str:
    path = folder / f"{name}.toml"
    path.write_text(content)
    return str(path)


def start(arguments: list[str], **environment: str) -> subprocess.Popen[str]:
    """Start ``python -m training`` with ``arguments`` in a process of its own."""
    words = [sys.executable, "-m", "training", *arguments]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def places(corpus: Path, home: Path) -> list[str]:
    return ["--unchecked", "--corpus", str(corpus), "--models", str(home / "models"), "--store", str(home / "mlruns")]


def all_runs(store: Path) -> list[Run]:
    client, experiment = open_store(store)
    return list(client.search_runs([experiment]))


def old_store(store: Path, revision: str) -> None:
    """Make a store as the MLflow of the schema ``revision`` left it."""
    from alembic import command
    from mlflow.store.db import utils
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine

    store.mkdir()
    engine = create_engine(store_uri(store))
    Base.metadata.create_all(engine)
    config = utils._get_alembic_config(store_uri(store))  # type: ignore[no-untyped-call]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_a_store_of_an_older_mlflow_is_migrated_with_one_message_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "mlruns"
    old_store(store, "6953534de441")  # of MLflow 1.x
    client, experiment = open_store(store)
    assert client.search_runs([experiment]) == []
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "written by another MLflow; migrating it, and keeping it as it was in mlflow.db." in err
    (kept,) = store.glob("mlflow.db.*")
    with closing(sqlite3.connect(kept)) as copy:
        assert copy.execute("select version_num from alembic_version").fetchone() == ("6953534de441",)
    open_store(store)
    assert capsys.readouterr().err == ""


def test_a_store_of_a_newer_mlflow_is_left_alone_and_costs_a_warning(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "mlruns"
    old_store(store, "heads")
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        database.execute("update alembic_version set version_num = 'ffffffffffff'")
        database.commit()
    bundle = train(tiny_linear_recipe(), read_material(corpus), tmp_path / "models", store)
    assert bundle.run_id is None
    assert "a newer one may have written it" in capsys.readouterr().err
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        assert database.execute("select version_num from alembic_version").fetchone() == ("ffffffffffff",)
    assert not list(store.glob("mlflow.db.*"))


def test_a_run_whose_process_is_gone_is_marked_killed_and_no_other(tmp_path: Path) -> None:
    client, experiment = open_store(tmp_path / "mlruns")
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    tags = {
        "gone": f"{socket.gethostname()} {done.pid} 1",
        "reused": f"{socket.gethostname()} {os.getpid()} 1",
        "alive": this_process(),
        "elsewhere": f"another-machine {done.pid} 1",
        "strange": "?",
    }
    runs = {name: client.create_run(experiment, run_name=name, tags={PROCESS_TAG: tag}) for name, tag in tags.items()}
    assert sorted(end_abandoned(client, experiment)) == ["gone", "reused"]
    statuses = {name: client.get_run(run.info.run_id).info.status for name, run in runs.items()}
    assert statuses == {"gone": "KILLED", "reused": "KILLED", "alive": "RUNNING", "elsewhere": "RUNNING", "strange": "RUNNING"}


def test_comparing_and_the_ui_mark_the_runs_whose_process_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client, experiment = open_store(tmp_path)
    monkeypatch.setattr(os, "execv", lambda *words: None)
    monkeypatch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    for command in (["compare"], ["ui"]):
        tags = {PROCESS_TAG: f"{socket.gethostname()} {os.getpid()} 1"}
        run = client.create_run(experiment, run_name="gone", tags=tags).info.run_id
        main([*command, "--store", str(tmp_path)])
        assert client.get_run(run).info.status == "KILLED"
        assert "gone: its process is gone without ending it; marked as killed" in capsys.readouterr().err


def test_the_local_store_is_local_also_where_the_variable_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Path("mlruns")
    for name, local in {"mlruns": True, str(tmp_path / "mlruns"): True, "elsewhere": False}.items():
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{name}/mlflow.db")
        assert is_local(store) == local
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    assert not is_local(store)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlruns/mlflow.db")
    open_store(store)
    assert main(["clean-runs", "--yes"]) == 0
    assert not store.exists()


def test_an_experiment_that_was_deleted_is_restored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client, experiment = open_store(tmp_path)
    client.delete_experiment(experiment)
    assert open_store(tmp_path)[1] == experiment
    assert capsys.readouterr().err == "the experiment newsstance was deleted; it is restored, with its runs\n"
    client.set_terminated(client.create_run(experiment).info.run_id)
    open_store(tmp_path)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", [["compare"], ["champion"], ["ui"], ["clean-runs", "--yes"]])
def test_a_damaged_store_is_told_in_a_line_and_left_as_it_is(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 100)
    assert main([*command, "--store", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert "mlflow.db: damaged, or not an SQLite database" in err
    assert err.count("\n") == 1
    assert (tmp_path / "mlflow.db").read_bytes() == b"no database" * 100


@pytest.mark.slow
def test_six_trainings_started_at_once_on_a_fresh_store_all_survive(corpus: Path, tmp_path: Path) -> None:
    names = ["one", "two", "three", "four", "five", "five"]
    started = [start(["train", recipe(tmp_path, name), *places(corpus, tmp_path)]) for name in names]
    outputs = [process.communicate(timeout=PATIENCE)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 6, "\n".join(outputs)
    assert not [output for output in outputs if "warning" in output]
    runs = all_runs(tmp_path / "mlruns")
    assert sorted(run.data.tags["recipe"] for run in runs) == sorted(names)
    client, _ = open_store(tmp_path / "mlruns")
    for run in runs:
        assert run.info.status == "FINISHED"
        assert run.data.metrics["validation/stance_f1"] > 0
        assert run_predictions(client, run)
    versions = client.search_model_versions(f"name = '{REGISTERED}'")
    assert {version.run_id for version in versions} == {run.info.run_id for run in runs}
    assert sum(output.count("is the first model") for output in outputs) == 1
    champion = champion_version(client)
    assert champion is not None
    assert champion.run_id == Predictor.load(tmp_path / "models").bundle.run_id


@pytest.mark.slow
def test_a_killed_training_is_marked_by_the_next_which_goes_on_from_its_checkpoint(
    corpus: Path, encoder: Path, tmp_path: Path
) -> None:
    settings = f'description = "tiny"\n[encoder]\nencoder = "{encoder}"\nmax_length = 16\nbatch_tokens = 256\nepochs = 8\n'
    arguments = ["train", recipe(tmp_path, "tiny", settings + "patience = 1000\n"), *places(corpus, tmp_path)]
    state = tmp_path / "models" / CHECKPOINTS / "tiny" / "state.safetensors"
    first = start(arguments)
    until = time.monotonic() + PATIENCE
    while not state.is_file() and time.monotonic() < until:
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert state.is_file()
    assert [run.info.status for run in all_runs(tmp_path / "mlruns")] == ["RUNNING"]
    second = start(arguments)
    output = second.communicate(timeout=PATIENCE)[0]
    assert second.returncode == 0, output
    assert "seed 1: its process is gone without ending it; marked as killed" in output
    percentage = re.search(r"fine-tuning:\s+(\d+)%", output)
    assert percentage is not None
    assert int(percentage[1]) > 0
    assert sorted(run.info.status for run in all_runs(tmp_path / "mlruns")) == ["FINISHED", "KILLED"]


@contextmanager
def server(home: Path, port: int) -> Iterator[str]:
    """Run an MLflow server with SQLite at ``home``, and give its address once it answers."""
    words = ["server", "--backend-store-uri", f"sqlite:///{home}/remote.db", "--artifacts-destination", str(home / "kept")]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words, "--host", HOST, "--port", str(port), "--workers", "1"],
        cwd=home, env=with_path(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE
        while socket.socket().connect_ex((HOST, port)) and time.monotonic() < until:
            time.sleep(0.5)
        yield f"http://{HOST}:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def with_path(environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, "PATH": os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of the probing above
def test_a_remote_server_is_honoured(corpus: Path, tmp_path: Path, unused_port: int) -> None:
    with server(tmp_path, unused_port) as address:
        training = start(["train", recipe(tmp_path, "far"), *places(corpus, tmp_path)], MLFLOW_TRACKING_URI=address)
        output = training.communicate(timeout=PATIENCE)[0]
        assert training.returncode == 0, output
        assert "warning" not in output
        client = MlflowClient(address, address)
        experiment = client.get_experiment_by_name("newsstance")
        assert experiment is not None
        (run,) = client.search_runs([experiment.experiment_id])
        assert run.info.status == "FINISHED"
        assert run_predictions(client, run)
        champion = champion_version(client)
        assert champion is not None
        assert champion.run_id == run.info.run_id
        assert not (tmp_path / "mlruns" / "mlflow.db").exists()
        asked = start(["champion", "--models", str(tmp_path / "other")], MLFLOW_TRACKING_URI=address)
        assert asked.communicate(timeout=PATIENCE)[0].count("far") == 2
        assert Predictor.load(tmp_path / "other").bundle.run_id == run.info.run_id


def test_an_unreachable_server_costs_a_warning_and_not_the_model(
    corpus: Path, tmp_path: Path, unused_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{HOST}:{unused_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    bundle = train(tiny_linear_recipe(), read_material(corpus), tmp_path / "models", tmp_path / "mlruns")
    assert bundle.run_id is None
    assert Predictor.load(tmp_path / "models").bundle.created == bundle.created
    assert capsys.readouterr().err.count("warning: MLflow can't track this run") == 1


def test_comparing_in_an_unreachable_store_is_told_in_a_line(
    unused_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{HOST}:{unused_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(["compare", "one", "other"]) == 1
    err = capsys.readouterr().err
    assert "the MLflow store can't be opened" in err
    assert err.count("\n") == 1


def test_the_ui_takes_another_port_where_the_first_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = free_port([port])
        assert other not in (0, port)
    assert free_port([port]) == port


def test_the_ui_of_a_remote_server_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    assert main(["ui"]) == 0
    assert "MLflow UI: http://mlflow.example:5000" in capsys.readouterr().out


def test_the_ui_begins_on_the_runs_table_in_our_view_or_as_someone_changed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "mlruns"
    client, experiment = open_store(store)
    monkeypatch.setattr(os, "execv", lambda *words: None)
    monkeypatch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    ours = client.get_experiment(experiment).tags[RUNS_VIEW_TAG]
    assert "metrics.`test_news/stance_f1_low`" in json.loads(json.loads(ours)["state"])["selectedColumns"]
    client.set_experiment_tag(experiment, RUNS_VIEW_TAG, "changed")
    assert main(["ui", "--store", str(store)]) == 0
    assert f"/#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey=" in capsys.readouterr().out
    assert client.get_experiment(experiment).tags[RUNS_VIEW_TAG] == "changed"
    client.delete_experiment_tag(experiment, RUNS_VIEW_TAG)  # as in a store made before there was a view
    assert main(["ui", "--store", str(store)]) == 0
    assert RUNS_VIEW_TAG in client.get_experiment(experiment).tags


@pytest.mark.parametrize(("answer", "stays"), [("n\n", True), ("", True), ("y\n", False)])
def test_runs_are_deleted_only_after_a_yes(
    answer: str, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    store = tmp_path / "mlruns"
    client, experiment = open_store(store)
    client.set_terminated(client.create_run(experiment).info.run_id)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert main(["clean-runs", "--store", str(store)]) == (1 if stays else 0)
    assert store.exists() == stays
    assert "with 1 runs" in capsys.readouterr().err


def test_a_run_that_another_machine_left_is_told_and_does_not_keep_the_store_for_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "mlruns"
    client, experiment = open_store(store)
    client.create_run(experiment, run_name="left", tags={PROCESS_TAG: "gone-container 7 1"})
    assert main(["clean-runs", "--yes", "--store", str(store)]) == 0
    assert (
        "left on gone-container: marked as running, and can't be looked at from here; taken for dead" in capsys.readouterr().err
    )
    assert not store.exists()


def test_runs_are_not_deleted_under_a_training_nor_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "mlruns"
    assert main(["clean-runs", "--yes", "--store", str(store)]) == 1
    assert "there is no store here" in capsys.readouterr().err
    client, experiment = open_store(store)
    client.create_run(experiment, run_name="busy", tags={PROCESS_TAG: this_process()})
    assert main(["clean-runs", "--yes", "--store", str(store)]) == 1
    assert "a training is under way (busy)" in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    assert main(["clean-runs", "--yes", "--store", str(store)]) == 1
    assert "isn't deleted from here" in capsys.readouterr().err
    assert store.exists()
