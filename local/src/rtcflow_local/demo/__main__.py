"""`make demo`: make products, STAC and reports from a sample scene on this machine."""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from rtcflow_contract.errors import DefectError, RtcflowError
from rtcflow_contract.keys import COLLECTION
from rtcflow_contract.naming import is_item_name
from rtcflow_local.report.follow import follow
from rtcflow_local.report.report_page import write_report
from rtcflow_local.sample import Sample, SampleSpec, write_sample
from rtcflow_local.twin import emulator as emulators
from rtcflow_local.twin.archive import ARCHIVE, upload_sample
from rtcflow_local.twin.deployment import Stack, deploy
from rtcflow_stac.context import local_uri

_FOLDER = Path("demo-output")


class _Demo:
    """The demo's steps, in order, in one folder."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._console = console

    def run(self) -> None:
        """Run all steps; raises RtcflowError when one fails."""
        started = time.monotonic()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        sample = self._sample()
        emulator = emulators.start(self._folder / "twin")
        try:
            stack = self._deploy(emulator, sample)
            reports = [
                self._execute(emulator, stack, "static", self._payload(sample, product="RTC_S1_STATIC")),
                self._execute(emulator, stack, "backscatter", self._payload(sample, link_static_layers=True)),
            ]
            with self._console.status("copying products to a folder"):
                count = _export_bucket(
                    emulator.client("s3"), stack.products_bucket, self._folder / "products"
                )
        finally:
            emulators.stop(emulator)
        self._console.rule()
        self._console.print(f"{count} files of products   {self._folder / 'products'}", soft_wrap=True)
        for report in reports:
            self._console.print(f"run report             {report}", soft_wrap=True)
        self._console.print(f"done in {time.monotonic() - started:.0f} s")

    def _sample(self) -> Sample:
        with self._console.status("simulating the sample scene") as status:
            return write_sample(
                self._folder / "sample",
                SampleSpec(),
                lambda stage, done: status.update(f"simulating the sample scene: {stage} {done:.0%}"),
            )

    def _deploy(self, emulator: emulators.Emulator, sample: Sample) -> Stack:
        self._console.print(f"scene      {sample.scene}")
        with self._console.status("starting the twin") as status:
            stack = deploy(emulator, Path.cwd(), ARCHIVE.parameters, say=status.update)
            status.update("uploading the scene")
            upload_sample(emulator.client("s3"), sample.folder, ARCHIVE, emulators.REGION)
        self._console.print(f"deployed   {stack.state_machine}", soft_wrap=True)
        return stack

    def _payload(self, sample: Sample, **fields: object) -> dict[str, object]:
        return {"scene": sample.scene, "scene_source": ARCHIVE.scene_source(sample), **fields}

    def _execute(
        self, emulator: emulators.Emulator, stack: Stack, name: str, payload: dict[str, object]
    ) -> Path:
        self._console.rule(f"{payload.get('product', 'RTC_S1')} of the scene")
        states = emulator.client("stepfunctions")
        arn = states.start_execution(
            stateMachineArn=stack.state_machine, name=f"demo-{name}", input=json.dumps(payload)
        )["executionArn"]
        execution = follow(states, arn, self._console, emulator.client("s3"), every_s=0.5)
        report = self._folder / f"report-{name}.html"
        write_report(arn, report, states, emulator.client("s3"), products_href="products")
        if execution.exit_code:
            raise DefectError(f"execution demo-{name} failed: {execution.sentence}; see {report}", "demo")
        return report


def _export_bucket(client: Any, bucket: str, folder: Path) -> int:
    """Write every object of a bucket into a folder; returns their number."""
    count = 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            path = folder / entry["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, entry["Key"], str(path))
            if path.name == COLLECTION or is_item_name(path.name):
                here = os.path.dirname(entry["Key"])
                found = _with_relative_hrefs(json.loads(path.read_text()), bucket, here)
                for link in found["links"]:
                    if link["rel"] == "self":
                        # Readers resolve relative hrefs against the file's `self` link.
                        link["href"] = local_uri(path)
                path.write_text(json.dumps(found, indent=1))
            count += 1
    return count


def _with_relative_hrefs(value: Any, bucket: str, folder: str) -> Any:
    """A STAC object whose hrefs into its own bucket are made relative to its folder."""
    prefix = f"s3://{bucket}/"
    if isinstance(value, dict):
        return {
            key: os.path.relpath(inner.removeprefix(prefix), folder)
            if key == "href" and isinstance(inner, str) and inner.startswith(prefix)
            else _with_relative_hrefs(inner, bucket, folder)
            for key, inner in value.items()
        }
    return (
        [_with_relative_hrefs(inner, bucket, folder) for inner in value] if isinstance(value, list) else value
    )


def main() -> None:
    """Run the demo in the current checkout; exits with the error's code and one sentence."""
    try:
        _Demo(_FOLDER, Console(markup=False, emoji=False)).run()
    except RtcflowError as error:
        Console(stderr=True, markup=False, emoji=False).print(error.message, soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
