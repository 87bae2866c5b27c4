// One person's tile: picture, name, speaking activity, and the bot's result for the voice.

import { el, icon, setData, setText } from "../shared/dom.js";
import { UNSURE, colour, percent, strength } from "./labels.js";
import { Timeline } from "./timeline.js";

/** @import { BotStatus } from "./bot-connection.js" */
/** @import { Labels } from "./labels.js" */
/** @import { Sends } from "./peer.js" */
/** @import { Result, TileState, VoiceState } from "./voice-state.js" */

/** @typedef {{fill: HTMLElement, value: HTMLElement, row: HTMLElement}} Bar */

const AUDIBLE = 0.02;
const AUDIBLE_HOLD_S = 0.4;

/** @type {Record<string, string | undefined>} by TileState */
const STATES = {
  "no-speech": "No speech",
  speaking: "Speech",
  "not-analysed": "Not analysed",
  connecting: "Connecting",
  stalled: "No audio arrives",
  error: "Error",
};

export class Tile {
  node;
  audio = el("audio", { autoplay: "" });
  #video = el("video", { autoplay: "", playsinline: "", "aria-hidden": "true" });
  #head = {
    symbol: el("span", { class: "head-symbol" }),
    word: el("strong"),
    detail: el("span", { class: "detail" }),
    extra: el("span", { class: "detail extra" }),
  };
  #note = el("p", { class: "tile-note" });
  #muted = el("span", { class: "muted-mark", hidden: "" }, icon("mic-off"), el("span", { class: "sr" }, "microphone off"));
  /** @type {Map<string, Bar>} by label */
  #bars = new Map();
  #timeline;
  #voice;
  #labels;
  #audibleAt = -Infinity;

  /**
   * @param {{id: string, name: string, self: boolean}} person
   * @param {VoiceState} voice
   * @param {Labels} labels
   */
  constructor({ id, name, self }, voice, labels) {
    this.#voice = voice;
    this.#labels = labels;
    this.#timeline = new Timeline(voice, self ? "your voice" : name, labels);
    this.#video.muted = true; // an element of its own plays the sound: it must not wait for a picture that never arrives
    this.node = el("article", { class: "tile", "data-participant": id, "aria-label": self ? `${name} (you)` : name });
    this.node.append(this.#stage(name, self), this.#panel());
    if (!self) this.node.append(this.audio);
    this.#video.classList.toggle("mirror", self);
    this.shows({ microphone: true, camera: false });
  }

  /**
   * The streams to play; for oneself only the picture.
   * @param {{audio?: MediaStream | null, video: MediaStream | null}} streams
   */
  attach({ audio, video }) {
    if (audio && this.audio.srcObject !== audio) this.audio.srcObject = audio;
    if (video && this.#video.srcObject !== video) this.#video.srcObject = video;
  }

  /** @param {Sends} sends */
  shows({ microphone, camera }) {
    setData(this.node, "camera", camera ? "on" : "off");
    this.#muted.hidden = microphone;
  }

  /**
   * @param {number} now
   * @param {BotStatus} bot
   * @param {number} level  0…1, how loud the person is on this page
   * @param {string} peer  the state of the connection to the person's browser
   */
  render(now, bot, level, peer) {
    const voice = this.#voice;
    const connected = bot.state === "connected";
    const state = bot.state === "refused" && voice.analysed ? "error" : voice.state(now, connected);
    if (level > AUDIBLE) this.#audibleAt = now;
    // If the person is analysed, the bot's voice detector decides; otherwise the loudness measured on this page.
    const active = voice.analysed && connected ? voice.speaking : now - this.#audibleAt < AUDIBLE_HOLD_S;
    setData(this.node, "state", state);
    setData(this.node, "active", active);
    setData(this.node, "peer", peer);
    setData(this.node, "label", voice.latest?.label ?? "");
    setData(this.node, "learning", this.#learning);
    setData(this.node, "updateCount", voice.updates);
    setData(this.node, "finalCount", voice.finals);
    this.#renderHead(state, now);
    this.#renderNote(state, bot.problem ?? "");
    this.#renderBars(voice.latest);
    this.#timeline.render(now);
  }

  /** Whether the latest result is a first impression. */
  get #learning() {
    const { latest } = this.#voice;
    return latest !== null && this.#labels.isFirstImpression(latest);
  }

  /**
   * @param {TileState} state
   * @param {number} now
   */
  #renderHead(state, now) {
    const { latest } = this.#voice;
    const result = state === "speaking" ? latest : null;
    const shown = result ? this.#labels.shownFor(result) : state;
    if (this.#head.symbol.dataset.shown !== shown) {
      setData(this.#head.symbol, "shown", shown);
      this.#head.symbol.replaceChildren(this.#labels.symbol(shown));
    }
    setText(this.#head.word, result ? this.#labels.title(shown) : (STATES[shown] ?? shown));
    setText(this.#head.detail, detail(state, latest, now, this.#labels));
    setText(this.#head.extra, result ? reliability(result, this.#learning) : "");
  }

  /**
   * @param {TileState} state
   * @param {string} problem
   */
  #renderNote(state, problem) {
    const note = state === "error" ? (this.#voice.fault ?? problem) : state === "connecting" ? problem : "";
    setText(this.#note, note);
    this.#note.hidden = !note;
  }

  /** @param {Result | null} latest */
  #renderBars(latest) {
    for (const [name, { row, fill, value }] of this.#bars) {
      const share = latest?.probabilities[name];
      setText(value, share === undefined ? "–" : percent(share));
      setData(row, "top", latest?.label === name && !this.#learning);
      fill.style.setProperty("--share", (share ?? 0).toFixed(3));
    }
  }

  /**
   * @param {string} name
   * @param {boolean} self
   */
  #stage(name, self) {
    const initial = el("span", { class: "avatar", "aria-hidden": "true" }, [...name.trim()][0]?.toUpperCase() ?? "?");
    const who = el("span", { class: "name" }, self ? `${name} (you)` : name);
    const speaking = el("span", { class: "speaking" }, icon("speaking"), "speaking");
    const head = el("p", { class: "head" }, ...Object.values(this.#head));
    const foot = el("div", { class: "foot" }, el("span", { class: "who" }, this.#muted, who), speaking);
    return el("div", { class: "stage" }, initial, this.#video, head, foot);
  }

  #panel() {
    const list = el("ul", { class: "bars" });
    for (const label of this.#labels.shown) {
      const { name, title } = label;
      const fill = el("span", { class: "fill" });
      const value = el("span", { class: "value" });
      const track = el("span", { class: "track", "aria-hidden": "true" }, fill);
      colour(fill, label);
      const symbol = this.#labels.symbol(name);
      const row = el("li", { "data-label": name }, symbol, el("span", { class: "label" }, title), track, value);
      this.#bars.set(name, { row, fill, value });
      list.append(row);
    }
    const caption = el("p", { class: "caption" }, "This is a guess from the sound of the voice. It is often wrong.");
    const refused = el("p", { class: "refused" }, "No audio goes to the analysis bot.");
    return el("div", { class: "panel" }, this.#note, refused, list, this.#timeline.node, caption);
  }
}

/**
 * The words after the headline.
 * @param {TileState} state
 * @param {Result | null} latest
 * @param {number} now
 * @param {Labels} labels
 */
function detail(state, latest, now, labels) {
  if (state === "not-analysed") return "";
  if (state === "speaking") return latest ? likelihood(latest, labels) : "listening";
  return latest ? `last: ${tentative(latest, labels)} ${ago(now - latest.at)}` : "";
}

/** @param {number} seconds */
function ago(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s ago` : `${Math.floor(whole / 60)} min ago`;
}

/**
 * The title of a result's label; of a first impression with "perhaps".
 * @param {Result} result
 * @param {Labels} labels
 */
function tentative(result, labels) {
  const reserve = labels.isFirstImpression(result) && result.label !== UNSURE ? "perhaps " : "";
  return `${reserve}${labels.title(result.label)}`;
}

/**
 * The probability of a result; if the headline does not say it, also the most likely label.
 * @param {Result} result
 * @param {Labels} labels
 */
function likelihood(result, labels) {
  const said = result.label !== UNSURE && !labels.isFirstImpression(result);
  return `${said ? "" : `perhaps ${labels.likeliest(result).title}, `}${percent(result.confidence)}`;
}

/**
 * How much a result is worth, in words, if the headline does not say it.
 * @param {Result} result
 * @param {boolean} learning  whether it is a first impression
 */
function reliability({ final, confidence }, learning) {
  if (!final) return "so far";
  return learning ? "" : strength(confidence);
}
