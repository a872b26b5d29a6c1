from tests.support.deployed_template import ROOT


def pins(path):
    lines = (line.split(";")[0].strip() for line in path.read_text().splitlines())
    return {line for line in lines if "==" in line}


def test_layer_has_the_versions_that_are_tested():
    assert pins(ROOT / "functions" / "layer" / "requirements.txt") <= pins(ROOT / "constraints.txt")


def test_layer_leaves_the_aws_libraries_to_the_runtime():
    names = {pin.split("==")[0] for pin in pins(ROOT / "functions" / "layer" / "requirements.txt")}
    assert not names & {"boto3", "botocore", "s3transfer"}
