"""Give up what may hang, after a time."""

import concurrent.futures
import threading
from collections.abc import Callable


def within(timeout_seconds: float, work: Callable[[], None]) -> None:
    """Do work in a thread of its own, and leave it there when its time is up.

    A socket's own time limit begins anew with each byte that a server sends, and a name that is looked up has none.

    Raises:
        TimeoutError: the time is up; the thread ends with the process.
        Exception: whatever the work raises.
    """
    ended: concurrent.futures.Future[None] = concurrent.futures.Future()

    def run() -> None:
        try:
            work()
            ended.set_result(None)
        except BaseException as error:  # noqa: BLE001 (it is raised where it is waited for)
            ended.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    if not concurrent.futures.wait([ended], timeout_seconds).done:
        raise TimeoutError(f"no answer within {timeout_seconds:g} s")
    ended.result()
