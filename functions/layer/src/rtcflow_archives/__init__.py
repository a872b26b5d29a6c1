"""Archives of Sentinel-1: the catalogues of ASF and CDSE, and what they list."""
