"""The template as CloudFormation gets it: after the SAM transform, with intrinsics as readable text."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from cfnlint.decode import decode
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).resolve().parents[2]


def plain(value: Any) -> Any:
    """cfn-lint's nodes as dicts, lists and strings."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


@lru_cache
def template() -> dict[str, Any]:
    """template.yaml after the transform."""
    decoded, _ = decode(str(ROOT / "template.yaml"))
    source = plain(decoded)
    for resource in source["Resources"].values():
        for field in ("CodeUri", "ContentUri", "DefinitionUri"):
            if field in resource.get("Properties", {}):
                resource["Properties"][field] = "s3://code/key"
    session = boto3.Session(region_name="us-west-2")
    return Translator({}, Parser(), boto_session=session).translate(source, {}, passthrough_metadata=True)


def stack(name: str) -> dict[str, Any]:
    """A nested stack's template."""
    decoded, _ = decode(str(ROOT / "stacks" / f"{name}.yaml"))
    return plain(decoded)


def of_type(source: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Resources of a type by logical id."""
    return {name: r for name, r in source["Resources"].items() if r["Type"] == kind}


def texts(value: Any) -> list[str]:
    """What a value can resolve to, as text: both branches of an If, the id of a Ref, the text of a Sub."""
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    if not isinstance(value, dict):
        return [str(value)]
    ((name, argument),) = value.items()
    if name == "Ref":
        return [] if argument == "AWS::NoValue" else [argument]
    if name == "Fn::If":
        return texts(argument[1:])
    if name == "Fn::GetAtt":
        return [".".join(argument) if isinstance(argument, list) else argument]
    if name == "Fn::Split":
        return [part for text in texts(argument[1]) for part in text.split(",")]
    if name == "Fn::Sub" and isinstance(argument, list):
        text = argument[0]
        for key, inner in argument[1].items():
            if "Fn::Select" in inner:
                text = text.replace(f"${{{key}}}", f"<{key}>")
                continue
            joined = inner["Fn::Join"][1]["Ref"] if "Fn::Join" in inner else texts(inner)[0]
            text = text.replace(f"${{{key}}}", f"<{joined}>")
        return [text]
    if name == "Fn::Sub":
        return [argument]
    raise ValueError(f"unexpected {name}")
