// Traces: a line each, and the waterfall of the one that is chosen. Used by console.js.
"use strict";

const took = (ms) => (ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

function outcomeOf(trace) {
  if (trace.failed) return make("span", { class: "tag bad" }, `${trace.failed} failed`);
  return make("span", { class: `tag ${trace.outcome === "done" ? "good" : "warn"}` }, trace.outcome);
}

function traceRow(trace) {
  return make("tr", {},
    make("td", {}, make("button", { type: "button", class: "link", onclick: () => chooseTrace(trace.trace_id) }, trace.begins_with),
      trace.lane === "bulk" ? make("span", { class: "lane" }, "bulk") : null),
    cell(moment(trace.at)), count(trace.functions), cell(took(trace.duration_ms), "n"),
    make("td", { class: "n" }, outcomeOf(trace)));
}

/** Return where an instant is drawn, from 0 to 1: while nothing ran, time is drawn shorter, so that work can be seen. */
function clockFace(spans) {
  const moments = spans.flatMap((span) => [[span.offset_ms, 1], [span.offset_ms + span.duration_ms, -1]]).sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  let running = 0, busy = 0;
  moments.forEach(([at, change], index) => {
    if (running > 0) busy += at - moments[index - 1][0];
    running += change;
  });
  const longestWait = Math.max(busy, 0.1) * 0.12;
  const drawn = [];
  let place = 0;
  moments.forEach(([at, change], index) => {
    const passed = index ? at - moments[index - 1][0] : at;
    place += running > 0 ? passed : Math.min(passed, longestWait);
    drawn.push([at, place]);
    running += change;
  });
  const places = new Map(drawn);
  return (ms) => (places.get(ms) ?? place) / (place || 1);
}

function spanRow(span, face) {
  const from = face(span.offset_ms), to = face(span.offset_ms + span.duration_ms);
  const notes = [
    span.outcome && span.outcome !== "done" ? make("span", { class: `tag ${span.failed ? "bad" : ""}` }, [span.outcome, span.code].filter(Boolean).join(" · ")) : null,
    span.attempt > 1 ? make("span", { class: "tag warn" }, `attempt ${span.attempt}`) : null,
    span.lost_races ? make("span", { class: "tag warn" }, `${span.lost_races} lost races`) : null,
    span.messages > 1 ? make("span", { class: "tag" }, `${whole(span.messages)} messages`) : null,
    span.lane === "bulk" ? make("span", { class: "lane" }, "bulk") : null,
  ];
  return make("li", { class: span.kind },
    make("span", { class: "what", style: `padding-left:${Math.min(span.depth, 12) * 12}px` }, make("span", { title: span.name }, span.name), notes),
    make("span", { class: "track" }, make("i", { class: span.failed ? "failed" : "", style: `left:min(${100 * from}%, 100% - 3px);width:${100 * (to - from)}%` })),
    make("span", { class: "n muted" }, `+${took(span.offset_ms)}`), make("span", { class: "n" }, took(span.duration_ms)));
}

function waterfall(trace) {
  const face = clockFace(trace.spans);
  return make("div", { class: "profile" },
    make("div", { class: "legend" }, make("span", {}, `trace ${trace.trace_id}`), make("span", {}, moment(trace.at)), make("span", {}, `${took(trace.duration_ms)} from end to end`),
      trace.came_of ? make("span", {}, "came of ", make("button", { type: "button", class: "link", onclick: () => chooseTrace(trace.came_of) }, "a crowd of messages")) : null),
    make("ol", { class: "waterfall" }, trace.spans.map((span) => spanRow(span, face))),
    make("div", { class: "muted" }, "Waiting is drawn shorter than it was; the figures are true."));
}

async function chooseTrace(traceId) {
  const place = byId("trace");
  try {
    const answer = await fetch(`/console/traces/${encodeURIComponent(traceId)}`);
    const found = await answer.json();
    place.replaceChildren(answer.ok ? waterfall(found) : make("p", { class: "empty" }, found.detail));
  } catch (error) {
    place.replaceChildren(make("p", { class: "empty" }, error.message));
  }
  place.scrollIntoView({ block: "nearest" });
}

/** Draw the latest traces, or those of an order that was asked for. */
const traceTable = (traces) => (traces.length ? traces.map(traceRow) : [emptyRow(5, "Nothing has happened yet. Send an order by webhook and watch.")]);

async function showTracesOf(event) {
  event.preventDefault();
  const asked = Object.fromEntries(new FormData(event.target));
  try {
    const found = asked.order_id ? await post("/console/traces", asked) : null;
    tracesAsked = found;
    if (found) await chooseTrace(found.at(-1).trace_id);
  } catch (error) {
    byId("trace").replaceChildren(make("p", { class: "empty" }, error.message));
  }
  drawTraces();
}

let tracesAsked = null;
const drawTraces = () => draw("traces", tracesAsked ?? last?.traces ?? [], traceTable);
