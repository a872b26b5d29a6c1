"""Names of products: ids, files, folders, asset keys and collections, one table per scheme.

`opera`, the default, has the ids of OPERA RTC-S1. `ga` is Geoscience Australia's collection 1 (sar-pipeline of 2026);
its products fit the existing Open Data Cube definitions. Ids look like

    OPERA_L2_RTC-S1_T070-149815-IW3_20220101T124752Z_20250408T025401Z_S1A_20_v0.1
    OPERA_L2_RTC-S1-STATIC_T070-149815-IW3_20010101_20250408T012421Z_S1A_20_v1.0.2
    ga_s1a_nrb_iw_0-1-0_T070-149815-IW3_20220101T124752Z
    ga_s1_nrb-static_iw_0-1-0_T070-149815-IW3_20140403
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from rtcflow_contract.dem import folder_of
from rtcflow_contract.layers import LAYERS, POLARIZATION_LAYERS, Product


class Naming(StrEnum):
    """Scheme of names."""

    OPERA = "opera"
    GA = "ga"


class Scheme(NamedTuple):
    """The names of a scheme; ids, folders and collections are format strings.

    Parameters
    ----------
    ids, folders, collections : mapping of Product to str
        Filled in by `product_id`, `folder_below_collection` and `default_collection`.
    static_since : str
        Start of the validity of static layers, YYYYMMDD.
    files : mapping of str to str
        Ending of a layer's file name after the id, by layer.
    assets : mapping of str to str
        Asset key in the STAC item, by layer.
    browse, metadata : str
        Endings of file names after the id.
    item : str
        Name of the STAC item of the version in use; `{product_id}` stands for the id.
    extra : mapping of str to str
        Further files of the scheme: the ending after the id, by kind.
    """

    ids: Mapping[Product, str]
    folders: Mapping[Product, str]
    collections: Mapping[Product, str]
    static_since: str
    files: Mapping[str, str]
    assets: Mapping[str, str]
    browse: str
    metadata: str
    item: str
    extra: Mapping[str, str]


_TIME = "%Y%m%dT%H%M%S"
_MADE = f"{{processed:{_TIME}Z}}_{{platform}}_{{pixel:g}}_v{{version}}"
_GA_LAYERS = {
    **{name: (f"{name}-gamma0", f"{name}_gamma0") for name in POLARIZATION_LAYERS},
    "rtc_anf_gamma0_to_beta0": ("gamma0-to-beta0-ratio", "gamma0_to_beta0_ratio"),
    "rtc_anf_gamma0_to_sigma0": ("gamma0-to-sigma0-ratio", "gamma0_to_sigma0_ratio"),
    "interpolated_dem": ("digital-elevation-model", "digital_elevation_model"),
}

SCHEMES: Mapping[Naming, Scheme] = {
    Naming.OPERA: Scheme(
        ids={
            Product.RTC_S1: f"OPERA_L2_RTC-S1_{{burst}}_{{sensed:{_TIME}Z}}_{_MADE}",
            Product.RTC_S1_STATIC: f"OPERA_L2_RTC-S1-STATIC_{{burst}}_{{since}}_{_MADE}",
        },
        # Not padded: 2022/1/1.
        folders={
            Product.RTC_S1: "{burst_id}/{sensed.year}/{sensed.month}/{sensed.day}",
            Product.RTC_S1_STATIC: "{burst_id}",
        },
        collections={Product.RTC_S1: "s1_rtc_c1", Product.RTC_S1_STATIC: "s1_rtc_static_c1"},
        static_since="20010101",
        files={name: f"_{name}.tif" for name in LAYERS},
        assets={name: name for name in LAYERS},
        browse=".png",
        metadata=".h5",
        item="metadata.json",
        extra={},
    ),
    Naming.GA: Scheme(
        ids={
            Product.RTC_S1: f"ga_{{unit}}_nrb_iw_{{dashed}}_{{burst}}_{{sensed:{_TIME}Z}}",
            Product.RTC_S1_STATIC: "ga_s1_nrb-static_iw_{dashed}_{burst}_{since}",
        },
        folders={
            Product.RTC_S1: f"{{burst_id}}/{{sensed:%Y/%m/%d}}/{{sensed:{_TIME}}}",
            Product.RTC_S1_STATIC: "{burst_id}/{since}/{dem}",
        },
        collections={
            Product.RTC_S1: "ga_s1_nrb_iw_{polarizations}_1",
            Product.RTC_S1_STATIC: "ga_s1_nrb_iw_static_1",
        },
        static_since="20140403",
        files={name: f"_{_GA_LAYERS.get(name, (name.replace('_', '-'), name))[0]}.tif" for name in LAYERS},
        assets={name: _GA_LAYERS.get(name, ("", name))[1] for name in LAYERS},
        browse="_thumbnail.png",
        metadata="_metadata.h5",
        item="{product_id}_stac-item.json",
        extra={"configuration": "_proc-config.yaml", "checksum": "_checksum.sha1"},
    ),
}
_NUMBER = re.compile(r"\d+$")


def default_collection(naming: Naming, product: Product, polarizations: tuple[str, ...]) -> str:
    """Collection of a product if the payload names none; with `ga` it depends on the polarizations."""
    names = "_".join(name.lower() for name in polarizations)
    return SCHEMES[naming].collections[product].format(polarizations=names)


def fits_collection(naming: Naming, product: Product, polarizations: tuple[str, ...], name: str) -> bool:
    """Whether a collection name is allowed: with `ga` only the default one, with any number at its end."""
    if naming is Naming.OPERA:
        return True
    default = default_collection(naming, product, polarizations)
    return bool(_NUMBER.search(name)) and _NUMBER.sub("", name) == _NUMBER.sub("", default)


def folder_below_collection(
    naming: Naming, product: Product, burst_id: str, sensing_start: datetime, dem: str
) -> str:
    """Folder of a product below that of its collection; `sensing_start` in UTC."""
    scheme = SCHEMES[naming]
    return scheme.folders[product].format(
        burst_id=burst_id, sensed=sensing_start, since=scheme.static_since, dem=folder_of(dem)
    )


def item_name(naming: Naming, product_id: str) -> str:
    """Name of the STAC item of the version in use."""
    return SCHEMES[naming].item.format(product_id=product_id)


def is_item_name(name: str) -> bool:
    """Whether a file name is that of a STAC item in any scheme."""
    return any(
        re.fullmatch(re.escape(scheme.item).replace(r"\{product_id\}", ".+"), name)
        for scheme in SCHEMES.values()
    )
