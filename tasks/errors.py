"""What can go wrong, one class for each kind, because each kind has its own exit code.

A message is one sentence: what failed, on which object, and what state things are in now. The hint is the next
move. Exit codes below 11 belong to Luigi (`[retcode]` in `luigi.cfg`).
"""

import inspect
import signal
from collections.abc import Iterator
from dataclasses import dataclass


class PipelineError(Exception):
    """A foreseen failure, told to a person."""

    exit_code = 10

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n    what to do: {self.hint}"


class DatabaseUnreachable(PipelineError):
    """No server answers there, or it stopped answering; waiting may help."""

    exit_code = 11


class LoginRefused(PipelineError):
    """The server answered and did not let us in: password, role, pg_hba.conf, TLS."""

    exit_code = 12


class DatabaseMissing(PipelineError):
    """The server has no database of that name."""

    exit_code = 13


class SourceUnreadable(PipelineError):
    """The source's role may not read all that is to be copied."""

    exit_code = 14


class SourceEmpty(PipelineError):
    """There is no table to copy."""

    exit_code = 15


class SourceBusy(PipelineError):
    """A lock on the source could not be had, or its tables changed while they were being locked."""

    exit_code = 16


class DumpFailed(PipelineError):
    """pg_dump ended with an error, or its dump is not what the snapshot holds."""

    exit_code = 17


class DumpDamaged(PipelineError):
    """The dump's files are not those that were dumped."""

    exit_code = 18


class ArtifactsUnwritable(PipelineError):
    """The artifacts folder is full, read-only or not ours."""

    exit_code = 19


class LandingOccupied(PipelineError):
    """The destination holds objects that Towpath did not make where it would put its own."""

    exit_code = 20


class DependentsFound(PipelineError):
    """Objects that Towpath did not make depend on objects that it would replace."""

    exit_code = 21


class RestoreFailed(PipelineError):
    """pg_restore ended with an error; the landing is as it was."""

    exit_code = 22


class CopyDiffers(PipelineError):
    """What arrived is not what left."""

    exit_code = 23


class OlderDump(PipelineError):
    """The dump is older than the version that readers see."""

    exit_code = 24


class DestinationUnfit(PipelineError):
    """The destination cannot hold the load: an extension, a privilege, the same database as the source."""

    exit_code = 25


class DestinationBusy(PipelineError):
    """Another run works on this destination, or has replaced what this run had made."""

    exit_code = 26


class ModelsBroken(PipelineError):
    """dbt could not build a model, or could not start."""

    exit_code = 27


class TestsFailed(PipelineError):
    """The models were built and a test on them failed."""

    __test__ = False  # Not one of pytest's.

    exit_code = 28


class PublishBlocked(PipelineError):
    """Readers hold on to the old version for longer than we may wait."""

    exit_code = 29


class NothingToRollBack(PipelineError):
    """There is no previous version."""

    exit_code = 30


class RolledBack(PipelineError):
    """This run's version was published and then rolled back on purpose."""

    exit_code = 36


class SourceUncopyable(PipelineError):
    """The source holds what a copy cannot have: large objects, a view on a table that is left out."""

    exit_code = 37


class WarningsFound(PipelineError):
    """The preflight has warnings, and with --strict these stop the run."""

    exit_code = 38


class SchemaDrifted(PipelineError):
    """The source's tables are not those that readers know, in a way that `[restore] drift` does not let pass."""

    exit_code = 39


class PublishedLate(PipelineError):
    """What readers see is older than `[notify] expected_every`."""

    exit_code = 40


class ToolMissing(PipelineError):
    """A program is not installed, or not in a version that will do."""

    exit_code = 31


class SettingInvalid(PipelineError):
    """A value in luigi.cfg, in a flag or in the environment cannot be used."""

    exit_code = 32


class RunInProgress(PipelineError):
    """The same run is being worked on by another process on this machine."""

    exit_code = 33


class CommandFailed(PipelineError):
    """A program ended with an error; the step that started it says what that means."""

    exit_code = 34


class StatementFailed(PipelineError):
    """A database refused a statement that Towpath sent."""

    exit_code = 35


class ObjectMissing(StatementFailed):
    """A table or schema is not there any more."""


class LockNotGranted(StatementFailed):
    """`lock_timeout` went by; the step that wanted the lock says what that means."""


@dataclass(frozen=True)
class Doubt:
    """A foreseen difficulty that a run goes on in spite of: a sentence, and what would mend it."""

    message: str
    hint: str


def meaning(exit_code: int) -> str:
    """Return in words what kind of end a run's exit code, as a shell gives it, stands for."""
    if exit_code == 0:
        return "all is well"
    if exit_code - 128 in set(signal.Signals):
        return f"ended by {signal.Signals(exit_code - 128).name}"
    for kind in _kinds(PipelineError):
        if kind.exit_code == exit_code:
            return f"{kind.__name__}: {inspect.getdoc(kind)}"
    return "Luigi's own; see the table in the README"


def _kinds(kind: type[PipelineError]) -> Iterator[type[PipelineError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)
