"""The ports on one machine: files, SQLite, Parquet and DuckDB."""
