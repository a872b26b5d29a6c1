"""An S3 of its own on this machine, for tests that run real processes."""

import os
import socket
import subprocess
import sys
import time

import boto3
import pytest
from botocore.config import Config


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """Address of the S3."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3",
        "TMPDIR": str(tmp_path_factory.mktemp("emulator")),
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
        assert server.poll() is None, "the emulator ended"
        assert time.monotonic() < deadline, "the emulator does not answer"
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(20)


@pytest.fixture
def s3_of(endpoint):
    """A client of the S3, with new buckets of the given names."""

    def make(*buckets):
        s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(s3={"addressing_style": "path"}),
        )
        for bucket in buckets:
            s3.create_bucket(Bucket=bucket)
        return s3

    return make
