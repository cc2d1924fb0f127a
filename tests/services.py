"""Where alerts arrive: a real mail server and a real webhook, on the loopback address."""

import email
import email.message
import email.policy
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tasks.checkpoints import Json

USER, MAIL_PASSWORD = "towpath", "Mh4WmailSecret"
TOKEN = "Wq8YhookSecret"


class Postbox:
    """A mail server that takes mail from whoever knows the password."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []
        self._server = Controller(
            self, hostname="127.0.0.1", port=_free_port(), authenticator=self._let_in, auth_require_tls=False
        )

    @property
    def url(self) -> str:
        """How apprise is told of it."""
        place = f"{self._server.hostname}:{self._server.port}"
        return f"mailto://{USER}:{MAIL_PASSWORD}@{place}?from=towpath@example.com&to=data@example.com"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if not session.authenticated:
            return "530 who are you?"
        assert isinstance(envelope.content, bytes)
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, email.message.EmailMessage)
        self.mails.append(parsed)
        return "250 OK"

    def _let_in(self, *given: object) -> AuthResult:
        return AuthResult(success=given[-1] == LoginPassword(USER.encode(), MAIL_PASSWORD.encode()))


class Webhook:
    """A web server that notes what is posted to it; answers in turn what it is told to, then 200."""

    def __init__(self) -> None:
        self.posted: list[Json] = []
        self.answers: list[int] = []
        self.hangs = threading.Event()
        self.asked = 0
        noted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                is_to_hang = noted.hangs.is_set()
                noted.asked += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if is_to_hang:
                    # A letter now and then, for ever: no time limit on a single answer ends that.
                    while noted.hangs.is_set():
                        self.wfile.write(b"H")
                        self.wfile.flush()
                        time.sleep(0.2)
                    return
                noted.posted.append({"path": self.path, **json.loads(body)})
                self.send_response(noted.answers.pop(0) if noted.answers else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """How apprise is told of it; what is secret is in the path, as with Slack's and Teams's."""
        return f"json://127.0.0.1:{self._server.server_port}/services/{TOKEN}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.hangs.clear()
        self._server.shutdown()
        self._server.server_close()


def _free_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        return int(taken.server_port)


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    made = Postbox()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    made = Webhook()
    made.start()
    yield made
    made.stop()
