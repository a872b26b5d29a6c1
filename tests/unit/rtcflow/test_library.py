"""rtcflow as a library: products of a scene's bursts, with typed results."""

import pytest

from rtcflow import make_scene
from rtcflow_contract.errors import RefusedError


def sources(sample):
    return {
        "orbit_source": str(sample.orbit),
        "dem_source": str(sample.folder / "dem"),
        "geoid": str(sample.geoid),
    }


@pytest.mark.engine
def test_a_burst_is_made_and_found_again(tiny_sample, tmp_path):
    burst = sorted(burst for ids in tiny_sample.bursts.values() for burst in ids)[0]
    made = make_scene(tiny_sample.safe, tmp_path / "out", [burst], **sources(tiny_sample))
    assert [product.burst_id for product in made] == [burst]
    layers = [file.layer for file in made[0].manifest.files if file.layer]
    assert all(made[0].layer(name).is_file() for name in layers)
    assert (made[0].folder / "metadata.json").is_file()
    assert make_scene(tiny_sample.safe, tmp_path / "out", [burst], **sources(tiny_sample)) == made
    with pytest.raises(RefusedError, match="has no layer heights"):
        made[0].layer("heights")


def test_a_path_that_is_not_a_scene_is_refused(tmp_path):
    with pytest.raises(RefusedError, match="does not exist"):
        make_scene(tmp_path / "nothing.SAFE", tmp_path / "out")
    assert not (tmp_path / "out").exists()
