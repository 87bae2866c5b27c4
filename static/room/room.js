// One stay in a room: its connections, and the people in it. `join` begins the stay, `leave` ends it.

import { BotConnection } from "./bot-connection.js";
import { parseEvents } from "./events.js";
import { Mesh } from "./mesh.js";
import { Participants } from "./participants.js";
import { Playback } from "./playback.js";
import { Signalling } from "./signalling.js";

/** @import { BotState } from "./bot-connection.js" */
/** @import { LocalMedia } from "./local-media.js" */
/** @import { Participant, Places } from "./participants.js" */
/** @import { Peer } from "./peer.js" */
/** @import { JoinRequest, Member, Welcome } from "./signalling.js" */
/** @import { StatusLine } from "./status-line.js" */

/**
 * @typedef {object} Page  the parts of the page that a room uses
 * @property {Places} places
 * @property {StatusLine} status
 * @property {LocalMedia} media
 * @property {(code: number) => void} lost  the connection to the server broke; `code` is the WebSocket's
 */

const RENDER_MS = 200;
const RETRYING = "The analysis bot is disconnected. This page is reconnecting to it. You can keep talking.";

export class Room {
  name;
  /** Whether the person at this page is analysed. */
  analysed;
  #page;
  #self;
  #people;
  #signalling;
  #mesh;
  #bot;
  #playback;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /**
   * Join a room as the person chose; without a microphone the person is not analysed. Throws if that fails.
   * @param {Page} page
   * @param {JoinRequest} request
   */
  static async join(page, { token, room, name, consent }) {
    const analysed = consent && Boolean(page.media.microphone);
    const signalling = new Signalling();
    let joined = null;
    try {
      const welcome = await signalling.join({ token, room, name, consent: analysed });
      joined = new Room(page, signalling, welcome, { token, analysed });
      joined.#start(name, welcome.participants);
      return joined;
    } catch (error) {
      (joined ?? signalling).leave();
      throw error;
    }
  }

  /**
   * Use `join` instead.
   * @param {Page} page
   * @param {Signalling} signalling
   * @param {Welcome} welcome
   * @param {{token: string | null, analysed: boolean}} request
   */
  constructor(page, signalling, welcome, { token, analysed }) {
    const { participant, secret, room, bot, labels, ice_servers: servers = [] } = welcome;
    const iceServers = servers.map((server) => (typeof server === "string" ? { urls: server } : server));
    this.name = room;
    this.analysed = analysed;
    this.#page = page;
    this.#self = participant;
    this.#signalling = signalling;
    this.#people = new Participants(page.places, participant, bot.name, labels);
    this.#playback = new Playback(page.status);
    this.#mesh = new Mesh({ iceServers, signalling, media: page.media, changed: (peer) => this.#peerChanged(peer) });
    this.#bot = new BotConnection({ iceServers, token, room, participant, secret }, {
      received: (text) => this.#update(() => this.#people.apply(parseEvents(text))),
      changed: (state, problem) => this.#botChanged(state, problem),
    });
  }

  /**
   * Withdrawing takes effect at once: the track is removed before the server and the bot are told.
   * @param {boolean} analysed
   */
  setAnalysed(analysed) {
    this.analysed = analysed;
    if (!analysed) this.#bot.setTrack(null);
    const message = { type: "consent", analysed };
    if (!this.#signalling.send(message)) this.#bot.send(message);
    if (analysed) this.#bot.setTrack(this.#page.media.microphone);
    this.#update(() => this.#people.setAnalysed(this.#self, analysed));
  }

  /** The microphone, the camera or the mute state changed. */
  refreshMedia() {
    const { camera, microphone } = this.#page.media;
    this.#mesh.refresh();
    this.#bot.setTrack(this.analysed ? microphone : null);
    const tile = this.#people.get(this.#self)?.tile;
    tile?.shows(this.#mesh.sends);
    tile?.attach({ video: camera && new MediaStream([camera]) });
  }

  leave() {
    clearInterval(this.#timer);
    this.#bot.close();
    this.#mesh.close();
    this.#signalling.leave();
    this.#people.stop();
  }

  /**
   * @param {string} name  of the person at this page
   * @param {Member[]} others
   */
  #start(name, others) {
    const people = this.#people;
    this.#signalling.listen({
      joined: (member) => this.#update(() => people.add(member)),
      left: (id) => this.#update(() => this.#remove(id)),
      consent: (id, analysed) => this.#update(() => people.reportAnalysed(id, analysed)),
      signal: (from, data) => this.#mesh.receive(from, data),
      // "gone": the message was for somebody who has just left.
      error: (code, message) => code !== "gone" && this.#page.status.show(message, { kind: "error" }),
      lost: (code) => this.#page.lost(code),
    });
    people.add({ id: this.#self, name, analysed: this.analysed });
    for (const other of others) {
      people.add(other);
      if (other.page) this.#mesh.call(other.id);
    }
    this.refreshMedia();
    this.#bot.connect();
    this.#timer = setInterval(() => this.#render(), RENDER_MS);
  }

  /** @param {string} id */
  #remove(id) {
    this.#people.remove(id);
    this.#mesh.drop(id);
  }

  /**
   * @param {BotState} state
   * @param {string | null} problem
   */
  #botChanged(state, problem) {
    const { status } = this.#page;
    if (state === "retrying") status.show(RETRYING, { kind: "warning" });
    if (state === "connected") status.clearIf(RETRYING);
    if (state === "refused") status.show(`This page cannot connect to the analysis bot. ${problem}`, { kind: "error" });
    this.#render();
  }

  /** @param {Peer} peer */
  #peerChanged(peer) {
    const tile = this.#people.get(peer.id)?.tile;
    if (!tile) return;
    tile.attach(peer);
    tile.shows(peer.sends);
    this.#playback.play(tile.audio);
  }

  /** @param {() => void} change */
  #update(change) {
    change();
    this.#render();
  }

  #render() {
    this.#people.render(this.#bot.status, (person) => this.#link(person));
  }

  /** @param {Participant} person */
  #link({ id, self, page }) {
    if (self) return { level: this.#page.media.level, state: "self" };
    const peer = this.#mesh.get(id);
    return { level: peer?.level ?? 0, state: page ? (peer?.state ?? "connecting") : "none" };
  }
}
