// The pretend Discord's page: what the server says becomes a list of
// messages, and what a person types or presses goes back to it.
//
// The server is the truth. Only three things live here alone: who one is,
// which channel one looks at, and lines about interactions under way.
//
// With the panel beside it this page shares two events on document:
// "hearth:clock" {now, speed} tells the playground's time, which may run
// faster than ours, and "hearth:compose" {text} puts text into the composer.

import { Composer } from "./composer.js";
import { element, tick } from "./markdown.js";
import { avatar, render } from "./message.js";

const KEEP = 500; // messages, as the server does
const GROUP_WITHIN = 7 * 60 * 1000; // ms between grouped messages, as Discord does
const STUCK_WITHIN = 80; // px from the end that count as reading the end
const MANAGE_GUILD = 32n;
const KEEPER_RIGHTS = MANAGE_GUILD; // what default_member_permissions may ask of a keeper

const $ = (selector) => document.querySelector(selector);
const list = $("#messages");

const state = {
  guild: null, bot: null, channels: [], users: [], commands: [],
  messages: new Map(), // id → Message, in order of arrival; local ones too
  me: sessionStorage.getItem("me") ?? "",
  channel: sessionStorage.getItem("channel") ?? "",
  pressed: new Map(), // message id → {customID, nonce}
  failed: new Set(), // ids of messages whose button failed
  dismissed: new Set(), // ids of ephemeral messages put away
  unread: new Map(), // channel id → {count, mentions}
};

// clock is the playground's time as far as known, else the browser's.
const clock = {
  base: Date.now(), at: performance.now(), speed: 1,
  now() {
    return this.base + (performance.now() - this.at) * this.speed;
  },
};

const composer = new Composer({ command: runCommand, say });

const names = {
  get me() { return state.me; },
  user: (id) => (id === state.bot?.id ? state.bot.name : state.users.find((u) => u.id === id)?.name),
  role: () => "Keeper",
  channel: (id) => state.channels.find((c) => c.id === id)?.name,
};

const ctx = {
  names, press, dismiss,
  role: (id) => state.users.find((u) => u.id === id)?.role,
  now: () => clock.now(),
  pressed: (m) => state.pressed.get(m.id)?.customID,
  failed: (m) => state.failed.has(m.id),
};

// --- what the server says ---

let source = null;

function connect() {
  source?.close();
  source = new EventSource("/page/events");
  const on = (type, handle) => source.addEventListener(type, (e) => handle(JSON.parse(e.data)));
  source.addEventListener("open", () => { $("#offline").hidden = true; });
  source.addEventListener("error", () => {
    $("#offline").hidden = false;
    // A browser gives up on an answer that is no stream; we do not.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
  on("hello", hello);
  on("message", received);
  on("message_update", changed);
  on("message_delete", ({ id }) => { state.messages.delete(id); draw(); });
  on("interaction", interaction);
  on("commands", (commands) => { state.commands = commands ?? []; offerCommands(); });
  on("reset", () => {
    forget();
    composer.fill("/start", false);
    connect();
  });
}

function forget() {
  state.messages.clear();
  state.pressed.clear();
  state.failed.clear();
  state.dismissed.clear();
  state.unread.clear();
}

function hello(h) {
  const keep = state.dismissed; // a reconnect does not bring back what was put away
  forget();
  state.dismissed = keep;
  Object.assign(state, { guild: h.guild, bot: h.bot, channels: h.channels ?? [], users: h.users ?? [], commands: h.commands ?? [] });
  for (const m of h.messages ?? []) state.messages.set(m.id, m);
  if (!state.users.some((u) => u.id === state.me)) state.me = state.users[0]?.id ?? "";
  if (!state.channels.some((c) => c.id === state.channel)) state.channel = state.channels[0]?.id ?? "";
  drawPeople();
  drawChannels();
  offerCommands();
  draw();
  toEnd();
}

function received(m) {
  // An answer takes the place of the line that said it was being sent.
  if (m.interaction) dropLocal((l) => l.local === "sending" && l.interaction.user.id === m.interaction.user.id && l.command === m.interaction.name);
  state.messages.set(m.id, m);
  for (const id of state.messages.keys()) {
    if (state.messages.size <= KEEP) break;
    state.messages.delete(id);
  }
  if (m.channel_id !== state.channel && mayRead(m)) {
    const u = state.unread.get(m.channel_id) ?? { count: 0, mentions: 0 };
    u.count++;
    if (m.mentions?.includes(state.me)) u.mentions++;
    state.unread.set(m.channel_id, u);
    drawChannels();
  }
  draw();
}

function changed(m) {
  if (!state.messages.has(m.id)) return;
  state.messages.set(m.id, m);
  state.pressed.delete(m.id);
  state.failed.delete(m.id);
  draw();
}

function interaction(i) {
  const local = [...state.messages.values()].find((m) => m.local && m.nonce === i.nonce);
  const button = [...state.pressed].find(([, p]) => p.nonce === i.nonce)?.[0];
  if (i.state === "thinking") return; // the message that thinks says so itself
  if (button !== undefined) {
    state.pressed.delete(button);
    if (i.state === "failed") state.failed.add(button);
    touch(button);
  }
  if (local) {
    if (i.state === "failed") state.messages.set(local.id, { ...local, local: "failed", author: botAuthor(), content: i.text });
    else state.messages.delete(local.id);
  }
  draw();
}

// touch makes a message's element be built anew.
function touch(id) {
  const m = state.messages.get(id);
  if (m) state.messages.set(id, { ...m });
}

function dropLocal(which) {
  for (const m of state.messages.values()) {
    if (m.local && which(m)) {
      state.messages.delete(m.id);
      return;
    }
  }
}

const botAuthor = () => ({ id: state.bot?.id ?? "0", name: state.bot?.name ?? "App", bot: true });

// --- what a person does ---

let count = 0;
// Discord's nonces have 25 characters at most.
const newNonce = () => `${Date.now()}-${++count}-${Math.floor(Math.random() * 1e6)}`.slice(0, 25);

async function post(path, body) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    throw new Error("Nobody answers. Is Hearth still running?");
  }
  if (answer.ok) return;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error ?? `That did not work (${answer.status}).`);
}

async function runCommand(name, options) {
  const user = state.users.find((u) => u.id === state.me);
  const nonce = newNonce();
  const id = `local-${nonce}`;
  state.messages.set(id, {
    id, nonce, local: "sending", channel_id: state.channel, ephemeral_to: state.me, flags: 64, command: name,
    author: botAuthor(), timestamp: new Date(clock.now()).toISOString(), content: "Sending command…",
    interaction: { user: { id: user.id, name: user.name }, name }, mentions: [],
  });
  draw();
  toEnd();
  try {
    await post("/page/interact", { nonce, user: state.me, channel: state.channel, kind: "command", command: name, options });
  } catch (err) {
    state.messages.delete(id);
    draw();
    throw err;
  }
}

async function say(content) {
  await post("/page/say", { user: state.me, channel: state.channel, content });
  toEnd();
}

async function press(m, component) {
  const nonce = newNonce();
  state.failed.delete(m.id);
  state.pressed.set(m.id, { customID: component.custom_id, nonce });
  touch(m.id);
  draw();
  try {
    await post("/page/interact", { nonce, user: state.me, channel: m.channel_id, kind: "button", message: m.id, custom_id: component.custom_id });
  } catch {
    state.pressed.delete(m.id);
    state.failed.add(m.id);
    touch(m.id);
    draw();
  }
}

function dismiss(m) {
  state.dismissed.add(m.id);
  draw();
  list.focus();
}

// --- drawing ---

const mayRead = (m) => !m.ephemeral_to || m.ephemeral_to === state.me;
const shown = () => [...state.messages.values()].filter((m) => m.channel_id === state.channel && mayRead(m) && !state.dismissed.has(m.id));

const drawn = new Map(); // id → {message, grouped, node}

// draw brings the list in line with the state. Elements of unchanged messages
// stay, so that focus, selection and screen readers are not disturbed.
function draw() {
  const stuck = atEnd();
  const grew = [];
  const first = welcome();
  const messages = shown();
  // What is gone goes first: in its place, all that follow it would be moved.
  const keep = new Set(messages.map((m) => m.id));
  for (const [id, { node }] of drawn) {
    if (keep.has(id)) continue;
    node.remove();
    drawn.delete(id);
  }
  let before = null;
  let at = first.nextSibling;
  for (const m of messages) {
    const grouped = groups(before, m);
    const old = drawn.get(m.id);
    let node = old?.node;
    if (!old || old.message !== m || old.grouped !== grouped) {
      node = render(m, grouped, ctx);
      if (old) swap(old.node, node);
      else grew.push(m);
      drawn.set(m.id, { message: m, grouped, node });
      if (at === old?.node) at = node;
    }
    if (at === node) at = node.nextSibling;
    else list.insertBefore(node, at);
    before = m;
  }
  tick(list, clock.now());
  if (stuck) toEnd();
  else if (grew.length > 0) $("#jump").hidden = false;
}

// swap replaces a message's element and gives its button the focus again.
function swap(old, node) {
  const focused = old.contains(document.activeElement) ? document.activeElement.dataset.customId : undefined;
  old.replaceWith(node);
  if (focused === undefined) return;
  const again = [...node.querySelectorAll("button[data-custom-id]")].find((b) => b.dataset.customId === focused && !b.disabled);
  (again ?? list).focus({ preventScroll: true });
}

function groups(before, m) {
  return Boolean(before) && !m.interaction && before.author.id === m.author.id && !m.ephemeral_to === !before.ephemeral_to &&
    Date.parse(m.timestamp) - Date.parse(before.timestamp) < GROUP_WITHIN;
}

// welcome is the block over a channel's first message.
function welcome() {
  let node = list.querySelector(".welcome");
  if (node?.dataset.channel === state.channel) return node;
  const channel = state.channels.find((c) => c.id === state.channel);
  const fresh = element("div.welcome",
    element("div.welcome-hash", "#"),
    element("div.welcome-title", `Welcome to #${channel?.name ?? ""}!`),
    element("div.welcome-text", `This is where ${state.guild?.name ?? "the guild"} talks to ${state.bot?.name ?? "its bot"}. Nothing here leaves this computer.`));
  fresh.dataset.channel = state.channel;
  list.replaceChildren(fresh);
  drawn.clear();
  return fresh;
}

const atEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < STUCK_WITHIN;

function toEnd() {
  list.scrollTop = list.scrollHeight;
  $("#jump").hidden = true;
}

function drawChannels() {
  $("#channels").replaceChildren(...state.channels.map((c) => {
    const unread = state.unread.get(c.id);
    const button = element("button.channel-link", element("span.hash", "#"), element("span.channel-link-name", c.name),
      unread?.mentions > 0 ? element("span.badge", String(unread.mentions)) : null);
    button.type = "button";
    button.dataset.channel = c.id;
    if (unread?.count > 0) {
      button.classList.add("unread");
      button.setAttribute("aria-label", `${c.name}, unread`);
    }
    if (c.id === state.channel) button.setAttribute("aria-current", "page");
    button.addEventListener("click", () => openChannel(c.id));
    return element("li", button);
  }));
  const name = names.channel(state.channel) ?? "";
  $("#channel-name").textContent = name;
  composer.placeholder(`Message #${name}`);
  document.title = `#${name} · ${state.guild?.name ?? ""}`;
}

function openChannel(id) {
  state.channel = id;
  sessionStorage.setItem("channel", id);
  state.unread.delete(id);
  drawChannels();
  draw();
  toEnd();
}

function drawPeople() {
  $("#whoami").replaceChildren(...state.users.map((u) => {
    const option = element("option", `${u.name} · ${u.role}`);
    option.value = u.id;
    option.selected = u.id === state.me;
    return option;
  }));
  drawMe();
}

function drawMe() {
  const me = state.users.find((u) => u.id === state.me);
  if (!me) return;
  const disc = avatar({ ...me, bot: false });
  disc.id = "me-avatar";
  $("#me-avatar").replaceWith(disc);
}

// offerCommands hides what Discord would hide: commands that ask for a right
// the person lacks.
function offerCommands() {
  const keeper = ctx.role(state.me) === "keeper";
  const may = (c) => {
    const need = c.default_member_permissions;
    if (need === null || need === undefined) return true;
    return keeper && /^\d+$/.test(need) && (BigInt(need) & KEEPER_RIGHTS) === BigInt(need);
  };
  composer.setCommands(state.commands.filter((c) => (c.type ?? 1) === 1 && may(c)), state.users);
}

$("#whoami").addEventListener("change", (e) => {
  state.me = e.target.value;
  sessionStorage.setItem("me", state.me);
  drawMe();
  offerCommands();
  // Mentions and ephemeral messages look different to everybody.
  for (const id of state.messages.keys()) touch(id);
  draw();
  toEnd();
});

$("#jump").addEventListener("click", toEnd);
list.addEventListener("scroll", () => { if (atEnd()) $("#jump").hidden = true; }, { passive: true });
// When the window or the composer changes size, whoever read the end still does.
let stuckBefore = true;
list.addEventListener("scroll", () => { stuckBefore = atEnd(); }, { passive: true });
new ResizeObserver(() => { if (stuckBefore) toEnd(); }).observe(list);

document.addEventListener("hearth:clock", (e) => {
  Object.assign(clock, { base: e.detail.now, speed: e.detail.speed, at: performance.now() });
  tick(list, clock.now());
});
document.addEventListener("hearth:compose", (e) => composer.fill(e.detail.text, true));
setInterval(() => tick(list, clock.now()), 1000);
connect();
