"""Options of the native engine."""

from dataclasses import dataclass, field

from rtcflow.cpus import usable_cpus
from rtcflow_contract.backscatter import Backscatter
from rtcflow_contract.layers import POLARIZATION_LAYERS, Product, layers_of

# The radar grid of static layers is widened so that it covers every pass: by 1.2 burst lengths on each side in azimuth
# and 20 % of the samples in range (OPERA RTC-S1-STATIC).
STATIC_AZIMUTH_MARGIN, STATIC_RANGE_MARGIN = 1.2, 0.2
# Their layover/shadow mask is computed on blocks of 3 x 3 samples, as in that product.
STATIC_MASK_LOOKS = 3


@dataclass(frozen=True)
class NativeOptions:
    """Options of a run.

    Parameters
    ----------
    layers : tuple of str, optional
        Secondary layers to compute; None means those of the product.
    noise_removal : bool
        Subtract thermal noise.
    clip_negative : bool
        Set power that noise removal made negative to zero, sample by sample, as OPERA's workflow does. That raises the
        mean of land covers near the noise floor (by about 1 dB where signal and noise are equal); off leaves them
        unbiased.
    backscatter : Backscatter
        Convention of the backscatter layers.
    align_area_factors : bool
        Compute area factors at the terrain's place in the image, delays included. OPERA computes them without delays, a
        sample or two away, which shows at the rims of layover.
    tide_correction : bool
        Move the terrain by the solid earth tide.
    bistatic_correction, troposphere_correction : bool, optional
        Timing corrections; None means the product's rule: on for RTC_S1, off for RTC_S1_STATIC.
    shadow_masking : bool
        Leave shadowed samples out of the mean.
    dem_upsampling : int
        Cells per map pixel along each axis in the area factors.
    minimum_factor_db : float
        Samples with a smaller area factor are invalid.
    threads : int
        Threads; results do not depend on them.
    """

    layers: tuple[str, ...] | None = None
    noise_removal: bool = True
    clip_negative: bool = True
    bistatic_correction: bool | None = None
    troposphere_correction: bool | None = None
    backscatter: Backscatter = Backscatter.GAMMA0
    tide_correction: bool = False
    align_area_factors: bool = False
    shadow_masking: bool = True
    dem_upsampling: int = 2
    minimum_factor_db: float = -30.0
    threads: int = field(default_factory=usable_cpus)

    def secondary_layers(self, product: Product) -> frozenset[str]:
        """Layers to compute beside backscatter."""
        wanted = self.layers if self.layers is not None else [layer.name for layer in layers_of(product)]
        return frozenset(wanted) - frozenset(POLARIZATION_LAYERS)

    def corrections(self, product: Product) -> tuple[bool, bool]:
        """Whether the bistatic and the tropospheric correction are applied."""
        default = product is Product.RTC_S1
        bistatic = default if self.bistatic_correction is None else self.bistatic_correction
        troposphere = default if self.troposphere_correction is None else self.troposphere_correction
        return bistatic, troposphere
