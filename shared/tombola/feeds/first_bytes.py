"""The first bytes that tell a file's packing or its format."""

GZIP, ZSTD, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
PARQUET, OLD_WORKBOOK = b"PAR1", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
