"""How OpenLineage events travel: to a file, to a server.

Openlineage is an extra: this room is entered only where events are wanted.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import requests
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import RunEvent
from openlineage.client.transport import Transport
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import HttpConfig, HttpTransport

from tasks.addresses import Address

# At DEBUG they log whole addresses, with what may be a key in them.
for _name in ("openlineage", "urllib3"):
    logging.getLogger(_name).setLevel(logging.INFO)


def to_file(path: Path) -> Transport:
    return FileTransport(FileConfig(log_file_path=str(path), append=True))


def to_server(address: Address, path: str, *, api_key: str, timeout_seconds: float) -> Transport:
    given = {"url": address.base, "endpoint": path, "timeout": timeout_seconds, "retry": {"total": 2}}
    key = {"auth": {"type": "api_key", "apiKey": api_key}} if api_key else {}
    transport = HttpTransport(HttpConfig.from_dict({**given, **key}))
    if address.user:
        # Not as one of the configuration's headers, which the transport would log.
        transport.session.auth = (address.user, address.password or "")
    return transport


def emit(events: Iterable[RunEvent], transport: Transport) -> None:
    """Give each to a transport, as an `openlineage.yml` (filters, tags) says.

    Raises:
        RuntimeError: the file cannot be written.
        ConnectionError: the server did not take one.
    """
    # Whose repository the working folder is says nothing of these jobs.
    client = OpenLineageClient(transport=transport, config={"facets": {"source_code_location": {"disabled": True}}})
    try:
        for event in events:
            client.emit(event)
    except requests.RequestException as error:
        raise ConnectionError(_reason(error)) from None
    finally:
        client.close()


def _reason(error: requests.RequestException) -> str:
    """Say why, without the address, which such an error shows with all that is in it."""
    if error.response is not None:
        return f"HTTP status {error.response.status_code}"
    first: BaseException = error
    while before := first.__cause__ or first.__context__:
        first = before
    return type(error).__name__ if first is error else str(first)
