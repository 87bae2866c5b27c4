// One person's tile: picture, name, speaking activity, and what the bot hears in the voice.

import { EMOTIONS, UNSURE, likeliest, strength, symbol } from "./emotions.js";
import { el, icon, percent, setData, setText } from "../shared/dom.js";
import { Timeline } from "./timeline.js";

const AUDIBLE = 0.02;
const AUDIBLE_HOLD_S = 0.4;

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
  #bars = new Map();
  #timeline;
  #voice;
  #audibleAt = -Infinity;

  constructor({ id, name, self }, voice) {
    this.#voice = voice;
    this.#timeline = new Timeline(voice, self ? "your voice" : name);
    this.#video.muted = true; // the sound has an element of its own: a picture that never comes must not hold it up
    this.node = el("article", { class: "tile", "data-participant": id, "aria-label": self ? `${name} (you)` : name });
    this.node.append(this.#stage(name, self), this.#panel());
    if (!self) this.node.append(this.audio);
    this.#video.classList.toggle("mirror", self);
    this.shows({ microphone: true, camera: false });
  }

  /** The streams to play; for oneself a picture alone. */
  attach({ audio, video }) {
    if (audio) attachOnce(this.audio, audio);
    if (video) attachOnce(this.#video, video);
  }

  shows({ microphone, camera }) {
    setData(this.node, "camera", camera ? "on" : "off");
    this.#muted.hidden = microphone;
  }

  render({ now, connected, refused, problem, level, peer }) {
    const voice = this.#voice;
    const state = refused && voice.analysed ? "error" : voice.state(now, connected);
    if (level > AUDIBLE) this.#audibleAt = now;
    // Where the bot listens its voice detector decides; where it may not, loudness as heard here.
    const active = voice.analysed && connected ? voice.speaking : now - this.#audibleAt < AUDIBLE_HOLD_S;
    setData(this.node, "state", state);
    setData(this.node, "active", active);
    setData(this.node, "peer", peer);
    setData(this.node, "label", voice.latest?.label ?? "");
    setData(this.node, "updateCount", voice.updates);
    setData(this.node, "finalCount", voice.finals);
    this.#renderHead(state, now, problem);
    this.#renderBars(voice.latest);
    this.#timeline.render(now);
  }

  #renderHead(state, now, problem) {
    const { latest, fault } = this.#voice;
    const shown = state === "speaking" && latest ? latest.label : state;
    if (this.#head.symbol.dataset.shown !== shown) {
      setData(this.#head.symbol, "shown", shown);
      this.#head.symbol.replaceChildren(symbol(shown));
    }
    setText(this.#head.word, shown in STATES ? STATES[shown] : latest.label);
    setText(this.#head.detail, this.#detail(state, now));
    const sure = state === "speaking" && latest ? (latest.final ? strength(latest.confidence) : "so far") : "";
    setText(this.#head.extra, sure);
    const note = state === "error" ? (fault ?? problem ?? "") : state === "connecting" ? (problem ?? "") : "";
    setText(this.#note, note);
    this.#note.hidden = !note;
  }

  #detail(state, now) {
    const { latest } = this.#voice;
    if (state === "not-analysed") return "";
    if (state === "speaking") return latest ? told(latest) : "listening";
    return latest ? `last: ${latest.label} ${ago(now - latest.at)}` : "";
  }

  #renderBars(latest) {
    for (const [name, { row, fill, value }] of this.#bars) {
      const share = latest?.probabilities[name];
      setText(value, share === undefined ? "–" : percent(share));
      setData(row, "top", latest?.label === name);
      fill.style.setProperty("--share", (share ?? 0).toFixed(3));
    }
  }

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
    for (const name of EMOTIONS) {
      const fill = el("span", { class: "fill" });
      const value = el("span", { class: "value" });
      const track = el("span", { class: "track", "aria-hidden": "true" }, fill);
      const row = el("li", { "data-emotion": name }, symbol(name), el("span", { class: "label" }, name), track, value);
      this.#bars.set(name, { row, fill, value });
      list.append(row);
    }
    const caption = el("p", { class: "caption" }, "A guess from the sound of the voice; often wrong.");
    const refused = el("p", { class: "refused" }, "No audio goes to the analysis bot.");
    return el("div", { class: "panel" }, this.#note, refused, list, this.#timeline.node, caption);
  }
}

function attachOnce(element, stream) {
  if (element.srcObject !== stream) element.srcObject = stream;
}

function ago(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s ago` : `${Math.floor(whole / 60)} min ago`;
}

/** How likely; without a label that says of what, this too. */
const told = (result) => `${result.label === UNSURE ? `perhaps ${likeliest(result)}, ` : ""}${percent(result.confidence)}`;
