"""An archive and a stack that searches it: executions are only names, which a test ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import boto3
from moto.stepfunctions.models import stepfunctions_backends

from rtcflow_archives.cmr import Cmr
from rtcflow_campaign.area_sweep import SweepLimits, SweepServices, read_areas, sweep
from rtcflow_campaign.retries import LONGEST_EXECUTION, SceneExecutions
from rtcflow_campaign.scene_start import SceneStarter, take_notice
from rtcflow_files.retry import Retry
from tests.support.catalogue_case import NOW, feature, granule, put_area
from tests.support.cmr_catalogue import Catalogue, serve

LIMITS = SweepLimits(timedelta(hours=24), timedelta(days=3), 100)

DEFINITION = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})

ROLE = "arn:aws:iam::123456789012:role/states"


class AreaCase:
    """An archive, a state machine that only takes names, and the buckets of a stack."""

    def __init__(self, s3, catalogue, url):
        self.s3 = s3
        self.catalogue = catalogue
        self.states = boto3.client("stepfunctions")
        self.machine = self.states.create_state_machine(name="scene", definition=DEFINITION, roleArn=ROLE)[
            "stateMachineArn"
        ]
        self.starter = SceneStarter(self.machine, "0.1", "products", self.states)
        self.scene_executions = SceneExecutions(self.machine, "work", self.states)
        self.cmr = Cmr(url, Retry(sleep=lambda seconds: None))

    def sweep(self, now=NOW, limits=LIMITS, **area):
        put_area(self.s3, feature(**area))
        (found,) = read_areas("work", "products").areas
        failed = self.scene_executions.failed_since(now - limits.retry - LONGEST_EXECUTION)
        archive = SweepServices(self.cmr, self.starter, self.scene_executions, failed)
        return sweep(found, now, limits, archive, "work")

    def notice(self, name, key="granule_ur", **area):
        put_area(self.s3, feature(**area))
        record = {"messageId": "1", "body": json.dumps({"Message": json.dumps({key: name})})}
        return take_notice(record, read_areas("work", "products").areas, self.cmr, self.starter)

    @property
    def executions(self):
        pages = self.states.get_paginator("list_executions").paginate(stateMachineArn=self.machine)
        return {entry["name"]: entry for page in pages for entry in page["executions"]}

    def payload(self, name):
        return json.loads(
            self.states.describe_execution(executionArn=self.executions[name]["executionArn"])["input"]
        )

    @property
    def scenes(self):
        return sorted(self.payload(name)["scene"] for name in self.executions)

    @property
    def position(self):
        return json.loads(self.s3.get_object(Bucket="work", Key="find_scenes/coast.json")["Body"].read())


def all_scenes(case):
    return sorted(one.scene for one in case.catalogue.granules)


class Ends:
    """Ends executions of the state machine."""

    def __init__(self, case):
        self.case = case
        account = stepfunctions_backends["123456789012"]["us-east-1"]
        self.machine = account.describe_state_machine(case.machine)

    def fail(self, name, at, error="TransientError", status="FAILED"):
        (execution,) = (one for one in self.machine.executions if one.name == name)
        execution.status, execution.error, execution.stop_date = status, error, at
        execution.cause = "no answer"
        # In listings moto gives the end of FAILED and SUCCEEDED alone.
        execution.start_date = at.replace(tzinfo=None)


def only(case, **area):
    """One scene in the catalogue, started; gives the name of its execution."""
    del case.catalogue.granules[1:]
    case.sweep(**area)
    (name,) = case.executions
    return name


@contextmanager
def area_case(s3) -> Iterator[AreaCase]:
    """A case whose archive has five scenes in the area."""
    catalogue = Catalogue([granule(number) for number in range(5)])
    with serve(catalogue) as url:
        yield AreaCase(s3, catalogue, url)


def load_find_scenes(case, load_handler):
    """The handler of FindScenes on a case's archive and state machine."""
    module = load_handler(
        "find_scenes",
        WORK_BUCKET="work",
        PRODUCTS_BUCKET="products",
        SCENE_STATE_MACHINE=case.machine,
        PRODUCT_VERSION="0.1",
        OVERLAP_HOURS="24",
        FIRST_SEARCH_DAYS="3650",
        STARTS_PER_RUN="100",
    )
    module.cmr = case.cmr
    return module.lambda_handler
