"""Turn errors of the machine into errors of the contract: disk, memory, time, and requests to stop."""

from rtcflow_contract.errors import DefectError, RefusedError, RtcflowError, TransientError
from rtcflow_files.folder import DISK_FULL

# Reasons of defects whose message needs no stack trace.
OF_THE_MACHINE = ("disk-full", "out-of-memory", "work-folder")


class StopRequest(BaseException):
    """Raised to give up the work when the process is asked to stop."""

    def __init__(self, error: RtcflowError) -> None:
        super().__init__(error.message)
        self.error = error


def stopped() -> StopRequest:
    """A stop from outside: Spot interruption, a cancelled execution, a shutdown."""
    return StopRequest(TransientError("the task was stopped from outside; start it again", reason="stopped"))


def as_contract_error(error: BaseException) -> RtcflowError:
    """The contract's error for any error; unknown errors are defects.

    A full disk and exhausted memory are defects: a larger task helps, but neither a retry nor another input.
    """
    if isinstance(error, RtcflowError):
        return error
    if isinstance(error, StopRequest):
        return error.error
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return DefectError(
            f"the disk is full ({error.filename or 'work folder'}); free space, on AWS by a larger "
            "EphemeralStorageGiB of the stack, and start again",
            reason="disk-full",
        )
    if isinstance(error, RecursionError):
        return RefusedError("an input is nested too deeply to be read; correct it", reason="nested-too-deep")
    if isinstance(error, MemoryError):
        return DefectError(
            "there is not enough memory for this burst; use a machine, or a task size of the stack, with more",
            reason="out-of-memory",
        )
    # Some libraries' messages have many lines.
    return DefectError(
        f"unexpected {type(error).__name__}: {' '.join(str(error).split())}", reason="unexpected"
    )
