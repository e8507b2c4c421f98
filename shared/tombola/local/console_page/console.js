// The console: asks for /console/state every second and draws what has changed. No framework, no network.
"use strict";

const byId = (id) => document.getElementById(id);
const whole = (number) => (number ?? 0).toLocaleString("en");

/** Make an element: text children are text, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") element.style.cssText = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const drawn = new Map();

/** Draw children into a place only when what they are drawn from has changed, so focus and selection stay. */
function draw(id, facts, children) {
  const text = JSON.stringify(facts);
  if (drawn.get(id) === text) return;
  drawn.set(id, text);
  byId(id).replaceChildren(...children(facts));
}

const cell = (text, kind = "") => make("td", { class: kind }, text);
const count = (number, kind = "") => cell(whole(number), `n ${number ? kind : "zero"}`);
const emptyRow = (columns, text) => make("tr", {}, make("td", { colspan: columns, class: "empty" }, text));
const minute = (local) => local.slice(0, 16).replace("T", " ");
const clock = (iso) => (iso ? new Date(iso).toLocaleTimeString("en-GB") : "");
const moment = (iso) => {
  const at = new Date(iso);
  return at.toDateString() === new Date().toDateString() ? clock(iso) : `${at.toLocaleDateString("en-CA")} ${clock(iso)}`;
};
const VERDICTS = { accepted: "good", partial: "warn", quarantined: "bad" };
const PHASES = { "open": "good", "not open yet": "warn", "over": "", "ended": "", "revealed": "" };

function figures(state) {
  const sum = (items, name) => items.reduce((total, item) => total + (item[name] ?? 0), 0);
  const dead = state.dead_letters.length;
  return [
    ["files", state.files.length, ""],
    ["rows accepted", sum(state.files.filter((file) => file.verdict !== "quarantined"), "accepted"), ""],
    ["rows rejected", sum(state.files, "rejected"), sum(state.files, "rejected") ? "warn" : ""],
    ["delivered", state.tally.acknowledged, ""],
    ["waiting", sum(state.queues, "ready") + sum(state.queues, "in_flight"), ""],
    ["retrying", sum(state.queues, "waiting"), sum(state.queues, "waiting") ? "warn" : ""],
    ["dead", dead, dead ? "bad" : ""],
    ["tokens", sum(state.campaigns, "tokens"), ""],
    ["wins", sum(state.campaigns, "wins"), ""],
  ].map(([name, number, kind]) => make("div", {}, make("span", { class: "name" }, name), make("b", { class: kind }, whole(number))));
}

function fileRow(file) {
  const notes = file.notes.map((note) => `${note.code} ${whole(note.count)}`).join(", ");
  const name = file.object ?? file.receipt;
  return make("tr", {},
    make("td", {}, make("a", { href: `/console/receipts/${encodeURI(file.receipt)}` }, name), make("span", { class: "under line", title: notes }, `${moment(file.at)}${notes ? ` · ${notes}` : ""}`)),
    make("td", {}, make("span", { class: `tag ${VERDICTS[file.verdict] ?? ""}` }, file.verdict ?? "unreadable")),
    count(file.rows), cell(whole(file.accepted), file.verdict === "quarantined" || !file.accepted ? "n zero" : "n"), count(file.rejected, "bad"), count(file.duplicates));
}

function queueRow(queue) {
  return make("tr", {},
    make("td", {}, queue.topic, queue.lane === "bulk" ? make("span", { class: "lane" }, "bulk") : null),
    cell(queue.to), count(queue.ready), count(queue.in_flight), count(queue.waiting, "bad"));
}

function letterRow(letter) {
  return make("tr", {},
    cell(moment(letter.at)), make("td", {}, make("span", { class: "tag bad" }, letter.reason)),
    cell(letter.detail), make("td", {}, letter.function || letter.subscription || "?", make("span", { class: "under" }, letter.object || letter.type)),
    make("td", { class: "n" }, make("button", { type: "button", disabled: !letter.redrivable, title: letter.redrivable ? null : "it never came to a function", onclick: (event) => settle(event.target, "send-again", [letter.message_id]) }, "Send again"), " ",
      make("button", { type: "button", onclick: (event) => discard(event.target, letter) }, "Discard")));
}

function campaignCard(campaign) {
  const money = (account) => Number(campaign.accounts[account] ?? 0);
  const shown = (account) => `${Number(campaign.accounts[account] ?? 0).toLocaleString("en", { minimumFractionDigits: 2 })} ${campaign.currency}`;
  const paid = money("payable") + money("paid");
  const total = money("available") + money("reserved") + paid + money("expired") || 1;
  const share = (amount) => `width:${(100 * amount) / total}%`;
  const states = ["open", "played", "expired", "revoked"].filter((state) => campaign.states[state]);
  return make("article", { class: "card" },
    make("h3", {}, campaign.title, make("span", { class: `tag ${PHASES[campaign.phase] ?? ""}` }, campaign.phase)),
    make("div", { class: "muted" }, `${campaign.campaign} v${campaign.version} · ${campaign.sponsor} · ${minute(campaign.window.opens)} to ${minute(campaign.window.closes)} ${campaign.window.time_zone}`,
      campaign.audit ? make("div", { class: "bad" }, `Audit failed: ${campaign.audit}`) : null,
      campaign.report ? [" · ", make("a", { href: `/console/reports/${encodeURI(campaign.report)}` }, "report")] : null),
    make("div", { class: "pool", role: "img", "aria-label": `left ${shown("available")}, reserved ${shown("reserved")}, payable and paid ${paid} ${campaign.currency}` },
      make("i", { class: "p", style: share(paid) }), make("i", { class: "r", style: share(money("reserved")) }), make("i", { class: "a", style: share(money("available")) })),
    make("div", { class: "legend" },
      make("span", {}, make("i", { style: "background:#12946a" }), `payable ${shown("payable")}`),
      make("span", {}, make("i", { style: "background:#e0a100" }), `reserved ${shown("reserved")}`),
      make("span", {}, make("i", { style: "background:var(--bar)" }), `left ${shown("available")}`)),
    make("div", { class: "counts" },
      make("span", {}, make("b", {}, whole(campaign.tokens)), " tokens"),
      states.map((state) => make("span", {}, make("b", {}, whole(campaign.states[state])), ` ${state}`)),
      make("span", {}, make("b", {}, whole(campaign.wins)), " wins")));
}

const PROBLEMS = { WARNING: "warn", ERROR: "bad", CRITICAL: "bad" };

function logLine(line) {
  const parts = [line.message === "request" ? null : line.message, line.function, line.outcome, line.code, line.error, line.status,
    line.duration_ms === undefined ? null : `${line.duration_ms.toFixed(1)} ms`, line.attempt > 1 ? `attempt ${line.attempt}` : null];
  const stack = line.stack_trace ? make("details", {}, make("summary", {}, "stack"), make("pre", {}, line.stack_trace)) : null;
  return make("li", { class: PROBLEMS[line.severity] ?? "" }, make("time", {}, line.time ? moment(line.time) : ""), ` ${parts.filter((part) => part).join("  ")}`, stack);
}

let last = null;

function show(state) {
  last = state;
  byId("home").textContent = state.home;
  const facts = [state.files.length, state.tally, state.queues, state.dead_letters.length, state.campaigns];
  draw("figures", facts, () => figures(state));
  draw("files", state.files, (files) => files.length ? files.map(fileRow) : [emptyRow(6, "No file yet. Drop one into inbox/<retailer>/<feed>/ and watch.")]);
  draw("queues", state.queues, (queues) => queues.map(queueRow));
  byId("outbox").textContent = state.outbox.waiting ? `${whole(state.outbox.waiting)} in the outbox since ${moment(state.outbox.oldest)}` : "outbox empty";
  byId("letters-section").hidden = state.dead_letters.length === 0;
  draw("letters", state.dead_letters, (letters) => letters.map(letterRow));
  draw("campaigns", state.campaigns, (campaigns) => campaigns.length ? campaigns.map(campaignCard) : [make("p", { class: "empty" }, "No campaign yet: tombola campaign commit FILE, then launch it.")]);
  draw("retailers", state.retailers, (retailers) => retailers.map((retailer) => make("option", { value: retailer })));
  for (const form of ["shopper-form", "trace-form"]) {
    const named = byId(form).elements.retailer;
    if (!named.value && document.activeElement !== named && state.retailers.length === 1) named.value = state.retailers[0];
  }
  drawTraces();
  drawLog();
}

function drawLog() {
  const lines = byId("only-problems").checked ? last.log.filter((line) => PROBLEMS[line.severity]) : last.log;
  draw("log", lines, () => lines.length ? lines.map(logLine) : [make("li", { class: "muted" }, "nothing")]);
}

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "Tombola-Console": "1" }, body: JSON.stringify(body) });
  const parsed = await answer.json();
  if (!answer.ok) throw new Error([parsed.detail, ...(parsed.problems ?? []).map((one) => `${one.where}: ${one.expected}`)].join(". "));
  return parsed;
}

/** Send dead letters again, or discard them. */
async function settle(button, what, messageIds) {
  button.disabled = true;
  try {
    await post(`/console/${what}`, { message_ids: messageIds });
  } catch (error) {
    button.disabled = false;
    button.title = error.message;
  }
}

function discard(button, letter) {
  const named = letter.object || letter.type || letter.function || letter.subscription;
  if (window.confirm(`Discard dead letter ${letter.message_id} (${letter.reason}, ${named})? It cannot be brought back.`)) settle(button, "discard", [letter.message_id]);
}

function bars(name, items) {
  if (!items.length) return [];
  const most = Math.max(...items.map((item) => item.score), 1e-9);
  return [make("div", {}, make("div", { class: "muted" }, name),
    make("div", { class: "bars" }, items.flatMap((item) => [make("span", { title: item.name }, item.name), make("meter", { min: 0, max: most, value: item.score }, item.score), make("span", { class: "n" }, item.shown)])))];
}

function profile(found) {
  const most = Math.max(...found.weeks.map((week) => week.orders), 1);
  return make("div", { class: "profile" },
    make("div", { class: "legend" }, make("span", {}, `pseudonym ${found.shopper}`), Object.entries(found.about).map(([name, value]) => make("span", {}, `${name} ${value}`))),
    make("div", {}, found.consents.length ? found.consents.map((one) => make("span", { class: `tag ${one.granted ? "good" : "bad"}`, style: "margin-right:6px" }, `${one.purpose} ${one.granted ? "agreed" : "refused"} ${one.effective_at.slice(0, 10)}`)) : make("span", { class: "tag warn" }, "no consent known")),
    found.weeks.length ? make("div", {}, make("div", { class: "muted" }, `orders per week, ${found.weeks[0].week} to ${found.weeks.at(-1).week}`),
      make("div", { class: "weeks", role: "img", "aria-label": `${found.weeks.length} weeks, at most ${most} orders in one` }, found.weeks.map((week) => make("i", { style: `height:${(100 * week.orders) / most}%`, title: `${week.week}: ${week.orders} orders` })))) : null,
    bars("brands", found.brands), bars("categories", found.categories));
}

/** What an order earned, tier by tier, or why it did not. */
function earned(found) {
  const about = [`revision ${found.revision}`, found.authoritative ? "stated by the retailer's system" : "promised at the check-out only", found.cancelled_at ? `cancelled ${found.cancelled_at.slice(0, 10)}` : ""];
  const tone = (tier) => (tier.state === "open" || tier.state === "played" ? "good" : "warn");
  return make("div", { class: "profile" },
    make("div", { class: "legend" }, about.filter(Boolean).map((text) => make("span", {}, text))),
    found.tiers.length ? found.tiers.map((tier) => make("div", {}, make("span", { class: `tag ${tone(tier)}` }, tier.state ?? tier.reason), ` ${tier.campaign} v${tier.version}, tier ${tier.tier}: ${tier.words.join(" ")}`,
      make("div", { class: "muted" }, [tier.state ? tier.reason : "", tier.unmet].filter(Boolean).join(" · ")))) : make("p", { class: "muted" }, "no campaign runs that it could take part in"));
}

/** Let a form ask for something, and show the answer below it. */
function asks(name, path, drawn) {
  byId(`${name}-form`).addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      byId(name).replaceChildren(drawn(await post(path, Object.fromEntries(new FormData(event.target)))));
    } catch (error) {
      byId(name).replaceChildren(make("p", { class: "empty" }, error.message));
    }
  });
}

asks("shopper", "/console/profile", profile);
asks("order", "/console/order", earned);
byId("trace-form").addEventListener("submit", showTracesOf);
byId("redrive-all").addEventListener("click", async (event) => {
  await settle(event.target, "send-again", last.dead_letters.filter((letter) => letter.redrivable).map((letter) => letter.message_id));
  event.target.disabled = false;
});
byId("only-problems").addEventListener("change", drawLog);

async function beat() {
  const pulse = byId("pulse");
  try {
    const answer = await fetch("/console/state");
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const state = await answer.json();
    show(state);
    const busy = state.queues.some((queue) => queue.ready + queue.in_flight > 0);
    pulse.className = busy ? "busy" : "";
    byId("pulse-text").textContent = `${busy ? "working" : "idle"} · ${clock(state.now)}`;
  } catch {
    pulse.className = "lost";
    byId("pulse-text").textContent = "not running: tombola dev";
  }
  setTimeout(beat, document.hidden ? 5000 : 1000);
}
beat();
