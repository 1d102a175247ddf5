// Draws charts of a running machine from its metrics, once a second.
"use strict";

// A chart shows the last samples: as many as there are, between these numbers.
const FEWEST_SAMPLES = 30;
const SAMPLES = 120;
const charts = document.getElementById("charts");
let before = null;

// Parses the text format of Prometheus: lines of a name and a value.
function parse(text) {
  const values = new Map();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const space = line.lastIndexOf(" ");
    values.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return values;
}

// The upper bound, in seconds, within which 99 of 100 events since the last sample were durable.
function latency(now, earlier) {
  const name = "pallas_event_latency_seconds";
  const since = (key) => (now.get(key) ?? 0) - (earlier.get(key) ?? 0);
  const total = since(`${name}_count`);
  if (total <= 0) return null;
  for (const key of now.keys()) {
    const bound = key.match(/_bucket\{le="([^"]+)"\}$/);
    if (bound && since(key) >= 0.99 * total) return bound[1] === "+Inf" ? null : Number(bound[1]);
  }
  return null;
}

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(unit ? 1 : 0)} ${units[unit]}`;
}

const rate = (name) => (now, earlier, seconds) =>
  ((now.get(name) ?? 0) - (earlier.get(name) ?? 0)) / seconds;
const plain = (value) => value.toFixed(Number.isInteger(value) || value >= 10 ? 0 : 1);

const SERIES = [
  ["Events per second", rate("pallas_events_total"), plain],
  ["Latency, 99th percentile", latency, (value) => `${(1000 * value).toFixed(2)} ms`],
  ["Time in collections", rate("pallas_pause_seconds_total"), (value) => `${(100 * value).toFixed(2)} %`],
  ["Longest collection so far", (now) => now.get("pallas_longest_pause_seconds") ?? null,
    (value) => `${(1000 * value).toFixed(2)} ms`],
  ["Collections per second", (now, earlier, seconds) =>
    rate("pallas_young_collections_total")(now, earlier, seconds) +
    rate("pallas_full_collections_total")(now, earlier, seconds), plain],
  ["Heap of the cog", (now) => now.get("pallas_heap_bytes") ?? 0, bytes],
  ["Log written per second", rate("pallas_log_bytes_total"), bytes],
  ["Pins written per second", rate("pallas_pin_bytes_total"), bytes],
  ["Connections", (now) => now.get("pallas_connections") ?? 0, plain],
].map(([title, value, text]) => ({ title, value, text, samples: [], ...figure(title) }));

function figure(title) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = title;
  const range = document.createElement("small");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("preserveAspectRatio", "none");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  svg.append(line);
  figure.append(caption, svg, range);
  charts.append(figure);
  return { caption, svg, line, range };
}

function draw(series) {
  const { title, text, samples, caption, svg, line, range } = series;
  const last = samples[samples.length - 1];
  caption.textContent = `${title}: ${last === null ? "-" : text(last)}`;
  const most = Math.max(0, ...samples);
  range.textContent = `at most ${text(most)} in ${samples.length} s`;
  const shown = Math.max(FEWEST_SAMPLES, samples.length);
  svg.setAttribute("viewBox", `0 0 ${shown - 1} 100`);
  const point = (value, index) =>
    `${shown - samples.length + index},${98 - (96 * (value ?? 0)) / (most || 1)}`;
  line.setAttribute("points", samples.map(point).join(" "));
}

async function sample() {
  try {
    const answer = await fetch("metrics");
    if (!answer.ok) throw new Error("the machine does not run");
    const [now, at] = [parse(await answer.text()), performance.now()];
    if (before !== null) {
      const seconds = (at - before.at) / 1000;
      for (const series of SERIES) {
        series.samples.push(series.value(now, before.now, seconds));
        if (series.samples.length > SAMPLES) series.samples.shift();
        draw(series);
      }
    }
    before = { now, at };
    charts.dataset.state = "live";
  } catch {
    before = null;
    charts.dataset.state = "stopped";
  }
  setTimeout(sample, 1000);
}

sample();
