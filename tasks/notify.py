"""Messages to people, by mail, chat or webhook: whatever apprise has a URL for. Such a URL is a secret.

apprise is imported where it is used: it takes over a second, for which nobody waits whom nobody is to be told of.
"""

import contextlib
import functools
import logging
import re
import threading
import time
import urllib.parse
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.errors import Doubt

if TYPE_CHECKING:
    import apprise

logger = logging.getLogger(__name__)

# What a message can be of, and as what it is shown.
EVENTS = {"failure": "failure", "recovery": "success", "success": "success", "lateness": "warning"}

_PAUSE_SECONDS = 2.0
# Below this, a piece of a URL is a word like any other.
_SECRET_LENGTH = 3


@dataclass(frozen=True, kw_only=True)
class NotifyOptions:
    """Who is told of which EVENTS, how often it is tried, and for how many seconds in all."""

    urls: Sequence[str] = field(repr=False)
    on: Collection[str]
    tries: int
    timeout_seconds: float


@dataclass(frozen=True, kw_only=True)
class Message:
    """Plain text; `event` is one of EVENTS. Some services show the beginning only."""

    event: str
    title: str
    body: str


def send(message: Message, options: NotifyOptions) -> None:
    """Send a message to all at once, if its event is told of; whom it did not reach is a warning in the log.

    One that hangs keeps neither the others waiting nor, beyond the time limit, us.
    """
    if not options.urls or message.event not in options.on:
        return
    deadline = time.monotonic() + options.timeout_seconds
    sendings = [_Sending(message, sender) for sender in _senders(options)]
    for sending in sendings:
        sending.start()
    for sending in sendings:
        sending.join(max(0.0, deadline - time.monotonic()))
    for number, sending in enumerate(sendings):
        if not sending.is_sent:
            name, why = _name(options.urls, number), _without_secrets(sending.why, options.urls[number])
            logger.warning("the alert of %s did not reach %s: %s", message.event, name, why)
    reached = sum(sending.is_sent for sending in sendings)
    logger.info("the alert of %s reached %d of %d", message.event, reached, len(sendings))


def consider(options: NotifyOptions) -> str | list[Doubt]:
    """Say who will be told of what, or doubt the URLs that apprise cannot read."""
    if not options.urls:
        return "nobody is told how a run ends: [notify] urls is empty"
    try:
        _imported()
    except Exception as error:  # noqa: BLE001 (a package that is not whole raises anything, and the copying needs none)
        why = f"{type(error).__name__}: {error}"
        hint = "install Towpath's packages anew: remove .venv, then make install"
        return [Doubt(f"apprise cannot be used, so nobody will be told of anything: {why}", hint)]
    doubts = [
        Doubt(
            f"{_name(options.urls, number)} is no URL that apprise can read: nothing will reach it",
            "compare it with that service's page on https://appriseit.com/services/",
        )
        for number, sender in enumerate(_senders(options))
        if not sender
    ]
    return doubts or f"{', '.join(map(_scheme, options.urls))} will be told of {', '.join(options.on) or 'nothing'}"


class _Sending(threading.Thread):
    """One message on its way to one service; a daemon, because the end of a run waits for no server that hangs."""

    def __init__(self, message: Message, sender: "apprise.Apprise") -> None:
        super().__init__(daemon=True)
        self._message = message
        self._sender = sender
        self.is_sent = False
        self.why = "it did not answer in time" if sender else "apprise cannot read its URL"

    def run(self) -> None:
        if not self._sender:
            return
        title, body, kind = self._message.title, self._message.body, EVENTS[self._message.event]
        result = self._sender.notify(title=title, body=body, notify_type=kind, body_format="text")
        if said := [entry.message for entry in result.logs()]:
            self.why = said[-1]
        self.is_sent = bool(result)


def _senders(options: NotifyOptions) -> "list[apprise.Apprise]":
    """Return one for each URL, empty where apprise cannot read it."""
    apprise = _imported()
    asset = apprise.AppriseAsset(
        app_id="Towpath",
        app_desc="Towpath",
        # Pictures from elsewhere.
        image_url_mask="",
        image_url_logo="",
        default_service_retry=options.tries - 1,
        default_service_wait=_PAUSE_SECONDS,
        # Each has a thread of ours: the end of a process waits for those of apprise's own.
        async_mode=False,
        service_timeout=0,
    )
    senders = [apprise.Apprise(asset=asset) for _ in options.urls]
    for sender, url in zip(senders, options.urls, strict=True):
        # Some services raise on what they cannot read.
        with contextlib.suppress(Exception):
            sender.add([url])
        for service in sender:
            # Most refuse what is too long, which is worse than to lose its end.
            if service.overflow_mode == apprise.OverflowMode.UPSTREAM:
                service.overflow_mode = apprise.OverflowMode.TRUNCATE
    return senders


@functools.cache
def _imported() -> Any:
    """Return apprise; it is kept out of every log, for a URL's secrets: what is to be known we say ourselves."""
    for name in ("apprise", "urllib3"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    import apprise  # noqa: PLC0415 (see above)

    return apprise


def _name(urls: Sequence[str], number: int) -> str:
    """Name a URL by its place and scheme: what follows may be a secret, with some services the host as well."""
    return f"[notify] urls, {number + 1} of {len(urls)} ({_scheme(urls[number])})"


def _scheme(url: str) -> str:
    found = re.match(r"([a-z][a-z0-9]{0,19})://", url, re.IGNORECASE)
    return found[1].lower() if found else "of no kind"


def _without_secrets(text: str, url: str) -> str:
    pieces = re.split(r"[/:@?&=,+]+", url.partition("://")[2])
    spelled = {spelling for piece in pieces for spelling in (piece, urllib.parse.unquote(piece))}
    for piece in sorted(spelled, key=len, reverse=True):
        if len(piece) >= _SECRET_LENGTH:
            text = text.replace(piece, "…")
    return text
