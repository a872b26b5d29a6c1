"""The SNS topic on which items are published, one message per item."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import boto3

from rtcflow_cloud.failures import translated


@lru_cache(maxsize=1)
def _client() -> Any:
    return boto3.client("sns")


def publish(topic: str, message: str, attributes: Mapping[str, tuple[str, str]], client: Any = None) -> None:
    """Publish a message.

    Parameters
    ----------
    topic : str
        ARN.
    message : str
    attributes : mapping of str to (str, str)
        Type (`String`, `Number`) and value by name.

    Raises
    ------
    TransientError, RefusedError, DefectError
        When SNS did not accept it.
    """
    with translated(f"topic {topic}"):
        (client or _client()).publish(
            TopicArn=topic,
            Message=message,
            MessageAttributes={
                name: {"DataType": kind, "StringValue": value} for name, (kind, value) in attributes.items()
            },
        )
