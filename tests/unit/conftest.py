import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from rtcflow_cloud import storage

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = (
    "plan_scene",
    "check_static_layers",
    "assemble_stac",
    "summarize_scene",
    "find_scenes",
    "open_campaign",
    "follow_scene",
)
# Under import mode importlib the folder of these tests is not on the path; in Lambda the folder of a function is.
sys.path[:0] = [str(Path(__file__).parent), *(str(ROOT / "functions" / name) for name in FUNCTIONS)]


@pytest.fixture
def aws(monkeypatch):
    """S3 with the stack's buckets and one for scenes; the default clients reach it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
        monkeypatch.delenv(name)
    with mock_aws():
        storage.s3_client.cache_clear()
        s3 = boto3.client("s3")
        for bucket in ("products", "work", "scenes"):
            s3.create_bucket(Bucket=bucket)
        yield s3
        storage.s3_client.cache_clear()


@pytest.fixture
def load_handler(monkeypatch):
    """Loads a function's handler as Lambda does, with the environment that the template gives it."""

    def load(name: str, **environment: str) -> ModuleType:
        defaults = {"AWS_REGION": "us-east-1", "POWERTOOLS_SERVICE_NAME": "rtcflow"}
        for key, value in {**defaults, **environment}.items():
            monkeypatch.setenv(key, value)
        path = ROOT / "functions" / name / "app.py"
        spec = importlib.util.spec_from_file_location(f"{name}_app", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def lambda_context():
    return SimpleNamespace(
        function_name="f",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f",
        aws_request_id="1",
    )
