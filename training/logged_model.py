"""An exported model as an MLflow model: from code, with signature, example and pinned requirements, never pickled."""

import shutil
import warnings
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from newsstance.article_rows import ROW_COLUMNS, ROW_SCHEMA
from newsstance.bundle import BUNDLE_FILE, Bundle, read_bundle
from newsstance.cascade import CASCADE, ROLES, member_path
from newsstance.labels import HEADS
from newsstance.readers import MAX_CHARS
from training.model_card import MODEL_CARD

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

_CODE: Final = Path(__file__).with_name("served_model.py")
_REQUIREMENTS: Final = ("mlflow", "numpy", "onnxruntime", "pandas", "py3langid", "safetensors", "sentencex", "tokenizers")
EXAMPLE: Final = ("The minister hopes the talks will end the strike.", "Engineers warned that the dam could fail.")
"""The input that is kept with the model for whoever wants to try it."""

_DDL: Final = {int: "BIGINT", float: "DOUBLE", str: "STRING"}


def log_model(client: "MlflowClient", experiment: str, run: str | None, bundle: Bundle) -> str:
    """Log ``bundle`` in ``experiment`` as the model of ``run``, or of none; give its id."""
    from mlflow.entities import LoggedModelOutput

    tags = {"recipe": bundle.name, "corpus_sha256": bundle.corpus_sha256}
    model = client.create_logged_model(experiment, name=bundle.name, source_run_id=run, tags=tags, model_type="classifier")
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow warns of type hints of its own as it is imported
            _save(bundle, saved, run, model.model_id)
        client.log_model_artifacts(model.model_id, str(saved))
    client.finalize_logged_model(model.model_id, "READY")
    if run is not None:
        client.log_outputs(run, [LoggedModelOutput(model.model_id, step=0)])
    return str(model.model_id)


def _save(bundle: Bundle, target: Path, run: str | None, model_id: str) -> None:
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.models import Model

    import newsstance

    with TemporaryDirectory() as folder:
        plain = _only_the_model(bundle, Path(folder) / "bundle")
        mlflow.pyfunc.save_model(
            target,
            python_model=str(_CODE),
            artifacts={"bundle": str(plain)},
            code_paths=[str(Path(newsstance.__file__).parent)],
            signature=_signature(),
            input_example=pd.DataFrame({"text": EXAMPLE}),
            metadata={ROW_SCHEMA: ", ".join(f"{name} {_DDL[kind]}" for name, kind in ROW_COLUMNS.items())},
            pip_requirements=[f"{package}=={version(package)}" for package in (*_REQUIREMENTS, "click", "rich")],
            mlflow_model=Model(artifact_path=bundle.name, run_id=run, model_uuid=model_id, model_id=model_id),
        )
    for compiled in target.rglob("__pycache__"):
        shutil.rmtree(compiled)


def _only_the_model(bundle: Bundle, target: Path) -> Path:
    """Copy what makes the model and its card, without the answers that lie beside it; a cascade takes its two models along."""
    target.mkdir()
    for name in (BUNDLE_FILE, *bundle.files, MODEL_CARD):
        if (bundle.path / name).is_file():
            shutil.copyfile(bundle.path / name, target / name)
    for role in ROLES if bundle.kind == CASCADE else ():
        _only_the_model(read_bundle(member_path(bundle, role)), target / role)
    return target


def _signature() -> "ModelSignature":
    """Describe one column of texts, without a name so that any will do, and the columns that a sentence gives."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    labels = [ColSpec(DataType.string, head) for head in HEADS]
    probabilities = [ColSpec(DataType.double, f"{head}_{label}") for head, names in HEADS.items() for label in names]
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string)]),
        outputs=Schema([*labels, *probabilities]),
        params=ParamSchema(
            [
                ParamSpec("unit", DataType.string, "sentence"),
                ParamSpec("max_chars", DataType.long, MAX_CHARS),
                ParamSpec("any_language", DataType.boolean, False),
            ]
        ),
    )
