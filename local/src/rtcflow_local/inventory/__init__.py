"""The inventory: which products exist and which are missing, as stac-geoparquet queried with DuckDB."""
