"use strict";

const find = (id) => document.getElementById(id);
const RECENT = 10;
let paused = false;
let latest = null;

function element(name, content = "", kind = "") {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (content instanceof Node) made.append(content);
  else made.textContent = content;
  return made;
}

function table(id, heads, rows, empty) {
  const place = find(id);
  const head = element("tr");
  for (const each of heads) {
    const cell = element("th", each);
    cell.scope = "col";
    head.append(cell);
  }
  const lines = rows.map((cells) => {
    const line = element("tr");
    for (const cell of cells) line.append(cell instanceof Node ? cell : element("td", cell));
    return line;
  });
  if (!lines.length) {
    const cell = element("td", empty, "quiet");
    cell.colSpan = heads.length;
    lines.push(element("tr", cell));
  }
  const body = element("tbody");
  body.append(...lines);
  place.replaceChildren(element("thead", head), body);
}

const count = (second, ...groups) => groups.reduce((sum, each) => sum + (second.statuses[each] || 0), 0);
const all = (second) => Object.values(second.statuses).reduce((sum, each) => sum + each, 0);
const milliseconds = (value) => value === null || value === undefined ? "–" : value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : String(Math.round(value));

function tiles(told) {
  const last = told.seconds.slice(-RECENT);
  const total = last.reduce((sum, each) => sum + all(each), 0);
  const errors = last.reduce((sum, each) => sum + count(each, "5xx"), 0);
  const worst = (name) => Math.max(...last.map((each) => each[name] ?? -1));
  const workers = Object.values(told.load);
  const busy = workers.reduce((sum, each) => sum + each.in_progress, 0);
  const shown = [
    ["requests per second", (total / RECENT).toFixed(1), false],
    ["errors (5xx)", total ? `${(errors / total * 100).toFixed(1)} %` : "–", errors > 0],
    ["50th percentile, ms", worst("p50_ms") < 0 ? "–" : milliseconds(worst("p50_ms")), false],
    ["99th percentile, ms", worst("p99_ms") < 0 ? "–" : milliseconds(worst("p99_ms")), false],
    ["in progress", String(busy), false],
    ["workers", String(workers.length), false],
  ];
  find("now").replaceChildren(...shown.map(([name, value, bad]) => {
    const tile = element("div", "", bad ? "tile bad" : "tile");
    tile.append(element("b", value), element("span", name));
    return tile;
  }));
}

const WIDTH = 600, HEIGHT = 160, TOP = 12;

function shape(kind, points, name) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  made.setAttribute("points", points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "));
  made.setAttribute("class", name);
  return made;
}

function plots(told) {
  const seconds = told.seconds;
  const x = (index) => index / (seconds.length - 1) * WIDTH;
  const most = Math.max(1, ...seconds.map(all));
  const y = (value) => HEIGHT - value / most * (HEIGHT - TOP);
  const layers = [["2xx and 3xx", ["1xx", "2xx", "3xx"], "first"], ["4xx", ["4xx"], "second"], ["5xx", ["5xx"], "third"]];
  const below = seconds.map(() => 0);
  const areas = layers.map(([, groups, name]) => {
    const lower = seconds.map((_, index) => [x(index), y(below[index])]);
    seconds.forEach((each, index) => { below[index] += count(each, ...groups); });
    const upper = seconds.map((_, index) => [x(index), y(below[index])]);
    return shape("polygon", [...upper, ...lower.reverse()], name);
  });
  find("rate").replaceChildren(...areas);
  find("rate").setAttribute("aria-label", `Requests of the last two minutes, at most ${most} per second`);
  key("rate-key", layers.map(([label, , name]) => [label, name]), `top ${most}`);

  const percentiles = [["p50_ms", "first"], ["p95_ms", "second"], ["p99_ms", "third"]];
  const slowest = Math.max(1, ...seconds.flatMap((each) => percentiles.map(([name]) => each[name] ?? 0)));
  const lines = percentiles.map(([name, kind]) => {
    const points = seconds.flatMap((each, index) => each[name] === null ? [] : [[x(index), HEIGHT - each[name] / slowest * (HEIGHT - TOP)]]);
    return shape("polyline", points, kind);
  });
  find("latency").replaceChildren(...lines);
  find("latency").setAttribute("aria-label", `Latencies of the last two minutes, at most ${milliseconds(slowest)} milliseconds`);
  key("latency-key", [["50 %", "first"], ["95 %", "second"], ["99 %", "third"]], `top ${milliseconds(slowest)}`);
}

function key(id, names, top) {
  find(id).replaceChildren(...names.map(([label, name]) => element("span", label, name)), ` ${top}`);
}

function upstreams(told) {
  const rows = [], alarms = [];
  for (const [worker, known] of Object.entries(told.upstreams)) {
    for (const [origin, each] of Object.entries(known)) {
      const failing = each.suspended || each.recent_failures > 0 && each.recent_failures * 2 >= each.recent_calls;
      if (failing) alarms.push(`${origin} fails: ${each.last_failure} (${each.recent_failures} of the last ${each.recent_calls} calls, worker ${worker})`);
      const state = each.suspended ? "suspended" : failing ? "failing" : each.recent_failures ? "shaky" : "answers";
      rows.push([origin, element("td", state, failing ? "bad" : each.recent_failures ? "warn" : "good"),
        `${each.calls} calls, ${each.failures} failed, ${milliseconds(each.mean_ms)} ms`, each.last_failure || "–", worker]);
    }
  }
  for (const [worker, health] of Object.entries(told.health)) {
    for (const [name, told] of Object.entries(health.checks)) {
      const degraded = health.degraded.includes(name);
      const [state, kind] = told === "passed" ? ["passes", "good"] : degraded ? ["degraded", "warn"] : ["fails", "bad"];
      if (kind === "bad") alarms.push(`The check ${name} fails: ${told} (worker ${worker})`);
      rows.push([`check ${name}`, element("td", state, kind), "", told === "passed" ? "–" : told, worker]);
    }
  }
  table("upstreams", ["name", "state", "calls", "last failure", "worker"], rows, "No call to another service yet, and no check.");
  find("alarms").replaceChildren(...alarms.map((each) => element("p", each, "bad")));
}

function routes(told) {
  const sums = {};
  for (const known of Object.values(told.routes)) {
    for (const [route, each] of Object.entries(known)) {
      const sum = sums[route] ??= { requests: 0, errors: 0, total: 0 };
      sum.requests += each.requests;
      sum.errors += each.errors;
      sum.total += each.mean_ms * each.requests;
    }
  }
  const rows = Object.entries(sums).sort(([, a], [, b]) => b.requests - a.requests).map(([route, each]) => [
    route, String(each.requests), element("td", String(each.errors), each.errors ? "bad" : ""), milliseconds(each.total / each.requests),
  ]);
  table("routes", ["route", "requests", "errors (5xx)", "mean, ms"], rows, "No request yet.");
}

function exchanges(told) {
  const shown = told.exchanges.filter((each) => !find("errors").checked || each.status >= 400);
  const rows = shown.map((each) => {
    const lines = element("td");
    if (each.lines.length) lines.append(element("pre", each.lines.join("\n")));
    return [
      each.ended.slice(11, 23), each.method, each.path,
      element("td", String(each.status), each.status >= 500 ? "bad" : each.status >= 400 ? "warn" : "good"),
      milliseconds(each.duration_ms), each.request_id ?? "", lines,
    ];
  });
  table("exchanges", ["ended (UTC)", "method", "path", "status", "ms", "request id", "log lines"], rows, "No request yet.");
}

function show(told) {
  latest = told;
  const [first] = Object.values(told.load);
  const name = first?.service || "service";
  find("service").textContent = name;
  tiles(told);
  plots(told);
  upstreams(told);
  document.title = `${find("alarms").childElementCount ? "⚠ " : ""}${name} – dashboard`;
  routes(told);
  if (!paused) exchanges(told);
}

const headers = () => {
  const token = sessionStorage.getItem("token");
  return token ? { Authorization: `Bearer ${token}` } : {};
};

async function listen() {
  const response = await fetch("live", { headers: headers() });
  if (response.status === 401) {
    find("sign-in").hidden = false;
    find("state").textContent = "needs the token";
    return false;
  }
  if (!response.ok) throw new Error(`status ${response.status}`);
  find("sign-in").hidden = true;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the service has stopped");
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const each of events) show(JSON.parse(each.slice("data: ".length)));
    find("state").textContent = `live, ${new Date().toLocaleTimeString()}`;
  }
}

async function keepListening() {
  for (;;) {
    try {
      if (!await listen()) return;
    } catch (error) {
      find("state").textContent = `not connected: ${error.message}`;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function report(name) {
  const response = await fetch(`../${name}`, { headers: headers() });
  const { workers = {} } = await response.json();
  const rows = [];
  for (const [worker, told] of Object.entries(workers)) {
    const entries = Array.isArray(told) ? told.map((each) => [each.path ?? each.name ?? "", each]) : Object.entries(told);
    for (const [key, value] of entries) {
      rows.push([worker, key, element("td", element("pre", typeof value === "string" ? value : JSON.stringify(value, null, 1)))]);
    }
  }
  table("report", ["worker", name, "value"], rows, "Nothing.");
}

for (const name of ["settings", "routes", "loggers", "tasks", "versions"]) {
  const button = element("button", name);
  button.type = "button";
  button.addEventListener("click", () => report(name));
  find("reports").append(button);
}
find("errors").addEventListener("change", () => latest && exchanges(latest));
find("pause").addEventListener("click", () => {
  paused = !paused;
  find("pause").setAttribute("aria-pressed", String(paused));
  find("pause").textContent = paused ? "Go on" : "Pause";
});
find("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", find("token").value);
  keepListening();
});
keepListening();
