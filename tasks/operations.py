"""What is done beside the job, at any time."""

import sys
from collections.abc import Mapping

from tasks import rollback, settings
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
