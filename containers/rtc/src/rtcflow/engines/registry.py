"""The engines, and the choice for a job."""

from collections.abc import Sequence

from rtcflow.engines.base import BurstEngine
from rtcflow.engines.isce3.isce3_engine import Isce3Engine
from rtcflow.engines.native_engine import NativeEngine
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.request import Engine

# In the order of preference of `auto`.
ENGINES: tuple[BurstEngine, ...] = (Isce3Engine(), NativeEngine())

_HOW_TO_GET = {
    Engine.ISCE3: (
        "run the container image built with --target isce3, or install isce3 and s1reader from conda-forge and "
        "OPERA RTC beside them (docs/engines.md), or use engine native"
    ),
    Engine.NATIVE: "install rtcflow with its engine's dependencies",
}


def choose_engine(choice: Engine, engines: Sequence[BurstEngine] = ENGINES) -> BurstEngine:
    """The engine of a job; `auto` takes the first that is installed.

    Raises
    ------
    RefusedError
        When the requested engine is not installed; says how to get it.
    """
    for engine in engines:
        if choice in (Engine.AUTO, Engine(engine.name)) and engine.available():
            return engine
    wanted = Engine.NATIVE if choice is Engine.AUTO else choice
    raise RefusedError(
        f"engine {wanted.value} is not installed here; {_HOW_TO_GET[wanted]}", reason="engine-missing"
    )
