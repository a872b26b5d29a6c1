"""Search fields of products: one table for queryables and the metadata type of Open Data Cube."""

from typing import NamedTuple


class SearchField(NamedTuple):
    """A property of items that people search by; `kind` is string, integer or double."""

    name: str
    property: str
    kind: str
    description: str
    indexed: bool = False


SEARCH_FIELDS = (
    SearchField("region_code", "odc:region_code", "string", "Burst id, like t070_149815_iw3", indexed=True),
    SearchField("platform", "platform", "string", "sentinel-1a to sentinel-1d"),
    SearchField("product_type", "product:type", "string", "RTC_S1 or RTC_S1_STATIC"),
    SearchField("product_family", "odc:product_family", "string", "sar_ard"),
    SearchField("dataset_version", "odc:dataset_version", "string", "Version of the product"),
    SearchField("scene_id", "s1:product_identifier", "string", "Scene that the burst was taken from"),
    SearchField("orbit_state", "sat:orbit_state", "string", "ascending or descending"),
    SearchField("relative_orbit", "sat:relative_orbit", "integer", "Track, 1 to 175", indexed=True),
    SearchField("absolute_orbit", "sat:absolute_orbit", "integer", "Orbits since launch"),
    SearchField("orbit_source", "s1:orbit_source", "string", "POEORB or RESORB"),
    SearchField("instrument_mode", "sar:instrument_mode", "string", "IW"),
    SearchField("incidence_angle", "view:incidence_angle", "double", "At mid range, degrees"),
    SearchField("processing_facility", "processing:facility", "string", "Who processed"),
)
