"""What Luigi logs of a task, in our words: its own are tracebacks."""

import logging

import luigi.rpc

from tasks.errors import PipelineError

_LUIGID_GONE = """luigid went away in mid-run: %s; what is complete is kept, readers see a whole version
    what to do: run the same command again; it does without luigid where that does not answer"""


class Told(logging.Filter):
    """Show a foreseen failure by its own words instead of a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, PipelineError):
            record.msg, record.args, record.exc_info, record.exc_text = str(error), (), None, None
        if isinstance(error, luigi.rpc.RPCError):
            record.msg, record.args, record.exc_info, record.exc_text = _LUIGID_GONE, (error,), None, None
        if record.module == "rpc":
            record.exc_info = record.exc_text = None  # Where in Luigi's code luigid was missed helps nobody.
        return True
