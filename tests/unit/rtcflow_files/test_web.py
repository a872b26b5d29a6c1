"""Requests of every client use the environment's proxy and certificates, and end before the deadline."""

import datetime as dt
import ipaddress
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rtcflow_archives.cmr import Cmr
from rtcflow_files import web
from rtcflow_files.http import HttpFiles
from rtcflow_files.retry import Retry, time_limit

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


class Server:
    """Answers everything with an empty catalogue; `asked` has the lines of the requests."""

    def __init__(self, context=None):
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked.append(self.requestline)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b'{"hits": 0, "took": 1, "items": []}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("CMR-Hits", "0")
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *args):
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def no_proxy(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server(no_proxy):
    running = Server()
    yield running
    running.close()


def test_files_and_catalogues_are_asked_through_the_proxy(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    HttpFiles("http://files.example/a").read("x")
    Cmr("http://cmr.example").granules(shortName=["X"])
    assert server.asked[0] == "GET http://files.example/a/x HTTP/1.1"
    assert "http://cmr.example/" in server.asked[1]


def test_hosts_of_no_proxy_are_asked_directly(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    HttpFiles(f"http://127.0.0.1:{server.port}/a").read("x")
    assert server.asked == ["GET /a/x HTTP/1.1"]


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody has signed but its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proxy of the company")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_certificates_of_the_bundle_are_trusted_and_others_are_not(no_proxy, certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    running = Server(context)
    url = f"https://127.0.0.1:{running.port}/x"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with pytest.raises(urllib3.exceptions.HTTPError):
        web.request("GET", url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert web.request("GET", url).status == 200
    running.close()


def test_no_request_outlasts_the_deadline(no_proxy, monkeypatch):
    given = []
    pool = urllib3.PoolManager()
    monkeypatch.setattr(pool, "request", lambda *a, **options: given.append(options["timeout"]))
    monkeypatch.setattr(web, "_pool", lambda proxy, certificates: pool)
    with time_limit(20.0):
        web.request("GET", "http://h/x")
    web.request("GET", "http://h/x")
    assert given[0].read_timeout <= 20.0 < given[1].read_timeout == web.READ_S


def test_a_server_that_wants_longer_than_the_deadline_is_not_waited_for(server, monkeypatch):
    slept = []
    retry = Retry(sleep=slept.append)
    monkeypatch.setattr(web, "_check_status", _throttled)
    with time_limit(20.0), pytest.raises(web.TransientError):
        HttpFiles(f"http://127.0.0.1:{server.port}", retry=retry).read("x")
    assert slept == []
    assert len(server.asked) == 1


def _throttled(answer, url):
    raise web.TransientError("throttled", retry_after_s=60.0)
