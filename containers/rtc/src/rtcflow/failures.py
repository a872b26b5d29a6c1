"""Errors of the machine as errors of the contract: disk, memory, time, and being told to stop."""

from rtcflow_contract.errors import DefectError, RefusedError, RtcflowError, TransientError
from rtcflow_files.folder import DISK_FULL

# Reasons of defects that the sentence says all about.
OF_THE_MACHINE = ("disk-full", "out-of-memory", "work-folder")


class StopRequest(BaseException):
    """The work is to be given up: the process was told to stop."""

    def __init__(self, error: RtcflowError) -> None:
        super().__init__(error.message)
        self.error = error


def stopped() -> StopRequest:
    """A stop from outside: Spot interruption, a cancelled execution, a shutdown."""
    return StopRequest(TransientError("the task was stopped from outside; start it again", reason="stopped"))


def as_contract_error(error: BaseException) -> RtcflowError:
    """The contract's error for any error; one that is not known is a defect.

    A full disk and spent memory are defects: neither a retry nor another input helps, but a larger task does.
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
            "the memory does not suffice for this burst; use a machine, or a task size of the stack, with more",
            reason="out-of-memory",
        )
    return DefectError(f"unexpected {type(error).__name__}: {error}", reason="unexpected")
