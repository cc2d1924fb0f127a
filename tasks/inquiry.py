"""Questions asked one after another, all of them, and their answers in one readable list: ok, warn, stop."""

import logging
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tasks.checkpoints import Json
from tasks.errors import Doubt, LockNotGranted, PipelineError, WarningsFound

logger = logging.getLogger(__name__)

_MARKS = {"ok": "ok", "warn": "warn", "stop": "stop", "not asked": "-"}
_WIDTH = 120
_INDENT = 24


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One answer: `level` is ok, warn, stop or not asked; `exit_code` is that of the stop's kind."""

    level: str
    topic: str
    text: str
    remedy: str = ""
    exit_code: int = 0

    def to_json(self) -> Json:
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{_MARKS[self.level]:<4}  {self.topic:<16}  {self.text}"]
        if self.remedy:
            lines.append(f"{'':{_INDENT}}what to do: {self.remedy}")
        return "\n".join(
            textwrap.fill(line, _WIDTH, subsequent_indent=" " * _INDENT, break_long_words=False, break_on_hyphens=False)
            for line in lines
        )


@dataclass(frozen=True)
class Unknown:
    """A fact that could not be learned, and why: what builds on it is not asked."""

    why: str


@dataclass(frozen=True)
class Known:
    """A fact for other questions to build on, with the answer to the one that found it."""

    fact: Any
    answer: str | Sequence[Doubt]


class Inquiry:
    """Keeps the findings of the questions that it asks."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def ask(self, topic: str, question: Callable[..., Any], *facts: Any, ok: str = "") -> Any:
        """Put a question to the facts that it builds on and return what it found out, which may be an Unknown.

        A question answers with a sentence, with doubts or with Known; `ok` is what is told where it has nothing to
        say. The PipelineError that it raises is a stop.
        """
        unknown = next((fact for fact in facts if isinstance(fact, Unknown)), None)
        if unknown is not None:
            self._note("not asked", topic, f"not asked: {unknown.why}")
            return unknown
        try:
            said = question(*facts)
        except LockNotGranted as error:
            # A step would wait for it.
            self._note("warn", topic, f"could not be asked, because of a lock: {error.message}", "ask again later")
            return Unknown(f"what {topic} needs was locked")
        except PipelineError as error:
            self._note("stop", topic, error.message, error.hint, error.exit_code)
            return Unknown(f"first mend what is said of {topic}")
        fact, answer = (said.fact, said.answer) if isinstance(said, Known) else (None, said)
        if isinstance(answer, str) or not answer:
            self._note("ok", topic, answer or ok)
        else:
            for doubt in answer:
                self._note("warn", topic, doubt.message, doubt.hint)
        return fact

    def _note(self, level: str, topic: str, text: Any, remedy: str = "", exit_code: int = 0) -> None:
        self.findings.append(Finding(level=level, topic=topic, text=text, remedy=remedy, exit_code=exit_code))


def summarize(findings: Sequence[Finding]) -> str:
    """Count them: `17 ok, 2 warnings`."""
    words = {"ok": "ok", "warn": "warning", "stop": "stop", "not asked": "not asked"}
    told = []
    for level, word in words.items():
        number = len(of_level(findings, level))
        plural = "s" if level in ("warn", "stop") and number != 1 else ""
        if number:
            told.append(f"{number} {word}{plural}")
    return ", ".join(told)


def tell(findings: Sequence[Finding], *, is_listed: bool) -> str:
    """Return the whole list, or log what is to be known of it: cron mails what a run says."""
    if is_listed:
        return "\n".join([*map(str, findings), "", summarize(findings), ""])
    for finding in of_level(findings, "warn"):
        logger.warning("%s: %s\n    what to do: %s", finding.topic, finding.text, finding.remedy)
    logger.info("preflight: %s", summarize(findings))
    return ""


def of_level(findings: Sequence[Finding], level: str) -> list[Finding]:
    """Return those of one level."""
    return [finding for finding in findings if finding.level == level]


def has_passed(findings: Sequence[Finding], *, strict: bool) -> bool:
    """Whether a run may go on."""
    return not of_level(findings, "stop") and not (strict and of_level(findings, "warn"))


def ensure_passed(findings: Sequence[Finding], *, strict: bool) -> None:
    """Raise what stops a run, all of it in one error with the exit code of the first stop.

    Raises:
        PipelineError: there is a stop.
        WarningsFound: there are warnings, and `strict` makes them stop the run.
    """
    stops, warnings = of_level(findings, "stop"), of_level(findings, "warn")
    if stops:
        error = PipelineError(*_told(stops), hint=stops[-1].remedy)
        error.exit_code = stops[0].exit_code
        raise error
    if strict and warnings:
        raise WarningsFound(
            f"warnings of the preflight ({len(warnings)}) stop the run, as --strict demands; nothing was changed",
            hint="mend what they name, or run without --strict",
        )


def _told(stops: Sequence[Finding]) -> list[str]:
    before = [f"{stop.text}\n    what to do: {stop.remedy}\n" for stop in stops[:-1]]
    return ["".join([*before, stops[-1].text])]
