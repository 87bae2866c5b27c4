// The connection to the analysis bot. It carries events to everyone; it carries a voice only while that person agrees.

const GATHERING_S = 3;
const DISCONNECTED_S = 5;
const BACKOFF_S = [1, 2, 4, 8, 15];

const seconds = (count) => new Promise((resolve) => setTimeout(resolve, count * 1000));

export class BotConnection {
  #options;
  #pc = null;
  #channel = null;
  #sender = null;
  #track = null;
  #failures = 0;
  #closed = false;

  /** `options`: iceServers, token, room, participant, secret, received(text), changed(state, message). */
  constructor(options) {
    this.#options = options;
  }

  /** Send this track, or none; the promise settles when the browser has made the change. */
  async setTrack(track) {
    this.#track = track;
    await this.#sender?.replaceTrack(track);
  }

  /** Tell the bot on its own channel, for when the way through the server is broken. */
  send(message) {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(message));
  }

  async connect() {
    this.#options.changed("connecting");
    let pc = null;
    try {
      pc = this.#pc = this.#create();
      this.#open(pc);
      await this.#sender.replaceTrack(this.#track);
      await pc.setLocalDescription();
      await gathered(pc);
      await pc.setRemoteDescription(await this.#post(pc.localDescription));
    } catch (error) {
      this.#failed(pc, error);
    }
  }

  close() {
    this.#closed = true;
    this.#pc?.close();
  }

  #create() {
    try {
      return new RTCPeerConnection({ iceServers: this.#options.iceServers });
    } catch (error) {
      // Nor will it the next time.
      const told = new Error(`This browser does not accept the server's ICE servers (${error.message}).`);
      throw Object.assign(told, { hopeless: true });
    }
  }

  #open(pc) {
    this.#sender = pc.addTransceiver("audio", { direction: "sendonly" }).sender;
    const channel = (this.#channel = pc.createDataChannel("events"));
    channel.onopen = () => {
      this.#failures = 0;
      this.#options.changed("connected");
    };
    channel.onmessage = ({ data }) => this.#options.received(data);
    channel.onclose = () => this.#failed(pc);
    pc.onconnectionstatechange = async () => {
      if (pc.connectionState === "disconnected") await seconds(DISCONNECTED_S);
      if (["failed", "disconnected"].includes(pc.connectionState)) this.#failed(pc);
    };
  }

  async #post({ sdp, type }) {
    const { token, room, participant, secret } = this.#options;
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const body = JSON.stringify({ room, participant, secret, sdp, type });
    const response = await fetch(new URL("offer", document.baseURI), { method: "POST", headers, body });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return { sdp: answer.sdp, type: answer.type };
    const error = new Error(answer.error?.message ?? `The server answered ${response.status}.`);
    // 409: the server has not noticed yet that the connection before this one is gone. 429: later.
    error.hopeless = response.status < 500 && ![409, 429].includes(response.status);
    throw error;
  }

  async #failed(pc, error) {
    if (pc !== this.#pc || this.#closed) return; // an earlier attempt, or asked for
    this.#pc = this.#sender = null;
    pc?.close();
    if (error?.hopeless) {
      this.#options.changed("refused", error.message);
      return;
    }
    const wait = BACKOFF_S[Math.min(this.#failures, BACKOFF_S.length - 1)];
    this.#failures += 1;
    this.#options.changed("retrying", error?.message);
    await seconds(wait * (0.75 + Math.random() / 2));
    if (!this.#closed) await this.connect();
  }
}

/** The bot takes one description with all candidates in it; a slow candidate is not worth waiting for. */
async function gathered(pc) {
  const complete = new Promise((resolve) => {
    const check = () => pc.iceGatheringState === "complete" && resolve();
    pc.addEventListener("icegatheringstatechange", check);
    check();
  });
  await Promise.race([complete, seconds(GATHERING_S)]);
}
