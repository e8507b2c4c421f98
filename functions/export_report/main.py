"""Called by whoever wants a campaign's report, or by a schedule of the company's own."""

from tombola.reports import usecases
from tombola.reports.model import ReportRequest
from tombola.runtime import Answer, HttpRequest, on_http, ports


@on_http(methods=("POST",), max_bytes=1_024)
def export_report(request: HttpRequest) -> Answer:
    """Answer where the report was written, and whether its figures reconcile."""
    asked = request.parse(ReportRequest)
    return Answer(usecases.export_report(ports(), asked.campaign, asked.version))
