// A cursor on the timeline: by pointer, by keyboard, and in sync with the sound. The page is readable without this script.

"use strict";

/** @typedef {[start: number, end: number, label?: string, p?: number[]]} Row  as page.py writes it */
/** @typedef {{name: string, start: number, end: number, label?: string, p?: number[]}} Utterance */

/** @template {Element} T @param {string} id @param {new () => T} type */
function find(id, type) {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`There is no ${type.name} "${id}".`);
}

/** @type {{duration: number, emotions: string[], lines: {name: string, utterances: Row[]}[]}} */
const { duration, emotions, lines } = JSON.parse(find("data", HTMLElement).textContent ?? "");
const [score, view, cursor] = [find("score", HTMLElement), find("window", HTMLElement), find("cursor", HTMLElement)];
const [line, readout, table] = [find("line", HTMLElement), find("readout", HTMLElement), find("table", HTMLElement)];
const sound = document.getElementById("sound") && find("sound", HTMLAudioElement); // only if the page contains the sound
/** @type {Utterance[]} */
const utterances = lines.flatMap(({ name, utterances: rows }) =>
  rows.map(([start, end, label, p]) => ({ name, start, end, label, p })),
);
const starts = [...new Set(utterances.map(({ start }) => start))].sort((a, b) => a - b);
const TICKS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800];
const LONGEST_TICK_S = 3600;
/** @type {[least: number, fit: string][]} */
const FITS_PX = [[230, "all"], [98, "percent"], [68, "word"], [13, "symbol"]];
const EPSILON_S = 0.02; // the player seeks to whole samples, not exactly to the requested time
const FINEST_PX_PER_S = 400;
const WIDEST_PX = 250_000;
let now = 0;
let zoom = 1;

// The current time

/** @param {number} at */
function moveTo(at) {
  now = Math.min(duration, Math.max(0, at));
  if (sound) sound.currentTime = now;
  show();
}

function show() {
  const share = duration ? now / duration : 0;
  line.style.left = `${cursor.offsetLeft + share * cursor.clientWidth}px`;
  const text = `${clock(now, 1)}: ${words()}`;
  readout.textContent = text;
  cursor.setAttribute("aria-valuenow", now.toFixed(1));
  // During playback the value does not change: a slider that changes by itself makes a screen reader talk all the time.
  if (!playing()) cursor.setAttribute("aria-valuetext", text);
  follow();
  mark();
}

const playing = () => sound !== null && !sound.paused;
/** @param {number} at */
const speaking = (at) => utterances.filter(({ start, end }) => start <= at + EPSILON_S && at + EPSILON_S < end);

function words() {
  const heard = speaking(now);
  return heard.length ? heard.map(describe).join("; ") : "nobody speaks";
}

/** @param {Utterance} utterance */
function describe({ name, start, end, label, p }) {
  const who = `${name} (${clock(start, 1)} to ${clock(end, 1)})`;
  if (!label || !p) return `${who}: no result`;
  return `${who}: ${label} – ${emotions.map((emotion, i) => `${emotion} ${Math.round(100 * (p[i] ?? 0))} %`).join(", ")}`;
}

/** @param {number} at @param {number} [decimals] */
function clock(at, decimals = 0) {
  const unit = 10 ** decimals;
  const units = Math.round(at * unit);
  const whole = Math.floor(units / unit);
  /** @param {number} value */
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const text = hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
  return decimals ? `${text}.${String(units % unit).padStart(decimals, "0")}` : text;
}

/** @type {NodeListOf<HTMLElement>} the table has its rows by time */
const rows = document.querySelectorAll(".all tbody tr");
const inTime = [...utterances].sort((a, b) => a.start - b.start);
/** @type {HTMLElement[]} */
let marked = [];

/** Mark the rows of what is spoken at the moment. */
function mark() {
  const there = speaking(now).flatMap((one) => rows[inTime.indexOf(one)] ?? []);
  for (const row of marked) if (!there.includes(row)) row.removeAttribute("aria-current");
  for (const row of there) row.setAttribute("aria-current", "true");
  if (there[0] && there[0] !== marked[0]) table.scrollTop = there[0].offsetTop - table.clientHeight / 2;
  marked = there;
}

// The visible part

function follow() {
  const x = parseFloat(line.style.left);
  const [left, right] = [view.scrollLeft + cursor.offsetLeft, view.scrollLeft + view.clientWidth];
  if (x < left || x > right - 8) view.scrollLeft = x - cursor.offsetLeft - (view.clientWidth - cursor.offsetLeft) / 4;
}

/** @param {number} factor */
function zoomBy(factor) {
  const largest = Math.max(1, Math.min(duration * FINEST_PX_PER_S, WIDEST_PX) / view.clientWidth);
  zoom = Math.min(largest, Math.max(1, zoom * factor));
  score.style.setProperty("--zoom", String(zoom));
  find("out", HTMLButtonElement).disabled = zoom === 1;
  find("in", HTMLButtonElement).disabled = zoom === largest;
  fit();
}

/** Draw as many times, and of each mark as much, as there is room for. */
function fit() {
  const width = cursor.clientWidth;
  /** @type {NodeListOf<SVGElement>} */
  const marks = score.querySelectorAll(".mark");
  for (const node of marks) {
    const room = (parseFloat(node.getAttribute("width") ?? "0") / 100) * width;
    const fitting = FITS_PX.find(([least]) => room >= least)?.[1] ?? "nothing";
    if (node.dataset.fit !== fitting) node.dataset.fit = fitting;
  }
  drawTimes();
  show();
}

/** The times around what is in sight: all of them would be thousands. */
function drawTimes() {
  const width = cursor.clientWidth;
  const step = TICKS_S.find((each) => (duration / each) * 80 <= width) ?? LONGEST_TICK_S;
  /** @param {number} px */
  const seen = (px) => (duration * px) / width / step;
  const first = Math.max(0, Math.floor(seen(view.scrollLeft - view.clientWidth)));
  const last = Math.floor(Math.min(duration / step, seen(view.scrollLeft + 2 * view.clientWidth)));
  const ticks = Array.from({ length: last - first + 1 }, (_, k) => tick((first + k) * step, step));
  cursor.querySelector("svg")?.replaceChildren(...ticks.flat());
}

/** @param {number} at @param {number} step */
function tick(at, step) {
  const share = duration ? at / duration : 0;
  const x = `${100 * share}%`;
  const text = svg("text", { x, y: 13, class: share < 0.02 ? "first" : share > 0.97 ? "last" : "" });
  text.textContent = clock(at, step >= 1 ? 0 : 1);
  return [svg("line", { x1: x, x2: x, y1: 18, y2: 24 }), text];
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

// User input

const previous = () => moveTo(starts.findLast((start) => start < now - 2 * EPSILON_S) ?? 0);
const next = () => moveTo(starts.find((start) => start > now + 2 * EPSILON_S) ?? now);
const play = () => (sound?.paused ? sound.play() : sound?.pause());
/** @type {Record<string, () => void>} */
const KEYS = {
  ArrowLeft: previous, ArrowRight: next, ArrowUp: () => moveTo(now + 1), ArrowDown: () => moveTo(now - 1),
  PageUp: () => moveTo(now + 10), PageDown: () => moveTo(now - 10), Home: () => moveTo(0), End: () => moveTo(duration),
  " ": play, "+": () => zoomBy(2), "-": () => zoomBy(1 / 2),
};

document.addEventListener("keydown", (event) => {
  const ours = event.target === cursor || (event.key === " " && event.target === document.body && sound);
  const action = KEYS[event.key];
  if (!ours || !action || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  action();
});

/** @param {PointerEvent} event */
function point(event) {
  const box = cursor.getBoundingClientRect();
  if (event.clientX >= box.left && box.width) moveTo((duration * (event.clientX - box.left)) / box.width);
}
score.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  point(event);
  if (event.target instanceof Node && cursor.contains(event.target)) cursor.setPointerCapture(event.pointerId);
});
cursor.addEventListener("pointermove", (event) => cursor.hasPointerCapture(event.pointerId) && point(event));

for (const [id, action] of Object.entries({ before: previous, after: next, in: () => zoomBy(2), out: () => zoomBy(1 / 2) })) {
  find(id, HTMLButtonElement).addEventListener("click", action);
}

// Playback

function listen() {
  if (!sound) return;
  now = Math.min(duration, sound.currentTime);
  show();
  if (playing()) requestAnimationFrame(listen);
}
if (sound) for (const name of ["play", "seeked", "pause", "ended"]) sound.addEventListener(name, listen);

const slider = { role: "slider", tabindex: "0", "aria-label": "Cursor on the timeline",
  "aria-orientation": "horizontal", "aria-valuemin": "0", "aria-valuemax": duration.toFixed(1) };
for (const [name, value] of Object.entries(slider)) cursor.setAttribute(name, value);
for (const node of [line, readout, find("toolbar", HTMLElement)]) node.hidden = false;
find("scriptless", HTMLElement).hidden = true;
view.addEventListener("scroll", drawTimes, { passive: true });
new ResizeObserver(fit).observe(view);
zoomBy(1);
