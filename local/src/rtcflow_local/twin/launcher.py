"""The emulator's process: `python -m rtcflow_local.twin.launcher`, started by `rtcflow_local.twin.emulator`."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Put the stand-in for Docker in place, mend the emulator, and serve until ended."""
    sys.path.insert(0, str(Path(__file__).parent / "stand_in"))
    from rtcflow_local.twin import disturbances
    from rtcflow_local.twin.bridges import (
        definitions,
        distributed_map,
        inner_states,
        lambda_errors,
        nested_execution,
        nested_stacks,
        run_task,
        running,
    )
    from rtcflow_local.twin.faults import FaultFile

    bridges = (
        definitions,
        nested_stacks,
        lambda_errors,
        inner_states,
        running,
        nested_execution,
        distributed_map,
    )
    for bridge in bridges:
        bridge.apply()
    faults = FaultFile(Path(os.environ["RTCFLOW_TWIN_FOLDER"]) / "faults.json")
    run_task.apply(faults)
    disturbances.apply(faults)
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
