"""``python -m training.probe MODULE FUNCTION ARGUMENT...``: load one contestant alone, for what only a fresh process tells.

The sentences come as a JSON list on standard input. A line on standard output tells that the first is scored, a second one
the peak of the process's memory, in bytes, once all are.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Final

from training.contestants import load

FIRST: Final = "first"
_STATUS: Final = Path("/proc/self/status")


def main(argv: list[str]) -> int:
    """Load, score, tell."""
    texts = json.load(sys.stdin)
    scorers = load(argv[0], argv[1], argv[2:])
    scorers.sentences(texts[:1])
    print(FIRST, flush=True)
    scorers.sentences(texts)
    print(peak_memory(), flush=True)
    return 0


def peak_memory() -> int:
    """Give the most memory that this process has held, in bytes.

    Linux passes ``ru_maxrss`` on from the process that started this one, so that its own high-water mark is read there.
    """
    if _STATUS.is_file():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
