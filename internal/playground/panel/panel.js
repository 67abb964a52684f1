// The panel beside the channel: draws each snapshot the server sends, and
// sends what is pressed. Data becomes text nodes only.
//
// It shares two events on document with the channel's page: it tells the
// playground's time with "hearth:clock" {now, speed}, and asks for text in the
// composer with "hearth:compose" {text}.

const $ = (selector) => document.querySelector(selector);
const panel = $("#panel");

// Words beside the fire; the sentence below them is the server's.
const STATUS = {
  stopped: "The fire is out", starting: "Looking for a machine", booting: "The machine wakes up",
  loading: "The world is loading", online: "Burning", stopping: "Saving, then out",
  relocating: "Changing machines", failed: "Needs a keeper",
};
const STEPS = ["ask", "machine", "world", "play", "save", "gone"];
const NAMES = ["Astrid", "Bjorn", "Eira", "Freydis", "Gunnar", "Halla", "Ivar", "Kari", "Leif", "Ragna", "Sigrid", "Snorri", "Solveig", "Torvald", "Ulf", "Ylva"];
const MAX_FRIENDS = 8; // drawn around the fire
// Where they sit, nearest first: [x, y of the feet, height]; left and right in turn.
const SEATS = [[164, 236, 42], [316, 236, 42], [120, 231, 38], [360, 231, 38], [82, 227, 34], [398, 227, 34], [50, 224, 30], [430, 224, 30]];

let snap = null; // the last snapshot
let at = 0; // performance.now() when it came
let trouble = ""; // why there is none, if so

const now = () => Date.parse(snap.now) + (performance.now() - at) * snap.speed;

// --- the server ---

let source = null;

function connect() {
  source?.close();
  source = new EventSource("/panel/events");
  source.addEventListener("state", (e) => {
    snap = JSON.parse(e.data);
    at = performance.now();
    trouble = "";
    panel.classList.remove("hp-lost");
    document.dispatchEvent(new CustomEvent("hearth:clock", { detail: { now: now(), speed: snap.speed } }));
    draw();
  });
  source.addEventListener("trouble", (e) => {
    trouble = JSON.parse(e.data).error;
    toast(trouble);
  });
  source.addEventListener("error", () => {
    panel.classList.add("hp-lost");
    write($("#status-text"), "Connection lost. Trying again…");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
}

async function post(path, body) {
  try {
    const answer = await fetch(`/panel/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (answer.ok) return true;
    const said = await answer.json().catch(() => ({}));
    toast(said.error ?? `That did not work (${answer.status}).`);
  } catch {
    toast("Nobody answers. Is Hearth still running?");
  }
  return false;
}

let toastTimer = 0;
function toast(text) {
  const box = $("#panel-toast");
  box.hidden = false;
  box.textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { box.hidden = true; }, 6000);
}

// --- small helpers ---

// write changes text only when it differs, so that screen readers are not
// told the same twice.
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function make(tag, text, cls) {
  const node = document.createElement(tag);
  if (text) node.append(text);
  if (cls) node.className = cls;
  return node;
}

// refill replaces children only when their text differs, which keeps
// selections and scroll positions.
function refill(node, children) {
  const probe = document.createElement("div");
  probe.append(...children);
  const key = [...probe.children].map((c) => `${c.className}|${c.textContent}`).join("\n");
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.replaceChildren(...probe.childNodes);
}

const time = (t) => (t ? Date.parse(t) : NaN);

// span writes how long a time is away: "12 s", "3 min", "2 h".
function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 90) return `${s} s`;
  if (s < 90 * 60) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 360) / 10} h`;
}

// money writes cents: "0.84¢", "63.2¢", "$1.27".
function money(cents) {
  if (!(cents > 0)) return "$0";
  if (cents >= 100) return `$${(cents / 100).toFixed(2)}`;
  return `${cents.toFixed(cents < 10 ? 2 : 1)}¢`;
}

const clockTime = (t) => new Date(time(t)).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// --- drawing ---

function draw() {
  const status = STATUS[snap.status] ? snap.status : "stopped";
  panel.dataset.status = status;
  const word = $("#status");
  word.dataset.status = status;
  write(word, STATUS[status]);
  write($("#status-text"), snap.status_text || "");
  drawFire();
  drawStrip();
  drawPlayers();
  drawAddress();
  drawLevers();
  drawGuide();
  drawSpeed();
  drawLog();
  drawHood();
  tick();
}

// drawFire: the more friends, the bigger the flame.
function drawFire() {
  const players = snap.players ?? [];
  const size = snap.status === "online" ? 0.56 + 0.065 * Math.min(players.length, 5) : 0.5;
  panel.style.setProperty("--flame", String(size));
  const seats = $("#friends");
  const n = Math.min(players.length, MAX_FRIENDS);
  while (seats.childElementCount > n) seats.lastElementChild.remove();
  while (seats.childElementCount < n) {
    const [x, y, h] = SEATS[seats.childElementCount];
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    for (const [k, v] of Object.entries({ href: "#hp-friend", x: -h * 0.46, y: -h, width: h * 0.92, height: h })) use.setAttribute(k, String(v));
    // They face the fire: those on the right are mirrored.
    const seat = document.createElementNS("http://www.w3.org/2000/svg", "g");
    seat.setAttribute("transform", `translate(${x} ${y})${x > 240 ? " scale(-1 1)" : ""}`);
    seat.append(use);
    seats.append(seat);
  }
}

function drawStrip() {
  const lit = STEPS.indexOf(snap.step);
  for (const li of $("#strip").children) {
    const i = STEPS.indexOf(li.dataset.step);
    li.classList.toggle("hp-past", i < lit);
    if (i === lit) li.setAttribute("aria-current", "step");
    else li.removeAttribute("aria-current");
  }
}

function drawPlayers() {
  const players = snap.players ?? [];
  const chips = players.map((p) => make("span", p.name || "somebody", "hp-chip"));
  if (snap.connecting > 0) chips.push(make("span", `${snap.connecting} on the way in`, "hp-chip hp-faint"));
  if (chips.length === 0) chips.push(make("span", snap.players_known || snap.status === "stopped" ? "nobody" : "not known yet", "hp-faint"));
  else if (!snap.players_known) chips.push(make("span", "perhaps more", "hp-chip hp-faint"));
  refill($("#players"), chips);

  const pick = $("#player-pick");
  const chosen = pick.value;
  const options = players.filter((p) => p.name).map((p) => {
    const o = make("option", p.name);
    o.value = p.name;
    return o;
  });
  refill(pick, options.length > 0 ? options : [make("option", "nobody is on")]);
  pick.disabled = options.length === 0;
  if (options.some((o) => o.value === chosen)) pick.value = chosen;
}

function drawAddress() {
  if (!snap.address && !snap.join_code) {
    refill($("#address"), [make("span", snap.status === "stopped" ? "none while it is out" : "none at the moment", "hp-faint")]);
    return;
  }
  const parts = [];
  if (snap.address) {
    const copy = make("button", snap.address, "hp-copy");
    copy.type = "button";
    copy.title = "Copy the address";
    copy.addEventListener("click", () => copyText(snap.address));
    parts.push(copy);
  }
  if (snap.join_code) parts.push(make("span", `join code ${snap.join_code}`, "hp-sub"));
  refill($("#address"), parts);
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Address copied.");
  } catch {
    toast("The browser does not let this page copy. Select the address and copy it yourself.");
  }
}

function lever(name) {
  return snap?.levers?.[name] ?? { enabled: false, why: "The playground is not ready yet." };
}

function drawLevers() {
  for (const button of panel.querySelectorAll("button[data-lever]")) {
    const l = lever(button.dataset.lever);
    button.disabled = !l.enabled;
    const why = l.enabled ? "" : l.why || "Not possible right now.";
    button.title = why;
    // A disabled button gets neither hover nor tap: what holds it does.
    button.parentElement.title = why;
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", String(Boolean(l.on)));
  }
}

// next is the first step that is not done, with what to press for it now:
// {li, target, compose}; target is null while there is nothing to do but wait.
function next() {
  const at = (snap.guide ?? []).findIndex((done) => !done);
  const li = $("#guide").children[at];
  if (!li) return null;
  const composer = $("#composer")?.parentElement ?? null;
  const { compose, point } = li.dataset;
  const out = snap.status === "stopped" || snap.status === "failed";
  if (at > 0 && out) return { li, target: composer, compose: "/start", note: "It is out: send /start first." };
  if (compose) {
    const ready = at === 0 ? out : snap.status === "online";
    return { li, target: ready ? composer : null, compose };
  }
  return { li, target: lever(point).enabled ? panel.querySelector(`button[data-lever="${CSS.escape(point)}"]`) : null };
}

function drawGuide() {
  const guide = $("#guide");
  const n = next();
  [...guide.children].forEach((li, i) => {
    li.dataset.done = String(Boolean(snap.guide?.[i]));
    const isNext = li === n?.li;
    if (isNext) li.setAttribute("aria-current", "step");
    else li.removeAttribute("aria-current");
  });
  const waiting = n && !n.target;
  write($("#guide-text"), !n ? "" : waiting ? `One moment. ${STATUS[snap.status] ?? ""}…` : n.note ?? n.li.dataset.text);
  $("#guide-show").hidden = !n || waiting;
  $("#guide-now").hidden = !n;
  for (const old of document.querySelectorAll(".tour")) if (old !== n?.target && old.id !== "levers-toggle") old.classList.remove("tour");
  n?.target?.classList.add("tour");
  // On a phone the levers are put away: point at what brings them.
  $("#levers-toggle").classList.toggle("tour", Boolean(n?.target && panel.contains(n.target)));
  write($("#guide-title"), n ? "Try it in four steps" : "That is all of Hearth. Now shake it.");
}

function drawSpeed() {
  $("#speed").hidden = snap.speed_fixed;
  for (const b of $("#speed").children) b.setAttribute("aria-pressed", String(Number(b.dataset.speed) === snap.speed));
}

function drawLog() {
  const log = $("#log");
  const end = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
  refill(log, (snap.log ?? []).map((l) => {
    const li = make("li");
    li.append(make("time", clockTime(l.time)), " ", make("span", l.text));
    return li;
  }));
  if (end) log.scrollTop = log.scrollHeight;
}

function drawHood() {
  if (!$("#hood").open) return;
  refill($("#queues"), (snap.queues ?? []).map((q) => {
    const tr = make("tr");
    const name = make("th", q.name);
    name.scope = "row";
    tr.append(name, make("td", String(q.visible)), make("td", String(q.hidden)), make("td", String(q.poison), q.poison > 0 ? "hp-bad" : ""));
    return tr;
  }));
  refill($("#machines"), items(snap.machines, (m) => [m.name, m.state, m.size, m.zone, m.placement]));
  refill($("#placements"), items(snap.placements, (p) => [p.id, p.region, p.active ? "in use" : "", time(p.blocked) > now() ? `no capacity, not tried until ${clockTime(p.blocked)}` : ""]));
  write($("#row-version"), snap.row?.etag ? `generation ${snap.row.generation}, ETag ${snap.row.etag}` : "not stored yet");
  write($("#row-json"), snap.row?.json ? JSON.stringify(snap.row.json, null, 2) : "");
}

function items(list, words) {
  const made = (list ?? []).map((x) => make("li", words(x).filter(Boolean).join(" · ")));
  return made.length > 0 ? made : [make("li", "none", "hp-faint")];
}

// tick writes what changes by itself as time passes.
function tick() {
  if (!snap) return;
  const ran = ((now() - time(snap.now)) / 3600000) * (snap.cents_per_hour ?? 0);
  const rate = snap.cents_per_hour > 0 ? `at ${money(snap.cents_per_hour)} an hour` : "nothing is paid for now";
  const cap = snap.cap_cents > 0 ? ` of ${money(snap.cap_cents)}` : "";
  refill($("#money"), [
    make("span", `${money(snap.session_cents + ran)} this session`, "hp-big"),
    make("span", `${rate} · ${money((snap.month_cents ?? 0) + ran)}${cap} this month · ${money(snap.total_cents + ran)} in all`, "hp-sub"),
  ]);
  const saved = time(snap.last_save);
  refill($("#last-save"), Number.isNaN(saved) ? [make("span", "none yet", "hp-faint")] : [
    make("span", `${span(now() - saved)} ago`, "hp-big"),
    make("span", snap.save_proven ? "✓ proven: nothing can be lost" : "an autosave", snap.save_proven ? "hp-sub hp-good" : "hp-sub"),
  ]);
  const l = snap.lease ?? {};
  const left = time(l.expires) - now();
  write($("#lease"), l.holder ? `held by ${l.holder}, epoch ${l.epoch}, ${left > 0 ? `expires in ${span(left)}` : "expired"}` : `free, last epoch ${l.epoch ?? 0}`);
}

// --- what is pressed ---

function otherName() {
  const taken = new Set((snap?.players ?? []).map((p) => p.name));
  const free = NAMES.filter((n) => !taken.has(n) && n !== $("#player-name").value);
  $("#player-name").value = free[Math.floor(Math.random() * free.length)] ?? `Friend ${taken.size + 1}`;
}

async function pull(button) {
  const name = button.dataset.lever;
  const ask = { name };
  if (name === "player_join") ask.player = $("#player-name").value;
  if (name === "player_die" || name === "player_leave") ask.player = $("#player-pick").value;
  if (name === "evict") ask.notice_seconds = 30;
  if (name === "evict_short") ask.notice_seconds = 8;
  if (button.hasAttribute("aria-pressed")) ask.on = button.getAttribute("aria-pressed") !== "true";
  if (await post("lever", ask) && name === "player_join") otherName();
}

panel.addEventListener("click", (e) => {
  const button = e.target.closest("button[data-lever]");
  const hold = e.target.closest(".hp-hold");
  if (button) pull(button);
  else if (hold?.title) toast(hold.title);
});

$("#player-other").addEventListener("click", otherName);
$("#player-name").addEventListener("keydown", (e) => {
  if (e.key === "Enter") panel.querySelector('button[data-lever="player_join"]').click();
});
$("#speed").addEventListener("click", (e) => {
  const b = e.target.closest("button[data-speed]");
  if (b) post("speed", { speed: Number(b.dataset.speed) });
});
$("#reset").addEventListener("click", () => {
  $("#reset-dialog").returnValue = "no"; // what Escape leaves behind
  $("#reset-dialog").showModal();
});
$("#reset-dialog").addEventListener("close", () => {
  if ($("#reset-dialog").returnValue === "yes") post("reset", {});
});
$("#hood").addEventListener("toggle", () => { if (snap) drawHood(); });

function sheet(open) {
  panel.classList.toggle("hp-open", open);
  $("#levers-toggle").setAttribute("aria-expanded", String(open));
  write($("#levers-toggle"), open ? "Close" : "Levers");
}
$("#levers-toggle").addEventListener("click", () => sheet(!panel.classList.contains("hp-open")));
$("#sheet-close").addEventListener("click", () => {
  sheet(false);
  $("#levers-toggle").focus();
});
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape" && panel.classList.contains("hp-open") && panel.contains(document.activeElement)) {
    sheet(false);
    $("#levers-toggle").focus();
  }
});

$("#guide-show").addEventListener("click", () => {
  const n = snap && next();
  if (!n?.target) return;
  if (n.compose) {
    sheet(false);
    document.dispatchEvent(new CustomEvent("hearth:compose", { detail: { text: n.compose } }));
    return;
  }
  n.target.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  n.target.focus({ preventScroll: true });
});

otherName();
setInterval(tick, 1000);
connect();
