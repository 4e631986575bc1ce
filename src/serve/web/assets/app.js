// The page of a running project. Everything that comes from outside becomes text nodes, never markup.
"use strict";
(() => {
  const API = "api/v1/";
  const MARKS = {
    off: "·", waiting: "…", blocked: "✗", starting: "▸", ready: "✓", unhealthy: "!", retrying: "↻", stopping: "■", done: "✓", failed: "✗",
  };
  const WORDS = ["failed", "blocked", "unhealthy", "retrying", "waiting", "starting", "ready", "done", "stopping", "off"];
  const BAD = new Set(["failed", "blocked", "unhealthy", "retrying"]);
  const COLOURS = 16;
  const MOST_LINES = 5000;
  const LINES = 500;

  // ---- Elements ----

  const $ = (selector, root = document) => root.querySelector(selector);

  /** Makes an element; children that are strings become text. */
  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "i");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#i-${name}`);
    svg.append(use);
    return svg;
  }

  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function setClass(node, name) {
    if (node.className !== name) node.className = name;
  }

  function setAttribute(node, name, value) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }

  // ---- Words and numbers ----

  function duration(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    const two = (n) => String(n).padStart(2, "0");
    if (s < 60) return `${s}s`;
    if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
    if (s < 86400) return `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}m`;
    return `${Math.floor(s / 86400)}d${Math.floor((s % 86400) / 3600)}h`;
  }

  function exact(ms) {
    return ms < 10000 ? `${(ms / 1000).toFixed(1)}s` : duration(ms);
  }

  function size(bytes) {
    for (const [unit, scale] of [["G", 2 ** 30], ["M", 2 ** 20], ["K", 2 ** 10]]) {
      if (bytes >= scale) {
        const whole = bytes / scale;
        return whole < 10 && unit === "G" ? `${whole.toFixed(1)}${unit}` : `${Math.floor(whole)}${unit}`;
      }
    }
    return String(bytes);
  }

  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const time = (at) => clock.format(new Date(at));

  function list(names) {
    if (names.length < 3) return names.join(" and ");
    return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
  }

  // ---- The project as it is known ----

  const known = { project: "", facts: null, processes: new Map(), order: [], arrived: 0, is: "connecting" };
  let view = null;

  const inOrder = () => known.order.map((name) => known.processes.get(name)).filter(Boolean);
  const isBad = (process) => BAD.has(process.state);

  /** For how long it has been in its state, by our own clock. */
  const age = (process) => process.for_ms + performance.now() - process.arrived;

  function noteOf(process) {
    if (process.retry_in_ms !== null && process.state === "retrying") {
      const left = process.retry_in_ms - (performance.now() - process.arrived);
      return process.note.replace(/again in [^,]*$/, left > 0 ? `again in ${duration(left + 999)}` : "again now");
    }
    return process.note === process.url ? "" : process.note;
  }

  function take(processes) {
    const now = performance.now();
    const news = [];
    for (const process of processes) {
      const before = known.processes.get(process.name);
      process.arrived = now;
      if (before && before.state !== process.state) news.push(process);
      known.processes.set(process.name, process);
    }
    return news;
  }

  // ---- Telling ----

  let saying = 0;

  /** Tells something for a moment, to eyes and to screen readers. */
  function say(text, isTrouble = false) {
    const said = $("#said");
    said.className = `said shown${isTrouble ? " bad" : ""}`;
    said.textContent = text;
    clearTimeout(saying);
    saying = setTimeout(() => said.classList.remove("shown"), isTrouble ? 8000 : 3500);
  }

  function announce(news) {
    if (news.length === 0) return;
    const tell = (process) => `${process.name} ${process.state}${isBad(process) && process.note ? `: ${process.note}` : ""}`;
    const bad = news.filter(isBad);
    const chosen = news.length <= 3 ? news : bad;
    $("#news").textContent = chosen.length && chosen.length <= 5 ? chosen.map(tell).join(". ") : `${news.length} programs changed`;
  }

  /** Asks; resolves with true or false. */
  function ask(question, detail, yes) {
    return new Promise((resolve) => {
      const answer = (is) => { dialog.close(); dialog.remove(); resolve(is); };
      const dialog = el("dialog", { "aria-labelledby": "question", oncancel: () => answer(false) },
        el("h2", { id: "question" }, question), el("p", {}, detail),
        el("div", { class: "row" },
          el("button", { type: "button", onclick: () => answer(false) }, "Cancel"),
          el("button", { type: "button", class: "danger", onclick: () => answer(true) }, yes)));
      document.body.append(dialog);
      dialog.showModal();
    });
  }

  // ---- Talking to the project ----

  let token = null;

  async function session() {
    const response = await fetch(`${API}session`, { cache: "no-store" });
    if (response.status === 401) { turnedAway(); return false; }
    if (!response.ok) throw new Error(await response.text());
    token = (await response.json()).token;
    return true;
  }

  async function post(path, body) {
    const send = () => fetch(API + path, {
      method: "POST",
      headers: Object.assign({ "Content-Type": "application/json" }, token ? { "X-Run-Token": token } : {}),
      body: JSON.stringify(body),
    });
    if (token === null) await session();
    let response = await send();
    if (response.status === 403 && await session()) response = await send();
    const text = await response.text();
    let answer = null;
    try { answer = JSON.parse(text); } catch { /* a refusal is plain text */ }
    if (!response.ok) throw new Error(answer?.error ? answer.error.text.replace(/^[A-Z_]+: /, "") : text.trim() || String(response.status));
    return answer;
  }

  const DOING = { start: "starting", stop: "stopping", restart: "restarting", clear: "cleared the log of" };

  async function act(verb, names, label = list(names)) {
    try {
      const report = await post(verb, { names });
      const wrong = report.processes.filter((process) => !process.ok);
      if (wrong.length) {
        say(wrong.map((process) => `${process.name}: ${process.answer}`).join(", "), true);
        return false;
      }
      const left = verb === "stop" && names[0] !== "all" ? dependents(names) : [];
      say(`${DOING[verb]} ${label}${left.length ? `; ${list(left)} ${left.length > 1 ? "need" : "needs"} it and ${left.length > 1 ? "keep" : "keeps"} running` : ""}`);
      if (verb === "clear") view?.cleared?.(names);
      return true;
    } catch (error) {
      say(`could not ${verb} ${label}: ${error.message}`, true);
      return false;
    }
  }

  function dependents(names) {
    const runs = (name) => ["ready", "starting", "unhealthy", "retrying"].includes(known.processes.get(name)?.state);
    return names.flatMap((name) => known.processes.get(name)?.needed_by ?? []).filter((name) => runs(name) && !names.includes(name));
  }

  async function actOnAll(verb) {
    const count = inOrder().filter((process) => canDo("stop", process)).length;
    const question = `${verb === "stop" ? "Stop" : "Restart"} all programs?`;
    if (verb !== "start" && !await ask(question, `${count} of ${known.order.length} are up.`, verb === "stop" ? "Stop all" : "Restart all")) return;
    await act(verb, ["all"], "all programs");
  }

  // ---- The stream of events ----

  let events = null;
  let retry = 0;

  function setLink(is) {
    known.is = is;
    const link = $("#link");
    const word = { live: "live", connecting: "connecting", lost: "not reachable", ended: "ended", stopping: "stopping" }[is];
    setClass(link, `link ${is === "live" ? "live" : is === "connecting" ? "" : "lost"}`);
    setText(link, word);
    document.body.classList.toggle("stale", is === "lost" || is === "ended");
  }

  function connect() {
    clearTimeout(retry);
    events?.close();
    events = new EventSource(`${API}events`);
    const on = (name, handle) => events.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    on("status", (status) => {
      known.facts = status;
      known.arrived = performance.now();
      known.project = status.project;
      known.processes.clear();
      take(status.processes);
      known.order = status.processes.map((process) => process.name);
      setLink(status.state === "running" ? "live" : "stopping");
      draw();
    });
    on("change", (change) => {
      const news = take(change.processes);
      known.order = change.order;
      for (const name of [...known.processes.keys()]) if (!change.order.includes(name)) known.processes.delete(name);
      known.facts.notes = change.notes;
      setLink(change.state === "running" ? "live" : "stopping");
      announce(news);
      draw();
    });
    on("usage", (usage) => {
      for (const [name, used] of Object.entries(usage)) Object.assign(known.processes.get(name) ?? {}, used);
      draw();
    });
    on("end", () => { setLink("ended"); again(3000); });
    events.onerror = () => {
      if (known.is !== "ended") setLink("lost");
      if (events.readyState === EventSource.CLOSED) again(2000);
    };
  }

  /** The stream was refused or has ended: whoever is there now may be another, with other tokens. */
  function again(after) {
    events.close();
    clearTimeout(retry);
    retry = setTimeout(async () => {
      try { if (await session()) { connect(); view?.back?.(); } } catch { again(after); }
    }, after);
  }

  // A page that nobody looks at costs nobody anything.
  let hiding = 0;
  function onVisibility() {
    clearTimeout(hiding);
    if (document.hidden) {
      hiding = setTimeout(() => { events?.close(); events = null; clearTimeout(retry); view?.hide?.(); }, 20000);
    } else if (events === null && token !== undefined) {
      setLink("connecting");
      connect();
      view?.back?.();
    }
  }

  // ---- The frame of the page ----

  let isDue = false;

  function draw() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => { isDue = false; drawNow(); });
  }

  function drawNow() {
    const { facts } = known;
    if (!facts) return;
    const bad = inOrder().filter((process) => ["failed", "blocked"].includes(process.state)).length;
    setText($("#project"), known.project);
    const title = `${bad ? `✗ ${bad} failed · ` : ""}${known.project}`;
    if (document.title !== title) document.title = title;
    tick();
    view?.draw();
  }

  /** What goes on by itself. */
  function tick() {
    const { facts } = known;
    if (!facts || document.hidden) return;
    const up = duration(facts.up_ms + performance.now() - known.arrived);
    setText($("#facts"), `up ${up} · ${facts.files.join(", ")} · ${facts.root} · pid ${facts.pid}`);
    view?.tick?.();
  }

  function frame() {
    const main = $("#main");
    main.replaceChildren();
    const tab = (href, text) => el("a", { href, "data-tab": href }, text);
    main.before(el("header", { class: "head" },
      el("div", { class: "title" }, el("h1", { id: "project" }, document.title), el("span", { class: "facts", id: "facts" }),
        el("span", { class: "link", id: "link", role: "status" }, "connecting")),
      el("div", { class: "bar" },
        el("nav", { class: "tabs", "aria-label": "Pages" }, tab("#/", "Programs"), tab("#/logs", "Logs"), tab("#/graph", "Graph")),
        el("div", { class: "all", role: "group", "aria-label": "All programs" },
          el("button", { type: "button", id: "start-all", onclick: () => actOnAll("start") }, "Start all"),
          el("button", { type: "button", id: "restart-all", onclick: () => actOnAll("restart") }, "Restart all"),
          el("button", { type: "button", id: "stop-all", onclick: () => actOnAll("stop") }, "Stop all")))));
    document.body.append(
      el("div", { id: "said", class: "said", role: "status" }),
      el("div", { id: "news", class: "sr", "aria-live": "polite" }));
  }

  // ---- Buttons of a program ----

  function canDo(verb, process) {
    if (verb === "start") return ["off", "done", "failed", "blocked"].includes(process.state);
    if (verb === "stop") return !["off", "done", "failed", "stopping"].includes(process.state);
    return verb !== "restart" || process.state !== "stopping";
  }

  const TITLES = { start: "Start", stop: "Stop", restart: "Restart", log: "Log of", clear: "Clear log of" };

  function button(verb, name, withText) {
    const text = `${TITLES[verb]} ${name}`;
    const press = (event) => {
      if (event.currentTarget.getAttribute("aria-disabled") === "true") return;
      if (verb === "log") location.hash = `#/logs/${encodeURIComponent(name)}`;
      else act(verb, [name]);
    };
    const attributes = { type: "button", "data-verb": verb, onclick: press };
    if (withText) return el("button", Object.assign(attributes, { "aria-label": text }), icon(verb), withText);
    return el("button", Object.assign(attributes, { class: "icon", "aria-label": text, title: text }), icon(verb));
  }

  function enable(root, process) {
    for (const node of root.querySelectorAll("[data-verb]")) {
      setAttribute(node, "aria-disabled", String(!canDo(node.dataset.verb, process)));
    }
  }

  function portLinks(process) {
    return process.ports.map(({ name, port }) => {
      const href = name === "" && process.url && location.hostname === "127.0.0.1" ? process.url : `http://${location.hostname}:${port}/`;
      return el("a", { class: "port", href, target: "_blank", rel: "noopener noreferrer" }, `${name ? `${name} ` : ""}:${port}`);
    });
  }

  const colour = (process) => `c${(process?.place ?? 0) % COLOURS}`;

  function stateWord(process) {
    return [
      el("span", { class: "word", "data-mark": `${MARKS[process.state]} ` }, process.state),
      el("span", { class: "wire" }, process.supervisord_state),
    ];
  }

  // ---- Programs ----

  class Overview {
    constructor(root) {
      this.rows = new Map();
      this.groups = new Map();
      this.filter = null;
      this.chips = el("div", { class: "chips", role: "group", "aria-label": "Show only" });
      this.notes = el("ul", { class: "notes hidden" });
      const head = (name, text, attributes = {}) => el("th", Object.assign({ scope: "col", role: "columnheader", class: `w-${name}` }, attributes), text);
      const number = (name, text) => head(name, text, { class: `num ${name} w-${name}` });
      this.body = el("tbody", { role: "rowgroup" });
      this.table = el("table", { class: "programs", role: "table", "aria-label": "Programs" },
        el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
          head("name", "Program"), head("state", "State"), head("note", "Note"), number("pid", "PID"), number("for", "For"),
          number("runs", "Runs"), number("cpu", "CPU"), number("mem", "Memory"), head("actions", "Actions", { class: "actions w-actions" }))),
        this.body);
      this.body.addEventListener("keydown", (event) => this.key(event));
      this.foot = el("p", { class: "foot" }, "Keys in a row: ",
        ...["↑ ↓", "s start", "x stop", "r restart", "l log", "c clear"].flatMap((key, at) => [at ? " · " : "", key]), " · ",
        el("button", { type: "button", onclick: help }, "all keys"));
      root.append(this.chips, this.notes, this.table, this.foot);
      this.draw();
    }

    draw() {
      const processes = inOrder();
      if (!known.facts) return;
      this.drawChips(processes);
      this.notes.replaceChildren(...known.facts.notes.map((note) => el("li", {}, note)));
      this.notes.classList.toggle("hidden", known.facts.notes.length === 0);
      for (const process of processes) {
        if (!this.rows.has(process.name)) this.rows.set(process.name, new Row(process));
        this.rows.get(process.name).draw(process);
      }
      this.place(processes);
    }

    /** Groups stand together where their first member stands; nothing is moved that is where it belongs. */
    place(processes) {
      const groupOf = (name) => (name.includes(":") ? name.slice(0, name.indexOf(":")) : null);
      const wanted = [];
      const seen = new Set();
      for (const process of processes) {
        const group = groupOf(process.name);
        if (group === null) { wanted.push(this.rows.get(process.name).node); continue; }
        if (seen.has(group)) continue;
        seen.add(group);
        const members = processes.filter((other) => groupOf(other.name) === group);
        wanted.push(this.groupRow(group, members), ...members.map((other) => this.rows.get(other.name).node));
      }
      if (wanted.length !== this.body.children.length || wanted.some((node, at) => this.body.children[at] !== node)) {
        const focused = document.activeElement;
        this.body.replaceChildren(...wanted);
        if (focused && this.body.contains(focused)) focused.focus({ preventScroll: true });
      }
      for (const process of processes) {
        const { node } = this.rows.get(process.name);
        node.hidden = this.filter !== null && process.state !== this.filter;
        node.classList.toggle("member", groupOf(process.name) !== null);
      }
    }

    groupRow(group, members) {
      if (!this.groups.has(group)) {
        const count = el("span", { class: "count" });
        const cell = el("th", { colspan: "3", scope: "rowgroup", role: "rowheader" }, el("bdi", {}, group), " ", count);
        // A cell for each other column, so that one that is not shown leaves no hole.
        const others = ["num pid", "num for", "num runs", "num cpu", "num mem", "actions"].map((kind) => el("td", { class: kind, role: "cell" }));
        this.groups.set(group, { node: el("tr", { class: "group", role: "row" }, cell, ...others), count });
      }
      const { node, count } = this.groups.get(group);
      const ready = members.filter((process) => process.state === "ready" || process.state === "done").length;
      setText(count, `${ready} of ${members.length} ready`);
      node.hidden = this.filter !== null && !members.some((process) => process.state === this.filter);
      return node;
    }

    drawChips(processes) {
      const count = (word) => processes.filter((process) => process.state === word).length;
      if (this.filter !== null && count(this.filter) === 0) this.filter = null;
      const wanted = [[null, processes.length], ...WORDS.map((word) => [word, count(word)]).filter(([, n]) => n > 0)];
      for (const chip of [...this.chips.children]) {
        if (!wanted.some(([word]) => (word ?? "all") === chip.dataset.word)) chip.remove();
      }
      wanted.forEach(([word, n], at) => {
        const key = word ?? "all";
        let chip = [...this.chips.children].find((node) => node.dataset.word === key);
        if (!chip) {
          chip = el("button", { type: "button", "data-word": key, onclick: () => { this.filter = this.filter === word ? null : word; this.draw(); } },
            el("b", {}), ` ${key}`);
        }
        if (this.chips.children[at] !== chip) this.chips.insertBefore(chip, this.chips.children[at] ?? null);
        setText(chip.firstChild, String(n));
        setClass(chip, word && BAD.has(word) ? "bad" : "");
        setAttribute(chip, "aria-pressed", String(this.filter === word));
      });
    }

    tick() {
      for (const process of inOrder()) this.rows.get(process.name)?.tick(process);
    }

    key(event) {
      const row = event.target.closest("tr.program");
      if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
      const { key } = event;
      if (["ArrowDown", "ArrowUp", "j", "k"].includes(key)) {
        const rows = [...this.body.querySelectorAll("tr.program:not([hidden])")];
        const next = rows[rows.indexOf(row) + (key === "ArrowDown" || key === "j" ? 1 : -1)];
        if (next) $(".name a", next).focus();
      } else {
        const verb = { s: "start", x: "stop", r: "restart", l: "log", c: "clear" }[key];
        if (!verb) return;
        $(`[data-verb="${verb}"]`, row).click();
      }
      event.preventDefault();
    }
  }

  class Row {
    constructor(process) {
      const { name } = process;
      const cell = (kind) => el("td", { class: kind, role: "cell" });
      const short = name.includes(":") ? name.slice(name.indexOf(":") + 1) : name;
      this.link = el("a", { href: `#/program/${encodeURIComponent(name)}` }, el("bdi", {}, short));
      this.dot = el("span", { "aria-hidden": "true" });
      this.head = el("th", { class: "name", scope: "row", role: "rowheader", title: name }, this.dot, this.link,
        process.kind === "task" ? el("span", { class: "kind" }, "task") : null);
      this.state = cell("state");
      this.text = el("span", { class: "text" });
      this.ports = el("span", { class: "ports" });
      this.note = el("td", { class: "note", role: "cell" }, this.text, this.ports);
      [this.pid, this.since, this.runs, this.cpu, this.mem] = ["num pid", "num for", "num runs", "num cpu", "num mem"].map(cell);
      this.brief = el("td", { class: "brief", role: "cell" });
      this.actions = el("td", { class: "actions", role: "cell" },
        el("span", { class: "set", role: "group", "aria-label": `Actions for ${name}` },
          ...["start", "stop", "restart", "log", "clear"].map((verb) => button(verb, name))));
      this.node = el("tr", { role: "row", "data-name": name }, this.head, this.state, this.note, this.pid, this.since,
        this.runs, this.cpu, this.mem, this.brief, this.actions);
      this.shown = "";
    }

    draw(process) {
      const shown = [process.state, process.supervisord_state, JSON.stringify(process.ports), process.url].join();
      if (shown !== this.shown) {
        this.shown = shown;
        this.state.replaceChildren(...stateWord(process));
        this.ports.replaceChildren(...portLinks(process));
        setClass(this.dot, `dot ${colour(process)}`);
        enable(this.actions, process);
      }
      const { hidden } = this.node;
      setClass(this.node, `program s-${process.state}${this.node.classList.contains("member") ? " member" : ""}`);
      this.node.hidden = hidden;
      setText(this.pid, process.pid ? String(process.pid) : "");
      setText(this.runs, process.runs ? String(process.runs) : "");
      setClass(this.runs, `num runs${process.unasked_runs > 0 ? " many" : ""}`);
      setText(this.cpu, process.pid && process.cpu_percent !== null ? `${Math.round(process.cpu_percent)}%` : "");
      setText(this.mem, process.pid && process.memory !== null ? size(process.memory) : "");
      this.tick(process);
    }

    tick(process) {
      const since = process.state === "off" ? "" : duration(age(process));
      setText(this.since, since);
      const note = noteOf(process);
      setText(this.text, note);
      setAttribute(this.text, "title", note);
      const parts = [since, process.pid ? `pid\u00a0${process.pid}` : "", process.runs > 1 ? `${process.runs}\u00a0runs` : ""];
      setText(this.brief, parts.filter(Boolean).join(" · "));
    }
  }

  // ---- Lines of logs ----

  const SGR = /\x1b\[([0-9;:]*)m/g;

  /** Cuts a line into pieces of one look each. */
  function pieces(text) {
    const found = [];
    let look = {};
    let from = 0;
    for (const match of text.matchAll(SGR)) {
      if (match.index > from) found.push([text.slice(from, match.index), look]);
      look = changedLook(look, match[1]);
      from = match.index + match[0].length;
    }
    if (from < text.length) found.push([text.slice(from), look]);
    return found;
  }

  function changedLook(before, codes) {
    let look = { ...before };
    const numbers = codes.split(/[;:]/).map(Number);
    for (let at = 0; at < numbers.length; at += 1) {
      const n = numbers[at];
      if (n === 0) look = {};
      else if (n === 1) look.bold = true;
      else if (n === 2) look.dim = true;
      else if (n === 3) look.italic = true;
      else if (n === 4) look.under = true;
      else if (n === 7) look.inverse = true;
      else if (n === 9) look.struck = true;
      else if (n === 22) look.bold = look.dim = false;
      else if (n === 23) look.italic = false;
      else if (n === 24) look.under = false;
      else if (n === 27) look.inverse = false;
      else if (n === 29) look.struck = false;
      else if (n >= 30 && n <= 37) look.fg = n - 30;
      else if (n === 39) look.fg = undefined;
      else if (n >= 40 && n <= 47) look.bg = n - 40;
      else if (n === 49) look.bg = undefined;
      else if (n >= 90 && n <= 97) look.fg = n - 82;
      else if (n >= 100 && n <= 107) look.bg = n - 92;
      else if (n === 38 || n === 48) {
        const where = n === 38 ? "fg" : "bg";
        if (numbers[at + 1] === 5) { look[where] = xterm(numbers[at + 2]); at += 2; }
        else if (numbers[at + 1] === 2) { look[where] = `rgb(${numbers.slice(at + 2, at + 5).map((part) => Math.min(255, part || 0)).join(" ")})`; at += 4; }
      }
    }
    return look;
  }

  /** One of the 256 colours: a number for the first 16, which the scheme decides. */
  function xterm(n) {
    if (!(n >= 0 && n <= 255)) return undefined;
    if (n < 16) return n;
    if (n >= 232) { const grey = 8 + (n - 232) * 10; return `rgb(${grey} ${grey} ${grey})`; }
    const step = (part) => (part ? 55 + part * 40 : 0);
    const cube = n - 16;
    return `rgb(${step(Math.floor(cube / 36))} ${step(Math.floor(cube / 6) % 6)} ${step(cube % 6)})`;
  }

  function styled(node, look) {
    let { fg, bg } = look;
    if (look.inverse) [fg, bg] = [bg, fg ?? 7];
    const classes = [look.bold && "b", look.dim && "d", look.italic && "it", look.under && "u", look.struck && "x"].filter(Boolean);
    if (typeof bg === "number") classes.push(`g${bg}`);
    else if (typeof fg === "number") classes.push(`f${fg}`);
    if (classes.length) node.className = classes.join(" ");
    if (typeof bg === "string") node.style.backgroundColor = bg;
    if (typeof fg === "string") node.style.color = fg;
    return node;
  }

  /** Draws a line's text into a node, with what is searched for marked; how often it is there. */
  function paint(node, text, wanted) {
    const parts = pieces(text);
    const plain = parts.map(([part]) => part).join("");
    const hits = wanted ? [...plain.matchAll(wanted)].filter((hit) => hit[0] !== "") : [];
    if (hits.length === 0 && parts.length === 1 && Object.keys(parts[0][1]).length === 0) {
      node.textContent = plain;
      return 0;
    }
    const out = document.createDocumentFragment();
    let at = 0;
    let next = 0;
    for (const [part, look] of parts) {
      const span = styled(document.createElement("span"), look);
      let rest = part;
      while (rest !== "") {
        while (hits[next] && at >= hits[next].index + hits[next][0].length) next += 1;
        const hit = hits[next];
        const isIn = hit && at >= hit.index;
        const until = hit ? (isIn ? hit.index + hit[0].length : hit.index) - at : rest.length;
        const piece = rest.slice(0, until);
        span.append(isIn ? el("mark", {}, piece) : piece);
        rest = rest.slice(piece.length);
        at += piece.length;
      }
      out.append(span);
    }
    node.replaceChildren(out);
    return hits.length;
  }

  /** What a search means: text, or a pattern between slashes; null for nothing, undefined for what is no pattern. */
  function pattern(text) {
    if (text === "") return null;
    const inner = /^\/(.+)\/$/.exec(text)?.[1];
    try { return new RegExp(inner ?? text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu"); } catch { return undefined; }
  }

  /** A box of lines that follows a log. */
  class Log {
    constructor(names, { onChange = () => {}, last = LINES } = {}) {
      this.names = names;
      this.last = last;
      this.onChange = onChange;
      this.runs = new Map();
      this.wanted = null;
      this.isOnly = false;
      this.isFollowing = true;
      this.unseen = 0;
      this.hits = 0;
      this.box = el("div", { class: `log${names.length === 1 ? " one" : ""}`, role: "log", "aria-live": "off", "aria-label": "Log", tabindex: "0" });
      this.newer = el("button", { type: "button", class: "newer primary hidden", onclick: () => { this.follow(true); this.box.focus(); } });
      this.quiet = el("p", { class: "quiet" }, "Nothing yet.");
      this.box.append(this.quiet);
      this.node = el("div", { class: "logwrap" }, this.box, this.newer);
      this.box.addEventListener("scroll", () => this.scrolled(), { passive: true });
      this.connect();
    }

    connect() {
      this.stream?.close();
      const query = this.names.map((name) => `name=${encodeURIComponent(name)}`).concat(`last=${this.last}`).join("&");
      this.stream = new EventSource(`${API}logs/stream?${query}`);
      this.stream.addEventListener("lines", (event) => this.take(JSON.parse(event.data)));
      this.stream.onerror = () => {
        if (this.stream?.readyState === EventSource.CLOSED) { clearTimeout(this.retry); this.retry = setTimeout(() => this.connect(), 2000); }
      };
    }

    close() {
      clearTimeout(this.retry);
      this.stream?.close();
      this.stream = null;
    }

    clear() {
      this.box.replaceChildren(this.quiet);
      this.quiet.classList.remove("hidden");
      this.runs.clear();
      this.unseen = 0;
      this.hits = 0;
      this.told();
    }

    take({ begin, skipped, lines }) {
      if (begin) this.clear();
      if (skipped) this.rule("lines skipped: they came faster than they can be shown");
      const out = document.createDocumentFragment();
      for (const line of lines) {
        const run = `${line.up}.${line.run}`;
        const before = this.runs.get(line.process);
        if (before !== undefined && before !== run) this.rule(`${this.names.length === 1 ? "" : `${line.process} · `}run ${line.run}, ${time(line.at)}`, out);
        this.runs.set(line.process, run);
        out.append(this.line(line));
      }
      this.box.append(out);
      while (this.box.children.length > MOST_LINES) {
        const oldest = this.box.children[1];
        this.hits -= Number(oldest.dataset.hits ?? 0);
        oldest.remove();
      }
      this.quiet.classList.toggle("hidden", this.box.children.length > 1);
      if (this.isFollowing) this.down();
      else this.unseen += begin ? 0 : lines.length;
      this.told();
    }

    rule(text, where = this.box) {
      where.append(el("div", { class: "rule", role: "separator" }, text));
    }

    line(line) {
      const process = known.processes.get(line.process);
      const text = el("span", { class: "text" });
      const node = el("div", { class: `line${line.channel === "stderr" ? " err" : ""}` },
        el("time", { datetime: new Date(line.at).toISOString() }, time(line.at)),
        el("span", { class: `who ${colour(process)}`, title: line.process }, line.process), text);
      node.raw = line.text;
      this.look(node, text);
      return node;
    }

    look(node, text = $(".text", node)) {
      const hits = paint(text, node.raw, this.wanted);
      if (this.wanted) { node.dataset.hits = hits; this.hits += hits; } else delete node.dataset.hits;
      node.classList.toggle("hidden", this.isOnly && Boolean(this.wanted) && hits === 0);
    }

    search(text, isOnly) {
      const wanted = pattern(text);
      this.isOnly = isOnly;
      this.isWrong = wanted === undefined;
      this.wanted = wanted ?? null;
      this.hits = 0;
      $(".current", this.box)?.classList.remove("current");
      for (const node of this.box.querySelectorAll(".line")) this.look(node);
      if (this.isFollowing) this.down();
      this.told();
    }

    /** The next line that has it, or the one before. */
    next(isBack) {
      const all = [...this.box.querySelectorAll(".line[data-hits]:not([data-hits='0']):not(.hidden)")];
      if (all.length === 0) return;
      const now = all.indexOf($(".current", this.box));
      const at = now < 0 ? all.length - 1 : (now + (isBack ? -1 : 1) + all.length) % all.length;
      all[now]?.classList.remove("current");
      all[at].classList.add("current");
      this.isFollowing = false;
      all[at].scrollIntoView({ block: "center" });
      this.told();
    }

    follow(is) {
      this.isFollowing = is;
      if (is) { this.unseen = 0; this.down(); }
      this.told();
    }

    down() {
      this.box.scrollTop = this.box.scrollHeight;
      // What was off screen gets its true height only when it is drawn.
      requestAnimationFrame(() => { if (this.isFollowing) this.box.scrollTop = this.box.scrollHeight; });
    }

    scrolled() {
      const isDown = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 30;
      if (isDown === this.isFollowing) return;
      if (isDown || this.box.scrollTop < (this.top ?? 0)) {
        this.isFollowing = isDown;
        if (isDown) this.unseen = 0;
        this.told();
      }
      this.top = this.box.scrollTop;
    }

    told() {
      this.newer.classList.toggle("hidden", this.isFollowing || this.unseen === 0);
      setText(this.newer, `${this.unseen} new ↓`);
      this.top = this.box.scrollTop;
      this.onChange();
    }
  }

  class LogPage {
    constructor(root, name, query) {
      this.name = name;
      const toggle = (id, text, isOn, press) => {
        const node = el("button", { type: "button", id, "aria-pressed": String(isOn) }, text);
        node.addEventListener("click", () => {
          const is = node.getAttribute("aria-pressed") !== "true";
          node.setAttribute("aria-pressed", String(is));
          press(is);
        });
        return node;
      };
      this.select = el("select", { id: "whose", "aria-label": "Whose log", onchange: () => { location.hash = this.select.value ? `#/logs/${encodeURIComponent(this.select.value)}` : "#/logs"; } });
      this.input = el("input", { type: "search", id: "search", placeholder: "Find text or /pattern/", "aria-label": "Find in the log", autocomplete: "off", spellcheck: "false" });
      this.input.value = query.get("q") ?? "";
      this.hits = el("span", { class: "hits", role: "status" });
      this.only = toggle("only", "Only matches", query.get("only") === "1", () => this.search());
      this.followButton = toggle("follow", "Follow", true, (is) => this.log.follow(is));
      const wrap = toggle("wrap", "Wrap", true, (is) => this.log.box.classList.toggle("nowrap", !is));
      const times = toggle("times", "Times", innerWidth > 600, (is) => this.showTimes(is));
      this.log = new Log(name ? [name] : [], { onChange: () => this.told() });
      const clear = name ? button("clear", name, "Clear") : null;
      const restart = name ? button("restart", name, "Restart") : null;
      root.append(
        el("div", { class: "tools", role: "toolbar", "aria-label": "Log" }, this.select,
          el("span", { class: "search", role: "search" }, this.input, this.hits), this.only, this.followButton, wrap, times,
          el("span", { class: "push row" }, restart, clear)),
        this.log.node);
      this.showTimes(innerWidth > 600);
      this.input.addEventListener("input", () => this.search());
      this.input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") { this.log.next(event.shiftKey); event.preventDefault(); }
        if (event.key === "Escape" && this.input.value !== "") { this.input.value = ""; this.search(); event.preventDefault(); }
      });
      this.search();
      this.draw();
    }

    showTimes(is) {
      this.log.box.classList.toggle("notime", !is);
      this.log.box.classList.toggle("times", is);
    }

    draw() {
      const names = known.order;
      if (this.drawn === names.join("\n")) return;
      this.drawn = names.join("\n");
      const options = [el("option", { value: "" }, "All programs"), ...names.map((name) => el("option", { value: name }, name))];
      if (this.name && !names.includes(this.name)) options.push(el("option", { value: this.name }, this.name));
      this.select.replaceChildren(...options);
      this.select.value = this.name;
    }

    search() {
      const isOnly = this.only.getAttribute("aria-pressed") === "true";
      this.log.search(this.input.value, isOnly);
      const query = new URLSearchParams();
      if (this.input.value) query.set("q", this.input.value);
      if (isOnly) query.set("only", "1");
      const end = query.size ? `?${query}` : "";
      history.replaceState(null, "", `#/logs${this.name ? `/${encodeURIComponent(this.name)}` : ""}${end}`);
    }

    told() {
      if (!this.log) return;
      this.followButton.setAttribute("aria-pressed", String(this.log.isFollowing));
      const { hits, wanted, isWrong } = this.log;
      setText(this.hits, isWrong ? "no pattern" : wanted ? `${hits} ${hits === 1 ? "match" : "matches"}` : "");
    }

    cleared(names) { if (names.includes(this.name)) this.log.clear(); }
    back() { this.log.connect(); }
    hide() { this.log.close(); }
    close() { this.log.close(); }
    find() { this.input.focus(); this.input.select(); }
  }

  // ---- One program ----

  class ProgramPage {
    constructor(root, name) {
      this.name = name;
      this.title = el("h2", {}, el("bdi", {}, name));
      this.state = el("span", { class: "state" });
      this.actions = el("span", { class: "push" }, button("start", name, "Start"), button("stop", name, "Stop"),
        button("restart", name, "Restart"), button("clear", name, "Clear log"));
      this.because = el("p", { class: "because" });
      this.facts = el("dl", { class: "facts-grid" });
      this.needs = el("ul", { class: "needs" });
      this.history = el("ol", { class: "history", tabindex: "0", "aria-label": "History" });
      this.log = new Log([name], { last: 200 });
      this.log.box.classList.add("notime");
      const card = (text, ...body) => el("section", { class: "card" }, el("h3", {}, text), ...body);
      this.needsCard = card("Needs", el("div", { class: "body" }, this.needs));
      this.node = el("div", { class: "about" },
        el("header", {}, this.title, this.state, this.actions), this.because,
        el("div", { class: "cols" }, card("Now", el("div", { class: "body" }, this.facts)),
          el("div", { class: "cols one" }, this.needsCard, card("History", el("div", { class: "body" }, this.history)))),
        card("Output", this.log.node));
      const all = el("a", { href: `#/logs/${encodeURIComponent(name)}` }, "whole log");
      $("h3", this.node.lastChild).append(" · ", all);
      root.append(this.node);
      this.draw();
    }

    draw() {
      const process = known.processes.get(this.name);
      if (!process) {
        if (known.facts) setText(this.because, `There is no program ${this.name} now.`);
        return;
      }
      const drawn = JSON.stringify({ ...process, arrived: 0, for_ms: 0, cpu_percent: 0, memory: 0 });
      if (drawn !== this.drawn) {
        this.drawn = drawn;
        setClass(this.node, `about s-${process.state}`);
        this.state.replaceChildren(...stateWord(process));
        enable(this.actions, process);
        this.drawNeeds(process);
        this.drawHistory(process);
      }
      this.drawFacts(process);
      this.tick();
    }

    drawFacts(process) {
      const { probe } = process;
      const rows = [
        ["Since", `${time(process.since)}, for `, el("span", { class: "age" }, duration(age(process)))],
        ["PID", process.pid ? String(process.pid) : null],
        ["Runs", process.runs ? `${process.runs}${process.unasked_runs ? `, ${process.unasked_runs} of them after a failure` : ""}` : null],
        ["Ready", process.ready_after_ms === null ? null : `${exact(process.ready_after_ms)} after its start`],
        ["Check", probe ? probe.target : null],
        ["Last answer", probe?.last ? `${probe.last}${probe.tries > 1 ? `, try ${probe.tries}` : ""}` : null],
        ["Last end", process.last_exit || null],
        ["Ports", ...(process.ports.length ? portLinks(process).flatMap((link, at) => [at ? " " : "", link]) : [null])],
        ["CPU, memory", process.pid && process.memory !== null ? `${Math.round(process.cpu_percent)}%, ${size(process.memory)}` : null],
        ["Command", el("code", {}, process.command)],
        ["Directory", el("code", {}, process.directory)],
      ].filter(([, first]) => first !== null);
      const shown = rows.map((row) => row.map((part) => part.textContent ?? part).join("|")).join("\n").replace(/for .*/, "");
      if (shown === this.shownFacts) return;
      this.shownFacts = shown;
      this.facts.replaceChildren(...rows.flatMap(([name, ...parts]) => [el("dt", {}, name), el("dd", {}, ...parts)]));
    }

    drawNeeds(process) {
      const link = (name) => el("a", { href: `#/program/${encodeURIComponent(name)}` }, el("bdi", {}, name));
      const needs = process.needs.map((need) => el("li", { class: `s-${need.state}` },
        el("span", { class: "word", "data-mark": `${need.satisfied ? "✓" : need.failed ? "✗" : "…"} ` }, link(need.name)),
        `until ${need.until}${need.optional ? ", optional" : ""}${need.restart ? ", restarts with it" : ""}`,
        need.satisfied ? "" : ` · ${need.state} since ${time(need.since)}`));
      const by = process.needed_by.flatMap((name, at) => [at ? ", " : "Needed by ", link(name)]);
      if (by.length) needs.push(el("li", {}, el("span", {}, ...by)));
      this.needsCard.classList.toggle("hidden", needs.length === 0);
      this.needs.replaceChildren(...needs);
    }

    drawHistory(process) {
      const rows = [...process.history].reverse();
      this.history.replaceChildren(...rows.map((change) => el("li", {}, el("time", {}, time(change.at)), el("span", {}, change.what))));
    }

    tick() {
      const process = known.processes.get(this.name);
      if (!process) return;
      setText(this.because, noteOf(process));
      setClass(this.because, `because${["failed", "blocked"].includes(process.state) ? " bad" : ""}`);
      const shown = $(".age", this.facts);
      if (shown) setText(shown, duration(age(process)));
    }

    cleared(names) { if (names.includes(this.name)) this.log.clear(); }
    back() { this.log.connect(); }
    hide() { this.log.close(); }
    close() { this.log.close(); }
  }

  // ---- The graph ----

  const DRAWN = new Set(["svg", "g", "rect", "path", "text", "defs", "marker"]);
  const DRAWN_WITH = new Set(["class", "data-name", "d", "x", "y", "width", "height", "rx", "viewBox", "text-anchor", "id", "refX", "refY",
    "markerWidth", "markerHeight", "orient", "role"]);

  class GraphPage {
    constructor(root) {
      this.legend = el("div", { class: "legend" }, "An arrow leads to who waits, with what it waits for.");
      this.node = el("div", { class: "graph", tabindex: "0", role: "group", "aria-label": "What needs what" });
      root.append(this.legend, this.node);
      this.load();
    }

    async load() {
      try {
        const response = await fetch(`${API}graph?format=svg`);
        if (!response.ok) throw new Error(String(response.status));
        // Its own style is for who opens it by itself; here the page has one for it.
        const text = (await response.text()).replace(/<style>[^<]*<\/style>/, "");
        const drawing = new DOMParser().parseFromString(text, "image/svg+xml");
        this.node.replaceChildren(this.copy(drawing.documentElement));
        this.drawn = this.shape();
        this.draw();
      } catch (error) {
        this.node.replaceChildren(el("p", { class: "quiet" }, `The graph could not be loaded (${error.message}).`));
      }
    }

    /** Only what a drawing of ours is made of. */
    copy(from) {
      const node = document.createElementNS("http://www.w3.org/2000/svg", from.localName);
      for (const { name, value } of from.attributes) if (DRAWN_WITH.has(name)) node.setAttribute(name, value);
      for (const child of from.childNodes) {
        if (child.nodeType === Node.TEXT_NODE) node.append(child.data);
        else if (child.nodeType === Node.ELEMENT_NODE && DRAWN.has(child.localName)) node.append(this.copy(child));
      }
      if (!from.classList.contains("node")) return node;
      const link = document.createElementNS("http://www.w3.org/2000/svg", "a");
      link.append(node);
      return link;
    }

    /** What the drawing shows, apart from the states. */
    shape() {
      return JSON.stringify(inOrder().map(({ program, needs }) => [program, ...needs.map(({ name, until }) => [name, until])]));
    }

    draw() {
      if (this.drawn !== undefined && this.drawn !== this.shape()) {
        this.drawn = undefined;
        this.load();
        return;
      }
      for (const node of this.node.querySelectorAll(".node")) {
        const mine = inOrder().filter((process) => process.program === node.dataset.name);
        if (mine.length === 0) continue;
        const [worst] = [...mine].sort((a, b) => WORDS.indexOf(a.state) - WORDS.indexOf(b.state));
        node.setAttribute("class", `node s-${worst.state}`);
        node.parentNode.setAttribute("href", `#/program/${encodeURIComponent(worst.name)}`);
        const needs = worst.needs.map((need) => `${need.name} until ${need.until}`);
        node.parentNode.setAttribute("aria-label", `${node.dataset.name}: ${worst.state}${needs.length ? `, needs ${list(needs)}` : ""}`);
      }
    }
  }

  // ---- Where we are ----

  function route() {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
    const [page, ...rest] = path.split("/");
    const name = decodeURIComponent(rest.join("/"));
    const main = $("#main");
    view?.close?.();
    view = null;
    main.replaceChildren();
    document.body.dataset.page = page || "programs";
    if (page === "logs") view = new LogPage(main, name, new URLSearchParams(query));
    else if (page === "program") view = new ProgramPage(main, name);
    else if (page === "graph") view = new GraphPage(main);
    else view = new Overview(main);
    for (const tab of document.querySelectorAll("[data-tab]")) {
      const isHere = tab.dataset.tab === `#/${["logs", "graph"].includes(page) ? page : ""}`;
      if (isHere) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    scrollTo(0, 0);
  }

  function help() {
    const keys = [["↑ ↓", "from program to program"], ["s", "start it"], ["x", "stop it"], ["r", "restart it"], ["l", "its log"], ["c", "clear its log"],
      ["/", "find in the log"], ["Enter", "next match; with Shift the one before"], ["?", "this list"]];
    const dialog = el("dialog", { "aria-labelledby": "keys" }, el("h2", { id: "keys" }, "Keys"),
      el("dl", {}, ...keys.flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)])),
      el("div", { class: "row" }, el("button", { type: "button", onclick: () => dialog.close() }, "Close")));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  function onKey(event) {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (event.key === "?") { help(); event.preventDefault(); }
    if (event.key === "/") {
      if (view?.find) view.find();
      else location.hash = "#/logs";
      event.preventDefault();
    }
  }

  function sheet(title, ...parts) {
    $(".head")?.remove();
    const main = $("#main");
    main.replaceChildren(el("section", { class: "sheet" }, el("h1", {}, title), ...parts));
  }

  /** The session is over, or was never begun. */
  function turnedAway(why) {
    events?.close();
    view?.close?.();
    view = null;
    token = undefined;
    sheet("This page needs its address", el("p", {}, why ?? "Open the address that run ui --web prints. It opens once, in one browser."));
  }

  async function login() {
    const key = new URLSearchParams(location.hash.slice(1)).get("key");
    if (key === null) return turnedAway();
    // What opens the page does not stay in the address, nor in the history.
    history.replaceState(null, "", location.pathname);
    const response = await fetch(`${API}session`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key }) });
    if (!response.ok) return turnedAway(response.status === 401 ? "This address has been opened before. Run run ui --web again for a new one." : undefined);
    token = (await response.json()).token;
    begin();
  }

  async function confirm() {
    const asked = $("[data-verb]");
    const outcome = $("#outcome");
    $("#confirm").addEventListener("click", async (event) => {
      event.currentTarget.disabled = true;
      try {
        const report = await post(asked.dataset.verb, { names: [asked.dataset.name] });
        const wrong = report.processes.filter((process) => !process.ok);
        if (wrong.length === 0) { location.href = "./"; return; }
        outcome.textContent = wrong.map((process) => `${process.name}: ${process.answer}`).join(", ");
      } catch (error) {
        outcome.textContent = error.message;
      }
      $("#confirm").disabled = false;
    });
  }

  function begin() {
    // An address with a key may be opened where a session is already.
    if (location.hash.startsWith("#key=")) history.replaceState(null, "", location.pathname);
    frame();
    addEventListener("hashchange", route);
    document.addEventListener("visibilitychange", onVisibility);
    document.addEventListener("keydown", onKey);
    setInterval(tick, 1000);
    route();
    session().then((is) => { if (is) connect(); }, () => { setLink("lost"); again(2000); });
  }

  ({ app: begin, login, confirm, tail: () => $("pre").scrollIntoView({ block: "end" }) })[document.body.dataset.view]?.();
})();
