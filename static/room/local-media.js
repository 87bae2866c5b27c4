// This person's microphone and camera.

import { LevelMeter } from "./level-meter.js";

/**
 * Echo cancellation is on, because people would otherwise hear themselves. Noise suppression and automatic gain are off,
 * because they flatten loudness and cut breath and voice onset, which the model uses to recognise an emotion.
 */
const MICROPHONE = { echoCancellation: true, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
const CAMERA = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24, max: 30 }, facingMode: "user" };

export class LocalMedia {
  /** @type {MediaStreamTrack | null} */
  microphone = null;
  /** @type {MediaStreamTrack | null} */
  camera = null;
  muted = false;
  #constraints;
  /** @type {LevelMeter | null} */
  #meter = null;

  /** @param {{raw?: boolean}} [options]  `raw`: without echo cancellation */
  constructor({ raw = false } = {}) {
    this.#constraints = raw ? { ...MICROPHONE, echoCancellation: false } : MICROPHONE;
  }

  /** Open the microphone. Returns null, or a message that says why it cannot be opened. */
  async openMicrophone() {
    try {
      this.microphone = await openTrack({ audio: this.#constraints });
      this.microphone.enabled = !this.muted;
      this.#meter = new LevelMeter(this.microphone);
      return null;
    } catch (error) {
      return explain(error, "microphone");
    }
  }

  /** Open the camera. Returns null, or a message that says why it cannot be opened. */
  async openCamera() {
    try {
      this.camera = await openTrack({ video: CAMERA });
      return null;
    } catch (error) {
      return explain(error, "camera");
    }
  }

  /** Stops the camera, so that its light goes out. Hiding the picture would not. */
  closeCamera() {
    this.camera?.stop();
    this.camera = null;
  }

  /**
   * People and the bot get the same track, so muting applies to both.
   * @param {boolean} muted
   */
  setMuted(muted) {
    this.muted = muted;
    if (this.microphone) this.microphone.enabled = !muted;
  }

  /** 0…1: how loud this person is at the moment. The level does not leave this page. */
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
}

/** @param {MediaStreamConstraints} constraints */
async function openTrack(constraints) {
  if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
  const [track] = (await navigator.mediaDevices.getUserMedia(constraints)).getTracks();
  if (!track) throw new DOMException("", "NotFoundError");
  return track;
}

/**
 * @param {unknown} error
 * @param {"microphone" | "camera"} device
 */
function explain(error, device) {
  const name = error instanceof Error ? error.name : String(error);
  switch (name) {
    case "NotAllowedError":
      return `Your browser does not allow this page to use the ${device}. Allow it in the address bar and try again.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${device} was found.`;
    case "NotReadableError":
      return `Another program is using the ${device}.`;
    case "SecurityError":
      return `Your browser allows a page to use the ${device} only over HTTPS or on localhost.`;
    default:
      return `The ${device} could not be opened (${name}).`;
  }
}
