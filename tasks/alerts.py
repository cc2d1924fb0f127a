"""The words in which people are told how a run has ended, and that readers see what is late."""

import platform
import textwrap
from collections.abc import Collection, Iterator
from pathlib import Path

from tasks.amounts import change, count, duration, moment
from tasks.checkpoints import Json
from tasks.errors import PipelineError, PublishedLate
from tasks.notify import Message

# A phone's lock screen shows some fifty letters, a chat takes some two thousand.
_TITLE_WIDTH = 100
_MESSAGE_WIDTH = 600


def of_run(report: Json, *, on: Collection[str]) -> Message:
    """Tell of a run from its report; a recovery is a success like any other to whoever is not told of recoveries."""
    if report["failures"]:
        return _failure(report)
    return _recovery(report) if report["after_failure"] and "recovery" in on else _success(report)


def of_lateness(error: PipelineError) -> Message:
    """Tell that what readers see is late, or that it could not be found out."""
    what = "late" if isinstance(error, PublishedLate) else "is it late? Not known"
    return Message(
        event="lateness",
        title=_title(f"{what} (code {error.exit_code}): {error.message}"),
        body=_body([error.message, f"What to do: {error.hint}", f"Asked on {platform.node()}"]),
    )


def _failure(report: Json) -> Message:
    last, since = report["failures"][-1], report["failing_since"]
    first_line = last["message"].partition("\n")[0]
    return Message(
        event="failure",
        title=_title(f"run {report['run']} failed (code {last['exit_code']}): {first_line}"),
        body=_body(
            [
                *(paragraph for failure in reversed(report["failures"]) for paragraph in _failed(failure)),
                _readers(report["readers"]),
                f"Run {report['run']}, exit code {last['exit_code']}, failing since {moment(since)}.",
                f"To go on with it, with its settings: luigi --module tasks FullPipeline --run-id={report['run']}",
                _where(report),
            ]
        ),
    )


def _failed(failure: Json) -> Iterator[str]:
    # What to do comes after it, and is not to be lost where a service takes little. Several stops have a line each.
    message = "\n".join(line.strip() for line in failure["message"].splitlines())
    if len(message) > _MESSAGE_WIDTH:
        message = message[:_MESSAGE_WIDTH].rpartition(" ")[0] + " … (the rest is in the log)"
    yield f"{failure['task']} failed: {message}"
    yield f"What to do: {failure['remedy']}"


def _recovery(report: Json) -> Message:
    before = report["after_failure"]
    failed = "; ".join(f"{f['task']} (code {f['exit_code']}): {f['message']}" for f in before["failures"])
    told = (
        f"It had failed since {moment(before['failing_since'])}, last {moment(before['ended_at'])} in run "
        f"{before['run']}: {textwrap.shorten(failed, _MESSAGE_WIDTH, placeholder=' …')}"
    )
    return Message(
        event="recovery",
        title=_title(f"recovered: run {report['run']} is published"),
        body=_body(
            [
                _counts(report),
                told,
                _readers(report["readers"]),
                _where(report),
            ]
        ),
    )


def _success(report: Json) -> Message:
    return Message(
        event="success",
        title=_title(f"run {report['run']} is published: {_counts(report)}"),
        body=_body([_counts(report), *_notes(report), _readers(report["readers"]), _where(report)]),
    )


def _counts(report: Json) -> str:
    before = f" ({change(report['rows'] - report['before']['rows'])})" if report["before"] else ""
    return (
        f"{len(report['tables'])} tables, {count(report['rows'])} rows{before}, {len(report['models'])} models, "
        f"{report['tests_passed']} tests passed, {duration(report['run_seconds'])}"
    )


def _notes(report: Json) -> Iterator[str]:
    for what, texts in (("Changed at the source", report["drift"]), ("Warnings of tests", report["test_warnings"])):
        if texts:
            told = "; ".join(map(str, texts))
            yield f"{what} ({len(texts)}): {textwrap.shorten(told, _MESSAGE_WIDTH, placeholder=' …')}"


def _readers(readers: Json | None) -> str:
    if readers is None:
        return "Readers see nothing yet: nothing has been published."
    if "unknown" in readers:
        return f"What readers see could not be asked: {readers['unknown']}"
    return (
        f"Readers see load {readers['load_id']} of run {readers['run']}, as of {moment(readers['snapshot_at'])}, "
        f"since {moment(readers['published_at'])}."
    )


def _where(report: Json) -> str:
    lines = [
        f"From {report['source']['database']} to {report['destination']}, on {platform.node()}",
        f"Log: {report['log']}" if report["log"] else f"Folder: {report['folder']}",
    ]
    page = Path(report["folder"]) / "report.html"
    return "\n".join([*lines, f"Report: {page}"] if page.exists() else lines)


def _title(text: str) -> str:
    # By letters: what failed is often one long word.
    title = " ".join(f"Towpath: {text}".split())
    return title if len(title) <= _TITLE_WIDTH else f"{title[: _TITLE_WIDTH - 1]}…"


def _body(paragraphs: list[str]) -> str:
    return "\n\n".join(paragraphs) + "\n"
