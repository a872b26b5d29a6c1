"""The deadline of a Lambda: its calls succeed or fail with an error before Lambda stops it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_files.retry import time_limit

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

# Time left for reporting an error.
_MARGIN_S = 5.0


def within_time(handler: Handler) -> Handler:
    """Limit the calls of a handler to the remaining time of the invocation."""

    @wraps(handler)
    def limited(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        with time_limit(context.get_remaining_time_in_millis() / 1000 - _MARGIN_S):
            return handler(event, context)

    return limited
