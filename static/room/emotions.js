// The four classes, each with a shape of its own: colour alone never says anything on this page.

import { shape } from "../shared/dom.js";

/** @typedef {"anger" | "happiness" | "sadness" | "neutral"} Emotion */
/** @typedef {Emotion | "unsure"} Label  what a result is called */
/** @typedef {Record<Emotion, number>} Probabilities */

/** @type {readonly Emotion[]} */
export const EMOTIONS = ["anger", "happiness", "sadness", "neutral"];

/** The label of a result in which no emotion is likely enough. */
export const UNSURE = "unsure";

/** Paths in a box of 16×16, for SVG and for canvas: a triangle, a burst, a drop, a bar. */
const EMOTION_SHAPES = {
  anger: "M8 1.2 15.4 14.4H.6Z",
  happiness:
    "M8 .6 9.8 3.7 13.2 2.8 12.3 6.2 15.4 8 12.3 9.8 13.2 13.2 9.8 12.3 8 15.4 6.2 12.3 2.8 13.2 3.7 9.8 .6 8" +
    " 3.7 6.2 2.8 2.8 6.2 3.7Z",
  sadness: "M8 .6C10.4 4 13.4 7.2 13.4 10.2a5.4 5.2 0 0 1-10.8 0C2.6 7.2 5.6 4 8 .6Z",
  neutral: "M1.2 5.4h13.6v5.2H1.2Z",
};

const STATE_SHAPES = {
  unsure:
    "M4.4 5.4C4.4 2.9 6 1.4 8.1 1.4S11.8 2.9 11.8 5C11.8 7.6 9 7.8 9 10.2H7C7 6.9 9.7 6.7 9.7 5 9.7 4 9 3.4 8.1 3.4" +
    "S6.5 4 6.5 5.4ZM6.9 12h2.2v2.4H6.9Z",
  "no-speech": "M3 6.6h2.8v2.8H3ZM6.6 6.6h2.8v2.8H6.6ZM10.2 6.6H13v2.8h-2.8Z",
  speaking: "M2 6h2v4H2ZM6 3h2v10H6ZM10 5h2v6h-2ZM13.6 7h1.6v2h-1.6Z",
  "not-analysed": "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 2a5 5 0 0 0-4 8l7-7a5 5 0 0 0-3-1Zm4 2-7 7a5 5 0 0 0 7-7Z",
  connecting: "M8 1a7 7 0 0 1 7 7h-2.2A4.8 4.8 0 0 0 8 3.2Z",
  stalled: "M3.5 2h3v12h-3ZM9.5 2h3v12h-3Z",
  error: "M8 1 15.5 15H.5ZM7.1 6v4.6h1.8V6Zm0 5.8v1.8h1.8v-1.8Z",
};

/** @type {Record<string, string>} */
const SHAPES = { ...EMOTION_SHAPES, ...STATE_SHAPES };

/**
 * The path of an emotion, of "unsure", or of a tile's state.
 * @param {string} name
 */
export const shapeOf = (name) => SHAPES[name] ?? "";

/**
 * The symbol of an emotion, of "unsure", or of a tile's state.
 * @param {string} name
 */
export function symbol(name) {
  const svg = shape(shapeOf(name), "symbol");
  svg.dataset.symbol = name;
  return svg;
}

/**
 * The likeliest emotion of a result, whatever its label.
 * @param {{probabilities: Probabilities}} result
 */
export const likeliest = ({ probabilities }) => EMOTIONS.reduce((a, b) => (probabilities[b] > probabilities[a] ? b : a));

/**
 * How much a probability says, in words that do not promise too much.
 * @param {number} probability
 */
export function strength(probability) {
  if (probability >= 0.75) return "strong hint";
  return probability >= 0.5 ? "hint" : "weak hint";
}

/**
 * A probability as people read it.
 * @param {number} probability
 */
export const percent = (probability) => `${Math.round(probability * 100)} %`;
