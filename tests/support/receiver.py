"""A receiver of webhooks on the loopback, as a test wants it to behave."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Respond = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Receiver:
    """What arrived, with the names of headers in small letters. Each of `respond` answers one
    request, in turn; after them every answer is the status `answer`."""

    port: int = 0
    answer: int = 204
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    respond: list[Respond] = field(default_factory=list)
    bytes_sent: int = 0

    @property
    def url(self) -> str:
        """Where to post to."""
        return f"http://127.0.0.1:{self.port}/hook?x=1"


def status(code: int, **headers: str) -> Respond:
    """Answers with this status and nothing else; `Retry_After="5"` makes a header."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return respond


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens between `with` and its end."""
    known = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            respond = known.respond.pop(0) if known.respond else status(known.answer)
            try:
                respond(self)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5.0)
