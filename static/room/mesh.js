// Browser to browser: one peer connection per other person. Who comes later calls; who was there answers. So only one
// side ever offers, and offers cannot meet half-way.

class Peer {
  audio = null;
  video = null;
  state = "connecting";
  /** What the other side says it sends: a remote track alone does not tell that a camera was turned off. */
  sends = { microphone: true, camera: false };
  #mesh;
  #caller;
  #pc;
  #queue = Promise.resolve();

  constructor(id, mesh, caller) {
    this.id = id;
    this.#mesh = mesh;
    this.#caller = caller;
    this.#pc = new RTCPeerConnection({ iceServers: mesh.iceServers, bundlePolicy: "max-bundle" });
    this.#pc.onicecandidate = ({ candidate }) => candidate && mesh.send(id, { candidate });
    this.#pc.ontrack = ({ track }) => {
      // A stream that has its track from the start: Chromium stays silent for one that was played while still empty.
      this[track.kind] = new MediaStream([track]);
      mesh.changed(this);
    };
    this.#pc.onconnectionstatechange = () => this.#changed();
    if (!caller) return;
    for (const kind of ["audio", "video"]) {
      const transceiver = this.#pc.addTransceiver(kind, { direction: "sendrecv", streams: [mesh.stream] });
      this.#run(() => transceiver.sender.replaceTrack(mesh.track(kind)));
    }
    this.#offer();
  }

  receive(data) {
    this.#run(async () => {
      if (data.description) await this.#describe(data.description);
      if (data.candidate) await this.#pc.addIceCandidate(data.candidate);
      if (data.sends) this.sends = data.sends;
      this.#mesh.changed(this);
    });
  }

  replace(kind) {
    this.#run(async () => {
      const transceiver = this.#pc.getTransceivers().find((each) => each.receiver.track.kind === kind);
      await transceiver?.sender.replaceTrack(this.#mesh.track(kind));
    });
  }

  /** 0…1, as heard here: shows who speaks where nobody may analyse it. */
  get level() {
    const receiver = this.#pc.getReceivers().find((each) => each.track.kind === "audio");
    return receiver?.getSynchronizationSources()[0]?.audioLevel ?? 0;
  }

  close() {
    this.#pc.close();
  }

  #offer() {
    this.#run(async () => {
      await this.#pc.setLocalDescription();
      this.#mesh.send(this.id, { description: this.#pc.localDescription, sends: this.#mesh.sends });
    });
  }

  async #describe(description) {
    await this.#pc.setRemoteDescription(description);
    if (description.type !== "offer") return;
    for (const transceiver of this.#pc.getTransceivers()) {
      transceiver.direction = "sendrecv";
      transceiver.sender.setStreams(this.#mesh.stream);
      await transceiver.sender.replaceTrack(this.#mesh.track(transceiver.receiver.track.kind));
    }
    await this.#pc.setLocalDescription();
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

  /** One step at a time: a candidate must not overtake the description it belongs to. */
  #run(step) {
    this.#queue = this.#queue.then(step).catch((error) => {
      if (this.#pc.signalingState !== "closed") console.warn(`ser_track: connection to ${this.id}:`, error);
    });
  }
}

export class Mesh {
  iceServers;
  changed;
  /** Only a name under which both tracks travel, so that the other side keeps lips and voice together. */
  stream = new MediaStream();
  #signalling;
  #media;
  #peers = new Map();

  /** `changed(peer)` is called whenever something about a peer is new. */
  constructor({ iceServers, signalling, media, changed }) {
    this.iceServers = iceServers;
    this.changed = changed;
    this.#signalling = signalling;
    this.#media = media;
  }

  get sends() {
    return { microphone: Boolean(this.#media.microphone) && !this.#media.muted, camera: Boolean(this.#media.camera) };
  }

  track(kind) {
    return kind === "audio" ? this.#media.microphone : this.#media.camera;
  }

  send(to, data) {
    this.#signalling.send({ type: "signal", to, data });
  }

  call(id) {
    this.#peers.set(id, new Peer(id, this, true));
  }

  receive(from, data) {
    if (!this.#peers.has(from)) this.#peers.set(from, new Peer(from, this, false));
    this.#peers.get(from).receive(data);
  }

  get(id) {
    return this.#peers.get(id);
  }

  /** The microphone or camera is another one, or none, or muted: tell everyone. */
  refresh() {
    for (const peer of this.#peers.values()) {
      peer.replace("audio");
      peer.replace("video");
      this.send(peer.id, { sends: this.sends });
    }
  }

  drop(id) {
    this.#peers.get(id)?.close();
    this.#peers.delete(id);
  }

  close() {
    for (const id of [...this.#peers.keys()]) this.drop(id);
  }
}
