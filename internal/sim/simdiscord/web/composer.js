// The line to type in: slash commands with their options, and plain talk.
//
// What it offers depends on how far the text is: a command's name, then the
// options that are not filled in yet, then an option's choices. Enter sends
// what is complete and otherwise takes the marked offer; Tab always takes it.

import { element } from "./markdown.js";

const MAX_OFFERS = 8;
const INTEGER = 4, BOOLEAN = 5, USER = 6, NUMBER = 10;

// parse reads "/start world:midgard" against the commands. It returns
// {command, options: [{name, value}], missing: [option], problem} or null for
// text that is no command.
export function parse(text, commands, users) {
  const m = /^\/(\S*)\s*([\s\S]*)$/.exec(text);
  if (!m) return null;
  const command = commands.find((c) => c.name === m[1]);
  if (!command) {
    return { problem: m[1] ? `There is no command /${m[1]} here. Type / to see them all.` : "Type a command's name after the /." };
  }
  const known = command.options ?? [];
  const given = new Map();
  const rest = m[2].trim();
  const marks = [...rest.matchAll(/(^|\s)([\w-]+):/gu)].filter((k) => known.some((o) => o.name === k[2]));
  if (rest && marks.length === 0) {
    // One bare word means the only option there is.
    if (known.length !== 1) return { command, options: [], missing: [], problem: `/${command.name} takes ${known.length === 0 ? "nothing more" : "its options as name:value"}.` };
    given.set(known[0].name, rest);
  } else if (rest.slice(0, marks[0]?.index ?? 0).trim()) {
    return { command, options: [], missing: [], problem: `Write the options as name:value, as in /${command.name} ${known[0].name}:…` };
  }
  marks.forEach((k, i) => {
    const from = k.index + k[0].length;
    given.set(k[2], rest.slice(from, marks[i + 1]?.index ?? rest.length).trim());
  });
  const options = [];
  const missing = [];
  for (const o of known) {
    const raw = given.get(o.name);
    if (raw === undefined || raw === "") {
      if (o.required) missing.push(o);
      continue;
    }
    const { value, problem } = convert(o, raw, users);
    if (problem) return { command, options, missing, problem };
    options.push({ name: o.name, value });
  }
  const problem = missing.length > 0 ? `/${command.name} needs ${missing.map((o) => o.name).join(" and ")}.` : "";
  return { command, options, missing, problem };
}

function convert(option, raw, users) {
  if (option.choices?.length > 0) {
    const low = raw.toLowerCase();
    const hit = option.choices.find((c) => c.name.toLowerCase() === low || String(c.value).toLowerCase() === low);
    if (hit) return { value: hit.value };
    return { problem: `${option.name} can be ${option.choices.map((c) => c.name).join(", ")}.` };
  }
  switch (option.type) {
    case INTEGER:
      return /^-?\d+$/.test(raw) ? { value: Number(raw) } : { problem: `${option.name} is a whole number.` };
    case NUMBER:
      return raw !== "" && Number.isFinite(Number(raw)) ? { value: Number(raw) } : { problem: `${option.name} is a number.` };
    case BOOLEAN:
      if (/^(true|yes)$/i.test(raw)) return { value: true };
      if (/^(false|no)$/i.test(raw)) return { value: false };
      return { problem: `${option.name} is true or false.` };
    case USER: {
      const low = raw.replace(/^@/, "").toLowerCase();
      const user = users.find((u) => u.name.toLowerCase() === low || u.id === raw);
      return user ? { value: user.id } : { problem: `Nobody here is called ${raw}.` };
    }
    default:
      return { value: raw };
  }
}

// offers lists what could come next: {label, about, text, kind}; text is what
// the whole line becomes when it is taken.
export function offers(text, commands, users) {
  const m = /^\/(\S*)(\s?)([\s\S]*)$/.exec(text);
  if (!m) return [];
  const [, name, space, rest] = m;
  const exact = commands.find((c) => c.name === name);
  if (!space) {
    const low = name.toLowerCase();
    const begin = commands.filter((c) => c.name.startsWith(low));
    const within = commands.filter((c) => !c.name.startsWith(low) && c.name.includes(low));
    return [...begin, ...within].slice(0, MAX_OFFERS).map((c) => ({
      kind: "command", label: `/${c.name}`, about: c.description ?? "",
      hint: (c.options ?? []).map((o) => o.name).join(" "),
      text: `/${c.name}${(c.options ?? []).length > 0 ? " " : ""}`,
    }));
  }
  const known = exact?.options ?? [];
  const open = [...rest.matchAll(/(^|\s)([\w-]+):/gu)].filter((k) => known.some((o) => o.name === k[2])).at(-1);
  if (open) {
    const option = known.find((o) => o.name === open[2]);
    const from = open.index + open[0].length;
    const typed = rest.slice(from).trim().toLowerCase();
    const before = `/${name} ${rest.slice(0, from)}`;
    const values = choicesOf(option, users);
    if (values.some((v) => v.toLowerCase() === typed)) return [];
    return values.filter((v) => v.toLowerCase().includes(typed)).slice(0, MAX_OFFERS)
      .map((v) => ({ kind: "choice", label: v, about: option.name, text: `${before}${v} ` }));
  }
  const typed = rest.trim().toLowerCase();
  return known.filter((o) => o.name.startsWith(typed) && !rest.includes(`${o.name}:`)).slice(0, MAX_OFFERS)
    .map((o) => ({ kind: "option", label: o.name, about: o.description ?? "", hint: o.required ? "" : "optional", text: `/${name} ${o.name}:` }));
}

function choicesOf(option, users) {
  if (option.choices?.length > 0) return option.choices.map((c) => c.name);
  if (option.type === BOOLEAN) return ["true", "false"];
  if (option.type === USER) return users.map((u) => u.name);
  return [];
}

// Composer joins the two to the page. on.command(name, options) and
// on.say(text) send; both return a promise that rejects with a sentence.
export class Composer {
  #form = document.querySelector("#compose");
  #input = document.querySelector("#composer");
  #list = document.querySelector("#suggestions");
  #problem = document.querySelector("#compose-problem");
  #offers = [];
  #marked = -1; // index of the marked offer; -1: none
  #entered = false; // the Enter that is down was dealt with
  #shift = false; // the key that is down is shifted
  #commands = [];
  #early = false; // a command was sent when there were none yet
  #users = [];
  #on;

  constructor(on) {
    this.#on = on;
    this.#form.addEventListener("submit", (e) => {
      e.preventDefault();
      this.#send();
    });
    this.#input.addEventListener("input", () => {
      this.#say("");
      this.#fit();
      this.#offer();
    });
    this.#input.addEventListener("focus", () => this.#offer());
    this.#input.addEventListener("blur", () => {
      this.#entered = false;
      this.#shift = false;
      this.#close();
    });
    this.#input.addEventListener("keydown", (e) => this.#key(e));
    // Phones and some input methods send no Enter key, only the line break.
    this.#input.addEventListener("beforeinput", (e) => {
      if (e.inputType !== "insertLineBreak" || this.#shift) return;
      e.preventDefault();
      if (!this.#entered) this.#send();
    });
    this.#input.addEventListener("keyup", () => {
      this.#entered = false;
      this.#shift = false;
    });
    // Pressing an offer must not take the focus from the input first.
    this.#list.addEventListener("mousedown", (e) => e.preventDefault());
    this.#list.addEventListener("click", (e) => {
      const at = e.target.closest("[role=option]")?.dataset.at;
      if (at !== undefined) this.#take(Number(at));
    });
  }

  // setCommands tells what this person may use here.
  setCommands(commands, users) {
    this.#commands = commands;
    this.#users = users;
    if (this.#early && commands.length > 0) {
      this.#early = false;
      this.#say("");
      this.#send();
    } else if (document.activeElement === this.#input) this.#offer();
  }

  // fill puts text in, as if typed, and the cursor behind it.
  fill(text, focus) {
    this.#input.value = text;
    this.#say("");
    this.#fit();
    if (focus) this.#input.focus();
    this.#close();
  }

  placeholder(text) {
    this.#input.placeholder = text;
  }

  #key(e) {
    if (e.isComposing) return;
    this.#shift = e.shiftKey;
    const open = this.#offers.length > 0;
    switch (e.key) {
      case "ArrowDown":
      case "ArrowUp": {
        if (!open) return;
        const n = this.#offers.length;
        const from = this.#marked < 0 && e.key === "ArrowUp" ? 0 : this.#marked;
        this.#mark((from + (e.key === "ArrowDown" ? 1 : -1) + n) % n);
        break;
      }
      case "Tab":
        if (!open || e.shiftKey) return;
        this.#take(Math.max(this.#marked, 0));
        break;
      case "Escape":
        if (!open) return;
        this.#close();
        break;
      case "Enter":
        if (e.shiftKey) return;
        this.#entered = true;
        if (open && this.#marked >= 0 && !this.#complete()) this.#take(this.#marked);
        else this.#send();
        break;
      default:
        return;
    }
    e.preventDefault();
  }

  // complete: the text as it stands is a command that can be sent, and the
  // marked offer is not another one.
  #complete() {
    const p = parse(this.#input.value, this.#commands, this.#users);
    const offer = this.#offers[this.#marked];
    return Boolean(p && !p.problem) && (offer === undefined || offer.text.trim() === this.#input.value.trim());
  }

  async #send() {
    const text = this.#input.value.trim();
    if (!text) return;
    // The page can be there before the bot has told its commands.
    if (text.startsWith("/") && this.#commands.length === 0) {
      this.#early = true;
      this.#say("There are no commands here yet: this one is sent as soon as there are.");
      return;
    }
    const p = parse(text, this.#commands, this.#users);
    if (p?.problem) {
      this.#say(p.problem);
      if (p.missing?.length > 0) {
        this.#input.value = `${text} ${p.missing[0].name}:`;
        this.#offer();
      }
      return;
    }
    this.fill("", false);
    try {
      if (p) await this.#on.command(p.command.name, p.options);
      else await this.#on.say(text);
    } catch (err) {
      if (!this.#input.value) this.fill(text, false);
      this.#say(err.message);
    }
  }

  #say(problem) {
    if (this.#problem.textContent !== problem) this.#problem.textContent = problem;
  }

  #fit() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, 160)}px`;
  }

  #offer() {
    this.#offers = offers(this.#input.value, this.#commands, this.#users);
    this.#list.replaceChildren(...this.#offers.map((o, i) => {
      const item = element(`li.offer.offer-${o.kind}`,
        element("span.offer-label", o.label),
        o.hint ? element("span.offer-hint", o.hint) : null,
        element("span.offer-about", o.about));
      item.id = `offer-${i}`;
      item.dataset.at = String(i);
      item.setAttribute("role", "option");
      return item;
    }));
    this.#list.hidden = this.#offers.length === 0;
    this.#input.setAttribute("aria-expanded", String(!this.#list.hidden));
    // Options may be left out: none is marked, so that Enter sends.
    this.#mark(this.#offers.length === 0 || this.#offers[0].kind === "option" ? -1 : 0);
  }

  #mark(at) {
    this.#marked = at;
    [...this.#list.children].forEach((item, i) => {
      item.setAttribute("aria-selected", String(i === at));
      if (i === at) item.scrollIntoView({ block: "nearest" });
    });
    if (at >= 0) this.#input.setAttribute("aria-activedescendant", `offer-${at}`);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #take(at) {
    const offer = this.#offers[at];
    if (!offer) return;
    this.#input.value = offer.text;
    this.#input.focus();
    this.#say("");
    this.#offer();
    if (this.#input.value.trim() === `/${offer.label.slice(1)}` && this.#offers.every((o) => o.kind === "command")) this.#close();
  }

  #close() {
    this.#offers = [];
    this.#marked = -1;
    this.#list.hidden = true;
    this.#list.replaceChildren();
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }
}
