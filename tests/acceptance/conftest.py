from tests.services import postbox, webhook
from tests.worlds import destinations, first_run, keeper, published, sources, start, world

__all__ = ["destinations", "first_run", "keeper", "postbox", "published", "sources", "start", "webhook", "world"]
