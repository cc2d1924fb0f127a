"""luigid shows runs; a run can do without it."""

import contextlib
import functools
import http.client
import logging
import urllib.parse

import luigi.configuration
import luigi.interface

logger = logging.getLogger(__name__)

_ANSWER_SECONDS = 5

# Luigi reads these settings elsewhere, and would warn that its own section does not know them.
luigi.interface.core.ignore_unconsumed |= {"rpc_retry_attempts", "rpc_retry_wait"}


@functools.cache
def do_without_if_absent() -> None:
    """Take Luigi's local scheduler where luigid is wanted and does not answer.

    To be called before Luigi makes its scheduler, so when the first task is made.
    """
    core = luigi.interface.core()
    url = core.scheduler_url or f"http://{core.scheduler_host}:{core.scheduler_port}"
    if core.local_scheduler or _answers(urllib.parse.urlsplit(url)):
        return
    logger.warning("luigid does not answer at %s: the run goes on, and is not shown there", url.rpartition("@")[2])
    luigi.configuration.get_config().set("core", "local_scheduler", "true")


def _answers(url: urllib.parse.SplitResult) -> bool:
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if url.scheme not in kinds or url.hostname is None:
        # What else Luigi understands, a socket's path for one, is left to Luigi.
        return True
    try:
        with contextlib.closing(kinds[url.scheme](url.hostname, url.port, timeout=_ANSWER_SECONDS)) as asking:
            asking.request("HEAD", "/")
            asking.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    return True
