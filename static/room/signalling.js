// The WebSocket to the server: who is in the room, and messages from browser to browser.

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Signalling {
  #socket;
  #handlers;
  #closing = false;

  /** `handlers`: one function per message type, and `lost(code)` for a connection that broke after the welcome. */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** Join and give the server's welcome; throws `Refused` with words for a person. */
  join({ token, room, name, consent }) {
    const url = new URL("ws", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = token ? new URLSearchParams({ token }) : "";
    const socket = (this.#socket = new WebSocket(url));
    return new Promise((resolve, reject) => {
      let welcomed = false;
      socket.onopen = () => this.send({ type: "join", room, name, consent });
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === "welcome") {
          welcomed = true;
          resolve(message);
        } else if (!welcomed && message.type === "error") {
          reject(new Refused(message.code, message.message));
        } else {
          this.#handlers[message.type]?.(message);
        }
      };
      socket.onclose = ({ code }) => {
        if (!welcomed) reject(new Refused("unreachable", "The server did not answer. Check your connection and try again."));
        else if (!this.#closing) this.#handlers.lost(code);
      };
    });
  }

  /** False where the message could not be sent. */
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
}
