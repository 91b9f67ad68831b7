"""Score the archive of a country with Spark: Parquet of articles in, Parquet of scores out.

``python serve/spark_job.py ARCHIVE OUT`` on one machine, ``spark-submit --master ... serve/spark_job.py ARCHIVE OUT`` on many.
The job is ``score_archive``; what else stands here tells in a line what keeps it from its work.
"""

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from newsstance.article_rows import ROW_SCHEMA
from newsstance.errors import (
    BundleError,
    EngineError,
    InputError,
    MissingLibraryError,
    ModelNotFoundError,
    NewsstanceError,
    first_line,
)
from newsstance.readers import MAX_CHARS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ARTICLES_A_TASK: Final = 1000
"""What the death of an executor can cost, for each of its cores."""
_MOST_TASKS: Final = 20_000
"""With more of them Spark's driver has more to do than its executors."""
_ARTICLES_AT_ONCE: Final = ("spark.sql.execution.arrow.maxRecordsPerBatch", "64")
"""Articles that a worker holds; Spark's own 10,000 can be gigabytes."""

_NOISE: Final = ("PySpark does not yet fully support pandas", ".*Any type hint is inferred")
"""Warnings that mean nothing here: texts and JSON are all that passes through pandas, and the types are MLflow's own."""

_STORE: Final = Path("mlruns/mlflow.db")
_JAVA: Final = 17
_GET_JAVA: Final = f"install Java {_JAVA} (on Debian: apt install openjdk-{_JAVA}-jre-headless), or name one with JAVA_HOME"
_SUBMITTED: Final = "PYSPARK_GATEWAY_PORT"
"""The environment variable by which spark-submit tells that it has started Spark."""
_ONE_MACHINE: Final = "local[*,4]"
"""All cores; a task is tried four times, as on a cluster."""


def score_archive(
    spark: "SparkSession", archive: str, out: str, model: str, columns: tuple[str, str], tasks: int | None = None, **limits: Any
) -> None:
    """Score the Parquet at ``archive``, its ``columns`` of text and ids, with the registered ``model`` into the folder ``out``.

    A row comes out for each row that goes in, with its ``id``: in ``out/quarantined=false`` if it was scored, and if not, in
    ``out/quarantined=true`` with ``reason`` and ``detail``. ``limits`` are the model's ``max_chars`` and ``any_language``. The
    work is parted into ``tasks``, by default one for a thousand articles.
    """
    from mlflow.pyfunc import spark_udf
    from pyspark.sql import functions as f

    articles, usual = _articles(spark, archive, columns)
    score = spark_udf(spark, model, "string", params={"unit": "row", **limits})
    text, schema = f.col(_quoted(columns[0])), row_schema(model)
    is_text = f.coalesce(f.is_valid_utf8(text), f.lit(True))  # Spark's strings may hold any bytes, Python's may not
    row = f.from_json(score(f.when(is_text, text)), schema).alias("row")
    scored = articles.repartition(tasks or usual).select(f.col(_quoted(columns[1])).alias("id"), row, is_text.alias("is_text"))
    told = {"reason": f.lit("encoding"), "detail": f.lit("not UTF-8")}
    told = {name: f.when(f.col("is_text"), f.col(name)).otherwise(said) for name, said in told.items()}
    rows = scored.select("id", "row.*", "is_text").withColumns(told).drop("is_text")
    rows.withColumn("quarantined", f.col("reason").isNotNull()).write.partitionBy("quarantined").parquet(out)


def row_schema(model: str) -> str:
    """Give what a row of the registered ``model`` holds, in Spark's DDL.

    Raises ``ModelNotFoundError`` if the registry or the model isn't there, and ``BundleError`` if it is of an older newsstance.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    if not os.environ.get("MLFLOW_TRACKING_URI"):
        if not _STORE.is_file():
            raise ModelNotFoundError(f"no {_STORE} here: run `make train` first, or name a registry with MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(f"sqlite:///{_STORE}")
    try:
        metadata = mlflow.models.get_model_info(model).metadata or {}
    except MlflowException as error:
        raise ModelNotFoundError(f"{model}: not to be had ({first_line(error)}); `make train` registers a model") from error
    if ROW_SCHEMA not in metadata:
        raise BundleError(
            f"{model}: registered by an older newsstance, which scored no archives; `make train` registers a new one"
        )
    return str(metadata[ROW_SCHEMA])


def _articles(spark: "SparkSession", archive: str, columns: Sequence[str]) -> "tuple[DataFrame, int]":
    """Give the articles, and in how many tasks to score them.

    Raises ``InputError`` unless there are any, with ``columns``, the first of which holds text.
    """
    articles = spark.read.parquet(archive)
    for column in columns:
        if column not in articles.columns:
            there = ", ".join(articles.columns)
            raise InputError(f"{archive}: no column {column!r} (--text-column and --id-column name them); there are {there}")
    kind = articles.schema[columns[0]].dataType.simpleString()
    if kind.partition(" ")[0] != "string":  # it may go on with a collation
        raise InputError(f"{archive}: the column {columns[0]!r} holds {kind}, not text; --text-column names another")
    rows = articles.count()
    if not rows:
        raise InputError(f"{archive}: there isn't a row in it")
    return articles, min(max(spark.sparkContext.defaultParallelism, rows // _ARTICLES_A_TASK), _MOST_TASKS)


def _quoted(column: str) -> str:
    """Give the name of a column as Spark takes it to the letter: unquoted, a dot in it would ask for a part of the column."""
    return f"`{column.replace('`', '``')}`"


def require_spark() -> None:
    """Raise ``MissingLibraryError`` without pyspark, and ``EngineError`` without a Java that it runs on."""
    if not (find_spec("pyspark") and find_spec("mlflow")):
        raise MissingLibraryError("Spark needs pyspark and MLflow: pip install 'newsstance[spark]'")
    if _SUBMITTED in os.environ:
        return
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home, "bin", "java")) if home else "java")
    if java is None:
        raise EngineError(f"Spark needs Java, and there is none{' in ' + home if home else ''}: {_GET_JAVA}")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)([^"]*)"', told)
    if version and int(version[1]) < _JAVA:
        raise EngineError(f"Spark needs Java {_JAVA} or newer, and {java} is {version[1]}{version[2]}: {_GET_JAVA}")


@contextmanager
def _session(master: str | None) -> "Iterator[SparkSession]":
    """Give a session of Spark, and tell in a line what fails in it."""
    from py4j.protocol import Py4JError
    from pyspark.errors import AnalysisException, PySparkException
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    master = master or (None if _SUBMITTED in os.environ else _ONE_MACHINE)
    builder = SparkSession.builder.appName("newsstance")
    try:
        spark = (builder.master(master) if master else builder).getOrCreate()
    except (Py4JError, PySparkException) as error:
        raise EngineError(f"Spark can't start: {_told(error)}") from error
    if spark.conf.get(_ARTICLES_AT_ONCE[0], None) is None:
        spark.conf.set(*_ARTICLES_AT_ONCE)
    try:
        yield spark
    except AnalysisException as error:
        if error.getCondition() == "PATH_ALREADY_EXISTS":
            raise InputError("the output is there already: name another folder, or remove it") from error
        raise InputError(_told(error)) from error
    except (Py4JError, PySparkException) as error:
        raise EngineError(f"Spark has given up: {_told(error)}; its log tells more") from error
    finally:
        spark.stop()


def _told(error: Exception) -> str:
    return first_line(getattr(error, "java_exception", error))


def _report(spark: "SparkSession", out: str) -> int:
    """Say what became of the articles, and give the exit status."""
    counts = {row["reason"]: row["count"] for row in spark.read.parquet(out).groupBy("reason").count().collect()}
    scored = counts.pop(None, 0)
    why = ", ".join(f"{reason} {count:,}" for reason, count in sorted(counts.items()))
    click.echo(f"{out}: {scored:,} articles scored, {sum(counts.values()):,} quarantined{f' ({why})' if why else ''}", err=True)
    return 3 if counts else 0


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("archive")
@click.argument("out")
@click.option("--model", default="models:/newsstance@champion", show_default=True, help="A model of MLflow's registry.")
@click.option("--master", help=f"Spark's master; {_ONE_MACHINE} unless spark-submit has set one.")
@click.option("--text-column", default="text", show_default=True)
@click.option("--id-column", default="id", show_default=True)
@click.option("--tasks", type=click.IntRange(1), help="In how many parts to score it; by default one for a thousand articles.")
@click.option(
    "--max-chars", type=click.IntRange(1, 100_000_000), default=MAX_CHARS, show_default=True, help="The longest article."
)
@click.option("--any-language", is_flag=True, help="Score what isn't English too.")
def job(
    archive: str, out: str, model: str, master: str | None, text_column: str, id_column: str, tasks: int | None,
    max_chars: int, any_language: bool,
) -> int:  # fmt: skip
    """Score ARCHIVE, a file or folder of Parquet, with Spark into OUT, a folder of Parquet.

    Exit status: 0 if all is scored; 3 if something was quarantined; 1 if it couldn't go on; 2 for misuse.
    """
    require_spark()
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for noise in _NOISE:
        warnings.filterwarnings("ignore", noise)
    row_schema(model)  # before Spark starts, which takes its time
    with _session(master) as spark:
        limits = {"max_chars": max_chars, "any_language": any_language}
        score_archive(spark, archive, out, model, (text_column, id_column), tasks, **limits)
        return _report(spark, out)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job with ``argv`` and give its exit status."""
    try:
        return int(job.main(args=argv, prog_name="spark_job", standalone_mode=False) or 0)
    except NewsstanceError as error:
        click.echo(f"spark_job: {error}", err=True)
        return 2 if isinstance(error, InputError) else 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("spark_job: interrupted; nothing is written until all is scored", err=True)
        return 130


if __name__ == "__main__":
    sys.exit(main())
