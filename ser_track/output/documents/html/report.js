// A cursor over the timeline: by pointer, by keyboard, and along with the sound. Without this script all else is readable.

"use strict";

const { duration, emotions, lines } = JSON.parse(document.getElementById("data").textContent);
const [sound, score, view, cursor, line, readout] = ["sound", "score", "window", "cursor", "line", "readout"].map((id) => document.getElementById(id));
const utterances = lines.flatMap(({ name, utterances }) => utterances.map(([start, end, label, p]) => ({ name, start, end, label, p })));
const starts = [...new Set(utterances.map(({ start }) => start))].sort((a, b) => a - b);
const TICKS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const FITS_PX = [[98, "percent"], [68, "word"], [13, "symbol"]];
const EPSILON_S = 0.02; // sound stands where its samples are, not quite where it was told to go
const FINEST_PX_PER_S = 400;
const WIDEST_PX = 250_000;
let now = 0;
let zoom = 1;

// The moment

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
  // While it plays the value is left alone: a slider that changes by itself would never let a screen reader rest.
  if (!playing()) cursor.setAttribute("aria-valuetext", text);
  follow();
  mark();
}

const playing = () => Boolean(sound) && !sound.paused;
const speaking = (at) => utterances.filter(({ start, end }) => start <= at + EPSILON_S && at + EPSILON_S < end);

function words() {
  const now_speaking = speaking(now);
  return now_speaking.length ? now_speaking.map(told).join("; ") : "nobody speaks";
}

function told({ name, start, end, label, p }) {
  const who = `${name} (${clock(start, 1)} to ${clock(end, 1)})`;
  if (!label) return `${who}: no result`;
  return `${who}: ${label} – ${emotions.map((emotion, i) => `${emotion} ${Math.round(100 * p[i])} %`).join(", ")}`;
}

function clock(at, decimals = 0) {
  const unit = 10 ** decimals;
  const units = Math.round(at * unit);
  const whole = Math.floor(units / unit);
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const text = hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
  return decimals ? `${text}.${String(units % unit).padStart(decimals, "0")}` : text;
}

/** The row of the table that is spoken at the moment. */
const rows = [...document.querySelectorAll(".all tbody tr")];
const inTime = [...utterances.keys()].sort((a, b) => utterances[a].start - utterances[b].start);
let marked = [];
function mark() {
  const there = speaking(now).map((one) => rows[inTime.indexOf(utterances.indexOf(one))]);
  for (const row of marked) if (!there.includes(row)) row.removeAttribute("aria-current");
  for (const row of there) row.setAttribute("aria-current", "true");
  const table = document.getElementById("table");
  if (there.length && there[0] !== marked[0]) table.scrollTop = there[0].offsetTop - table.clientHeight / 2;
  marked = there;
}

// What is seen

function follow() {
  const x = parseFloat(line.style.left);
  const [left, right] = [view.scrollLeft + cursor.offsetLeft, view.scrollLeft + view.clientWidth];
  if (x < left || x > right - 8) view.scrollLeft = x - cursor.offsetLeft - (view.clientWidth - cursor.offsetLeft) / 4;
}

function zoomBy(factor) {
  const largest = Math.max(1, Math.min(duration * FINEST_PX_PER_S, WIDEST_PX) / view.clientWidth);
  zoom = Math.min(largest, Math.max(1, zoom * factor));
  score.style.setProperty("--zoom", zoom);
  document.getElementById("out").disabled = zoom === 1;
  document.getElementById("in").disabled = zoom === largest;
  fit();
}

/** Draw as many times, and of each mark as much, as there is room for. */
function fit() {
  const width = cursor.clientWidth;
  for (const node of score.querySelectorAll(".mark")) {
    const room = (parseFloat(node.getAttribute("width")) / 100) * width;
    const fitting = FITS_PX.find(([least]) => room >= least)?.[1] ?? "nothing";
    if (node.dataset.fit !== fitting) node.dataset.fit = fitting;
  }
  drawTimes();
  show();
}

/** The times around what is in sight: all of them would be thousands. */
function drawTimes() {
  const width = cursor.clientWidth;
  const step = TICKS_S.find((each) => (duration / each) * 80 <= width) ?? TICKS_S.at(-1);
  const ruler = cursor.querySelector("svg");
  const seen = (px) => (duration * px) / width / step;
  const first = Math.max(0, Math.floor(seen(view.scrollLeft - view.clientWidth)));
  const last = Math.floor(Math.min(duration / step, seen(view.scrollLeft + 2 * view.clientWidth)));
  ruler.replaceChildren(...Array.from({ length: last - first + 1 }, (_, k) => tick((first + k) * step, step)).flat());
}

function tick(at, step) {
  const share = duration ? at / duration : 0;
  const x = `${100 * share}%`;
  const text = svg("text", { x, y: 13, class: share < 0.02 ? "first" : share > 0.97 ? "last" : "" });
  text.textContent = clock(at, step >= 1 ? 0 : 1);
  return [svg("line", { x1: x, x2: x, y1: 18, y2: 24 }), text];
}

function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// What people do

const previous = () => moveTo(starts.findLast((start) => start < now - 2 * EPSILON_S) ?? 0);
const next = () => moveTo(starts.find((start) => start > now + 2 * EPSILON_S) ?? now);
const play = () => sound && (sound.paused ? sound.play() : sound.pause());
const KEYS = {
  ArrowLeft: previous, ArrowRight: next, ArrowUp: () => moveTo(now + 1), ArrowDown: () => moveTo(now - 1),
  PageUp: () => moveTo(now + 10), PageDown: () => moveTo(now - 10), Home: () => moveTo(0), End: () => moveTo(duration),
  " ": play, "+": () => zoomBy(2), "-": () => zoomBy(1 / 2),
};

document.addEventListener("keydown", (event) => {
  const ours = event.target === cursor || (event.key === " " && event.target === document.body && sound);
  if (!ours || !(event.key in KEYS) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  KEYS[event.key]();
});

function point(event) {
  const box = cursor.getBoundingClientRect();
  if (event.clientX >= box.left && box.width) moveTo((duration * (event.clientX - box.left)) / box.width);
}
score.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  point(event);
  if (event.target.closest("#cursor")) cursor.setPointerCapture(event.pointerId);
});
cursor.addEventListener("pointermove", (event) => cursor.hasPointerCapture(event.pointerId) && point(event));

for (const [id, action] of [["before", previous], ["after", next], ["in", () => zoomBy(2)], ["out", () => zoomBy(1 / 2)]]) {
  document.getElementById(id).addEventListener("click", action);
}

// Along with the sound

function listen() {
  now = Math.min(duration, sound.currentTime);
  show();
  if (playing()) requestAnimationFrame(listen);
}
if (sound) for (const name of ["play", "seeked", "pause", "ended"]) sound.addEventListener(name, listen);

for (const [name, value] of Object.entries({ role: "slider", tabindex: 0, "aria-label": "Cursor on the timeline",
  "aria-orientation": "horizontal", "aria-valuemin": 0, "aria-valuemax": duration.toFixed(1) })) cursor.setAttribute(name, value);
for (const node of [line, readout, document.getElementById("toolbar")]) node.hidden = false;
document.getElementById("scriptless").hidden = true;
view.addEventListener("scroll", drawTimes, { passive: true });
new ResizeObserver(fit).observe(view);
zoomBy(1);
