"""A small HTTP server on loopback that answers and breaks as a test says, and records its requests."""

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # Whether a Range header is heeded.
    ranged: bool = False


@dataclass
class Fault:
    """A fault of answers whose path contains `at`: another status, or a body that is cut, stalled or slowed down."""

    at: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None
    stall_after: int | None = None
    # Seconds between pieces of a few bytes.
    trickle_s: float | None = None
    # Of every such answer, not of one.
    lasting: bool = False
    # Empty for any.
    method: str = ""

    def strikes(self, asked: "Asked") -> bool:
        return self.at in asked.path and self.method in ("", asked.method)


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go away in a test."""


class Loopback:
    """Base of the archives' servers; a subclass gives `answer`."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.sent: list[tuple[str, int]] = []
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                outer._serve(self, asked)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = serve

            def log_message(self, *args: object) -> None:
                """Keep quiet."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://{self.host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def sent_of(self, at: str) -> int:
        """Bytes of bodies whose path contains `at`."""
        return sum(size for path, size in self.sent if at in path)

    def answer(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def _serve(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        self.asked.append(asked)
        fault = next((fault for fault in self.faults if fault.strikes(asked)), None)
        if fault is not None and fault.status is not None:
            answer = Answer(fault.status, fault.body, fault.headers)
        else:
            answer = _ranged(self.answer(asked), asked.headers.get("Range"), asked.headers.get("If-Range"))
            if answer.status not in (200, 206):
                # A fault of the body waits for one.
                fault = None
        if fault is not None and not fault.lasting:
            self.faults.remove(fault)
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        if asked.method == "HEAD":
            return
        stop = None
        if fault is not None:
            stop = fault.cut_after if fault.cut_after is not None else fault.stall_after
        piece = answer.body[:stop]
        try:
            pause = None if fault is None else fault.trickle_s
            step = max(1, len(piece)) if pause is None else 16
            for at in range(0, len(piece), step):
                if pause is not None and self._closing.wait(pause):
                    return
                handler.wfile.write(piece[at : at + step])
                handler.wfile.flush()
        except OSError:
            return
        self.sent.append((asked.path, len(piece)))
        if stop is not None:
            if fault is not None and fault.stall_after is not None:
                self._closing.wait(5)
            handler.close_connection = True


def _ranged(answer: Answer, asked: str | None, if_range: str | None) -> Answer:
    if not (answer.ranged and asked and answer.status == 200):
        return answer
    if if_range and if_range not in (answer.headers.get("ETag"), answer.headers.get("Last-Modified")):
        return answer
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
    assert match is not None, asked
    first, total = int(match[1]), len(answer.body)
    last = min(int(match[2]) if match[2] else total - 1, total - 1)
    if first >= total:
        return Answer(416, b"", {"Content-Range": f"bytes */{total}"})
    headers = answer.headers | {"Content-Range": f"bytes {first}-{last}/{total}"}
    return Answer(206, answer.body[first : last + 1], headers)
