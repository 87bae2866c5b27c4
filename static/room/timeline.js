// The last minute of one voice, drawn, and a cursor to look back with: by pointer, by touch, by keyboard.

import { EMOTIONS, UNSURE, shapeOf } from "./emotions.js";
import { el, percent, setAttribute, setText } from "../shared/dom.js";
import { HISTORY_S } from "./voice-state.js";

const HEIGHT = 40;
const BASE = HEIGHT - 3;
const TALLEST = 34;
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };
const HINT = "Last minute. Point, tap or use arrow keys to look back.";
const SYMBOLS = Object.fromEntries([...EMOTIONS, UNSURE].map((name) => [name, new Path2D(shapeOf(name))]));

export class Timeline {
  node;
  #canvas = el("canvas", { "aria-hidden": "true" });
  #slider;
  #readout = el("p", { class: "readout" });
  #voice;
  /** The moment looked at, in page seconds, or null for "now". A moment, not a place: it moves along with what was said. */
  #moment = null;

  constructor(voice, name) {
    this.#voice = voice;
    this.#slider = el(
      "div",
      { class: "timeline", role: "slider", tabindex: 0, "aria-label": `Last minute of ${name}`, "aria-orientation": "horizontal" },
      this.#canvas,
    );
    setAttribute(this.#slider, "aria-valuemin", -HISTORY_S);
    setAttribute(this.#slider, "aria-valuemax", 0);
    this.node = el("div", { class: "history" }, this.#slider, this.#readout);
    this.#listen();
  }

  render(now) {
    if (this.#moment !== null && this.#moment < now - HISTORY_S) this.#moment = null;
    this.#describe(now);
    this.#draw(now);
  }

  #listen() {
    const point = ({ clientX }) => {
      const box = this.#slider.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
      this.#look(clock() - HISTORY_S * (1 - share));
    };
    this.#slider.addEventListener("pointerdown", point);
    this.#slider.addEventListener("pointermove", point);
    this.#slider.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#look(null));
    this.#slider.addEventListener("blur", () => this.#look(null));
    this.#slider.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const now = clock();
    if (event.key in STEPS) {
      const moment = (this.#moment ?? now) + STEPS[event.key];
      this.#look(moment >= now ? null : Math.max(now - HISTORY_S + 0.5, moment));
    } else if (event.key === "Home") this.#look(now - HISTORY_S + 0.5);
    else if (event.key === "End" || event.key === "Escape") this.#look(null);
    else return;
    event.preventDefault();
  }

  #look(moment) {
    this.#moment = moment;
    this.render(clock());
  }

  #describe(now) {
    const looking = this.#moment !== null;
    const ago = looking ? Math.max(0, Math.round(now - this.#moment)) : 0;
    const text = looking ? `${ago} s ago: ${this.#words(now)}` : HINT;
    setText(this.#readout, text);
    this.#readout.classList.toggle("looking", looking);
    // While nobody looks back the value stands still: a slider that changes by itself would never let a screen reader rest.
    setAttribute(this.#slider, "aria-valuenow", -ago);
    setAttribute(this.#slider, "aria-valuetext", looking ? text : "now");
  }

  #words(now) {
    if (!this.#voice.analysed) return "not analysed";
    const heard = this.#voice.at(this.#moment, now);
    if (!heard) return "no speech";
    if (!heard.label) return "speech, no result";
    const others = EMOTIONS.filter((name) => name !== heard.label).map((name) => told(name, heard));
    const first = heard.label === UNSURE ? UNSURE : told(heard.label, heard);
    return `${first}${heard.final ? "" : " so far"} (${others.join(", ")})`;
  }

  #draw(now) {
    const width = this.#slider.clientWidth;
    const scale = window.devicePixelRatio || 1;
    if (!width) return;
    if (this.#canvas.width !== Math.round(width * scale)) {
      this.#canvas.width = Math.round(width * scale);
      this.#canvas.height = Math.round(HEIGHT * scale);
    }
    const context = this.#canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    const x = (moment) => Math.max(0, width * (1 - (now - moment) / HISTORY_S));
    const colours = palette(this.#slider);
    context.fillStyle = colours.line;
    context.fillRect(0, BASE, width, 1);
    for (let age = 15; age < HISTORY_S; age += 15) context.fillRect(Math.round(x(now - age)), BASE - 3, 1, 4);
    for (const segment of this.#voice.segments) drawSegment(context, segment, x, now, colours);
    if (this.#moment === null) return;
    context.fillStyle = colours.text;
    context.fillRect(Math.round(x(this.#moment)) - 1, 0, 2, HEIGHT);
  }
}

function drawSegment(context, segment, x, now, colours) {
  const end = x(segment.end ?? now);
  context.fillStyle = colours.muted;
  context.fillRect(x(segment.start), BASE - 2, Math.max(1, end - x(segment.start)), 3); // there was speech
  for (const slice of segment.slices) drawSlice(context, slice, x(slice.from), x(slice.to), colours);
}

function drawSlice(context, { label, probabilities, final }, from, to, colours) {
  const width = Math.max(2, to - from - (final ? 1 : 0));
  if (to <= 0 || !(label in SYMBOLS)) return;
  const height = Math.max(4, TALLEST * Math.max(...Object.values(probabilities)));
  context.fillStyle = colours[label];
  context.globalAlpha = final ? 0.3 : 0.16;
  context.fillRect(from, BASE - height, width, height);
  context.globalAlpha = 1;
  context.fillRect(from, BASE - height, width, 2);
  // The shape, where there is room for it: a result can be told without its colour.
  const size = Math.min(11, width, height - 3);
  if (size < 5) return;
  context.save();
  context.translate(from + (width - size) / 2, BASE - height / 2 - size / 2 + 1);
  context.scale(size / 16, size / 16);
  context.fill(SYMBOLS[label]);
  context.restore();
}

const palettes = new WeakMap();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const node of document.querySelectorAll(".timeline")) palettes.delete(node);
});

function palette(node) {
  if (!palettes.has(node)) {
    const style = getComputedStyle(node);
    const names = ["text", "muted", "line", ...EMOTIONS];
    const found = names.map((name) => [name, style.getPropertyValue(`--${name}`)]);
    palettes.set(node, { ...Object.fromEntries(found), [UNSURE]: style.getPropertyValue("--muted") });
  }
  return palettes.get(node);
}

const clock = () => performance.now() / 1000;
const told = (name, { probabilities }) => `${name} ${percent(probabilities[name])}`;
