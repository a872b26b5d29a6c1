"""Ask Step Functions whether it takes the state machines; needs credentials, and says so where there are none."""

import json
import sys
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
from lint_state_machine import ROOT, machines

_ACCOUNT = "us-west-2:123456789012"
# What stands for a value of the stack, by the end of its name.
_FILLED = {
    "FunctionArn": f"arn:aws:lambda:{_ACCOUNT}:function:x:1",
    "TaskDefinitionArn": f"arn:aws:ecs:{_ACCOUNT}:task-definition/x:1",
    "ClusterArn": f"arn:aws:ecs:{_ACCOUNT}:cluster/x",
    "StateMachineArn": f"arn:aws:states:{_ACCOUNT}:stateMachine:x",
    "SubnetIds": "subnet-0123456789abcdef0",
    "SecurityGroupId": "sg-0123456789abcdef0",
    "AssignPublicIp": "ENABLED",
}


def filled(text: str, substitutions: dict[str, Any]) -> str:
    """A definition as JSON, with something likely in place of each substitution."""
    for name in substitutions:
        value = next((value for end, value in _FILLED.items() if name.endswith(end)), "1")
        text = text.replace(f"${{{name}}}", value)
    return json.dumps(yaml.safe_load(text))


def definitions() -> dict[Path, str]:
    """Every state machine of the templates, filled, by file."""
    templates = [ROOT / "template.yaml", *sorted((ROOT / "stacks").glob("*.yaml"))]
    return {
        path: filled(path.read_text(), substitutions)
        for template in templates
        for path, substitutions in machines(template)
    }


def main(client: Any = None) -> int:
    """Print what Step Functions says of each; 1 when it refuses one."""
    refused = 0
    for path, definition in definitions().items():
        name = path.relative_to(ROOT)
        try:
            client = client or boto3.client("stepfunctions")
            answer = client.validate_state_machine_definition(definition=definition, severity="WARNING")
        except (NoCredentialsError, NoRegionError):
            print(
                f"{name}: NOT validated, there are no AWS credentials or no region here; log in and run it again"
            )
            continue
        except (BotoCoreError, ClientError) as error:
            print(f"{name}: NOT validated: {error}")
            continue
        refused += answer["result"] != "OK"
        print(f"{name}: {answer['result']}")
        for told in answer["diagnostics"]:
            print(f"    {told['severity']} {told['code']} {told.get('location', '')}: {told['message']}")
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
