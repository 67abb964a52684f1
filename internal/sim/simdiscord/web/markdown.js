// Discord's markdown, the part that people and bots really use, made into DOM
// nodes. Text only ever becomes text nodes: there is no way from here to
// markup.

const MAX_DEPTH = 8; // nested styles; deeper ones stay as they are written

const PAIRS = [
  ["***", ["strong", "em"]],
  ["**", ["strong"]],
  ["__", ["u"]],
  ["~~", ["s"]],
  ["||", ["span.spoiler"]],
  ["*", ["em"]],
  ["_", ["em"]],
];

const ANGLE = /^<(?:@!?(\d+)|@&(\d+)|#(\d+)|t:(-?\d{1,13})(?::([tTdDfFR]))?|\/([^:>]{1,100}):\d+|a?:(\w{1,32}):\d+|(https?:\/\/[^\s<>]+))>/;
const MASKED = /^\[([^\]\n]{1,200})\]\(<?(https?:\/\/[^\s()<>]+)>?\)/;
const BARE = /^https?:\/\/[^\s<>]+[^\s<>.,:;!?'")\]]/;

// element makes <name class> with children; name is "tag" or "tag.class".
export function element(name, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length > 0) node.className = classes.join(" ");
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}

// markdown renders text. names tells what ids stand for: {user, role, channel}
// are functions from an id to a name or undefined, me is the reader's id.
export function markdown(text, names) {
  const out = document.createDocumentFragment();
  const fence = /```(?:[\w+-]*\n)?([\s\S]+?)```/g;
  let from = 0;
  for (const match of text.matchAll(fence)) {
    blocks(out, text.slice(from, match.index), names);
    out.append(element("pre", element("code", match[1].replace(/\n$/, ""))));
    from = match.index + match[0].length;
  }
  blocks(out, text.slice(from), names);
  return out;
}

// blocks renders lines: quotes, headings, lists, small print, paragraphs.
function blocks(out, text, names) {
  const lines = text.replace(/^\n|\n$/g, "").split("\n");
  if (lines.length === 1 && lines[0] === "") return;
  let list = null;
  let quote = null;
  let flowing = false; // the last thing was a plain line
  for (const line of lines) {
    let m;
    const wasFlowing = flowing;
    flowing = false;
    if ((m = /^> (.*)$/.exec(line))) {
      if (quote) quote.append(element("br"));
      else out.append((quote = element("blockquote")));
      inline(quote, m[1], names, 0);
      list = null;
      continue;
    }
    quote = null;
    if ((m = /^[-*] (.+)$/.exec(line))) {
      if (!list) out.append((list = element("ul")));
      const item = element("li");
      inline(item, m[1], names, 0);
      list.append(item);
      continue;
    }
    list = null;
    if ((m = /^(#{1,3}) (.+)$/.exec(line))) {
      // The page has its own headings; these only look like ones.
      const heading = element(`div.h${m[1].length}`);
      inline(heading, m[2], names, 0);
      out.append(heading);
    } else if ((m = /^-# (.+)$/.exec(line))) {
      const small = element("div.subtext");
      inline(small, m[1], names, 0);
      out.append(small);
    } else {
      if (wasFlowing) out.append("\n");
      inline(out, line, names, 0);
      flowing = true;
    }
  }
}

// inline renders one line's styles into out.
function inline(out, text, names, depth) {
  let plain = "";
  const flush = () => {
    if (plain) out.append(plain);
    plain = "";
  };
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i);
    if (text[i] === "\\" && /^[^0-9A-Za-z\s]/.test(text[i + 1] ?? "")) {
      plain += text[i + 1];
      i += 2;
      continue;
    }
    const code = /^(`{1,2})([^\n]+?)\1/.exec(rest);
    if (code) {
      flush();
      out.append(element("code", code[2].trim() || code[2]));
      i += code[0].length;
      continue;
    }
    const special = atom(rest, names);
    if (special) {
      flush();
      out.append(special.node);
      i += special.length;
      continue;
    }
    const pair = depth < MAX_DEPTH ? styled(text, i, names, depth) : null;
    if (pair) {
      flush();
      out.append(pair.node);
      i += pair.length;
      continue;
    }
    plain += text[i];
    i++;
  }
  flush();
}

// styled renders the **pair** that opens at i, if one does.
function styled(text, i, names, depth) {
  for (const [mark, tags] of PAIRS) {
    if (!text.startsWith(mark, i)) continue;
    const end = closing(text, i + mark.length, mark);
    if (end < 0) continue;
    // snake_case_names are no italics.
    if (mark === "_" && (/\w/.test(text[i - 1] ?? "") || /\w/.test(text[end + 1] ?? ""))) continue;
    const inner = text.slice(i + mark.length, end);
    if (mark === "*" && /^\s/.test(inner)) continue;
    let node = null;
    for (const tag of tags.toReversed()) {
      const wrap = element(tag);
      if (node) wrap.append(node);
      else inline(wrap, inner, names, depth + 1);
      node = wrap;
    }
    if (mark === "||") spoiler(node);
    return { node, length: end + mark.length - i };
  }
  return null;
}

function closing(text, from, mark) {
  for (let i = from; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (i > from && text.startsWith(mark, i)) {
      // The last of a run closes: **a*** is bold with a star in it.
      while (mark.length > 1 && text.startsWith(mark, i + 1)) i++;
      // A single mark does not close on half of a double one.
      if (mark.length === 1 && text[i + 1] === mark) {
        i++;
        continue;
      }
      return i;
    }
  }
  return -1;
}

function spoiler(node) {
  node.tabIndex = 0;
  node.setAttribute("role", "button");
  node.setAttribute("aria-label", "Spoiler, press to show");
  const show = () => {
    node.classList.add("shown");
    node.removeAttribute("role");
    node.removeAttribute("aria-label");
  };
  node.addEventListener("click", show);
  node.addEventListener("keydown", (e) => {
    if (e.key === "Enter" || e.key === " ") show();
  });
}

// atom renders what cannot be nested: mentions, timestamps, links.
function atom(rest, names) {
  let m;
  if (rest[0] === "<" && (m = ANGLE.exec(rest))) {
    return { node: angle(m, names), length: m[0].length };
  }
  if (rest[0] === "[" && (m = MASKED.exec(rest))) {
    return { node: link(m[2], m[1]), length: m[0].length };
  }
  if (rest[0] === "h" && (m = BARE.exec(rest))) {
    return { node: link(m[0], m[0]), length: m[0].length };
  }
  if ((m = /^@(everyone|here)\b/.exec(rest))) {
    return { node: element("span.mention", m[0]), length: m[0].length };
  }
  return null;
}

function angle(m, names) {
  const [whole, user, role, channel, unix, style, command, emoji, url] = m;
  if (user) {
    const node = element("span.mention", `@${names.user(user) ?? "unknown-user"}`);
    if (user === names.me) node.classList.add("mention-me");
    return node;
  }
  if (role) return element("span.mention", `@${names.role?.(role) ?? "role"}`);
  if (channel) return element("span.mention", `#${names.channel(channel) ?? "unknown"}`);
  if (unix !== undefined) return timestamp(Number(unix), style ?? "f");
  if (command) return element("span.mention", `/${command}`);
  if (emoji) return element("span", `:${emoji}:`);
  if (url) return link(url, url);
  return document.createTextNode(whole);
}

function link(url, text) {
  const a = element("a", text);
  a.href = url;
  a.target = "_blank";
  a.rel = "noopener noreferrer nofollow";
  return a;
}

const FORMATS = {
  t: { hour: "2-digit", minute: "2-digit" },
  T: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  d: { day: "2-digit", month: "2-digit", year: "numeric" },
  D: { day: "numeric", month: "long", year: "numeric" },
  f: { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
  F: { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
};

// formatTime writes a time in one of Discord's styles but R.
export function formatTime(ms, style) {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "Invalid date";
  return new Intl.DateTimeFormat(undefined, FORMATS[style] ?? FORMATS.f).format(date);
}

function timestamp(unix, style) {
  const node = element("time.stamp");
  const date = new Date(unix * 1000);
  if (Number.isNaN(date.getTime())) return element("span", "Invalid date");
  node.dateTime = date.toISOString();
  node.title = formatTime(unix * 1000, "F");
  if (style === "R") node.dataset.relative = String(unix * 1000);
  else node.textContent = formatTime(unix * 1000, style);
  return node;
}

const STEPS = [
  ["year", 365 * 86400], ["month", 30 * 86400], ["day", 86400],
  ["hour", 3600], ["minute", 60], ["second", 1],
];

// relative writes ms against now as Discord does: "in 5 minutes".
export function relative(ms, now) {
  const seconds = Math.round((ms - now) / 1000);
  const [unit, size] = STEPS.find(([, s]) => Math.abs(seconds) >= s) ?? STEPS.at(-1);
  return new Intl.RelativeTimeFormat("en", { numeric: "always" }).format(Math.trunc(seconds / size), unit);
}

// tick writes every relative timestamp under root anew.
export function tick(root, now) {
  for (const node of root.querySelectorAll("time[data-relative]")) {
    const text = relative(Number(node.dataset.relative), now);
    if (node.textContent !== text) node.textContent = text;
  }
}
