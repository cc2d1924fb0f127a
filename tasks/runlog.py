"""`artifacts/<run>/run.log`: what a run says, kept where its other files are."""

import functools
import logging
import time
from pathlib import Path


class _KeptLog(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        """Go on without: what stops a run on a full disk is told by its step."""


@functools.cache
def keep(path: Path) -> None:
    """Add all that is logged from now on, until the process ends, to a file whose folder is there."""
    handler = _KeptLog(path, encoding="utf-8", delay=True)
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)
