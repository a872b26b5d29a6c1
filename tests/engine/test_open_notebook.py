"""The project's notebook runs on the sample, cell by cell."""

import json
from datetime import date

import matplotlib as mpl
import numpy as np
import pytest
from typer.testing import CliRunner

from rtcflow.cli.app import make_app
from rtcflow_local.sample import SampleSpec, write_sample

BURSTS = ("t147_314884_iw1", "t147_314885_iw1")


def burst(sample, *options):
    words = ["burst", "--safe", str(sample.safe), "--orbit", str(sample.orbit), "--dem", str(sample.dem)]
    words += ["--geoid", str(sample.geoid), *(word for name in BURSTS for word in ("--burst-id", name))]
    answer = CliRunner().invoke(make_app("burst"), [*words, *map(str, options)], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output


@pytest.mark.engine
def test_the_notebook_runs_on_the_sample(tmp_path, monkeypatch, request):
    mpl.use("Agg")
    static, products = tmp_path / "products" / "static", tmp_path / "products" / "rtc"
    for number, day in enumerate((date(2023, 3, 2), date(2023, 3, 14))):
        sample = write_sample(tmp_path / f"sample{number}", SampleSpec.tiny(day=day))
        if number == 0:
            burst(sample, "--product", "RTC_S1_STATIC", "--out", static)
        burst(sample, "--static", static, "--out", products)
    monkeypatch.setenv("OPEN_PRODUCTS", str(tmp_path / "products"))
    # Another folder than that of the products: hrefs must still lead there.
    monkeypatch.chdir(tmp_path)
    notebook = request.config.rootpath / "docs" / "notebooks" / "open-products.ipynb"
    space: dict = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)
    assert space["cube"].sizes["time"] == 2
    assert space["mosaic"].sizes["y"] > space["cube"].sizes["y"]
    assert np.isfinite(space["series"]).all()
    ratio = (space["sigma0"] / space["gamma0"]).mean() / space["cube"].rtc_anf_gamma0_to_sigma0.mean()
    assert 0.9 < float(ratio) < 1.1
    # The stack at the end: two passes over the first burst, with a bright and a dark place, and a colour map.
    assert space["stack"].sizes["time"] == 2
    bright, dark = (line.get_ydata() for line in space["left"].lines)
    assert (np.asarray(bright) > np.asarray(dark) + 3).all()
    [image] = space["right"].images
    assert image.get_array().shape == (space["mean"].sizes["y"], space["mean"].sizes["x"], 3)
