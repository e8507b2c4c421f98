"""Called by a retailer's server, at `/<retailer>`, before it shows a shopper a banner."""

from tombola.experiments import usecases
from tombola.experiments.offers import OfferRequest
from tombola.runtime import Answer, HttpRequest, on_http, ports


@on_http(methods=("POST",), max_bytes=16_384)
def choose_offer(request: HttpRequest) -> Answer:
    """Answer the banner to show, or none and why; the decision is logged before."""
    asked = request.parse(OfferRequest)
    retailer = request.path.strip("/")
    return Answer(usecases.choose_offer(ports(), retailer, asked, headers=request.headers, body=request.body))
