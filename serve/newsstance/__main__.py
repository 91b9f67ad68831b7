"""``python -m newsstance``."""

import sys

from newsstance.cli import main

sys.exit(main())
