"""Export a campaign's report into the bucket `reports`."""

from tombola.campaigns.model import Launched
from tombola.campaigns.usecases import find_launched, list_versions
from tombola.ports import Ports
from tombola.reports.assembly import assemble
from tombola.reports.charts import difference_chart, plays_chart, pool_chart
from tombola.reports.facts import CampaignFacts
from tombola.reports.model import CampaignReport, ReportFiles
from tombola.reports.rendering import render
from tombola.reports.tables import day_rows, summary_rows, to_csv, to_parquet
from tombola.settling.usecases import reconcile

BUCKET = "reports"


def export_report(ports: Ports, campaign: str, version: int) -> ReportFiles:
    """Write the report of one campaign version, over the one before, and return where it is.

    The same facts at the same instant make the same bytes. The summary is written last: whoever sees its
    `as_of` can read the others. Raises `Unknown` when there is no such launched version.
    """
    report = build_report(ports, campaign, version)
    folder = f"{campaign}/v{version}"
    files = {f"{folder}/{name}": content for name, content in _contents(report).items()}
    for name, content in files.items():
        ports.objects.replace(BUCKET, name, content)
    return ReportFiles(
        campaign=campaign,
        version=version,
        bucket=BUCKET,
        html=f"{folder}/report.html",
        files=tuple(files),
        reconciled=report.reconciled,
    )


def build_report(ports: Ports, campaign: str, version: int) -> CampaignReport:
    """Return the report of one campaign version as of now. Raises `Unknown` when there is no such launched version."""
    launched = find_launched(ports, campaign, version)
    committed_at = list_versions(ports, campaign)[version - 1].committed_at
    facts, books = _collect(ports, launched), reconcile(ports, campaign, version)
    return assemble(launched, committed_at, facts, books, ports.clock.now())


def _collect(ports: Ports, launched: Launched) -> CampaignFacts:
    from tombola.reports.queries import collect  # noqa: PLC0415 (imports Ibis: only where a report is made)

    backend = ports.warehouse.ibis()
    try:
        return collect(backend, launched.rules, launched.version)
    finally:
        backend.disconnect()


def _contents(report: CampaignReport) -> dict[str, bytes]:
    days, summary, currency = day_rows(report), summary_rows(report), report.currency
    charts = [chart for chart in (plays_chart(report), pool_chart(report), difference_chart(report)) if chart]
    return {
        "report.html": render(report, charts).encode(),
        "days.csv": to_csv(days),
        "days.parquet": to_parquet(days, currency),
        "summary.csv": to_csv(summary),
        "summary.parquet": to_parquet(summary, currency),
        "summary.json": (report.model_dump_json(indent=2) + "\n").encode(),
    }
