// This person's microphone and camera.

/**
 * Echo cancellation is on, or people would hear themselves come back. Noise suppression and automatic gain are off:
 * they flatten loudness and cut breath and voice onset, which is just what an emotion is heard by.
 */
const MICROPHONE = { echoCancellation: true, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
const CAMERA = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24, max: 30 }, facingMode: "user" };

export class LocalMedia {
  microphone = null;
  camera = null;
  muted = false;
  #constraints;
  #meter = null;

  constructor({ raw = false } = {}) {
    this.#constraints = raw ? { ...MICROPHONE, echoCancellation: false } : MICROPHONE;
  }

  /** Ask for the microphone; null, or why there is none, in words. */
  async openMicrophone() {
    try {
      this.microphone = await this.#open({ audio: this.#constraints });
      this.microphone.enabled = !this.muted;
      this.#meter = new Meter(this.microphone);
      return null;
    } catch (error) {
      return explain(error, "microphone");
    }
  }

  async openCamera() {
    try {
      this.camera = await this.#open({ video: CAMERA });
      return null;
    } catch (error) {
      return explain(error, "camera");
    }
  }

  /** Stopping, not just hiding: the light beside the lens goes out. */
  closeCamera() {
    this.camera?.stop();
    this.camera = null;
  }

  /** One track feeds people and the bot, so muting holds for both. */
  setMuted(muted) {
    this.muted = muted;
    if (this.microphone) this.microphone.enabled = !muted;
  }

  /** 0…1: how loud this person is just now. It stays on this page. */
  get level() {
    return this.#meter?.read() ?? 0;
  }

  close() {
    this.closeCamera();
    this.#meter?.close();
    this.#meter = null;
    this.microphone?.stop();
    this.microphone = null;
  }

  async #open(constraints) {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    return stream.getTracks()[0];
  }
}

class Meter {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #samples = new Float32Array(this.#analyser.fftSize);

  constructor(track) {
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
  }

  read() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return this.#samples.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
  }

  close() {
    this.#context.close();
  }
}

function explain(error, device) {
  switch (error.name) {
    case "NotAllowedError":
      return `Your browser was not allowed to use the ${device}. Allow it in the address bar and try again.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${device} was found.`;
    case "NotReadableError":
      return `The ${device} is in use by another program.`;
    case "SecurityError":
      return `Browsers give a page the ${device} only over https or on localhost.`;
    default:
      return `The ${device} could not be opened (${error.name}).`;
  }
}
