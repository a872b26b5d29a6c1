"""CEOS-ARD Normalised Radar Backscatter: its version, and the threshold requirements that a product does not meet.

docs/ceos-ard.md lists every requirement and where it is met. Most are met by every product; the conditions here
depend on how a product was made.
"""

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import GeometricAccuracy, Quality

VERSION = "5.6"
DOCUMENT = "https://ceos-org.github.io/ceos-ard/latest/NRB.pdf"
PRODUCT_TYPE = "Normalised Radar Backscatter"


def unmet_thresholds(
    product: Product,
    *,
    normalization: str,
    static_layers: bool,
    noise_removed: bool,
    quality: Quality | None,
    accuracy: GeometricAccuracy | None,
) -> tuple[str, ...]:
    """Titles of the threshold requirements that a product does not meet; it conforms if there are none.

    Parameters
    ----------
    product : Product
    normalization : str
        `gamma0` or another convention of the backscatter.
    static_layers : bool
        Whether the item links the static layers, which include the local incidence angle.
    noise_removed : bool
    quality : Quality or None
        Noise level and incidence angles from the scene.
    accuracy : GeometricAccuracy or None
        Measured by the operator's own campaign.
    """
    conditions = (
        ("Product Type", product is Product.RTC_S1),
        ("Backscatter Measurements", normalization == "gamma0"),
        ("Local Incident Angle Image", static_layers),
        ("Noise Removal", noise_removed),
        ("Performance Indicators", quality is not None and bool(quality.noise_equivalent_sigma0_db)),
        ("Source Data Image Attributes", quality is not None),
        ("Geometric Accuracy", accuracy is not None),
    )
    return tuple(title for title, met in conditions if not met)


def parse_accuracy(text: str | None) -> GeometricAccuracy | None:
    """Parse the geometric accuracy that an operator sets; None for an empty text.

    Parameters
    ----------
    text : str or None
        `bias_x bias_y stddev_x stddev_y reference`: metres along the map's axes, and a URL or DOI.

    Raises
    ------
    RefusedError
        When the text has another form.
    """
    if not text or not text.strip():
        return None
    parts = text.split()
    try:
        bias_x, bias_y, stddev_x, stddev_y = (float(part) for part in parts[:4])
        (reference,) = parts[4:]
        return GeometricAccuracy(
            bias_x_m=bias_x, bias_y_m=bias_y, stddev_x_m=stddev_x, stddev_y_m=stddev_y, reference=reference
        )
    except ValueError as error:
        raise RefusedError(
            f"geometric accuracy '{text}' cannot be read; write bias in x and y, standard deviation in x and y, in "
            "metres, and a URL or DOI: 0.3 -0.5 1.1 1.4 https://example.com/campaign",
            reason="accuracy",
        ) from error
