import importlib
import os
import sys
from types import ModuleType, SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from rtcflow_files.s3_clients import s3_client


@pytest.fixture
def aws(monkeypatch):
    """S3 with the stack's buckets and one for scenes; the default clients reach it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
        monkeypatch.delenv(name)
    with mock_aws():
        s3_client.cache_clear()
        s3 = boto3.client("s3")
        for bucket in ("products", "work", "scenes"):
            s3.create_bucket(Bucket=bucket)
        yield s3
        s3_client.cache_clear()


@pytest.fixture
def load_handler(monkeypatch):
    """Loads a function's handler as Lambda does, with the environment that the template gives it."""

    def load(name: str, **environment: str) -> ModuleType:
        defaults = {"AWS_REGION": "us-east-1", "POWERTOOLS_SERVICE_NAME": "rtcflow"}
        for key, value in {**defaults, **environment}.items():
            monkeypatch.setenv(key, value)
        module = f"{name}.app"
        # The environment is read at import, as in Lambda.
        monkeypatch.delitem(sys.modules, module, raising=False)
        return importlib.import_module(module)

    return load


@pytest.fixture
def lambda_context():
    return SimpleNamespace(
        function_name="f",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f",
        aws_request_id="1",
        get_remaining_time_in_millis=lambda: 300_000,
    )
