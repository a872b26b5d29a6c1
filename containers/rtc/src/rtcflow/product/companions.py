"""Small files beside the layers: QGIS styles, and the extra files of a naming scheme."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import MASK_CLASSES, POLARIZATION_LAYERS, layers_of
from rtcflow_contract.naming import SCHEMES, Naming
from rtcflow_contract.product_id import layer_file_name

# Decibels shown as black and white; cross-polarized backscatter is some 7 dB lower.
_DECIBELS = {"VV": (-25, 0), "HH": (-25, 0), "VH": (-32, -7), "HV": (-32, -7)}
_QML = (
    '<!DOCTYPE qgis PUBLIC "http://mrcc.com/qgis.dtd" "SYSTEM">\n'
    '<qgis version="3.22.0" styleCategories="Symbology">\n <pipe>\n{renderer}'
    '  <rasterresampler zoomedOutResampler={resampler} maxOversampling="2"/>\n </pipe>\n</qgis>\n'
)


def write_styles(job: BurstJob, folder: Path) -> list[Path]:
    """Write a `.qml` beside each layer that people view; QGIS applies it to the layer.

    Backscatter stays linear power, with greys on a decibel scale. The mask has the names of its classes.
    """
    written: list[Path] = []
    if job.naming is not Naming.OPERA:
        # Other naming schemes have no styles.
        return written
    for layer in layers_of(job.product, job.polarizations):
        if layer.name in POLARIZATION_LAYERS:
            text = _backscatter_style(*_DECIBELS[layer.name])
        elif layer.name == "mask":
            text = _mask_style()
        else:
            continue
        path = (folder / layer_file_name(job.product_id, layer.name, job.naming)).with_suffix(".qml")
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def write_scheme_files(
    job: BurstJob, parameters: Mapping[str, Any], folder: Path, files: list[Path]
) -> dict[str, Path]:
    """Write the extra files of a naming scheme: parameters as YAML, and SHA-1 of every file."""
    extra = SCHEMES[job.naming].extra
    paths = {kind: folder / f"{job.product_id}{ending}" for kind, ending in extra.items()}
    if "configuration" in paths:
        settings = {"job": job.model_dump(mode="json", exclude_none=True), "parameters": dict(parameters)}
        # Every JSON document is a YAML document.
        paths["configuration"].write_text(json.dumps(settings, indent=2, default=str) + "\n")
    if "checksum" in paths:
        summed = [*files, *(path for kind, path in paths.items() if kind != "checksum")]
        lines = [f"{_sha1(path)}\t{path.name}\n" for path in sorted(summed)]
        paths["checksum"].write_text("".join(lines))
    return paths


def _backscatter_style(low: int, high: int) -> str:
    steps = [
        (10 ** (decibel / 10), f"{decibel} dB", round(255 * (decibel - low) / (high - low)))
        for decibel in range(low, high + 1)
    ]
    entries = "".join(
        f'      <item value="{value:.6g}" label="{label}" color="#{grey:02x}{grey:02x}{grey:02x}" alpha="255"/>\n'
        for value, label, grey in steps
    )
    renderer = (
        '  <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" nodataColor=""\n'
        f'    classificationMin="{steps[0][0]:.6g}" classificationMax="{steps[-1][0]:.6g}">\n'
        "   <rastershader>\n"
        '    <colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0"\n'
        f'      minimumValue="{steps[0][0]:.6g}" maximumValue="{steps[-1][0]:.6g}">\n'
        f"{entries}    </colorrampshader>\n   </rastershader>\n  </rasterrenderer>\n"
    )
    return _QML.format(renderer=renderer, resampler='"bilinear"')


def _mask_style() -> str:
    entries = "".join(
        f'    <paletteEntry value="{kind.value}" color="#{kind.color.lower()}" '
        f'alpha="{0 if kind.name == "fill" else 255}" label={quoteattr(kind.description)}/>\n'
        for kind in MASK_CLASSES
    )
    renderer = (
        '  <rasterrenderer type="paletted" band="1" opacity="1" nodataColor="">\n'
        f"   <colorPalette>\n{entries}   </colorPalette>\n  </rasterrenderer>\n"
    )
    return _QML.format(renderer=renderer, resampler='"nearest neighbour"')


def _sha1(path: Path) -> str:
    # Required by the scheme, to detect broken copies; the manifest has SHA-256.
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
