"""An area and a period: which passes there are, their products, and the cube of them."""
