from tests.disks import small_disk
from tests.servers import serve, server_15
from tests.worlds import destinations, first_run, keeper, published, sources, start, world

__all__ = [
    "destinations", "first_run", "keeper", "published", "serve", "server_15", "small_disk", "sources", "start", "world",
]  # fmt: skip
