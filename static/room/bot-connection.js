// The connection to the analysis bot. It carries events to everyone; it carries a voice only while that person agrees.

import { sleep } from "./clock.js";
import { messageOf } from "../shared/errors.js";

const GATHERING_S = 3;
const DISCONNECTED_S = 5;
const DELAYS_S = [1, 2, 4, 8];
const LONGEST_DELAY_S = 15;
/** 409: the server has not noticed yet that the last connection is gone. 429: too many requests. */
const TEMPORARY = [409, 429];

/** @typedef {"connecting" | "connected" | "retrying" | "refused"} BotState */
/** @typedef {{state: BotState, problem: string | null}} BotStatus  `problem`: why it is not connected, in words */
/**
 * @typedef {object} Options
 * @property {RTCIceServer[]} iceServers
 * @property {string | null} token
 * @property {string} room
 * @property {string} participant
 * @property {string} secret  the server gave it to this participant
 */
/**
 * @typedef {object} Handlers
 * @property {(text: string) => void} received  a message with events arrived
 * @property {(state: BotState, problem: string | null) => void} changed
 */

/** An error that another attempt would not fix. */
class PermanentError extends Error {}

export class BotConnection {
  /** @type {BotStatus} */
  status = { state: "connecting", problem: null };
  #options;
  #handlers;
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {RTCRtpSender | null} */
  #sender = null;
  /** @type {MediaStreamTrack | null} */
  #track = null;
  #failures = 0;
  #closed = false;

  /**
   * @param {Options} options
   * @param {Handlers} handlers
   */
  constructor(options, handlers) {
    this.#options = options;
    this.#handlers = handlers;
  }

  /**
   * Send this track, or nothing. The promise settles when the browser has made the change.
   * @param {MediaStreamTrack | null} track
   */
  async setTrack(track) {
    this.#track = track;
    await this.#sender?.replaceTrack(track);
  }

  /**
   * Tell the bot over its data channel, in case the WebSocket to the server is broken.
   * @param {object} message
   */
  send(message) {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(message));
  }

  async connect() {
    this.#changed("connecting");
    let pc = null;
    try {
      pc = this.#pc = this.#create();
      await this.#open(pc).replaceTrack(this.#track);
      await pc.setLocalDescription();
      await gathered(pc);
      if (pc.localDescription) await pc.setRemoteDescription(await this.#post(pc.localDescription));
    } catch (error) {
      this.#failed(pc, error);
    }
  }

  close() {
    this.#closed = true;
    this.#pc?.close();
  }

  /**
   * @param {BotState} state
   * @param {string | null} [problem]
   */
  #changed(state, problem = null) {
    this.status = { state, problem };
    this.#handlers.changed(state, problem);
  }

  #create() {
    try {
      return new RTCPeerConnection({ iceServers: this.#options.iceServers });
    } catch (error) {
      throw new PermanentError(`This browser does not accept the server's ICE servers (${messageOf(error)}).`);
    }
  }

  /**
   * Prepare a connection with one sender and one data channel.
   * @param {RTCPeerConnection} pc
   */
  #open(pc) {
    const { sender } = pc.addTransceiver("audio", { direction: "sendonly" });
    const channel = (this.#channel = pc.createDataChannel("events"));
    channel.onopen = () => {
      this.#failures = 0;
      this.#changed("connected");
    };
    channel.onmessage = ({ data }) => this.#handlers.received(data);
    channel.onclose = () => this.#failed(pc);
    pc.onconnectionstatechange = async () => {
      if (pc.connectionState === "disconnected") await sleep(DISCONNECTED_S);
      if (["failed", "disconnected"].includes(pc.connectionState)) this.#failed(pc);
    };
    return (this.#sender = sender);
  }

  /**
   * Offer the server a connection to the bot and return its answer.
   * @param {RTCSessionDescription} description
   * @returns {Promise<RTCSessionDescriptionInit>}
   */
  async #post({ sdp, type }) {
    const { token, room, participant, secret } = this.#options;
    /** @type {Record<string, string>} */
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const body = JSON.stringify({ room, participant, secret, sdp, type });
    const response = await fetch(new URL("offer", document.baseURI), { method: "POST", headers, body });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return { sdp: answer.sdp, type: answer.type };
    const message = answer.error?.message ?? `The server answered ${response.status}.`;
    throw response.status < 500 && !TEMPORARY.includes(response.status) ? new PermanentError(message) : new Error(message);
  }

  /**
   * @param {RTCPeerConnection | null} pc
   * @param {unknown} [error]
   */
  async #failed(pc, error) {
    if (pc !== this.#pc || this.#closed) return; // an earlier attempt, or closed on purpose
    this.#pc = this.#sender = null;
    pc?.close();
    if (error instanceof PermanentError) {
      this.#changed("refused", error.message);
      return;
    }
    const delay = DELAYS_S[this.#failures] ?? LONGEST_DELAY_S;
    this.#failures += 1;
    this.#changed("retrying", error === undefined ? null : messageOf(error));
    await sleep(delay * (0.75 + Math.random() / 2));
    if (!this.#closed) await this.connect();
  }
}

/**
 * The bot takes one description with all candidates in it; a slow candidate is not worth waiting for.
 * @param {RTCPeerConnection} pc
 */
async function gathered(pc) {
  /** @type {Promise<void>} */
  const complete = new Promise((resolve) => {
    const check = () => pc.iceGatheringState === "complete" && resolve();
    pc.addEventListener("icegatheringstatechange", check);
    check();
  });
  await Promise.race([complete, sleep(GATHERING_S)]);
}
