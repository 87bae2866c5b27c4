// One stay in a room: the people, their tiles, the connections. `join` makes one, `leave` ends all of it.

import { Announcer } from "./announcer.js";
import { BotConnection } from "./bot-connection.js";
import { UNSURE } from "./emotions.js";
import { VoiceState, parse } from "./voice-state.js";
import { Mesh } from "./mesh.js";
import { Roster } from "./roster.js";
import { Signalling } from "./signalling.js";
import { Tile } from "./tile.js";

const RENDER_MS = 200;
const RETRYING = "The analysis bot is not connected; trying again. You can go on talking meanwhile.";
const clock = () => performance.now() / 1000;

export class Room {
  analysed;
  #page;
  #media;
  #self;
  #people = new Map();
  #signalling;
  #mesh;
  #bot;
  #roster;
  #announcer;
  #connected = false;
  #refused = false;
  #problem = null;
  #timer;
  #autoplayBlocked = false;

  /** `page`: tiles, roster, count, live (elements), status, and lost(code). */
  constructor(page, media) {
    this.#page = page;
    this.#media = media;
    this.#announcer = new Announcer(page.live);
    this.#signalling = new Signalling({
      joined: ({ participant }) => this.#add(participant),
      left: ({ participant }) => this.#remove(participant),
      consent: ({ participant, analysed }) => this.#setAnalysed(participant, analysed),
      signal: ({ from, data }) => this.#mesh.receive(from, data),
      // "gone": what was still being said to somebody who has just left.
      error: ({ code, message }) => code !== "gone" && this.#page.status.show(message, { kind: "error" }),
      lost: (code) => this.#page.lost(code),
    });
  }

  /** `consent` as the person chose; without a microphone there is nothing to consent to. */
  async join({ token, room, name, consent }) {
    const analysed = consent && Boolean(this.#media.microphone);
    const welcome = await this.#signalling.join({ token, room, name, consent: analysed });
    const { participant: id, secret, bot, ice_servers: servers = [] } = welcome;
    const iceServers = servers.map((server) => (typeof server === "string" ? { urls: server } : server));
    this.#self = id;
    this.analysed = analysed;
    this.#roster = new Roster(this.#page.roster, this.#page.count, bot.name);
    this.#mesh = new Mesh({ iceServers, signalling: this.#signalling, media: this.#media, changed: (peer) => this.#peer(peer) });
    this.#page.tiles.replaceChildren();
    this.#add({ id, name, analysed });
    for (const other of welcome.participants) {
      this.#add(other);
      if (other.page) this.#mesh.call(other.id);
    }
    this.refreshMedia();
    this.#connectBot({ iceServers, token, room: welcome.room, participant: id, secret });
    this.#timer = setInterval(() => this.#render(), RENDER_MS);
    return welcome;
  }

  /** Withdrawing takes effect here and now: the track is taken away before anyone is told. */
  async setAnalysed(analysed) {
    this.analysed = analysed;
    if (!analysed) this.#bot.setTrack(null);
    const message = { type: "consent", analysed };
    if (!this.#signalling.send(message)) this.#bot.send(message);
    if (analysed) this.#bot.setTrack(this.#media.microphone);
    this.#people.get(this.#self).voice.setAnalysed(analysed, clock());
    this.#announcer.forget(this.#self);
    this.#render();
  }

  /** The microphone, the camera or the mute changed. */
  refreshMedia() {
    this.#mesh.refresh();
    this.#bot?.setTrack(this.analysed ? this.#media.microphone : null);
    const { tile } = this.#people.get(this.#self);
    tile.shows(this.#mesh.sends);
    tile.attach({ video: this.#media.camera ? this.#cameraStream() : null });
  }

  /** Browsers may hold back sound until the page is clicked. */
  hear() {
    this.#autoplayBlocked = false;
    for (const { tile } of this.#people.values()) this.#play(tile);
  }

  leave() {
    clearInterval(this.#timer);
    this.#bot?.close();
    this.#mesh?.close();
    this.#signalling.leave();
    this.#announcer.stop();
  }

  #connectBot(options) {
    this.#bot = new BotConnection({ ...options, received: (text) => this.#events(text), changed: (...state) => this.#botChanged(...state) });
    this.#bot.setTrack(this.analysed ? this.#media.microphone : null);
    this.#bot.connect();
  }

  #botChanged(state, message) {
    this.#connected = state === "connected";
    this.#refused = state === "refused";
    this.#problem = message ?? null;
    const { status } = this.#page;
    if (state === "retrying") status.show(RETRYING, { kind: "warning" });
    if (state === "connected") status.clearIf(RETRYING);
    if (state === "refused") status.show(`No analysis in this call: ${message}`, { kind: "error" });
    this.#render();
  }

  #events(text) {
    const now = clock();
    for (const event of parse(text)) {
      const person = this.#people.get(event.participant);
      if (!person) continue;
      if (event.type === "joined" || event.type === "consent") this.#setAnalysed(event.participant, event.analysed);
      person.voice.apply(event, now);
      const told = event.type === "emotion" && event.final && event.label !== UNSURE;
      if (told && person.voice.analysed) {
        this.#announcer.final(event.participant, person.name, event.label);
      }
    }
    this.#render();
  }

  #add({ id, name, analysed, page = false }) {
    if (this.#people.has(id)) return;
    const voice = new VoiceState(clock());
    voice.setAnalysed(analysed, clock());
    const self = id === this.#self;
    const tile = new Tile({ id, name, self }, voice);
    this.#people.set(id, { id, name, self, page, voice, tile });
    this.#page.tiles.append(tile.node);
    this.#render();
  }

  #remove(id) {
    this.#people.get(id)?.tile.node.remove();
    this.#people.delete(id);
    this.#mesh.drop(id);
    this.#announcer.forget(id);
    this.#render();
  }

  #setAnalysed(id, analysed) {
    // About oneself this page knows best: an answer to an earlier click must not undo a later one.
    if (id === this.#self) return;
    this.#people.get(id)?.voice.setAnalysed(analysed, clock());
    if (!analysed) this.#announcer.forget(id);
    this.#render();
  }

  #peer(peer) {
    const tile = this.#people.get(peer.id)?.tile;
    if (!tile) return;
    tile.attach(peer);
    tile.shows(peer.sends);
    this.#play(tile);
  }

  async #play(tile) {
    try {
      if (tile.audio.srcObject) await tile.audio.play();
    } catch (error) {
      if (error.name !== "NotAllowedError" || this.#autoplayBlocked) return;
      this.#autoplayBlocked = true;
      const run = () => (this.#page.status.clear(), this.hear());
      this.#page.status.show("Your browser holds back the sound.", { action: { label: "Hear the others", run } });
    }
  }

  #cameraStream() {
    return new MediaStream([this.#media.camera]);
  }

  #render() {
    const now = clock();
    for (const { id, self, page, tile } of this.#people.values()) {
      const peer = this.#mesh.get(id);
      const level = self ? this.#media.level : (peer?.level ?? 0);
      // A program has no page to be connected with.
      const state = self ? "self" : page ? (peer?.state ?? "connecting") : "none";
      const bot = { connected: this.#connected, refused: this.#refused, problem: this.#problem };
      tile.render({ now, ...bot, level, peer: state });
    }
    const people = [...this.#people.values()];
    this.#roster.render(people.map(({ id, name, self, voice }) => ({ id, name, self, analysed: voice.analysed })));
  }
}
