"""make image, push and lock-image, with stand-ins of docker and aws that only record their calls."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support.deployed_template import ROOT

REPOSITORY = "123456789012.dkr.ecr.ap-southeast-2.amazonaws.com/rtcflow"
DIGEST = f"sha256:{'ab' * 32}"
TOOLS = {
    "docker": f"""
echo "docker $*" >> "$TOLD"
case "$*" in
    "image inspect"*) echo "{REPOSITORY}@{DIGEST}" ;;
    create*) echo container ;;
    cp*) echo '{{}}' > "$3" ;;
    "buildx imagetools inspect"*) echo "{DIGEST}" ;;
    run*) printf '@EXPLICIT\\nhttps://conda.example/isce3.conda#0\\n' ;;
    login*) cat > /dev/null ;;
esac
""",
    "aws": 'echo "aws $*" >> "$TOLD"; echo password',
}


@pytest.fixture
def checkout(tmp_path):
    """The files that the targets read, in a repository of their own."""
    folder = tmp_path / "checkout"
    (folder / "containers" / "rtc").mkdir(parents=True)
    (folder / "scripts").mkdir()
    for name in ("Makefile", "containers/rtc/Dockerfile", "containers/rtc/pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("image-sbom", "lock-image"):
        shutil.copy(ROOT / "scripts" / name, folder / "scripts" / name)
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "first")):
        subprocess.run(["git", "-C", folder, *words], check=True)
    return folder


@pytest.fixture
def make(checkout, tmp_path):
    """Runs make; returns its result and the calls of docker and aws."""
    (tmp_path / "bin").mkdir()
    for name, text in TOOLS.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    sentence = tmp_path / "sentence"

    def run(*words):
        sentence.write_text("")
        environment = {
            **os.environ,
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "TOLD": str(sentence),
        }
        done = subprocess.run(
            ["make", "-C", checkout, *words], env=environment, capture_output=True, text=True, check=False
        )
        return done, sentence.read_text()

    return run


def commit_of(checkout):
    words = ["git", "-C", checkout, "rev-parse", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_push_checks_its_destination_before_it_builds(make):
    done, sentence = make("push")
    assert done.returncode != 0
    assert "REPOSITORY" in done.stdout
    assert sentence == ""


def test_push_tags_by_commit_and_prints_the_line_that_deploys_the_digest(make, checkout):
    done, sentence = make("push", f"REPOSITORY={REPOSITORY}")
    assert done.returncode == 0, done.stderr
    assert "--region ap-southeast-2" in sentence
    assert f"push {REPOSITORY}:native-{commit_of(checkout)[:12]}\n" in sentence
    assert f"push {REPOSITORY}:native\n" in sentence
    assert f"sam deploy --parameter-overrides ImageUri={REPOSITORY}@{DIGEST}" in done.stdout


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        (("TARGET=isce3",), "Engine=isce3 ImageUri="),
        (("ARCHITECTURE=X86_64",), "Architecture=X86_64 ImageUri="),
    ],
)
def test_line_that_deploys_names_what_the_image_needs(make, words, parameters):
    done, _ = make("push", f"REPOSITORY={REPOSITORY}", *words)
    assert f"--parameter-overrides {parameters}" in done.stdout


def test_image_is_built_with_commit_and_version_and_its_bill_is_written(make, checkout):
    done, sentence = make("image")
    assert done.returncode == 0, done.stderr
    assert f"--build-arg COMMIT={commit_of(checkout)} --build-arg VERSION=0.1.0" in sentence
    assert "--platform linux/arm64" in sentence
    assert (checkout / "image-native.cdx.json").read_text() == "{}\n"


def test_image_of_changed_files_says_so(make, checkout):
    (checkout / "Makefile").write_text((checkout / "Makefile").read_text() + "\n")
    _, sentence = make("image")
    assert f"COMMIT={commit_of(checkout)}.dirty" in sentence


def test_pip_settings_are_a_secret_of_the_build(make):
    _, sentence = make("image", "PIP_CONFIG=/home/me/pip.conf")
    assert "--secret id=pip,src=/home/me/pip.conf" in sentence


def test_isce3_is_built_for_x86_alone(make):
    done, sentence = make("image", "TARGET=isce3", "ARCHITECTURE=ARM64")
    assert done.returncode != 0
    assert sentence == ""


def test_locked_digests_and_packages_are_written_and_taken_by_the_next_build(make, checkout):
    done, sentence = make("lock-image")
    assert done.returncode == 0, done.stderr
    dockerfile = (checkout / "containers/rtc/Dockerfile").read_text()
    names = dict(re.findall(r"^ARG (BASE|CONDA)=(\S+)", dockerfile, re.MULTILINE))
    locked = (checkout / "containers/rtc/image.lock").read_text().splitlines()
    assert {f"{key}={name}@{DIGEST}" for key, name in names.items()} <= set(locked)
    assert (checkout / "containers/rtc/isce3.lock").read_text().startswith("@EXPLICIT")
    _, sentence = make("image")
    for key, name in names.items():
        assert f"--build-arg {key}={name}@{DIGEST}" in sentence


def test_registry_that_gives_no_digest_changes_nothing(make, checkout, tmp_path):
    docker = tmp_path / "bin" / "docker"
    docker.write_text(docker.read_text().replace(DIGEST, "not found"))
    done, _ = make("lock-image")
    assert done.returncode != 0
    assert "told no digest" in done.stderr
    assert not (checkout / "containers/rtc/image.lock").exists()


def test_bill_of_isce3_names_condas_packages(tmp_path):
    record = {"name": "isce3", "version": "0.24.3", "build": "py312_cpu_0"}
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "isce3-0.24.3.json").write_text(json.dumps(record))
    script = ROOT / "containers" / "rtc" / "sbom.py"
    words = [sys.executable, script, tmp_path / "bill.json", f"conda={tmp_path}"]
    subprocess.run(words, check=True)
    (component,) = json.loads((tmp_path / "bill.json").read_text())["components"]
    assert component["purl"] == "pkg:conda/isce3@0.24.3?build=py312_cpu_0&channel=conda-forge"
