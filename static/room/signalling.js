// The WebSocket to the server: it reports who is in the room, and carries messages from browser to browser.

/** @import { LabelSet } from "./labels.js" */
/** @import { Signal } from "./peer.js" */

/** @typedef {{id: string, name: string, analysed: boolean, page?: boolean}} Member  a program has no page and cannot be called */
/** @typedef {{token: string | null, room: string, name: string, consent: boolean}} JoinRequest */
/**
 * @typedef {object} Welcome
 * @property {string} room
 * @property {string} participant  one's own id
 * @property {string} secret  proves one's identity to the bot
 * @property {Member[]} participants  the others
 * @property {{id: string, name: string}} bot
 * @property {LabelSet} labels  labels of the model, as they are shown
 * @property {(string | RTCIceServer)[]} [ice_servers]
 */
/**
 * @typedef {{type: "welcome"} & Welcome | {type: "joined", participant: Member} | {type: "left", participant: string}
 *   | {type: "consent", participant: string, analysed: boolean} | {type: "signal", from: string, data: Signal}
 *   | {type: "error", code: string, message: string}} ServerMessage
 */
/**
 * @typedef {object} Handlers  called for each message
 * @property {(member: Member) => void} joined
 * @property {(id: string) => void} left
 * @property {(id: string, analysed: boolean) => void} consent
 * @property {(from: string, data: Signal) => void} signal
 * @property {(code: string, message: string) => void} error
 * @property {(code: number) => void} lost  the connection broke after the welcome; `code` is the WebSocket's
 */

const UNREACHABLE = "The server did not answer. Check your connection and try again.";

/** The server refused to let this person join. The message is for people, the code for programs. */
export class JoinError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Signalling {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Handlers | null} */
  #handlers = null;
  #closing = false;

  /**
   * Join and return the server's welcome. Throws a `JoinError`.
   * @param {JoinRequest} request
   * @returns {Promise<Welcome>}
   */
  join({ token, ...request }) {
    const url = new URL("ws", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = token ? String(new URLSearchParams({ token })) : "";
    const socket = (this.#socket = new WebSocket(url));
    return new Promise((resolve, reject) => {
      let welcomed = false;
      socket.onopen = () => this.send({ type: "join", ...request });
      socket.onmessage = ({ data }) => {
        /** @type {ServerMessage} */
        const message = JSON.parse(data);
        if (message.type === "welcome") {
          welcomed = true;
          resolve(message);
        } else if (welcomed) this.#handle(message);
        else if (message.type === "error") reject(new JoinError(message.code, message.message));
      };
      socket.onclose = ({ code }) => {
        if (!welcomed) reject(new JoinError("unreachable", UNREACHABLE));
        else if (!this.#closing) this.#handlers?.lost(code);
      };
    });
  }

  /**
   * Set the handlers of messages after the welcome. Call it as soon as `join` has returned, so that no message is lost.
   * @param {Handlers} handlers
   */
  listen(handlers) {
    this.#handlers = handlers;
  }

  /**
   * Returns false if the message could not be sent.
   * @param {{type: string} & Record<string, unknown>} message
   */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  leave() {
    this.#closing = true;
    this.send({ type: "leave" });
    this.#socket?.close();
  }

  /** @param {ServerMessage} message */
  #handle(message) {
    const handlers = this.#handlers;
    if (message.type === "joined") handlers?.joined(message.participant);
    else if (message.type === "left") handlers?.left(message.participant);
    else if (message.type === "consent") handlers?.consent(message.participant, message.analysed);
    else if (message.type === "signal") handlers?.signal(message.from, message.data);
    else if (message.type === "error") handlers?.error(message.code, message.message);
  }
}
