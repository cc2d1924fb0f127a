"""dbt as a program: which project, where it connects, how it is run, what it says."""

import contextlib
import functools
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks import commands, dbt_early, generations, partial_parse
from tasks.checkpoints import digest_of, ensure_writable, files_in, writing_to
from tasks.commands import ProgramFailed, Waiting
from tasks.dbt_artifacts import failure
from tasks.errors import PipelineError, SettingInvalid, ToolMissing
from tasks.postgres import Database, Session, connect
from tasks.progress import Listener

logger = logging.getLogger(__name__)

# What dbt and editors write into a project folder, and what no build depends on.
_NOT_SOURCES = {"target", "logs", ".git", "__pycache__", ".user.yml", ".DS_Store"}

# ` 3 of 97 START sql view model silver__next.films ..... [RUN]`; what ends it says OK, PASS, WARN, FAIL, SKIP...
_NODE = re.compile(r" *(\d+) of (\d+) (\S+) .*?(\S+) \.* *\[")
# Percent done when dbt has done all of its own.
_BUILT = 95


@dataclass(frozen=True, kw_only=True)
class DbtOptions:
    """Which project, and how dbt builds it."""

    executable: str
    project: Path
    profiles: Path
    schema: str
    threads: int
    variables: str
    timeout_seconds: float
    readers_timeout_seconds: float

    def digest(self) -> str:
        """Tell one state of the project from another: its files, its variables, its target schema.

        Raises:
            SettingInvalid: there is no project.
        """
        if not (self.project / "dbt_project.yml").is_file():
            raise SettingInvalid(
                f"{self.project} is not a dbt project: it has no dbt_project.yml; nothing was built",
                hint="name the project's folder in [dbt] project_dir or with --dbt-project-dir",
            )
        return digest_of(
            {"files": self.files(), "variables": self.variables, "schema": self.schema, "dbt": self.executable}
        )

    def files(self) -> dict[str, str]:
        """Return the SHA-256 of every file of the project, by its name there."""
        return {name: found["sha256"] for name, found in files_in(self.project, _NOT_SOURCES).items()}


def ensure_startable(options: DbtOptions) -> None:
    """Raise ToolMissing where there is no such program."""
    if commands.find(options.executable, commands.search_path()) is None:
        raise ToolMissing(
            f"dbt was not found as {options.executable}; nothing was built",
            hint="install it beside this Python, or name it in [dbt] executable",
        )


def forget_results(output: Path) -> None:
    """Remove what an earlier build came to: results that are there after a failure must be this build's.

    Raises:
        ArtifactsUnwritable: the output folder is full or not ours.
    """
    with writing_to(output):
        output.mkdir(parents=True, exist_ok=True)
        (output / "run_results.json").unlink(missing_ok=True)


def prepare(options: DbtOptions) -> None:
    """Let dbt be imported by a child of ours, which a build takes over if there is one.

    Raises:
        CommandFailed: this user may start no more processes.
    """
    dbt_early.start(options.executable)


def rehearse(destination: Database, options: DbtOptions, output: Path) -> None:
    """Let that child, if there is one, read the project as a build into the destination will."""
    if not dbt_early.is_there():
        return
    # What is wrong is for the build to tell.
    with contextlib.suppress(PipelineError), connect(destination) as session:
        environment = environment_for(session, schema=options.schema + generations.NEXT)
        partial_parse.bring(output, options.project, options.files())
        # What the last build has left in the folder stays what it says of itself.
        words = command(options, "parse", "--quiet", "--no-write-json", "--log-level-file=none", output=output)
        dbt_early.rehearse(words, environment, expected=_basis(options, output, environment))


def _basis(options: DbtOptions, output: Path, environment: dict[str, str]) -> object:
    """Return what must be the same for a build as for its rehearsal."""
    return options.digest(), command(options, output=output), environment


def build(session: Session, options: DbtOptions, output: Path, *, listener: Listener) -> None:
    """Run `dbt build` into `<schema>__next`; `output` gets dbt's target folder and its log.

    Raises:
        ModelsBroken, TestsFailed: the failed nodes are named.
        DatabaseUnreachable: the server went away.
        ArtifactsUnwritable: the output folder is full or not ours.
    """
    ensure_startable(options)
    follow = follower(listener)

    def on_line(line: str) -> None:
        said = line[10:] if line[2:3] == ":" else line
        is_quiet = not said.strip() or " START " in said or " PASS " in said
        logger.log(logging.DEBUG if is_quiet else logging.INFO, "dbt: %s", said)
        follow(said)

    words = command(options, "build", output=output)
    environment = environment_for(session, schema=options.schema + generations.NEXT)
    waiting = dbt_early.take(words, environment, expected=_basis(options, output, environment))
    run = functools.partial(
        commands.run,
        environment=environment,
        timeout_seconds=options.timeout_seconds,
        on_line=on_line,
        listen=session.heartbeat().listen,
    )
    try:
        if waiting is None or not _has_spoken(run, waiting):
            partial_parse.bring(output, options.project, options.files())
            run(words)
    except ProgramFailed as error:
        session.ensure_in_reach()
        ensure_writable(output)
        raise failure(error, output, options.project) from error


def _has_spoken(run: Callable[[Waiting], object], waiting: Waiting) -> bool:
    """Run what waits to its end; False where it ended, badly, before it was dbt: that has something to say at once.

    Raises:
        ProgramFailed: dbt failed.
    """
    try:
        run(waiting)
    except ProgramFailed as error:
        if error.lines or error.is_late:
            raise
        logger.debug("dbt starts anew: what was prepared has ended")
        return False
    return True


def command(options: DbtOptions, *words: str, output: Path) -> list[str]:
    """Return the words that run a dbt command on the project; `output` gets dbt's target folder and its log."""
    return [
        options.executable,
        *words,
        f"--project-dir={options.project}",
        f"--profiles-dir={options.profiles}",
        "--profile=towpath",
        f"--target-path={output}",
        f"--log-path={output / 'logs'}",
        f"--threads={options.threads}",
        f"--vars={options.variables}",
        "--no-use-colors",
    ]


def follower(listener: Listener) -> Callable[[str], None]:
    """Return what to call with each line of dbt's, without its time: it tells how far dbt is, and at what."""
    done: set[str] = set()
    at_work: dict[str, str] = {}
    listener(0, "dbt reads the project")

    def follow(said: str) -> None:
        # A hook is counted by itself.
        node = _NODE.match(said)
        if node is None or " hook: " in said:
            return
        number, total, event, name = node.groups()
        if event == "START":
            at_work[number] = generations.final_name(name)
        else:
            at_work.pop(number, None)
            done.add(number)
        # What has been at work the longest is what is waited for.
        now = f", now {next(iter(at_work.values()))}" if at_work else ""
        listener(_BUILT * len(done) // int(total), f"dbt: {len(done)} of {total} models and tests done{now}")

    return follow


def environment_for(session: Session, *, schema: str) -> dict[str, str]:
    """Return the variables that `dbt_models/profiles.yml` reads, as libpq resolved them for this session."""
    connected = session.connected_as()
    return {
        **session.libpq_environment(),
        "TOWPATH_HOST": connected["host"],
        "TOWPATH_PORT": connected["port"],
        "TOWPATH_USER": connected["user"],
        "TOWPATH_DBNAME": connected["dbname"],
        "TOWPATH_SCHEMA": schema,
        # dbt keeps variables of this prefix out of its logs and artifacts.
        "DBT_ENV_SECRET_TOWPATH_PASSWORD": connected["password"],
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
