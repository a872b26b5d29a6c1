"""Signals to processes that may have ended."""

import signal
import subprocess
import sys

from rtcflow.process_group import signal_group


def test_a_group_is_signalled_only_while_it_exists():
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    assert signal_group(process.pid, 0)
    assert signal_group(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not signal_group(process.pid, signal.SIGTERM)
    process.stdin.close()
