"""The exported model as an MLflow model: from code, and as many rows out as in."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from newsstance import Predictor
from newsstance.article_rows import ROW_SCHEMA
from newsstance.locate import CHAMPION
from tests.conftest import Trained
from training.registry import REGISTERED, champion_version
from training.store import store_uri

ROWS = 1984
ROW = {"unit": "row", "max_chars": 100}
URI = f"models:/{REGISTERED}@{CHAMPION}"


@pytest.fixture(scope="module")
def client(trained: Trained) -> MlflowClient:
    return MlflowClient(store_uri(trained.store))


@pytest.fixture
def registry(trained: Trained) -> Iterator[None]:
    """Point MLflow's fluent functions to the store of the trained models."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store_uri(trained.store))
    yield
    mlflow.set_tracking_uri(before)
    os.environ.pop("MLFLOW_TRACKING_URI", None)


def texts(rows: int = ROWS) -> list[str]:
    """Make texts that a table's reader can stumble over: commas, quotes, line breaks, numbers, and one that is empty."""
    awkward = ['Qwertyui fears, "so to say", asdfghjk.', "It hopes\nfor poiuytre.", "12", "NA", "It's zxcvbnmq.", "«Doubts»"]
    return [f"{awkward[row % len(awkward)]} {row}" for row in range(rows - 1)] + [""]


def test_every_training_is_a_version_and_the_champion_has_the_alias(client: MlflowClient, trained: Trained) -> None:
    versions = client.search_model_versions(f"name = '{REGISTERED}'")
    assert {version.run_id for version in versions} == {trained.linear.run_id, trained.tiny.run_id}
    champion = champion_version(client)
    assert champion is not None
    assert champion.run_id == Predictor.load(trained.models).bundle.run_id
    run = client.get_run(trained.tiny.run_id or "")
    assert run.outputs is not None
    assert len(run.outputs.model_outputs) == 1


def test_the_model_is_code_with_signature_example_and_pinned_requirements(client: MlflowClient, trained: Trained) -> None:
    folder = trained.store / "artifacts" / "models"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len([path for path in files if path.name == "served_model.py"]) == 2
    assert not [path for path in files if path.suffix in (".pkl", ".pickle", ".joblib", ".pyc")]
    assert not [path for path in files if path.name == "predictions.json"]
    (one, *_) = (path.parent for path in files if path.name == "MLmodel")
    assert all("==" in line for line in (one / "requirements.txt").read_text().splitlines())
    assert (one / "code" / "newsstance" / "predictor.py").is_file()
    assert "signature" in (one / "MLmodel").read_text()
    assert json.loads((one / "input_example.json").read_text())["data"]


@pytest.mark.usefixtures("registry")
def test_a_column_of_any_name_gives_a_row_for_each_row_in_order(trained: Trained) -> None:
    loaded = mlflow.pyfunc.load_model(URI)
    scored = loaded.predict(pd.DataFrame({"headline": texts()}))
    assert len(scored) == ROWS
    expected = Predictor.load(trained.models).predict(texts())
    assert scored["stance"].tolist() == [score.stance for score in expected]
    assert scored["stance_alarmed"].tolist() == pytest.approx([score.stance_probabilities["alarmed"] for score in expected])


@pytest.mark.usefixtures("registry")
def test_an_article_is_scored_as_one_where_it_is_asked_for() -> None:
    loaded = mlflow.pyfunc.load_model(URI)
    articles = pd.DataFrame(["Qwertyui hopes asdfghjk. Zxcvbnmq fears poiuytre.", ""])
    scored = loaded.predict(articles, params={"unit": "article"})
    assert scored["sentences"].tolist() == [2, 0]
    assert scored["coverage"].tolist() == [1, 0]
    with pytest.raises(Exception, match="unit is 'sentence', 'article' or 'row'"):
        loaded.predict(articles, params={"unit": "paragraph"})


@pytest.mark.usefixtures("registry")
def test_the_rows_of_a_batch_are_given_as_json_one_for_each_text() -> None:
    loaded = mlflow.pyfunc.load_model(URI)
    scored = loaded.predict(pd.DataFrame(["The minister fears it.", None, "", "A long one. " * 9]), params=ROW)
    rows = [json.loads(line) for line in scored["row"]]
    assert [row["reason"] for row in rows] == [None, "empty", "empty", "size"]
    schema = loaded.metadata.metadata[ROW_SCHEMA]
    assert list(rows[0]) == [field.split()[0] for field in schema.split(", ")]


@pytest.mark.slow
def test_the_command_line_scores_a_csv_row_for_row(trained: Trained, tmp_path: Path) -> None:
    pd.DataFrame({"text": [*texts()[:-1], "The last one fears."]}).to_csv(tmp_path / "in.csv", index=False)
    words = ["models", "predict", "-m", URI, "--env-manager", "local", "-t", "csv", "-i", str(tmp_path / "in.csv")]
    run_mlflow(trained, *words, "-o", str(tmp_path / "out.json"))
    assert len(json.loads((tmp_path / "out.json").read_text())["predictions"]) == ROWS


@pytest.mark.slow
def test_the_served_model_answers_texts_in_json(trained: Trained, unused_port: int) -> None:
    words = ["models", "serve", "-m", URI, "--env-manager", "local", "--port", str(unused_port)]
    server = subprocess.Popen([sys.executable, "-m", "mlflow", *words], env=environment(trained), stderr=subprocess.DEVNULL)
    try:
        some = texts(40)
        for body in ({"inputs": some}, {"instances": some}, {"dataframe_records": [{"text": text} for text in some]}):
            answers = ask(unused_port, body)
            assert len(answers) == 40
            assert set(answers[0]) >= {"stance", "sentiment", "stance_none"}
        article = {"inputs": [""], "params": {"unit": "article"}}
        assert ask(unused_port, article)[0]["tone"] is None
    finally:
        server.terminate()
        server.wait(20)


def ask(port: int, body: Mapping[str, object], patience: float = 120) -> list[dict[str, object]]:
    """Post ``body`` once the server is up, and give its predictions."""
    url, content = f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode()
    until = time.monotonic() + patience
    while True:
        request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as response:
                answers: list[dict[str, object]] = json.load(response)["predictions"]
                return answers
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def environment(trained: Trained) -> dict[str, str]:
    """Give the environment of an activated one, on the store of the trained models."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {
        **os.environ,
        "MLFLOW_TRACKING_URI": store_uri(trained.store),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PATH": path,
    }


def run_mlflow(trained: Trained, *words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "mlflow", *words], env=environment(trained), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
