// Draws the last minute of one voice on a canvas.

import { HISTORY_S } from "./voice-state.js";

/** @import { Labels } from "./labels.js" */
/** @import { Segment, Slice } from "./voice-state.js" */

/** @typedef {{symbol: Path2D, colour: string}} Look  of a label */
/** @typedef {(slice: Slice) => Look | undefined} LookOf  a first impression does not look like its label */
/** @typedef {{text: string, muted: string, line: string, lookOf: LookOf}} Palette */
/** @typedef {(moment: number) => number} Scale  from a moment to a place on the canvas */
/** @typedef {{segments: Segment[], now: number, moment: number | null}} View  `moment`: where the cursor is */

const HEIGHT = 40;
const BASE = HEIGHT - 3;
const TALLEST = 34;
const TICK_S = 15;
const DARK = matchMedia("(prefers-color-scheme: dark)");

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} frame  gives the width and the colours
 * @param {View} view
 * @param {Labels} labels
 */
export function drawTimeline(canvas, frame, { segments, now, moment }, labels) {
  const width = frame.clientWidth;
  const context = canvas.getContext("2d");
  if (!width || !context) return;
  prepare(canvas, context, width);
  /** @type {Scale} */
  const x = (at) => Math.max(0, width * (1 - (now - at) / HISTORY_S));
  const colours = palette(frame, labels);
  context.fillStyle = colours.line;
  context.fillRect(0, BASE, width, 1);
  for (let age = TICK_S; age < HISTORY_S; age += TICK_S) context.fillRect(Math.round(x(now - age)), BASE - 3, 1, 4);
  for (const segment of segments) drawSegment(context, segment, x, now, colours);
  if (moment === null) return;
  context.fillStyle = colours.text;
  context.fillRect(Math.round(x(moment)) - 1, 0, 2, HEIGHT);
}

/**
 * An empty canvas with one unit per CSS pixel.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 */
function prepare(canvas, context, width) {
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(HEIGHT * scale);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, HEIGHT);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Segment} segment
 * @param {Scale} x
 * @param {number} now
 * @param {Palette} colours
 */
function drawSegment(context, segment, x, now, colours) {
  const end = x(segment.end ?? now);
  context.fillStyle = colours.muted;
  context.fillRect(x(segment.start), BASE - 2, Math.max(1, end - x(segment.start)), 3); // there was speech
  for (const slice of segment.slices) drawSlice(context, slice, x(slice.from), x(slice.to), colours);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Slice} slice
 * @param {number} from
 * @param {number} to
 * @param {Palette} colours
 */
function drawSlice(context, slice, from, to, colours) {
  const { probabilities, final } = slice;
  const look = colours.lookOf(slice);
  if (to <= 0 || !look) return;
  const width = Math.max(2, to - from - (final ? 1 : 0));
  const height = Math.max(4, TALLEST * Math.max(...Object.values(probabilities)));
  context.fillStyle = look.colour;
  context.globalAlpha = final ? 0.3 : 0.16;
  context.fillRect(from, BASE - height, width, height);
  context.globalAlpha = 1;
  context.fillRect(from, BASE - height, width, 2);
  // Draw the shape if there is room for it, so that results can be distinguished without colour.
  const size = Math.min(11, width, height - 3);
  if (size < 5) return;
  context.save();
  context.translate(from + (width - size) / 2, BASE - height / 2 - size / 2 + 1);
  context.scale(size / 16, size / 16);
  context.fill(look.symbol, "evenodd");
  context.restore();
}

/** @type {WeakMap<Element, Palette>} */
const palettes = new WeakMap();
DARK.addEventListener("change", () => {
  for (const node of document.querySelectorAll(".timeline")) palettes.delete(node);
});

/**
 * The colours of the stylesheet and of the labels, read once.
 * @param {Element} node
 * @param {Labels} labels
 */
function palette(node, labels) {
  const known = palettes.get(node);
  if (known) return known;
  const style = getComputedStyle(node);
  /** @param {string} name */
  const colour = (name) => style.getPropertyValue(`--${name}`);
  /** @type {Map<string, Look>} */
  const looks = new Map();
  for (const { name, path, colours } of labels.every) {
    looks.set(name, { symbol: new Path2D(path), colour: DARK.matches ? colours.dark : colours.light });
  }
  /** @type {LookOf} */
  const lookOf = (slice) => looks.get(labels.shownFor(slice));
  /** @type {Palette} */
  const found = { text: colour("text"), muted: colour("muted"), line: colour("line"), lookOf };
  palettes.set(node, found);
  return found;
}
