"""The runs table as an analyst wants it: MLflow's own shows no metric, and cuts our names off."""

import json
import time
from typing import Final
from urllib.parse import urlencode

RUNS_VIEW: Final = "newsstance"
"""What the view is called in the UI and in addresses."""

RUNS_VIEW_TAG: Final = f"mlflow.sharedViewState.{RUNS_VIEW}"
"""The tag of an experiment in which MLflow 3.17 keeps a saved view."""

_METRICS: Final = (
    "test_news/stance_f1",
    "test_news/stance_f1_low",
    "test_news/stance_f1_high",
    "test_news/sentiment_f1",
    "test/stance_f1",
    "validation/stance_f1",
)
_WIDTHS: Final = {
    "attributes.`Run Name`": 310,
    "runDateAndNestInfo": 160,
    **{f"metrics.`{name}`": 60 + 6 * len(name) for name in _METRICS},
    "attributes.`Models`": 170,
    "attributes.`Dataset`": 300,
    "duration": 90,
}
"""The columns from left to right, by the ids that the table gives them, and how wide each is in pixels."""

_SELECTED: Final = [name for name in _WIDTHS if "`" in name and "Run Name" not in name]


def runs_view() -> str:
    """Give the value of ``RUNS_VIEW_TAG``: scores with their intervals first, the newest run first, seeds below their sweep."""
    state = {"selectedColumns": _SELECTED, "columnOrder": list(_WIDTHS), "columnWidths": _WIDTHS}
    now = int(time.time() * 1000)
    return json.dumps({"name": RUNS_VIEW, "createdAt": now, "updatedAt": now, "state": json.dumps(state)})


def runs_page(server: str, experiment: str) -> str:
    """Give the address of the runs table of ``experiment``, in our view; MLflow itself would begin with traces of chats."""
    query = urlencode({"workflowType": "machine_learning", "viewStateShareKey": RUNS_VIEW})
    return f"{server}/#/experiments/{experiment}/runs?{query}"
