"""What is to run when: the crontab of a container, which has no cron."""

import datetime
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from tasks import commands, interruption
from tasks.checkpoints import Checkpoint, Json, writing_to
from tasks.errors import PipelineError, SettingInvalid, meaning
from tasks.run_folder import RunFolder

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime.datetime]
Pause = Callable[[float], None]

_SECONDS_BETWEEN_LOOKS = 1.0
_OVERDUE = datetime.timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A program and when to start it, as a line of a crontab says it; `names_runs`: it takes a --run-id."""

    name: str
    command: tuple[str, ...]
    schedule: str
    zone: ZoneInfo
    names_runs: bool = False

    def due_after(self, moment: datetime.datetime) -> datetime.datetime:
        """Return the first time after a moment, in UTC.

        As Debian's cron has it: what is due in the hour that spring leaves out is due right after it, and what is due
        in the hour that autumn has twice is due once.

        Raises:
            CronSimError: it cannot be read.
            StopIteration: there is no such day in the next fifty years.
        """
        # Two times of one zone are compared by the face of the clock, on which autumn goes back.
        found = (due.astimezone(datetime.timezone.utc) for due in CronSim(self.schedule, moment.astimezone(self.zone)))
        return next(due for due in found if due > moment)

    def command_for(self, due: datetime.datetime) -> list[str]:
        """Return the command, with a run id of its own for each time that it is due.

        Towpath's own default, the day, would make the hours of an hourly schedule one run.
        """
        return [*self.command, *([f"--run-id={self._run_id(due)}"] if self.names_runs else [])]

    def _run_id(self, due: datetime.datetime) -> str:
        day = due.astimezone(self.zone).replace(hour=0, minute=0, second=0)
        first = self.due_after((day - datetime.timedelta(seconds=1)).astimezone(datetime.timezone.utc))
        second = self.due_after(first)
        is_once_a_day = second.astimezone(self.zone).date() > first.astimezone(self.zone).date()
        return day.date().isoformat() if is_once_a_day else due.strftime("%Y-%m-%dT%H:%M:%SZ")

    def tell(self, moment: datetime.datetime) -> str:
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def lines(words: Sequence[str]) -> list[Line]:
    """Return what `$CRON_SCHEDULE` and `$FRESHNESS_SCHEDULE` ask for in the time zone `$TZ`; `words` are the run's.

    Raises:
        SettingInvalid: one of them cannot be read, or the words have an artifacts folder of their own.
    """
    flags = {word.split("=")[0] for word in words}
    if "--artifacts-root" in flags:
        raise SettingInvalid(
            "a schedule cannot have an --artifacts-root, where its health check would not look; nothing was started",
            hint="set [artifacts] root in luigi.cfg, or in the file that $LUIGI_CONFIG_PATH names",
        )
    luigi = str(Path(sys.executable).with_name("luigi"))
    wanted = {
        "CRON_SCHEDULE": ("FullPipeline", commands.variable("CRON_SCHEDULE") or "0 3 * * *", words),
        "FRESHNESS_SCHEDULE": ("CheckFreshness", commands.variable("FRESHNESS_SCHEDULE"), ()),
    }
    zone = _zone(commands.variable("TZ") or "UTC")
    made = {
        variable: Line(
            name=task,
            command=(luigi, "--module=tasks", task, *given),
            schedule=schedule,
            zone=zone,
            names_runs=task == "FullPipeline" and "--run-id" not in flags,
        )
        for variable, (task, schedule, given) in wanted.items()
        if schedule
    }
    for variable, line in made.items():
        _ensure_readable(variable, line)
    return list(made.values())


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingInvalid(
            f"there is no time zone {name!r}, which $TZ names; nothing was started",
            hint="take a name such as Europe/Berlin or UTC",
        ) from error


def _ensure_readable(variable: str, line: Line) -> None:
    try:
        line.due_after(_now())
    except (CronSimError, StopIteration) as error:
        why = str(error) or "there is no such day"
        raise SettingInvalid(
            f"${variable} cannot be {line.schedule!r} ({why}); nothing was started",
            hint="take a crontab's five fields: minute, hour, day, month, weekday; every day at 03:00 is 0 3 * * *",
        ) from error


class _Kept:
    """A line being kept: when it is due, and its program while that runs."""

    def __init__(self, line: Line, moment: datetime.datetime) -> None:
        self.line = line
        self.due = line.due_after(moment)
        self.program: commands.Program | None = None
        self.last: Json = {}

    def look(self, moment: datetime.datetime) -> bool:
        """Take note of an end, start what is due; return whether anything was to be done."""
        has_ended = self.program is not None and self.program.poll() is not None
        if has_ended:
            self.end(moment)
        is_due = moment >= self.due
        if is_due:
            self._begin(moment)
        if has_ended or is_due:
            logger.info("%s is due at %s", self.line.name, self.line.tell(self.due))
        return has_ended or is_due

    def _begin(self, moment: datetime.datetime) -> None:
        due, self.due = self.due, self.line.due_after(moment)
        if self.program is not None:
            logger.warning("%s of %s is left out: one is still at work", self.line.name, self.line.tell(due))
            return
        logger.info("%s of %s begins", self.line.name, self.line.tell(due))
        try:
            self.program = commands.start(self.line.command_for(due))
        except PipelineError as error:
            # A machine that is out of memory or processes for a moment; what is at work ends when we do.
            logger.error("%s", error)  # noqa: TRY400 (said in words)
            self.last = {"ended_at": moment.isoformat(), "exit_code": error.exit_code}

    def pass_on(self, number: signal.Signals) -> bool:
        """Send the program a signal; return whether there is one at work."""
        if self.program is not None:
            self.program.send_signal(number)
        return self.program is not None

    def end(self, moment: datetime.datetime) -> int:
        """Wait for the program's end, where one is at work, and return its exit code as a shell would give it."""
        if self.program is None:
            return 0
        status = self.program.wait()
        code = status if status >= 0 else 128 - status
        level = logging.ERROR if code else logging.INFO
        logger.log(level, "%s ended with exit code %d: %s", self.line.name, code, meaning(code))
        self.program, self.last = None, {"ended_at": moment.isoformat(), "exit_code": code}
        return code


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def keep(lines: Sequence[Line], file: Checkpoint, *, clock: Clock = _now, pause: Pause = time.sleep) -> int:
    """Start each line's program whenever it is due, until Ctrl-C or SIGTERM, and return what to end with.

    The clock is looked at every second, not slept by: it may be set, and the machine may have been asleep. A stop is
    passed on to what is at work, whose end is waited for and whose exit code is then ours; else that is 0. How it all
    went is written to `file`, for `complaints`.
    """
    kept = [_Kept(line, clock()) for line in lines]
    before = (file.read() or {}).get("lines", {})
    for one in kept:
        one.last = before.get(one.line.name, {}).get("last", {})
        logger.info("%s is due at %s (%s)", one.line.name, one.line.tell(one.due), one.line.schedule)
    _write(file, kept)
    with interruption.interrupts_noted() as stops:
        while not stops:
            news = [one.look(clock()) for one in kept]
            if any(news):
                _write(file, kept)
            pause(_SECONDS_BETWEEN_LOOKS)
    return _stop(kept, file, clock)


def _stop(kept: Sequence["_Kept"], file: Checkpoint, clock: Clock) -> int:
    at_work = [one for one in kept if one.pass_on(signal.SIGTERM)]
    for one in at_work:
        logger.info("stopped, and so is %s, whose end is waited for", one.line.name)
    codes = [one.end(clock()) for one in at_work]
    _write(file, kept)
    return max(codes, default=0)


def _write(file: Checkpoint, kept: Sequence[_Kept]) -> None:
    told = {one.line.name: {"due": one.due.isoformat(), "last": one.last} for one in kept}
    try:
        with writing_to(file.path.parent):
            file.path.parent.mkdir(parents=True, exist_ok=True)
        file.write({"lines": sorted(told)}, {"lines": told})
    except PipelineError as error:
        # A full disk is the run's to complain of, and may be mended by the next one.
        logger.warning("%s", error)


def complaints(file: Checkpoint, moment: datetime.datetime) -> list[str]:
    """Return what a health check has to complain of: a last run that failed, a line that is not kept; empty if well.

    A failure is forgiven when something has been published since, by whomever.
    """
    content = file.read()
    if content is None:
        return [f"no schedule is kept here: there is no {file.path}"]
    found = []
    for name, line in content["lines"].items():
        last = line["last"]
        if last.get("exit_code") and not _has_published_since(file.path.parent, last["ended_at"]):
            found.append(f"{name} ended with exit code {last['exit_code']} at {last['ended_at'][:19]} UTC")
        if moment > datetime.datetime.fromisoformat(line["due"]) + _OVERDUE:
            found.append(f"{name} was due at {line['due'][:19]} UTC, and nothing has been done about it")
    return found


def _has_published_since(artifacts: Path, moment: str) -> bool:
    since = datetime.datetime.fromisoformat(moment).timestamp()
    proofs = (RunFolder(folder).checkpoint("publish").path for folder in artifacts.iterdir() if folder.is_dir())
    return any(proof.exists() and proof.stat().st_mtime > since for proof in proofs)
