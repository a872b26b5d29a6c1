"""The emulator's process: `python -m rtcflow_local.twin.launcher`, started by `rtcflow_local.twin.emulator`."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Put the stand-in for Docker on the path, patch the emulator, and serve until stopped."""
    sys.path.insert(0, str(Path(__file__).parent / "stand_in"))
    from rtcflow_local.twin import faults
    from rtcflow_local.twin.bridges import (
        cloudformation,
        distributed_map,
        lambda_errors,
        run_task,
        step_functions,
    )

    for bridge in (cloudformation, lambda_errors, step_functions, distributed_map):
        bridge.apply()
    fault_file = faults.FaultFile(Path(os.environ["RTCFLOW_TWIN_FOLDER"]) / "faults.json")
    run_task.apply(fault_file)
    faults.apply(fault_file)
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
