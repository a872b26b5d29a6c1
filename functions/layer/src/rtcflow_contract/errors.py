"""Error classes that say what to do next: refused, transient or defect.

The class of an error crosses every boundary of the system: as Lambda error name, as exit code of the container
task, as `error_class` in a failure record and in the scene report.
"""

from enum import StrEnum
from typing import ClassVar


class ErrorClass(StrEnum):
    """What an operator does about an error: correct the input, wait, or look into the cause."""

    REFUSED = "refused"
    TRANSIENT = "transient"
    DEFECT = "defect"


# From sysexits.h: data error, temporary failure, internal software error.
EXIT_CODES: dict[ErrorClass, int] = {
    ErrorClass.REFUSED: 65,
    ErrorClass.TRANSIENT: 75,
    ErrorClass.DEFECT: 70,
}


class RtcflowError(Exception):
    """Base of the errors a user may see; the message is one sentence: what was wrong and what to do.

    Parameters
    ----------
    message : str
        The sentence shown to the user.
    reason : str, optional
        Short stable name of the reason in kebab case (``dem-missing-land``), for metrics and tests.
    """

    error_class: ClassVar[ErrorClass] = ErrorClass.DEFECT

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.error_class.value

    @property
    def exit_code(self) -> int:
        """Exit code of a process that ends with this error."""
        return EXIT_CODES[self.error_class]


class RefusedError(RtcflowError):
    """The input can never work: no retry."""

    error_class = ErrorClass.REFUSED


class NotFoundError(RefusedError):
    """Something that was asked for does not exist."""


class TransientError(RtcflowError):
    """Network, throttling, capacity: the input may work later; `retry_after_s` is the wait the server asks for."""

    error_class = ErrorClass.TRANSIENT

    def __init__(self, message: str, reason: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, reason)
        self.retry_after_s = retry_after_s


class DefectError(RtcflowError):
    """Anything else: a fault of the software, not retried blindly."""

    error_class = ErrorClass.DEFECT


_TYPES = {error.error_class: error for error in (RefusedError, TransientError, DefectError)}


def error_of(error_class: ErrorClass, message: str, reason: str | None = None) -> RtcflowError:
    """Make an error of a class; arguments are those of `RtcflowError`."""
    return _TYPES[error_class](message, reason)


# Error names of Lambda and Step Functions, by error class.
_CLASSES_OF_NAMES: dict[str, ErrorClass] = {
    "RefusedError": ErrorClass.REFUSED,
    "NotFoundError": ErrorClass.REFUSED,
    "StaticLayersMissing": ErrorClass.REFUSED,
    "TransientError": ErrorClass.TRANSIENT,
    "States.Timeout": ErrorClass.TRANSIENT,
    "Sandbox.Timedout": ErrorClass.TRANSIENT,
    "Lambda.Unknown": ErrorClass.TRANSIENT,
    "Lambda.ServiceException": ErrorClass.TRANSIENT,
    "Lambda.AWSLambdaException": ErrorClass.TRANSIENT,
    "Lambda.SdkClientException": ErrorClass.TRANSIENT,
    "Lambda.TooManyRequestsException": ErrorClass.TRANSIENT,
}


def error_class_of_name(error: str) -> ErrorClass:
    """Error class of an error name of Lambda or Step Functions; unknown names are defects."""
    return _CLASSES_OF_NAMES.get(error, ErrorClass.DEFECT)
