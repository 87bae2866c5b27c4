// What the analysis bot told about each voice: its state now and the last minute. No DOM, no clock: `now` is passed in.

export const HISTORY_S = 60;
const HOLD_S = 1.5; // after the last speech, until a tile says "no speech": shorter pauses would make it flicker
const OFFSET_MEMORY_S = 30;
const UNSEEN_S = 3; // without any word about a participant, "connecting" ends after this long

/** One participant's voice. All times it keeps are seconds of the page's clock. */
export class VoiceState {
  stream = null;
  analysed = false;
  speaking = false;
  stalled = false;
  fault = null;
  /** The latest emotion: {label, probabilities, confidence, final, at}. */
  latest = null;
  spokeAt = -Infinity;
  updates = 0;
  finals = 0;
  #segments = new Map();
  #offsets = [];
  #seenAt;
  #seen = false;

  constructor(now) {
    this.#seenAt = now;
  }

  /** Oldest first: {start, end | null while open, slices: [{from, to, label, probabilities, final}]}. */
  get segments() {
    return [...this.#segments.values()];
  }

  setAnalysed(analysed, now) {
    if (analysed === this.analysed) return;
    this.analysed = analysed;
    this.#seenAt = now;
    this.#offsets = [];
    this.speaking = this.stalled = false;
    this.fault = null;
    if (!analysed) this.#forget();
  }

  apply(event, now) {
    if (event.stream && event.stream !== this.stream) this.#restart(event.stream);
    this.#seen = true;
    if (!this.analysed) return; // withdrawn: what was still on its way is not shown
    this.#prune(now);
    HANDLERS[event.type]?.(this, event, now);
  }

  state(now, connected) {
    if (!this.analysed) return "not-analysed";
    if (this.fault) return "error";
    if (!connected) return "connecting";
    if (this.stalled) return "stalled";
    if (this.speaking || now - this.spokeAt < HOLD_S) return "speaking";
    return this.#seen || now - this.#seenAt > UNSEEN_S ? "no-speech" : "connecting";
  }

  /** What was heard at a moment: null for silence, `{label: null}` for speech without a result. */
  at(moment, now) {
    const segment = this.segments.findLast((each) => each.start <= moment && moment <= (each.end ?? now));
    if (!segment) return null;
    return segment.slices.find((each) => moment <= each.to) ?? segment.slices.at(-1) ?? { label: null };
  }

  speechStarted(event, now) {
    this.#observe(event.start_s, now);
    this.#alive();
    this.speaking = true;
    this.#segment(event, now);
  }

  speechEnded(event, now) {
    this.#observe(event.end_s, now);
    this.#alive();
    this.speaking = false;
    const segment = this.#segment(event, now);
    segment.end = this.spokeAt = this.#wall(event.end_s, now);
    if (!event.classified) segment.slices = [];
  }

  emotion(event, now) {
    this.#observe(event.end_s, now);
    this.#alive();
    this.updates += 1;
    if (event.final) this.finals += 1;
    const { label, probabilities, confidence, final } = event;
    const segment = this.#segment(event, now);
    const to = this.#wall(event.end_s, now);
    const from = final ? segment.start : (segment.slices.at(-1)?.to ?? segment.start);
    // The final result speaks for the whole segment and takes the place of the provisional ones.
    segment.slices = [...(final ? [] : segment.slices), { from, to, label, probabilities, final }];
    if (!final) this.spokeAt = Math.max(this.spokeAt, to);
    this.latest = { label, probabilities, confidence, final, at: to };
  }

  #segment(event, now) {
    const key = `${event.stream}/${event.segment}`;
    if (!this.#segments.has(key)) {
      this.#segments.set(key, { start: this.#wall(event.start_s, now), end: null, slices: [] });
    }
    return this.#segments.get(key);
  }

  /** Stream seconds to page seconds: the smallest delay seen lately is the one with the least waiting in it. */
  #wall(seconds, now) {
    return Math.min(now, seconds + Math.min(...this.#offsets.map((each) => each.offset)));
  }

  #observe(seconds, now) {
    this.#offsets = this.#offsets.filter((each) => now - each.at < OFFSET_MEMORY_S);
    this.#offsets.push({ at: now, offset: now - seconds });
  }

  #alive() {
    this.stalled = false;
    this.fault = null;
  }

  #prune(now) {
    for (const [key, segment] of this.#segments) {
      if (segment.end !== null && segment.end < now - HISTORY_S) this.#segments.delete(key);
    }
  }

  #restart(stream) {
    for (const segment of this.#segments.values()) segment.end ??= segment.slices.at(-1)?.to ?? segment.start;
    this.stream = stream;
    this.#offsets = [];
    this.speaking = this.stalled = false;
  }

  #forget() {
    this.#segments.clear();
    this.latest = null;
    this.spokeAt = -Infinity;
  }

  /** Audio came again after a pause: delays measured before it may not hold any more. */
  resume() {
    this.stalled = false;
    this.#offsets = [];
  }
}

const HANDLERS = {
  speech_started: (voice, event, now) => voice.speechStarted(event, now),
  speech_ended: (voice, event, now) => voice.speechEnded(event, now),
  emotion: (voice, event, now) => voice.emotion(event, now),
  stalled: (voice) => Object.assign(voice, { stalled: true, speaking: false }),
  resumed: (voice) => voice.resume(),
  error: (voice, event) => Object.assign(voice, { fault: event.message ?? event.code }),
};

/** The events in a data-channel message; anything else is no reason to stop, but is said. */
export function parse(text) {
  try {
    const { events } = JSON.parse(text);
    if (Array.isArray(events)) return events.filter((event) => event?.version === 1 && event.participant);
  } catch {
    // told below
  }
  console.warn("ser_track: a message of the analysis bot could not be read");
  return [];
}
