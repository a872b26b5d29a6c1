"""Lambda AssembleStac: the STAC item of a burst product; with it the product exists."""
