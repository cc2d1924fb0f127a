"""A real web server on a free port of the loopback address, which notes what it is sent."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody sent."""

    method: str
    path: str
    authorization: str | None
    body: bytes


class Receiver:
    """For the length of a block; `answers` are given in turn, then 200; one that `drips` never comes to an end."""

    def __init__(self, *answers: int, drips: bool = False) -> None:
        self.requests: list[Request] = []
        self._answers = list(answers)
        self._is_over = threading.Event()
        noted = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                noted.requests.append(
                    Request(method=self.command, path=self.path, authorization=self.headers["Authorization"], body=body)
                )
                # A letter now and then: no time limit on a single answer of the socket ends that.
                while drips and not noted._is_over.is_set():
                    self.wfile.write(b"H")
                    time.sleep(0.1)
                self.send_response(noted._answers.pop(0) if noted._answers else 200)
                self.end_headers()

            do_POST = do_PUT = _answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()
