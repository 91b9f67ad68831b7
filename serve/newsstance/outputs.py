"""The files of a batch: its output, what stands beside it, and how all of it comes into place at the end.

``OUT.rejects.jsonl`` holds what couldn't be scored, and is there only if something couldn't. ``OUT.run.json``, the receipt,
tells of which input, by which model and with which options OUT was made, with the hashes of both files. Until all is done,
everything lies in the folder ``OUT.partial``.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from newsstance.files import file_sha256, sync, write_atomically
from newsstance.journal import REJECTS, SCORES, read_json
from newsstance.writers import Output, output_of, write_output

_CONVERTED: Final = "converted"
_RECEIPT: Final = "run.json"


@dataclass(frozen=True)
class Outputs:
    """The paths of a batch that writes to ``out``."""

    out: Path

    @property
    def rejects(self) -> Path:
        """Give the path of the rejects."""
        return self._beside(".rejects.jsonl")

    @property
    def receipt(self) -> Path:
        """Give the path of the receipt."""
        return self._beside(".run.json")

    @property
    def folder(self) -> Path:
        """Give the folder of what isn't done yet."""
        return self._beside(".partial")

    def all(self) -> tuple[Path, ...]:
        """Give every path, which a batch doesn't take for its input."""
        return (self.out, self.rejects, self.receipt, self.folder)

    def begun(self) -> bool:
        """Tell whether an unfinished batch lies there."""
        return any((self.folder / name).exists() for name in (SCORES, REJECTS))

    def clear(self) -> None:
        """Forget what an earlier batch began or finished; OUT itself stays until the new one is done."""
        self.receipt.unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if path.name != LOCK:
                path.unlink()

    def finish(self, about: Mapping[str, Any], columns: Mapping[str, type]) -> None:
        """Turn the finished rows into the output, write the receipt, and put everything in place."""
        output = output_of(self.out)
        if output is not Output.JSON_LINES:
            write_output(self.folder / SCORES, columns, output, self.folder / _CONVERTED)
        rejects = self.folder / REJECTS
        hashes = {
            "sha256": file_sha256(self._finished(output)),
            "rejects_sha256": file_sha256(rejects) if rejects.stat().st_size else None,
        }
        # Written in the folder, which goes with all that a kill leaves there.
        write_atomically(self.folder / _RECEIPT, (json.dumps({**about, **hashes}, indent=2, sort_keys=True) + "\n").encode())
        (self.folder / _RECEIPT).replace(self.receipt)
        self.install()

    def install(self) -> bool:
        """Put in place what the receipt tells of, as far as it isn't; tells whether all of it is there."""
        receipt = read_json(self.receipt) or {}
        if not _moved(self.folder / REJECTS, self.rejects, receipt.get("rejects_sha256")):
            return False
        if not _moved(self._finished(output_of(self.out)), self.out, receipt.get("sha256")):
            return False
        sync(self.out.absolute().parent)
        shutil.rmtree(self.folder)
        return True

    def _finished(self, output: Output) -> Path:
        return self.folder / (SCORES if output is Output.JSON_LINES else _CONVERTED)

    def _beside(self, ending: str) -> Path:
        return self.out.with_name(self.out.name + ending)


LOCK: Final = "lock"
"""The file in the folder that is locked while a process works there."""


def _moved(part: Path, place: Path, sha256: str | None) -> bool:
    """Move ``part`` to ``place`` if it hashes to ``sha256``; tell whether ``place`` holds that now. ``None`` means no file."""
    if sha256 is None:
        place.unlink(missing_ok=True)
        return True
    if part.is_file() and file_sha256(part) == sha256:
        part.replace(place)
        return True
    return place.is_file() and file_sha256(place) == sha256
