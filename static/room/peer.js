// The connection from this browser to another person's.

/** @import { Mesh } from "./mesh.js" */

/** @typedef {{microphone: boolean, camera: boolean}} Sends  which of the two a person sends at the moment */
/** @typedef {{description?: RTCSessionDescriptionInit | null, candidate?: RTCIceCandidateInit, sends?: Sends}} Signal */

export class Peer {
  /** @type {MediaStream | null} */
  audio = null;
  /** @type {MediaStream | null} */
  video = null;
  /** @type {RTCPeerConnectionState} */
  state = "connecting";
  /**
   * What the other side reports that it sends: a remote track alone does not show that a camera was turned off.
   * @type {Sends}
   */
  sends = { microphone: true, camera: false };
  #mesh;
  #caller;
  #pc;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();

  /**
   * @param {string} id  the other person's
   * @param {Mesh} mesh
   * @param {boolean} caller  whether this side makes the offers
   */
  constructor(id, mesh, caller) {
    this.id = id;
    this.#mesh = mesh;
    this.#caller = caller;
    this.#pc = new RTCPeerConnection({ iceServers: mesh.iceServers, bundlePolicy: "max-bundle" });
    this.#pc.onicecandidate = ({ candidate }) => candidate && mesh.send(id, { candidate });
    this.#pc.ontrack = ({ track }) => this.#receive(track);
    this.#pc.onconnectionstatechange = () => this.#changed();
    if (!caller) return;
    for (const kind of ["audio", "video"]) {
      const transceiver = this.#pc.addTransceiver(kind, { direction: "sendrecv", streams: [mesh.stream] });
      this.#run(() => transceiver.sender.replaceTrack(mesh.track(kind)));
    }
    this.#offer();
  }

  /**
   * A signal arrived from the other side.
   * @param {Signal} signal
   */
  receive({ description, candidate, sends }) {
    this.#run(async () => {
      if (description) await this.#describe(description);
      if (candidate) await this.#pc.addIceCandidate(candidate);
      if (sends) this.sends = sends;
      this.#mesh.changed(this);
    });
  }

  /**
   * Send the track that this person has now.
   * @param {"audio" | "video"} kind
   */
  replace(kind) {
    this.#run(async () => {
      const transceiver = this.#pc.getTransceivers().find((each) => each.receiver.track.kind === kind);
      await transceiver?.sender.replaceTrack(this.#mesh.track(kind));
    });
  }

  /** 0…1, measured on this page. It shows who speaks, even if the bot may not analyse the person. */
  get level() {
    const receiver = this.#pc.getReceivers().find((each) => each.track.kind === "audio");
    return receiver?.getSynchronizationSources()[0]?.audioLevel ?? 0;
  }

  close() {
    this.#pc.close();
  }

  /** @param {MediaStreamTrack} track */
  #receive(track) {
    // The stream has its track from the start: Chromium does not play a stream that was still empty when it started.
    const stream = new MediaStream([track]);
    if (track.kind === "audio") this.audio = stream;
    else this.video = stream;
    this.#mesh.changed(this);
  }

  #offer() {
    this.#run(async () => {
      await this.#pc.setLocalDescription();
      this.#sendDescription();
    });
  }

  /** @param {RTCSessionDescriptionInit} description */
  async #describe(description) {
    await this.#pc.setRemoteDescription(description);
    if (description.type !== "offer") return;
    for (const transceiver of this.#pc.getTransceivers()) {
      transceiver.direction = "sendrecv";
      transceiver.sender.setStreams(this.#mesh.stream);
      await transceiver.sender.replaceTrack(this.#mesh.track(transceiver.receiver.track.kind));
    }
    await this.#pc.setLocalDescription();
    this.#sendDescription();
  }

  #sendDescription() {
    this.#mesh.send(this.id, { description: this.#pc.localDescription, sends: this.#mesh.sends });
  }

  #changed() {
    this.state = this.#pc.connectionState;
    if (this.state === "failed" && this.#caller) {
      this.#pc.restartIce();
      this.#offer();
    }
    this.#mesh.changed(this);
  }

  /**
   * One step at a time: a candidate must not overtake the description it belongs to.
   * @param {() => Promise<void>} step
   */
  #run(step) {
    this.#queue = this.#queue.then(step).catch((error) => {
      if (this.#pc.signalingState !== "closed") console.warn(`ser_track: connection to ${this.id}:`, error);
    });
  }
}
