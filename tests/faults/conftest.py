from tests.disks import small_disk
from tests.faults.second_run import changed, interrupted, unbroken
from tests.servers import serve, server_15
from tests.worlds import destinations, first_run, keeper, published, sources, start, world

__all__ = [
    "changed", "destinations", "first_run", "interrupted", "keeper", "published", "serve", "server_15", "small_disk",
    "sources", "start", "unbroken", "world",
]  # fmt: skip
