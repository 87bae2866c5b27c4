// Browser to browser: one peer connection per other person. The person who joined later makes the offers, the other answers.
// So only one side makes offers, and offers cannot cross.

import { Peer } from "./peer.js";

/** @import { LocalMedia } from "./local-media.js" */
/** @import { Sends, Signal } from "./peer.js" */
/** @import { Signalling } from "./signalling.js" */

/**
 * @typedef {object} Options
 * @property {RTCIceServer[]} iceServers
 * @property {Signalling} signalling
 * @property {LocalMedia} media
 * @property {(peer: Peer) => void} changed  a peer has changed
 */

export class Mesh {
  iceServers;
  changed;
  /** Only its id is used: both tracks have it, so that the other side keeps lips and voice in sync. */
  stream = new MediaStream();
  #signalling;
  #media;
  /** @type {Map<string, Peer>} */
  #peers = new Map();

  /** @param {Options} options */
  constructor({ iceServers, signalling, media, changed }) {
    this.iceServers = iceServers;
    this.changed = changed;
    this.#signalling = signalling;
    this.#media = media;
  }

  /** @returns {Sends} */
  get sends() {
    return { microphone: Boolean(this.#media.microphone) && !this.#media.muted, camera: Boolean(this.#media.camera) };
  }

  /**
   * The track of a kind that this person sends, or null.
   * @param {string} kind  "audio" or "video"
   */
  track(kind) {
    return kind === "audio" ? this.#media.microphone : this.#media.camera;
  }

  /**
   * @param {string} to
   * @param {Signal} data
   */
  send(to, data) {
    this.#signalling.send({ type: "signal", to, data });
  }

  /** @param {string} id */
  call(id) {
    this.#peers.set(id, new Peer(id, this, true));
  }

  /**
   * @param {string} from
   * @param {Signal} data
   */
  receive(from, data) {
    const peer = this.#peers.get(from) ?? new Peer(from, this, false);
    this.#peers.set(from, peer);
    peer.receive(data);
  }

  /** @param {string} id */
  get(id) {
    return this.#peers.get(id);
  }

  /** Tell everyone that the microphone or the camera was changed, closed or muted. */
  refresh() {
    for (const peer of this.#peers.values()) {
      peer.replace("audio");
      peer.replace("video");
      this.send(peer.id, { sends: this.sends });
    }
  }

  /** @param {string} id */
  drop(id) {
    this.#peers.get(id)?.close();
    this.#peers.delete(id);
  }

  close() {
    for (const id of [...this.#peers.keys()]) this.drop(id);
  }
}
