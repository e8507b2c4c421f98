"""The report's figures as tables, CSV and Parquet: names and types are a promise, written in docs/reports.md.

Amounts are decimals of the currency's major unit here, since people open these files in spreadsheets. No
column holds text that somebody outside could choose, so no cell can be a formula.
"""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from tombola.money import exponent, major_units
from tombola.reports.model import CampaignReport

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, object]


def day_rows(report: CampaignReport) -> list[Row]:
    """Return one row per local day."""
    return [
        {
            "campaign": report.campaign,
            "version": report.version,
            "day": day.day,
            "proposals": day.proposals,
            "withheld": day.withheld,
            "tokens": day.tokens,
            "plays": day.plays,
            "wins": day.wins,
            "currency": report.currency,
            "reserved": major_units(day.reserved_minor, report.currency),
            "cumulative_reserved": major_units(day.cumulative_reserved_minor, report.currency),
        }
        for day in report.days
    ]


def summary_rows(report: CampaignReport) -> list[Row]:
    """Return the one row of headline figures. What cannot be known is empty."""
    found, money = report.experiment, report.money
    amounts = {name.removesuffix("_minor"): minor for name, minor in money.model_dump().items()}
    means: dict[str, float | None] = {
        "invited_mean": found.invited.mean_minor,
        "control_mean": found.control.mean_minor,
        "difference": found.difference_minor,
        "difference_low": found.interval.low_minor if found.interval else None,
        "difference_high": found.interval.high_minor if found.interval else None,
        "net_difference": found.net_minor,
        "net_difference_low": found.net_interval.low_minor if found.net_interval else None,
        "net_difference_high": found.net_interval.high_minor if found.net_interval else None,
    }
    return [
        {
            "campaign": report.campaign,
            "version": report.version,
            "as_of": report.as_of.isoformat().replace("+00:00", "Z"),
            "reconciled": report.reconciled,
            **report.counts.model_dump(),
            "moments": report.moments,
            "currency": report.currency,
            **{name: major_units(minor, report.currency) for name, minor in amounts.items()},
            "invited_shoppers": found.invited.shoppers,
            "control_shoppers": found.control.shoppers,
            **{name: _rounded(minor, report.currency) for name, minor in means.items()},
            "ratio": found.ratio,
            "split_probability": found.split_probability,
        }
    ]


def _rounded(minor: float | None, currency: str) -> Decimal | None:
    return None if minor is None else major_units(round(minor), currency)


def to_csv(rows: Sequence[Row]) -> bytes:
    """Return rows as CSV by RFC 4180, UTF-8 with a byte order mark so that spreadsheets read it right."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def to_parquet(rows: Sequence[Row], currency: str) -> bytes:
    """Return rows as Parquet. Amounts are decimal(18, the currency's exponent)."""
    import pyarrow as pa  # noqa: PLC0415 (heavy)
    import pyarrow.parquet as pq  # noqa: PLC0415 (heavy)

    schema = pa.schema([(name, _arrow_type(rows, name, currency)) for name in rows[0]])
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema), buffer, compression="zstd")
    return buffer.getvalue()


def _arrow_type(rows: Sequence[Row], name: str, currency: str) -> "pa.DataType":
    """Return a column's type by its name, so that an empty value does not change it."""
    import pyarrow as pa  # noqa: PLC0415 (heavy)

    plain: dict[str, pa.DataType] = {
        "campaign": pa.string(), "currency": pa.string(), "as_of": pa.string(), "day": pa.date32(),
        "reconciled": pa.bool_(), "ratio": pa.float64(), "split_probability": pa.float64(),
    }  # fmt: skip
    if name in plain:
        return plain[name]
    return pa.int64() if isinstance(rows[0][name], int) else pa.decimal128(18, exponent(currency))
