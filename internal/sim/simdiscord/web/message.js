// One message as an element. It is built anew when the message changes; the
// list in channel.js keeps the elements of those that did not.

import { element, formatTime, markdown } from "./markdown.js";

const EPHEMERAL = 64; // message flag
const BUTTON_STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };
const AVATARS = 6; // colours in style.css

// avatar is a disc with an initial, or the flame for the bot.
export function avatar(author) {
  const disc = element("span.avatar");
  disc.setAttribute("aria-hidden", "true");
  if (author.bot) {
    disc.classList.add("avatar-bot");
    disc.append(flame());
    return disc;
  }
  let sum = 0;
  for (const c of author.id) sum += c.codePointAt(0);
  disc.classList.add(`avatar-${sum % AVATARS}`);
  disc.append([...author.name][0]?.toUpperCase() ?? "?");
  return disc;
}

function flame() {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  for (const [cls, d] of [
    ["flame-out", "M17 2c1 6 9 9 9 18a10 10 0 0 1-20 0c0-5 3-7 4-11 2 2 3 3 3 6 3-3 5-7 4-13z"],
    ["flame-in", "M16 14c1 4 5 5 5 10a5 5 0 0 1-10 0c0-3 1-4 2-6 1 1 2 1 2 3 1-2 2-4 1-7z"],
  ]) {
    const path = document.createElementNS(ns, "path");
    path.setAttribute("class", cls);
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

// render builds a message's element. m is a Message of the server or a local
// one; grouped: it follows one of the same author, so the head is left out.
// ctx: {names, role(id), now(), press(message, button), dismiss(message),
// pressed(message) the custom_id that waits for its answer, failed(message)}.
export function render(m, grouped, ctx) {
  const node = element("article.message");
  node.dataset.id = m.id;
  if (grouped) node.classList.add("grouped");
  if (m.mentions?.includes(ctx.names.me)) node.classList.add("mentions-me");
  const ephemeral = Boolean(m.ephemeral_to) || (m.flags & EPHEMERAL) !== 0;
  if (ephemeral) node.classList.add("ephemeral");

  if (m.interaction) node.append(usedLine(m.interaction, ctx));
  const side = grouped ? element("span.when", clockTime(m.timestamp)) : avatar(m.author);
  const body = element("div.body");
  node.append(element("div.row", side, body));
  if (!grouped) body.append(head(m, ctx));

  if (m.local) {
    body.append(localLine(m));
  } else if (m.thinking) {
    const dots = element("span.dots", element("i"), element("i"), element("i"));
    dots.setAttribute("aria-hidden", "true");
    body.append(element("div.thinking", dots, `${m.author.name} is thinking…`));
  } else {
    content(body, m, ctx);
  }
  if (ctx.failed(m)) body.append(element("div.failed", "This interaction failed"));
  if (ephemeral && !m.local) body.append(onlyYou(m, ctx));
  return node;
}

function head(m, ctx) {
  const name = element("span.author", m.author.name);
  if (ctx.role(m.author.id) === "keeper") name.classList.add("keeper");
  const time = element("time.when", when(m.timestamp, ctx.now()));
  time.dateTime = m.timestamp;
  time.title = formatTime(Date.parse(m.timestamp), "F");
  return element("div.head", name, m.author.bot ? element("span.app-tag", "APP") : null, time);
}

function usedLine(interaction, ctx) {
  return element("div.used",
    element("span.spine"),
    avatar({ ...interaction.user, bot: false }),
    element(ctx.role(interaction.user.id) === "keeper" ? "span.author.keeper" : "span.author", interaction.user.name),
    " used ",
    element("span.command", `/${interaction.name}`));
}

// localLine: something of this page alone, that the server never sent.
function localLine(m) {
  if (m.local === "failed") return element("div.failed", m.content);
  return element("div.sending", m.content);
}

function onlyYou(m, ctx) {
  const dismiss = element("button.linkish", "Dismiss message");
  dismiss.type = "button";
  dismiss.addEventListener("click", () => ctx.dismiss(m));
  return element("div.only-you", eye(), "Only you can see this · ", dismiss);
}

function eye() {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(ns, "path");
  path.setAttribute("fill", "currentColor");
  path.setAttribute("d", "M12 5C6 5 2.500 9.500 1.500 12 2.500 14.500 6 19 12 19s9.500-4.500 10.500-7C21.500 9.500 18 5 12 5zm0 11a4 4 0 1 1 0-8 4 4 0 0 1 0 8z");
  svg.append(path);
  return svg;
}

function content(body, m, ctx) {
  const edited = m.edited ? element("span.edited", "(edited)") : null;
  if (edited) edited.title = formatTime(Date.parse(m.edited), "F");
  if (m.content) {
    const text = element("div.content", markdown(m.content, ctx.names));
    if (edited) text.append(" ", edited);
    body.append(text);
  }
  for (const embed of m.embeds ?? []) body.append(card(embed, ctx));
  if (edited && !m.content) body.append(edited);
  for (const row of m.components ?? []) {
    if (row.type === 1) body.append(buttons(m, row, ctx));
  }
}

// card is an embed: coloured edge, author, title, text, fields, footer.
// Pictures are left out: nothing here is fetched from elsewhere.
function card(embed, ctx) {
  const box = element("div.embed");
  if (Number.isInteger(embed.color)) {
    box.style.setProperty("--edge", `#${(embed.color & 0xffffff).toString(16).padStart(6, "0")}`);
  }
  if (embed.author?.name) box.append(element("div.embed-author", embed.author.name));
  if (embed.title) {
    const title = element("div.embed-title", markdown(embed.title, ctx.names));
    box.append(title);
  }
  if (embed.description) box.append(element("div.embed-text", markdown(embed.description, ctx.names)));
  if (embed.fields?.length > 0) {
    const fields = element("div.fields");
    for (const f of embed.fields) {
      fields.append(element(f.inline ? "div.field.inline" : "div.field",
        element("div.field-name", markdown(f.name ?? "", ctx.names)),
        element("div.field-value", markdown(f.value ?? "", ctx.names))));
    }
    box.append(fields);
  }
  if (embed.footer?.text || embed.timestamp) {
    const parts = [embed.footer?.text, embed.timestamp ? when(embed.timestamp, ctx.now()) : ""];
    box.append(element("div.embed-footer", parts.filter(Boolean).join(" • ")));
  }
  return box;
}

function buttons(m, row, ctx) {
  const box = element("div.buttons");
  const waiting = ctx.pressed(m);
  for (const c of row.components ?? []) {
    if (c.type !== 2) continue;
    const style = BUTTON_STYLES[c.style] ?? "secondary";
    const label = [emoji(c.emoji), c.label].filter(Boolean).join(" ");
    if (style === "link" && /^https?:\/\//.test(c.url ?? "")) {
      const a = element("a.button.link", label);
      a.href = c.url;
      a.target = "_blank";
      a.rel = "noopener noreferrer";
      box.append(a);
      continue;
    }
    const button = element(`button.button.${style}`, element("span", label));
    button.type = "button";
    button.dataset.customId = c.custom_id ?? "";
    button.disabled = Boolean(c.disabled) || waiting !== undefined;
    if (waiting !== undefined && waiting === c.custom_id) {
      button.classList.add("waiting");
      button.setAttribute("aria-busy", "true");
      button.append(element("span.dots", element("i"), element("i"), element("i")));
    }
    button.addEventListener("click", () => ctx.press(m, c));
    box.append(button);
  }
  return box;
}

function emoji(e) {
  if (!e) return "";
  return e.id ? `:${e.name}:` : e.name;
}

function clockTime(timestamp) {
  return formatTime(Date.parse(timestamp), "t");
}

// when writes a message's time as Discord's head line does.
function when(timestamp, now) {
  const ms = Date.parse(timestamp);
  const day = (t) => new Date(t).toDateString();
  if (day(ms) === day(now)) return `Today at ${formatTime(ms, "t")}`;
  if (day(ms) === day(now - 86400000)) return `Yesterday at ${formatTime(ms, "t")}`;
  return `${formatTime(ms, "d")} ${formatTime(ms, "t")}`;
}
