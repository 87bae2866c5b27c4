// The labels of results, from the server's welcome message: names, titles, colours and symbols. Each label has its own
// symbol, because this page never conveys anything by colour alone. The symbols of a tile's states are defined here.

import { shape } from "../shared/dom.js";

/**
 * @typedef {object} Label
 * @property {string} name  as in events
 * @property {string} title  for people
 * @property {{light: string, dark: string}} colours  one for each background
 * @property {string} path  its symbol, in a box of 16×16
 */
/**
 * @typedef {object} LabelSet
 * @property {Label[]} labels  in order
 * @property {Label} unsure  the label if none is likely enough
 * @property {Label} learning  shown in place of the label of a first impression
 * @property {number} voice_known_from  results with a lower `voice_known` are first impressions
 */
/** @typedef {Record<string, number>} Probabilities  by name */

/** The name of the label of a result in which no other label is likely enough. */
export const UNSURE = "unsure";

/** @type {Record<string, string | undefined>} */
const STATE_SHAPES = {
  "no-speech": "M3 6.6h2.8v2.8H3ZM6.6 6.6h2.8v2.8H6.6ZM10.2 6.6H13v2.8h-2.8Z",
  speaking: "M2 6h2v4H2ZM6 3h2v10H6ZM10 5h2v6h-2ZM13.6 7h1.6v2h-1.6Z",
  "not-analysed": "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 2a5 5 0 0 0-4 8l7-7a5 5 0 0 0-3-1Zm4 2-7 7a5 5 0 0 0 7-7Z",
  connecting: "M8 1a7 7 0 0 1 7 7h-2.2A4.8 4.8 0 0 0 8 3.2Z",
  stalled: "M3.5 2h3v12h-3ZM9.5 2h3v12h-3Z",
  error: "M8 1 15.5 15H.5ZM7.1 6v4.6h1.8V6Zm0 5.8v1.8h1.8v-1.8Z",
};

export class Labels {
  /** @type {readonly Label[]} those that have a probability, in order */
  shown;
  /** @type {Label}  what is shown in place of the label of a first impression */
  learning;
  #knownFrom;
  /** @type {Map<string, Label>} */
  #named;

  /** @param {LabelSet} set */
  constructor({ labels, unsure, learning, voice_known_from: knownFrom }) {
    this.shown = labels;
    this.learning = learning;
    this.#knownFrom = knownFrom;
    this.#named = new Map([...labels, unsure, learning].map((label) => [label.name, label]));
  }

  /** All labels, including "unsure" and the one for first impressions. */
  get every() {
    return [...this.#named.values()];
  }

  /**
   * The title of a label.
   * @param {string} name
   */
  title(name) {
    return this.#named.get(name)?.title ?? name;
  }

  /**
   * Whether a result was made before the bot knew the voice. Its emotion is then shown with reserve.
   * @param {{voiceKnown: number | undefined}} result  it is missing if the model does not adapt to voices
   */
  isFirstImpression({ voiceKnown }) {
    return voiceKnown !== undefined && voiceKnown < this.#knownFrom;
  }

  /**
   * The name of the label to show for a result, with its symbol and its colour.
   * @param {{label: string, voiceKnown: number | undefined}} result
   */
  shownFor(result) {
    return this.isFirstImpression(result) ? this.learning.name : result.label;
  }

  /**
   * The symbol of a label, in its colour, or the symbol of a tile's state.
   * @param {string} name
   */
  symbol(name) {
    const label = this.#named.get(name);
    const svg = shape(label?.path ?? STATE_SHAPES[name] ?? "", "symbol");
    svg.dataset.symbol = name;
    if (label) colour(svg, label);
    return svg;
  }

  /**
   * The most likely label of a result, even if the result is "unsure".
   * @param {{probabilities: Probabilities}} result
   */
  likeliest({ probabilities }) {
    const share = (/** @type {Label} */ { name }) => probabilities[name] ?? 0;
    return this.shown.reduce((a, b) => (share(b) > share(a) ? b : a));
  }
}

/**
 * Give `node` the colours of a label for light and dark backgrounds; base.css selects one.
 * @param {HTMLElement | SVGElement} node
 * @param {Label} label
 */
export function colour(node, { colours }) {
  node.classList.add("coloured");
  node.style.setProperty("--light", colours.light);
  node.style.setProperty("--dark", colours.dark);
}

/**
 * A probability in words that do not promise too much.
 * @param {number} probability
 */
export function strength(probability) {
  if (probability >= 0.75) return "strong hint";
  return probability >= 0.5 ? "hint" : "weak hint";
}

/**
 * A probability as text for people.
 * @param {number} probability
 */
export const percent = (probability) => `${Math.round(probability * 100)} %`;
