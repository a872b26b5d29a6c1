"""Translate botocore's errors to those of the contract."""

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error, RetriesExceededError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from rtcflow_contract.errors import DefectError, NotFoundError, RefusedError, RtcflowError, TransientError
from rtcflow_contract.keys import Location

_NOT_FOUND = {"NoSuchKey", "404", "NotFound"}
_CREDENTIALS = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "UnrecognizedClientException",
}
_TRANSIENT = {
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestTimeout",
    "RequestTimeTooSkewed",
    "ServiceUnavailable",
    "InternalError",
    "503",
    "500",
    "502",
    "504",
    "429",
}
_NETWORK = (
    BotocoreConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)


def error_code(error: ClientError) -> str:
    """The service's own code of an error (`NoSuchKey`)."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translate(error: BotoCoreError | ClientError, where: Location | str) -> RtcflowError:
    """The contract's error for a failed call on `where`, a Location or the name of what was called."""
    bucket = where.bucket if isinstance(where, Location) else str(where)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return RefusedError(
            "no AWS credentials were found; run `aws configure` or set AWS_PROFILE", reason="credentials"
        )
    if isinstance(error, ClientError):
        code = error_code(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code == "NoSuchBucket":
            return RefusedError(
                f"bucket '{bucket}' does not exist; create it or correct its name", reason="no-such-bucket"
            )
        if code in _NOT_FOUND:
            return NotFoundError(f"{where} does not exist", reason="not-found")
        if code in _CREDENTIALS:
            return RefusedError(
                f"AWS did not accept the credentials ({code}); sign in again", reason="credentials"
            )
        if code in {"AccessDenied", "403", "AllAccessDisabled", "AccessDeniedException"}:
            return RefusedError(
                f"access to {where} was denied; grant the permission, or name another place",
                reason="access-denied",
            )
        if code in _TRANSIENT or status >= 500 or status == 429:
            return TransientError(f"{where} could not be reached ({code}); try again", reason="s3")
        return DefectError(f"{where}: {error}", reason="s3")
    if isinstance(error, _NETWORK):
        return _unreached(where, error)
    return DefectError(f"{where}: {error}", reason="aws")


@contextmanager
def translated(where: Location | str) -> Iterator[None]:
    """Within the block, raise the contract's errors in place of botocore's."""
    try:
        yield
    except Boto3Error as error:
        # A transfer error wraps its cause.
        cause = getattr(error, "last_exception", None) or error.__context__
        if isinstance(error, RetriesExceededError):
            raise _unreached(where, cause or error) from error
        if isinstance(cause, BotoCoreError | ClientError):
            raise translate(cause, where) from error
        raise DefectError(f"{where}: {error}", reason="aws") from error
    except (BotoCoreError, ClientError) as error:
        raise translate(error, where) from error


def _unreached(where: Location | str, error: BaseException) -> TransientError:
    return TransientError(
        f"{where} could not be reached ({type(error).__name__}); try again", reason="network"
    )
