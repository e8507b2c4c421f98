"""Charts as SVG text, drawn by Vega-Lite inside vl-convert: no browser, no script, no network.

Specifications are plain Vega-Lite: a chart library in between would cost two seconds of every cold start.
Colours are Okabe and Ito's, which stay apart for colour-blind readers and in grey print
(https://jfly.uni-koeln.de/color/). Every chart is drawn once wide and once for a phone.
"""

import re
from dataclasses import dataclass
from html import escape

from tombola.money import exponent
from tombola.reports.model import CampaignReport, Experiment, Range
from tombola.reports.wording import money_text, signed_text

BLUE, VERMILLION, INK, GRID = "#0072B2", "#D55E00", "#3c4247", "#e4e7ea"
WIDE, NARROW = 820, 290
LABELS = 104
"""Room for "Before prizes" in whatever font the reader's page has."""
Spec = dict[str, object]

_CONFIG: Spec = {
    "aria": False,  # the whole chart gets one title and one description instead of a label per bar
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "gridColor": GRID, "domainColor": "#9aa1a7", "tickColor": "#9aa1a7", "titlePadding": 8,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart, wide and narrow, as SVG elements that carry their own title and description."""

    name: str
    title: str
    wide: str
    narrow: str


def plays_chart(report: CampaignReport) -> Chart:
    """Return plays per day, and under them the wins of the same days."""
    rows: list[Spec] = [{"day": day.day.isoformat(), "plays": day.plays, "wins": day.wins} for day in report.days]
    busiest = max(report.days, key=lambda day: day.plays)
    words = (
        f"{report.counts.tokens_played:,} plays and {report.counts.wins:,} wins over {len(rows)} days; "
        f"most plays on {busiest.day:%d %B %Y}: {busiest.plays:,}."
    )

    def spec(width: int) -> Spec:
        plays = _bars(width, 150, "plays", "Plays", BLUE, show_days=False)
        return {"data": {"values": rows}, "spacing": 12,
                "vconcat": [plays, _bars(width, 60, "wins", "Wins", VERMILLION, show_days=True)]}  # fmt: skip

    return _chart("plays", "Plays and wins per day", words, spec(WIDE), spec(NARROW))


def pool_chart(report: CampaignReport) -> Chart:
    """Return what was won until each day's end, under the line of the pool that it can never cross."""
    unit, currency = 10 ** exponent(report.currency), report.currency
    rows = [{"day": d.day.isoformat(), "won": d.cumulative_reserved_minor / unit} for d in report.days]
    pool = {"pool": report.money.pool_minor / unit, "label": f"Pool {money_text(report.money.pool_minor, currency)}"}
    words = (
        f"Won over time, rising to {money_text(report.money.reserved_minor, currency)}, under a pool of "
        f"{money_text(report.money.pool_minor, currency)}. Prizes released later are not taken off the line."
    )

    def spec(width: int) -> Spec:
        y: Spec = {"type": "quantitative", "axis": _amounts(f"Won, {currency}")}
        area = {"type": "area", "interpolate": "step-after", "color": BLUE, "opacity": 0.25, "line": {"color": BLUE}}
        pool_line: Spec = {"y": {**y, "field": "pool"}}
        label: Spec = {"type": "text", "align": "left", "baseline": "top", "dy": 5, "color": INK, "fontSize": 12}
        return {
            "width": width, "height": 180,
            "layer": [
                {"data": {"values": rows}, "mark": area, "encoding": {"x": _days(width), "y": {**y, "field": "won"}}},
                {"data": {"values": [pool]}, "mark": {"type": "rule", "color": VERMILLION, "strokeDash": [6, 4],
                 "strokeWidth": 2}, "encoding": pool_line},
                {"data": {"values": [pool]}, "mark": label,
                 "encoding": {**pool_line, "x": {"value": 6}, "text": {"field": "label", "type": "nominal"}}},
            ],
        }  # fmt: skip

    return _chart("pool", "The pool over time", words, spec(WIDE), spec(NARROW))


def difference_chart(report: CampaignReport) -> Chart | None:
    """Return the difference per shopper with its 95% interval, before and after prizes. None without an interval."""
    found, currency = report.experiment, report.currency
    rows = _differences(found, currency)
    if not rows:
        return None
    words = "; ".join(f"{row['what']}: {row['words']}" for row in rows) + ". The line at zero means no difference."

    def spec(width: int) -> Spec:
        y: Spec = {
            "field": "what",
            "type": "nominal",
            "sort": None,
            "axis": {
                "title": None,
                "domain": False,
                "ticks": False,
                "labelFontSize": 13,
                "labelPadding": 8,
                "minExtent": LABELS,
            },
        }
        value: Spec = {"type": "quantitative", "axis": _amounts(f"{currency} per shopper")}
        thick: Spec = {"type": "rule", "color": BLUE, "strokeWidth": 5, "strokeCap": "round", "opacity": 0.55}
        zero: Spec = {"type": "rule", "color": INK, "strokeDash": [3, 3]}
        return {
            "width": width - LABELS + 30, "height": 46 * len(rows), "data": {"values": rows},
            "layer": [
                {"data": {"values": [{"zero": 0}]}, "mark": zero, "encoding": {"x": {**value, "field": "zero"}}},
                {"mark": thick, "encoding": {"y": y, "x": {**value, "field": "low"}, "x2": {"field": "high"}}},
                {"mark": {"type": "point", "filled": True, "size": 130, "color": BLUE, "opacity": 1},
                 "encoding": {"y": y, "x": {**value, "field": "difference"}}},
            ],
        }  # fmt: skip

    return _chart("difference", "Invited against control", words, spec(WIDE), spec(NARROW))


def _differences(found: Experiment, currency: str) -> list[Spec]:
    unit = 10 ** exponent(currency)
    rows: list[Spec] = []
    for what, middle, between in (
        ("Before prizes", found.difference_minor, found.interval),
        ("After prizes", found.net_minor, found.net_interval),
    ):
        if middle is not None and isinstance(between, Range):
            low, high = between.low_minor, between.high_minor
            words = f"{signed_text(middle, currency)} ({signed_text(low, currency)} to {signed_text(high, currency)})"
            rows.append({"what": what, "difference": middle / unit, "low": low / unit, "high": high / unit,
                         "words": words})  # fmt: skip
    return rows


def _bars(width: int, height: int, field: str, title: str, color: str, *, show_days: bool) -> Spec:
    return {
        "width": width, "height": height, "mark": {"type": "bar", "color": color, "binSpacing": 1},
        "encoding": {
            "x": _days(width) if show_days else {**_days(width), "axis": None},
            "y": {"field": field, "type": "quantitative",
                  "axis": {"title": title, "tickMinStep": 1, "format": ",d", "tickCount": max(2, height // 40)}},
        },
    }  # fmt: skip


def _days(width: int) -> Spec:
    axis: Spec = {"title": None, "format": "%-d %b", "grid": False, "labelOverlap": True, "tickCount": width // 130}
    return {"field": "day", "type": "temporal", "timeUnit": "utcyearmonthdate", "scale": {"type": "utc"}, "axis": axis}


def _amounts(title: str) -> Spec:
    return {"title": title, "format": ",~f", "tickCount": 5}


def _chart(name: str, title: str, words: str, wide: Spec, narrow: Spec) -> Chart:
    drawn = [_draw(f"{name}-{size}", title, words, spec) for size, spec in (("wide", wide), ("narrow", narrow))]
    return Chart(name, title, *drawn)


def _draw(name: str, title: str, words: str, spec: Spec) -> str:
    """Return the SVG with ids of its own (a page holds several) and words for who cannot see it."""
    import vl_convert  # noqa: PLC0415 (starts a JavaScript engine: only a report needs it)

    schema = "https://vega.github.io/schema/vega-lite/v6.json"
    svg: str = vl_convert.vegalite_to_svg({"$schema": schema, "config": _CONFIG, **spec})
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    labels = f'role="img" aria-labelledby="{name}-title {name}-words"'
    says = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-words">{escape(words)}</desc>'
    return re.sub(r"<svg ([^>]*)>", rf"<svg {labels} \1>{_literal(says)}", svg, count=1)


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")
