"""Descriptions of the HDF5 fields of OPERA's RTC-S1 product, and the fields that static layers do not have.

Product Specification Document for the OPERA Radiometric Terrain-Corrected SAR Backscatter from Sentinel-1
(JPL D-108758), as the workflow of version 1.0.4 writes it.
"""

REFERENCE_DOCUMENT = (
    "Product Specification Document for the OPERA Radiometric Terrain-Corrected SAR Backscatter from Sentinel-1, "
    "JPL D-108758, Rev. Working Version 1, Aug 31, 2023"
)

DESCRIPTIONS = {
    "data/listOfPolarizations": "List of processed polarization layers",
    "data/projection": (
        "Product map grid projection: EPSG code, with additional projection information as HDF5 Attributes"
    ),
    "data/xCoordinateSpacing": "Nominal spacing in meters between consecutive pixels",
    "data/xCoordinates": "X coordinates in specified projection",
    "data/yCoordinateSpacing": "Nominal spacing in meters between consecutive lines",
    "data/yCoordinates": "Y coordinates in specified projection",
    "identification/absoluteOrbitNumber": "Absolute orbit number",
    "identification/acquisitionMode": "Acquisition mode",
    "identification/boundingBox": "Bounding box of the product, in order of xmin, ymin, xmax, ymax",
    "identification/boundingPolygon": "OGR compatible WKT representation of the product bounding polygon",
    "identification/burstID": "Burst identification (burst ID)",
    "identification/ceosAnalysisReadyDataDocumentIdentifier": (
        "CEOS Analysis Ready Data (CARD) document identifier"
    ),
    "identification/ceosAnalysisReadyDataProductType": "CEOS Analysis Ready Data (CARD) product type",
    "identification/contactInformation": "Contact information for producer of this product",
    "identification/dataAccess": "Location from where this product can be retrieved (URL or DOI)",
    "identification/institution": "Institution that created this product",
    "identification/instrumentName": (
        "Name of the instrument used to collect the remote sensing data provided in this product"
    ),
    "identification/isGeocoded": (
        'Flag to indicate whether the primary product data is in radar geometry ("False") or map '
        'geometry ("True")'
    ),
    "identification/lookDirection": "Look direction can be left or right",
    "identification/orbitPassDirection": "Orbit direction can be ascending or descending",
    "identification/platform": "Platform name",
    "identification/processingDateTime": "Processing date and time in the format YYYY-MM-DDThh:mm:ss.sZ",
    "identification/processingType": 'Processing type: "NOMINAL", "URGENT", "CUSTOM", or "UNDEFINED"',
    "identification/productLevel": (
        "Product level. L0A: Unprocessed instrument data; L0B: Reformatted, unprocessed "
        "instrument data; L1: Processed instrument data in radar coordinates system; and L2: "
        "Processed instrument data in geocoded coordinates system"
    ),
    "identification/productSpecificationVersion": (
        "Product specification version which represents the schema of this product"
    ),
    "identification/productType": "Product type",
    "identification/productVersion": (
        "Product version which represents the structure of the product and the science content "
        "governed by the algorithm, input data, and processing parameter"
    ),
    "identification/project": "Project name",
    "identification/radarBand": "Acquired frequency band",
    "identification/staticLayersDataAccess": (
        "Location of the static layers product associated with this product (URL or DOI)"
    ),
    "identification/subSwathID": "Sub-swath identification",
    "identification/trackNumber": "Track number",
    "identification/zeroDopplerEndTime": (
        "Azimuth stop time of the product in the format YYYY-MM-DDThh:mm:ss.sZ"
    ),
    "identification/zeroDopplerStartTime": (
        "Azimuth start time of the product in the format YYYY-MM-DDThh:mm:ss.sZ"
    ),
    "metadata/orbit/orbitType": "Type of orbit file used in processing",
    "metadata/orbit/position": (
        "Position vector record. This record contains the platform position data with respect to "
        "WGS84 G1762 reference frame"
    ),
    "metadata/orbit/time": (
        "Time vector record. This record contains the time corresponding to position, velocity, "
        "acceleration records"
    ),
    "metadata/orbit/velocity": (
        "Velocity vector record. This record contains the platform velocity data with respect to "
        "WGS84 G1762 reference frame"
    ),
    "metadata/processingInformation/algorithms/demEgmModel": (
        "Earth Gravitational Model associated with the DEM"
    ),
    "metadata/processingInformation/algorithms/demInterpolation": "DEM interpolation method",
    "metadata/processingInformation/algorithms/geocoding": "Geocoding algorithm",
    "metadata/processingInformation/algorithms/geocodingAlgorithmReference": (
        "A reference to the geocoding algorithm applied"
    ),
    "metadata/processingInformation/algorithms/isce3Version": (
        "Version of the ISCE3 framework used for processing"
    ),
    "metadata/processingInformation/algorithms/noiseCorrectionAlgorithmReference": (
        "A reference to the noise removal algorithm applied"
    ),
    "metadata/processingInformation/algorithms/radiometricTerrainCorrection": (
        "Radiometric terrain correction (RTC) algorithm"
    ),
    "metadata/processingInformation/algorithms/radiometricTerrainCorrectionAlgorithmReference": (
        "A reference to the radiometric terrain correction (RTC) algorithm applied"
    ),
    "metadata/processingInformation/algorithms/s1ReaderVersion": (
        "Version of the OPERA s1-reader used for processing"
    ),
    "metadata/processingInformation/algorithms/softwareVersion": "Software version",
    "metadata/processingInformation/inputs/annotationFiles": "List of input annotation files used",
    "metadata/processingInformation/inputs/demSource": (
        "Description of the input digital elevation model (DEM)"
    ),
    "metadata/processingInformation/inputs/l1SlcGranules": "List of input L1 SLC products used",
    "metadata/processingInformation/inputs/orbitFiles": "List of input orbit files used",
    "metadata/processingInformation/parameters/bistaticDelayCorrectionApplied": (
        "Flag to indicate if the bistatic delay correction has been applied"
    ),
    "metadata/processingInformation/parameters/filteringApplied": (
        "Flag to indicate if post-processing filtering has been applied"
    ),
    "metadata/processingInformation/parameters/geocoding/burstGeogridSnapX": (
        "Burst geogrid snap for Coordinate X (W/E)"
    ),
    "metadata/processingInformation/parameters/geocoding/burstGeogridSnapY": (
        "Burst geogrid snap for Coordinate Y (S/N)"
    ),
    "metadata/processingInformation/parameters/inputBackscatterNormalizationConvention": (
        "Backscatter normalization convention of the source data"
    ),
    "metadata/processingInformation/parameters/noiseCorrectionApplied": (
        "Flag to indicate if noise removal has been applied"
    ),
    "metadata/processingInformation/parameters/outputBackscatterDecibelConversionEquation": (
        "Equation to convert provided backscatter to decibel (dB)"
    ),
    "metadata/processingInformation/parameters/outputBackscatterExpressionConvention": (
        "Backscatter expression convention"
    ),
    "metadata/processingInformation/parameters/outputBackscatterNormalizationConvention": (
        "Backscatter normalization convention of the radar imagery associated with this product"
    ),
    "metadata/processingInformation/parameters/preprocessingMultilookingApplied": (
        "Flag to indicate if a preprocessing multilooking has been applied"
    ),
    "metadata/processingInformation/parameters/radiometricTerrainCorrectionApplied": (
        "Flag to indicate if radiometric terrain correction (RTC) has been applied"
    ),
    "metadata/processingInformation/parameters/staticTroposphericGeolocationCorrectionApplied": (
        "Flag to indicate if the static tropospheric correction has been applied"
    ),
    "metadata/processingInformation/parameters/wetTroposphericGeolocationCorrectionApplied": (
        "Flag to indicate if the wet tropospheric correction has been applied"
    ),
    "metadata/qa/geometricAccuracy/bias/x": (
        "An estimate of the localization error bias in the easting direction"
    ),
    "metadata/qa/geometricAccuracy/bias/y": (
        "An estimate of the localization error bias in the northing direction"
    ),
    "metadata/qa/geometricAccuracy/stddev/x": (
        "An estimate of the localization error standard deviation in the easting direction"
    ),
    "metadata/qa/geometricAccuracy/stddev/y": (
        "An estimate of the localization error standard deviation in the northing direction"
    ),
    "metadata/qa/rfi/isRfiInfoAvailable": (
        "A flag to indicate whether RFI information is available in the source data"
    ),
    "metadata/sourceData/averageZeroDopplerSpacingInMeters": (
        "Average pixel spacing in meters between consecutive lines in the along-track direction "
        "of the source data"
    ),
    "metadata/sourceData/azimuthLooks": "Number of looks in azimuth used to generate source data",
    "metadata/sourceData/azimuthResolutionInMeters": "Azimuth resolution of the source data in meters",
    "metadata/sourceData/centerFrequency": "Center frequency of the processed image in Hz",
    "metadata/sourceData/dataAccess": "Location from where the source data can be retrieved (URL or DOI)",
    "metadata/sourceData/farRangeIncidenceAngle": "Far range incidence angle in degrees",
    "metadata/sourceData/institution": "Institution that created the source data product",
    "metadata/sourceData/maxNoiseEquivalentSigmaZero": "Maximum Noise equivalent sigma0 in dB",
    "metadata/sourceData/nearRangeIncidenceAngle": "Near range incidence angle in degrees",
    "metadata/sourceData/numberOfAcquisitions": "Number of source data acquisitions",
    "metadata/sourceData/numberOfAzimuthLines": "Number of azimuth lines within the source data product",
    "metadata/sourceData/numberOfRangeSamples": (
        "Number of slant range samples for each azimuth line within the source data"
    ),
    "metadata/sourceData/processingCenter": "Source data processing center",
    "metadata/sourceData/processingDateTime": (
        "Processing UTC date and time of the source data product (SLC post processing date time) "
        "in the format YYYY-MM-DDThh:mm:ss.sZ"
    ),
    "metadata/sourceData/productLevel": (
        "Product level of the source data. L0A: Unprocessed instrument data; L0B: Reformatted, "
        "unprocessed instrument data; L1: Processed instrument data in radar coordinates system; "
        "and L2: Processed instrument data in geocoded coordinates system"
    ),
    "metadata/sourceData/rangeBandwidth": "Processed range bandwidth in Hz",
    "metadata/sourceData/slantRangeLooks": "Number of looks in slant range used to generate source data",
    "metadata/sourceData/slantRangeResolutionInMeters": "Slant-range resolution of the source data in meters",
    "metadata/sourceData/slantRangeSpacing": (
        "Distance in meters between consecutive range samples of the source data"
    ),
    "metadata/sourceData/slantRangeStart": "Slant-range start distance of the source data",
    "metadata/sourceData/softwareVersion": (
        "Version of the software used to create the source data (IPF version)"
    ),
    "metadata/sourceData/zeroDopplerEndTime": (
        "Azimuth stop time of the input product in the format YYYY-MM-DDThh:mm:ss.sZ"
    ),
    "metadata/sourceData/zeroDopplerStartTime": (
        "Azimuth start time of the input product in the format YYYY-MM-DDThh:mm:ss.sZ"
    ),
    "metadata/sourceData/zeroDopplerTimeSpacing": (
        "Time interval in the along-track direction of the source data"
    ),
    # The workflow writes these only if the scene reports interference.
    "metadata/qa/rfi/rfiMitigationPerformed": "RFI detection and mitigation strategy",
    "metadata/qa/rfi/rfiMitigationDomain": "In which domain(s) the RFI mitigation was performed",
    "metadata/qa/rfi/rfiBurstReport/swath": "Swath of the report on the burst",
    "metadata/qa/rfi/rfiBurstReport/azimuthTime": "Azimuth time of the burst that the report is on",
    "metadata/qa/rfi/rfiBurstReport/inBandOutBandPowerRatio": (
        "Ratio between the in-band and out-of-band power of the burst"
    ),
}

# Fields of a pass and its pixels, which static layers do not have.
NOT_IN_STATIC = frozenset(
    {
        "identification/staticLayersDataAccess",
        "metadata/processingInformation/algorithms/noiseCorrectionAlgorithmReference",
        "metadata/processingInformation/parameters/noiseCorrectionApplied",
        "metadata/processingInformation/parameters/radiometricTerrainCorrectionApplied",
        "metadata/sourceData/azimuthLooks",
        "metadata/sourceData/azimuthResolutionInMeters",
        "metadata/sourceData/centerFrequency",
        "metadata/sourceData/farRangeIncidenceAngle",
        "metadata/sourceData/maxNoiseEquivalentSigmaZero",
        "metadata/sourceData/nearRangeIncidenceAngle",
        "metadata/sourceData/numberOfAzimuthLines",
        "metadata/sourceData/numberOfRangeSamples",
        "metadata/sourceData/rangeBandwidth",
        "metadata/sourceData/slantRangeLooks",
        "metadata/sourceData/slantRangeResolutionInMeters",
        "metadata/sourceData/slantRangeStart",
    }
)
