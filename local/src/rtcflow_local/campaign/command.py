"""`rtcflow campaign plan|start|status|pause|resume|stop|report`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rtcflow.cli.outputs import check_outputs
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_campaign.campaign_page import render
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import REPORT
from rtcflow_local.campaign.area_plan import AreaPlan, plan_area, read_area_file, write_plan
from rtcflow_local.campaign.display import show_plan, show_report, show_status
from rtcflow_local.campaign.lists import find_lists
from rtcflow_local.campaign.operating import Campaign
from rtcflow_local.days import DAY, parse_day
from rtcflow_local.report.aws import Clients, stack_outputs
from rtcflow_scene.cost import DEFAULT_REGION, TaskSize
from rtcflow_scene.estimate import (
    ARCHIVES,
    BURST_S,
    BURSTS_PER_SCENE,
    STATIC_S,
    Basis,
    CampaignPart,
    estimate,
)

app = typer.Typer(
    help="Make every scene of a list once, such as all scenes of a past period.", no_args_is_help=True
)
_console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)

Name = Annotated[str, typer.Argument(help="Name of the campaign.")]
Stack = Annotated[str, typer.Option(help="Deployed stack.", envvar="RTCFLOW_STACK")]
Endpoint = Annotated[
    str | None, typer.Option(help="Endpoint instead of AWS, such as that of `rtcflow twin status`.")
]
_MaxScenes = Annotated[int, typer.Option(help="Scenes at once.", min=1, max=10_000)]
Day = Annotated[datetime, typer.Option(parser=parse_day, metavar=DAY, help="Day of acquisition, included.")]


@app.command()
def plan(
    aoi: Annotated[
        Path, typer.Option(help="GeoJSON of the area, with settings of the products in its properties.")
    ],
    start: Day,
    end: Day,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; the campaign's name by default.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the campaign; that of the area by default.")
    ] = None,
    static: Annotated[bool, typer.Option(help="Plan the static layers too.")] = True,
    max_scenes: _MaxScenes = 20,
    burst_seconds: Annotated[
        float, typer.Option(help="Seconds per burst in its task, from a report.")
    ] = BURST_S["native"],
    static_seconds: Annotated[
        float, typer.Option(help="Seconds for the static layers of a burst.")
    ] = STATIC_S,
    vcpu_quota: Annotated[float, typer.Option(help="Fargate vCPU that the account may use at once.")] = 4000,
    vcpu: Annotated[float, typer.Option(help="Size of a task.")] = 4.0,
    memory_gib: Annotated[float, typer.Option(help="Size of a task.")] = 8.0,
    region: Annotated[str, typer.Option(help="Region, for prices.", envvar="AWS_REGION")] = DEFAULT_REGION,
) -> None:
    """Search the archive and write the campaign's lists, with counts, cost and duration. Starts nothing."""
    if start > end:
        raise RefusedError("--start lies after --end; swap them", reason="period")
    areas = read_area_file(aoi)
    period = (start.date(), end.date())
    check_outputs(out=out or Path(name or areas[0].name))
    hosts = ArchiveHosts.from_environment()
    with _console.status("searching") as status:
        plans = [plan_area(area, *period, hosts, status.update) for area in areas]
    if not static:
        plans = [one if one.is_static else one._replace(cover={}) for one in plans]
    chosen = name or areas[0].name
    payload = areas[0].payload
    per_task = str(payload.get("bursts_per_task", "scene"))
    basis = Basis(
        burst_s=burst_seconds,
        static_s=static_seconds,
        archive=ARCHIVES.get(_first_source(payload), ARCHIVES["s3"]),
        size=TaskSize(vcpu, memory_gib, 40),
        bursts_per_task=int(per_task) if per_task.isdigit() else BURSTS_PER_SCENE,
        vcpu_quota=vcpu_quota,
        region=region,
        spot=payload.get("compute", "spot") == "spot",
        max_scenes=max_scenes,
        max_concurrency=int(payload.get("max_concurrency", 30)),
    )
    expected = estimate(_parts(plans), basis)
    folder = out or Path(chosen)
    write_plan(folder, chosen, plans, period, expected)
    show_plan(_console, plans, expected, basis)
    if any(one.scenes for one in plans):
        _console.print(f"start it with: rtcflow campaign start {chosen} {folder} --max-scenes {max_scenes}")
    else:
        _console.print("the archive has no such scene; there is nothing to start")


def _parts(plans: list[AreaPlan]) -> list[CampaignPart]:
    """Static layers, then the scenes."""
    covers = [one.cover for one in plans]
    scenes = [one for one in plans if not one.is_static]
    return [
        CampaignPart(
            sum(map(len, covers)), sum(len(ids) for cover in covers for ids in cover.values()), static=True
        ),
        CampaignPart(sum(len(one.scenes) for one in scenes), sum(one.bursts for one in scenes)),
    ]


@app.command()
def start(
    name: Name,
    source: Annotated[
        str, typer.Argument(help="Folder of a plan, or a list: .jsonl or .csv, local or s3://.")
    ],
    static: Annotated[
        str | None, typer.Option(help="List of static layers to make first; that of the folder by default.")
    ] = None,
    max_scenes: _MaxScenes = 20,
    tolerated_failure_percent: Annotated[
        int,
        typer.Option(help="End when more than this percentage of a list's scenes failed.", min=0, max=100),
    ] = 10,
    tolerated_failures: Annotated[
        int,
        typer.Option(help="Continue while at most this many scenes failed, whatever the percentage.", min=0),
    ] = 10,
    max_attempts: Annotated[
        int, typer.Option(help="Most attempts at a scene, over all starts.", min=1, max=100)
    ] = 5,
    retry_refused: Annotated[bool, typer.Option("--retry-refused", help="Retry refused scenes.")] = False,
    leave_out_wrong: Annotated[
        bool, typer.Option("--leave-out-wrong", help="Start without lines that cannot work.")
    ] = False,
    stack: Stack = "rtcflow",
    endpoint_url: Endpoint = None,
) -> None:
    """Start a campaign; another start makes only what is missing."""
    campaign = _campaign(name, stack, endpoint_url)
    settings = {
        "max_scenes": max_scenes,
        "tolerated_failure_percent": tolerated_failure_percent,
        "tolerated_failures": tolerated_failures,
        "max_attempts": max_attempts,
        "retry_refused": retry_refused,
    }
    arn = campaign.start(find_lists(source, static), settings, leave_out_wrong)
    _console.print(f"execution {arn}")
    endpoint = f" --endpoint-url {endpoint_url}" if endpoint_url else ""
    _console.print(f"watch it with: rtcflow campaign status {name} --stack {stack}{endpoint}")


@app.command()
def status(name: Name, stack: Stack = "rtcflow", endpoint_url: Endpoint = None) -> None:
    """Show the state of a campaign."""
    show_status(_console, _campaign(name, stack, endpoint_url).status())


@app.command()
def pause(name: Name, stack: Stack = "rtcflow", endpoint_url: Endpoint = None) -> None:
    """Pause: start no further scenes; running ones finish."""
    _campaign(name, stack, endpoint_url).pause()
    _console.print(f"paused; resume with: rtcflow campaign resume {name}")


@app.command()
def resume(name: Name, stack: Stack = "rtcflow", endpoint_url: Endpoint = None) -> None:
    """Resume after a pause."""
    _campaign(name, stack, endpoint_url).resume()
    _console.print("resumes within six minutes if its execution still runs; otherwise start it again")


@app.command()
def stop(name: Name, stack: Stack = "rtcflow", endpoint_url: Endpoint = None) -> None:
    """Stop a campaign and its running scenes at once; start it again to make what is missing."""
    stopped = _campaign(name, stack, endpoint_url).stop()
    _console.print(f"stopped {stopped}; start the campaign again to make what is missing")


@app.command()
def report(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="Folder for report.json and report.html.")] = None,
    stack: Stack = "rtcflow",
    endpoint_url: Endpoint = None,
) -> None:
    """Write the current report of a campaign, during or after it."""
    found = _campaign(name, stack, endpoint_url).report()
    show_report(_console, found)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / REPORT).write_text(found.model_dump_json(indent=1))
        (out / "report.html").write_text(render(found))
        _console.print(f"written to {out}")


def _campaign(name: str, stack: str, endpoint_url: str | None) -> Campaign:
    clients = Clients(endpoint_url)
    return Campaign(name, clients, stack_outputs(clients, stack))


def _first_source(payload: dict[str, Any]) -> str:
    """The archive that a payload prefers."""
    sources = payload.get("scene_source") or "asf"
    return str(sources.split(",")[0] if isinstance(sources, str) else sources[0]).strip()
