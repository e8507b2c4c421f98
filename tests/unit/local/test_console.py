"""The console: what it shows, and whom it refuses."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
import yaml

from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.feeds.events import ShopperReceived
from tombola.local.console import Console, only_this_machine
from tombola.local.development import traced
from tombola.local.host import Reply, answer_of
from tombola.local.laptop import Laptop
from tombola.local.runner import Tally
from tombola.local.traces import Traces
from tombola.orders.facts import Header, Line, Order, OrderStatement
from tombola.orders.usecases import record_order
from tombola.ports.topics import Message
from tombola.privacy.pseudonyms import pseudonym
from tombola.profiles.usecases import record_shopper, update_profile
from tombola.runtime import logs

HOST = "127.0.0.1:8080"
OWN = {"HTTP_TOMBOLA_CONSOLE": "1"}
CAMPAIGN = Path(__file__).parents[1] / "campaigns" / "files" / "wheel.yaml"
PAGE = Path(__file__).parents[3] / "shared" / "tombola" / "local" / "console_page"


@pytest.fixture(autouse=True)
def quiet_log() -> None:
    logs.configure(level="critical")


@pytest.fixture
def made(laptop: Callable[[], Laptop], on_ping: Callable[[str, str], None]) -> Laptop:
    """Return a laptop with one function and one retailer."""
    on_ping("keep_ping", "from tombola.errors import Conflict\nraise Conflict('no', code='not-so')")
    one = laptop()
    shop = b"{retailer: corner-shop, name: Corner Shop, country: US, currency: USD, feeds: {}}"
    one.ports.objects.replace("config", "retailers/corner-shop.yaml", shop)
    one.ports.keys.create("pseudonym-corner-shop", b"k" * 32)
    return one


@pytest.fixture
def traces(made: Laptop, tmp_path: Path) -> Iterator[Traces]:
    """Return the traces of the laptop's home, in which its functions' spans are kept."""
    assert made.ports
    with traced(tmp_path / "home") as kept:
        yield kept


@pytest.fixture
def ask(made: Laptop, tmp_path: Path, traces: Traces) -> Callable[..., Reply]:
    """Return a caller of the console: path, body (then it is a POST), variables of the request."""
    console = only_this_machine(Console(made.ports, made.queue, made.lanes, tmp_path / "home", Tally, traces))

    def call(path: str, body: bytes | None = None, **variables: str) -> Reply:
        environ = {
            "REQUEST_METHOD": "GET" if body is None else "POST", "PATH_INFO": path, "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8080", "HTTP_HOST": HOST, "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body or b""), "CONTENT_LENGTH": str(len(body or b"")),
            **variables,
        }  # fmt: skip
        return answer_of(console, environ)

    return call


def state(ask: Callable[..., Reply]) -> dict[str, object]:
    found: dict[str, object] = json.loads(ask("/console/state").body)
    return found


def test_the_page_and_its_files_are_served_and_need_nobody_else(ask: Callable[..., Reply]) -> None:
    files = [f"/console/{file}" for file in ("console.css", "console.js", "traces.js", "console.svg")]
    for path in ("/", *files, "/favicon.ico"):
        reply = ask(path)
        assert reply.status == 200
        assert dict(reply.headers)["Content-Security-Policy"].startswith("default-src 'self'")
    for file in PAGE.iterdir():
        addresses = re.findall(rb"https?://[^\"' )]+", file.read_bytes())
        assert set(addresses) <= {b"http://www.w3.org/2000/svg"}


def test_what_the_scripts_ask_for_stands_in_the_page() -> None:
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    script = "".join(file.read_text(encoding="utf-8") for file in PAGE.glob("*.js"))
    for name in re.findall(r"(?:byId|draw)\(\"([a-z-]+)\"", script):
        assert f'id="{name}"' in page


def test_a_fresh_home_is_shown_as_empty(ask: Callable[..., Reply]) -> None:
    found = state(ask)
    assert (found["files"], found["dead_letters"], found["campaigns"], found["log"]) == ([], [], [], [])
    assert found["outbox"] == {"waiting": 0, "oldest": None}
    assert found["retailers"] == ["corner-shop"]


def test_a_receipt_is_summed_up_and_can_be_read(made: Laptop, ask: Callable[..., Reply]) -> None:
    receipt = {
        "retailer": "corner-shop", "feed": "orders", "object": "corner-shop/orders/a.csv", "rows": 3, "accepted": 2,
        "rejected": 1, "duplicates": 0, "verdict": "partial",
        "errors": [{"code": "not-a-number", "field": "v", "count": 1}],
    }  # fmt: skip
    name = "corner-shop/orders/r1/receipt.json"
    made.ports.objects.replace("receipts", name, json.dumps(receipt).encode())
    made.ports.objects.replace("rejects", "corner-shop/orders/r1/rejected-1.csv", b"<script>")
    made.ports.objects.replace("receipts", "corner-shop/orders/r2/receipt.json", b"torn")
    summary, torn = sorted(state(ask)["files"], key=lambda file: str(file["receipt"]))  # type: ignore[arg-type, call-overload]
    assert (summary["rows"], summary["accepted"], summary["rejected"], summary["receipt"]) == (3, 2, 1, name)
    assert summary["notes"] == [{"code": "not-a-number", "field": "v", "count": 1, "level": "errors"}]
    assert torn["verdict"] is None
    assert json.loads(ask(f"/console/receipts/{name}").body) == receipt
    rejected = ask("/console/rejects/corner-shop/orders/r1/rejected-1.csv")
    assert dict(rejected.headers)["Content-Disposition"].startswith("attachment")
    for bad in ("../keys/pseudonym-corner-shop/1", "nothing", "corner-shop"):
        assert ask(f"/console/receipts/{bad}").status == 404


def test_a_dead_letter_is_shown_with_its_reason_and_never_with_what_is_in_it(
    made: Laptop, ask: Callable[..., Reply]
) -> None:
    made.ports.topics.publish("order-received", [Message(b'{"event_id": "e", "text": "secret"}', {})])
    made.runner.drain()
    [letter] = state(ask)["dead_letters"]  # type: ignore[misc]
    assert (letter["reason"], letter["function"], letter["redrivable"]) == ("not-so", "keep_ping", True)
    assert b"secret" not in ask("/console/state").body
    body = json.dumps({"message_ids": [letter["message_id"]]}).encode()
    assert json.loads(ask("/console/send-again", body, **OWN).body) == {"sent_again": 1}
    assert state(ask)["dead_letters"] == []
    [waiting] = [queue for queue in state(ask)["queues"] if queue["subscription"] == "keep-ping"]  # type: ignore[attr-defined]
    assert waiting["ready"] == 1


def test_a_dead_letter_that_cannot_be_mended_is_discarded(
    made: Laptop, ask: Callable[..., Reply], tmp_path: Path
) -> None:
    (tmp_path / "home" / "inbox" / "new\nline.csv").touch()
    made.watcher.scan()
    [letter] = state(ask)["dead_letters"]  # type: ignore[misc]
    assert (letter["object"], letter["redrivable"]) == ("'new\\nline.csv'", False)
    body = json.dumps({"message_ids": [letter["message_id"], "99"]}).encode()
    assert ask("/console/discard", body).status == 403
    assert json.loads(ask("/console/discard", body, **OWN).body) == {"discarded": 1}
    assert state(ask)["dead_letters"] == []


def test_a_shopper_is_found_by_the_retailers_own_id_which_goes_nowhere(made: Laptop, ask: Callable[..., Reply]) -> None:
    shopper, at = pseudonym(b"k" * 32, "corner-shop", "4711"), made.ports.clock.now() - timedelta(weeks=2)
    header = Header(shopper=shopper, store_id="1", ordered_at=at, currency="USD")
    line = Line(line_id="1", product_id="p", quantity=1, value_minor=100)
    order = Order(retailer="corner-shop", order_id="1", revision=1, authoritative=True, header=header, lines=(line,))
    update_profile(made.ports, order)
    consents = ({"purpose": "ads", "granted": True, "effective_at": at},)
    record_shopper(
        made.ports,
        ShopperReceived.model_validate(
            {
                "event_id": "s",
                "retailer": "corner-shop",
                "shopper": shopper,
                "stated_at": at,
                "registered_at": None,
                "loyalty_tier": "gold",
                "consents": consents,
            }
        ),
    )
    found = json.loads(ask("/console/profile", b'{"retailer":"corner-shop","shopper_id":"4711"}', **OWN).body)
    assert (found["shopper"], found["about"]["orders"], len(found["weeks"])) == (shopper, 1, 1)
    assert [(one["purpose"], one["granted"]) for one in found["consents"]] == [("ads", True)]
    stranger = json.loads(ask("/console/profile", b'{"retailer":"corner-shop","shopper_id":"1"}', **OWN).body)
    assert (stranger["about"], stranger["weeks"]) == ({"revision": 0, "orders": 0}, [])
    assert ask("/console/profile", b'{"retailer":"nobody","shopper_id":"1"}', **OWN).status == 404


def test_an_order_is_shown_with_what_it_earned_or_why_it_did_not(made: Laptop, ask: Callable[..., Reply]) -> None:
    now = made.ports.clock.now()
    rules = yaml.safe_load(CAMPAIGN.read_text(encoding="utf-8"))
    window = {"opens": now.date().isoformat(), "closes": (now + timedelta(days=9)).date().isoformat()}
    rules |= {
        "window": {name: f"{day}T00:00:00" for name, day in window.items()} | {"time_zone": "UTC"},
        "reveal_by": (now + timedelta(days=90)).isoformat(), "criteria": {"all": [{"minimum_quantity": 2}]},
        "control": {"share": "0", "mode": "banner"},
    }  # fmt: skip
    commit_campaign(made.ports, yaml.safe_dump(rules), id_key=b"i" * 32, seed=b"s" * 32)
    launch_campaign(made.ports, "spring-wheel", "drawn by a bailiff: 4 8 15 16")
    made.ports.memo.clear()
    statement = OrderStatement(
        retailer="corner-shop", order_id="o-1", door="check_out", scope="whole", stated_at=now,
        header=Header(shopper="s", store_id="1", ordered_at=made.ports.clock.now(), currency="USD"),
        lines=(Line(line_id="1", product_id="p", quantity=1, value_minor=100),),
    )  # fmt: skip
    record_order(made.ports, statement, lane="live")
    found = json.loads(ask("/console/order", b'{"retailer":"corner-shop","order_id":"o-1"}', **OWN).body)
    assert (found["revision"], found["authoritative"], found["cancelled_at"]) == (1, False, None)
    [tier] = found["tiers"]
    assert (tier["campaign"], tier["tier"], tier["state"], tier["reason"]) == (
        "spring-wheel", 1, None, "criteria-not-met",
    )  # fmt: skip
    assert "1 of 2" in tier["unmet"]
    assert tier["words"][0].startswith("To take part")
    unknown = ask("/console/order", b'{"retailer":"corner-shop","order_id":"o-2"}', **OWN)
    assert unknown.status == 404


def test_a_launched_campaign_is_shown_with_its_pool(made: Laptop, ask: Callable[..., Reply]) -> None:
    commit_campaign(made.ports, CAMPAIGN.read_bytes(), id_key=b"i" * 32, seed=b"s" * 32)
    assert state(ask)["campaigns"] == []
    launch_campaign(made.ports, "spring-wheel", "drawn by a bailiff: 4 8 15 16")
    made.ports.memo.clear()
    [campaign] = state(ask)["campaigns"]  # type: ignore[misc]
    assert (campaign["tokens"], campaign["states"], campaign["wins"]) == (0, {}, 0)
    assert campaign["accounts"]["available"] == "2000.00"
    assert (campaign["status"], campaign["phase"] in {"not open yet", "open", "over"}) == ("launched", True)


def test_a_report_that_was_made_is_linked_and_can_run_nothing(made: Laptop, ask: Callable[..., Reply]) -> None:
    commit_campaign(made.ports, CAMPAIGN.read_bytes(), id_key=b"i" * 32, seed=b"s" * 32)
    launch_campaign(made.ports, "spring-wheel", "w")
    [before] = state(ask)["campaigns"]  # type: ignore[misc]
    made.ports.objects.replace("reports", "spring-wheel/v1/report.html", b"<!doctype html>")
    made.ports.objects.replace("reports", "spring-wheel/v1/days.csv", b"day")
    made.ports.memo.clear()
    [after] = state(ask)["campaigns"]  # type: ignore[misc]
    assert (before["report"], after["report"]) == (None, "spring-wheel/v1/report.html")
    page = ask(f"/console/reports/{after['report']}")
    assert page.body == b"<!doctype html>"
    assert dict(page.headers)["Content-Type"].startswith("text/html")
    policy = dict(page.headers)["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert dict(ask("/console/reports/spring-wheel/v1/days.csv").headers)["Content-Disposition"].startswith(
        "attachment"
    )
    assert ask("/console/reports/../receipts/x").status == 404


def test_problems_are_shown_though_much_else_was_logged(ask: Callable[..., Reply], tmp_path: Path) -> None:
    lines = [{"severity": "ERROR", "time": "1"}, *({"severity": "INFO", "time": f"2{n:03}"} for n in range(200))]
    file = tmp_path / "home" / "logs" / "functions.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(["torn", *map(json.dumps, lines), "[]"]), encoding="utf-8")
    log = state(ask)["log"]
    assert isinstance(log, list)
    assert (len(log), log[-1]["severity"]) == (31, "ERROR")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HTTP_ORIGIN": "https://elsewhere.example", **OWN},
        {"HTTP_ORIGIN": "null", **OWN},
        {"HTTP_ORIGIN": f"http://{HOST}"},
    ],
)
def test_only_the_consoles_own_page_may_change_anything(ask: Callable[..., Reply], variables: dict[str, str]) -> None:
    assert ask("/console/send-again", b'{"message_ids":["1"]}', **variables).status == 403


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1:9", "", "127.0.0.1:8080.rebound.example"])
def test_a_request_by_another_name_is_refused(ask: Callable[..., Reply], host: str) -> None:
    assert ask("/console/state", HTTP_HOST=host).status == 403


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/console/send-again", b"not json", 422),
        ("/console/send-again", b'{"message_ids":["1"],"more":1}', 422),
        ("/console/send-again", b'{"message_ids":["1; drop table"]}', 422),
        ("/console/profile", b'{"retailer":"corner-shop"}', 422),
        ("/console/profile", b" " * 100_000, 413),
        ("/console/nothing", b"{}", 404),
    ],
)
def test_a_bad_request_is_a_problem(ask: Callable[..., Reply], path: str, body: bytes, status: int) -> None:
    reply = ask(path, body, **OWN)
    assert (reply.status, dict(reply.headers)["Content-Type"]) == (status, "application/problem+json")


def test_other_pages_and_methods_are_not_answered(ask: Callable[..., Reply]) -> None:
    assert ask("/console/../keys").status == 404
    assert ask("/", REQUEST_METHOD="DELETE").status == 405
