"""Choose the offer a shopper sees, and log the decision before it is answered."""

from collections.abc import Collection, Iterable, Mapping

from tombola.campaigns.model import Launched
from tombola.campaigns.usecases import live_index
from tombola.events import derived_id
from tombola.experiments.choosing import Choice, DecisionPoint, Proposal, banner_of, choose
from tombola.experiments.events import ProposalMade
from tombola.experiments.offers import Offer, OfferRequest
from tombola.orders.signatures import verify
from tombola.orders.usecases import webhook_secrets
from tombola.ports import Ports
from tombola.privacy.pseudonyms import pseudonym
from tombola.profiles.usecases import lists_of, read_profile
from tombola.retailers.usecases import find_retailer, pseudonym_key


def choose_offer(
    ports: Ports, retailer: str, request: OfferRequest, *, headers: Mapping[str, str], body: bytes
) -> Offer:
    """Return the banner for a shopper at a decision point; the proposal is published before this returns.

    `request` is what `body` says, and `headers` sign it. Nothing is stored here, so nothing can be lost: a
    publish that fails is the caller's 503, and no banner is shown that is not logged. Campaigns may be 30 seconds old.

    Raises `Unknown` (retailer), `Unauthenticated` (signature).
    """
    known = find_retailer(ports, retailer)
    now = ports.clock.now()
    message_id = verify(webhook_secrets(ports, known), headers, body, now)
    shopper = pseudonym(pseudonym_key(ports, known), known.retailer, request.shopper_id)
    campaigns = live_index(ports).at(known.retailer)
    point = _decision_point(ports, known.retailer, shopper, request, _lists_asked(campaigns, known.retailer))
    choice = choose(campaigns, point)
    if choice.proposal is None:
        return Offer(proposal=None, banner=None, reasons=choice.reasons)
    event = _proposal_made(choice.proposal, point, request, request.request_id or message_id)
    outbound = event.outbound()
    ports.topics.publish(outbound.topic, [outbound.message])
    return _offer(event, choice, choice.proposal, request)


def _lists_asked(campaigns: Iterable[Launched], retailer: str) -> set[str]:
    """Return the names of the lists that a retailer's live campaigns ask about."""
    ours = (launched.rules.audience for launched in campaigns if retailer in launched.rules.retailers)
    return {name for audience in ours for segment in audience.segments for name in segment.lists}


def _decision_point(
    ports: Ports, retailer: str, shopper: str, request: OfferRequest, lists: Collection[str]
) -> DecisionPoint:
    profile, now = read_profile(ports, retailer, shopper), ports.clock.now()
    profiled = profile.agreed("profile", now)
    return DecisionPoint(
        retailer=retailer,
        shopper=shopper,
        store_id=request.store_id,
        channel=request.channel,
        at=now,
        consents=profile.consents,
        interests=profile.scores(now).lines,
        counts=profile.counts if profiled else b"",
        lists=lists_of(ports, retailer, shopper, lists) if profiled else frozenset(),
    )


def _proposal_made(proposal: Proposal, point: DecisionPoint, request: OfferRequest, decision: str) -> ProposalMade:
    campaign, version = proposal.launched.rules.campaign, proposal.launched.version
    return ProposalMade(
        event_id=derived_id("proposal-made", point.retailer, point.shopper, decision, campaign, version),
        retailer=point.retailer,
        shopper=point.shopper,
        campaign=campaign,
        campaign_version=version,
        arm=proposal.assignment.arm,
        propensity=proposal.assignment.propensity,
        shown=proposal.shown,
        reason="best" if proposal.shown else "control",
        placement=request.placement,
        proposed_at=point.at,
    )


def _offer(event: ProposalMade, choice: Choice, proposal: Proposal, request: OfferRequest) -> Offer:
    banner = banner_of(proposal.launched, request.language) if proposal.shown else None
    return Offer(proposal=event.event_id, banner=banner, reasons=choice.reasons)
