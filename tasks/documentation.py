"""What readers see, described: dbt's own documentation of the published version, as one file that needs no network."""

import contextlib
import dataclasses
import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tasks import commands, dbt_program
from tasks.checkpoints import Json, writing_to
from tasks.dbt_program import DbtOptions
from tasks.errors import PipelineError
from tasks.postgres import Database, connect

logger = logging.getLogger(__name__)

FILE = "catalogue.html"
# Report, alerts and the next run wait for it: a dbt that hangs may not keep them for as long as a build may take.
_LIMIT_SECONDS = 600.0


def document(
    destination: Database, options: DbtOptions, folder: Path, *, limit_seconds: float = _LIMIT_SECONDS
) -> Json:
    """Write `catalogue.html` into a run's folder, in place of an earlier one; the run waits for it, but not for long.

    Returns:
        What the report says of it: `file`, `bytes` and `seconds`; or `error`, which breaks no run: it is published.
    """
    started = time.monotonic()
    hurried = dataclasses.replace(options, timeout_seconds=min(options.timeout_seconds, limit_seconds))
    try:
        page = generate(destination, hurried, folder)
    except PipelineError as error:
        logger.warning("readers see the new version, but its catalogue was not made: %s", error)
        return {"error": error.message}
    size, seconds = page.stat().st_size, round(time.monotonic() - started, 3)
    logger.info("described what readers see in %s: %d bytes in %.1f s", page, size, seconds)
    return {"file": FILE, "bytes": size, "seconds": seconds}


def generate(destination: Database, options: DbtOptions, folder: Path) -> Path:
    """Write the file and return where it is.

    Raises:
        CommandFailed: dbt could not; its last lines are told.
        ArtifactsUnwritable: the folder is full or not ours. And as `connect` does.
    """
    with _passing_folder(folder) as target, connect(destination) as session:
        commands.run(
            # A folder of its own: dbt's files in the run's are those of the build, and go on saying so.
            dbt_program.command(options, "docs", "generate", "--static", output=target),
            environment=dbt_program.environment_for(session, schema=options.schema),
            timeout_seconds=options.timeout_seconds,
            on_line=lambda line: logger.debug("dbt: %s", line),
            listen=session.heartbeat().listen,
        )
        return (target / "static_index.html").replace(folder / FILE)


def forget(folder: Path) -> None:
    """Remove the file, which describes an earlier version."""
    with writing_to(folder):
        (folder / FILE).unlink(missing_ok=True)


@contextlib.contextmanager
def _passing_folder(folder: Path) -> Iterator[Path]:
    passing = folder / ".catalogue.unfinished"
    forget(folder)
    with writing_to(folder):
        shutil.rmtree(passing, ignore_errors=True)
        passing.mkdir(parents=True)
        try:
            yield passing
        finally:
            shutil.rmtree(passing, ignore_errors=True)
