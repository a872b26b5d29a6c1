"""What is there, what is missing: products as stac-geoparquet, asked with DuckDB."""
