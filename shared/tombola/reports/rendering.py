"""The report as one page: everything inside it, nothing fetched, no script."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tombola.reports.charts import Chart
from tombola.reports.facts import SMALLEST_STORE
from tombola.reports.model import CampaignReport
from tombola.reports.wording import findings, money_text, share_text, signed_text, verdict

TEMPLATE = "campaign.html.j2"


def render(report: CampaignReport, charts: Sequence[Chart]) -> str:
    """Return the HTML page. Every text of the report is escaped; only the charts' SVG goes in as it is."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 (only a report needs it)

    environment = Environment(
        loader=PackageLoader("tombola.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    zone = ZoneInfo(report.time_zone)

    def local(instant: datetime) -> str:
        at = instant.astimezone(zone)
        return f"{at.day} {at:%B %Y, %H:%M}"

    def exact(instant: datetime) -> str:
        return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"

    return environment.get_template(TEMPLATE).render(
        report=report,
        counts=report.counts,
        money=report.money,
        found=report.experiment,
        charts={chart.name: chart for chart in charts},
        verdict=verdict(report.experiment),
        findings=findings(report),
        amount=lambda minor: money_text(minor, report.currency),
        signed=lambda minor: signed_text(minor, report.currency),
        share=share_text,
        local=local,
        exact=exact,
        smallest_store=SMALLEST_STORE,
    )
