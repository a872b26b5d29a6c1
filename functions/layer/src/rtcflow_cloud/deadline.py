"""The deadline of a Lambda: its calls are done, or fail with an error that says why, before it is stopped."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_files.retry import time_limit

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

# Left for saying what went wrong.
_MARGIN_S = 5.0


def within_time(handler: Handler) -> Handler:
    """Hold every call of a handler to the time that the invocation has left."""

    @wraps(handler)
    def limited(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        with time_limit(context.get_remaining_time_in_millis() / 1000 - _MARGIN_S):
            return handler(event, context)

    return limited
