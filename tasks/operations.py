"""What is done beside the job, at any time."""

import sys
from collections.abc import Mapping
from typing import Any

from tasks import ending, freshness, history, rollback, settings
from tasks.errors import PipelineError
from tasks.task import DatabaseReady, TowpathTask


class RollBack(TowpathTask):
    """Bring back the version that readers saw before; once more, and it goes forward again."""

    _is_done = False

    def complete(self) -> bool:
        return self._is_done

    def requires(self) -> Mapping[str, TowpathTask]:
        return {"ready": DatabaseReady(role="destination")}

    def run(self) -> None:
        destination = settings.database("destination", application_name="towpath RollBack")
        options = settings.publish_options()
        seconds, rebinds = options.readers_timeout_seconds, options.rebinds
        current, before = rollback.roll_back(
            destination, readers_timeout_seconds=seconds, rebinds=rebinds, listener=self.tell
        )
        self._is_done = True
        sys.stdout.write(
            f"\nReaders of {destination} see load {before.load_id} of run {before.run} again, as of "
            f"{before.snapshot_at[:19]} UTC, in place of load {current.load_id} of run {current.run}.\n"
            "RollBack once more goes forward again; the next new run replaces both.\n"
        )


class CheckFreshness(TowpathTask):
    """See whether what readers see is recent enough; if not, or if it cannot be asked, `[notify]` is told."""

    _is_done = False

    def complete(self) -> bool:
        return self._is_done

    def run(self) -> None:
        every = settings.expected_every()
        # No task before this one: that the destination does not answer is to be told as well.
        DatabaseReady(role="destination").ensure()
        destination = settings.database("destination", application_name="towpath-asks")
        ended = history.reports(settings.artifacts_root(), destination=str(destination))
        told = freshness.ensure_recent(destination, expected_every=every, ended=ended)
        self._is_done = True
        sys.stdout.write(f"{told}\n")

    def on_failure(self, exception: BaseException) -> Any:
        if isinstance(exception, PipelineError):
            ending.late(exception)
        return super().on_failure(exception)
