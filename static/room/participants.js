// The people in the room: their state, their tiles, the list of people, and announcements.

import { Announcer } from "./announcer.js";
import { clock } from "./clock.js";
import { Labels, UNSURE } from "./labels.js";
import { Roster } from "./roster.js";
import { Tile } from "./tile.js";
import { VoiceState } from "./voice-state.js";

/** @import { BotEvent, EmotionResult } from "./events.js" */
/** @import { LabelSet } from "./labels.js" */
/** @import { Member } from "./signalling.js" */
/** @import { BotStatus } from "./bot-connection.js" */

/** @typedef {{tiles: HTMLElement, roster: HTMLElement, count: HTMLElement, live: HTMLElement}} Places  in the page */
/**
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} name
 * @property {boolean} self  whether it is the person at this page
 * @property {boolean} page  whether they use a page, which can be called; programs do not
 * @property {VoiceState} voice
 * @property {Tile} tile
 */

export class Participants {
  #tiles;
  #roster;
  #announcer;
  #self;
  #labels;
  /** @type {Map<string, Participant>} in the order of joining */
  #people = new Map();

  /**
   * @param {Places} places
   * @param {string} self  the id of the person at this page
   * @param {string} botName
   * @param {LabelSet} labels
   */
  constructor({ tiles, roster, count, live }, self, botName, labels) {
    this.#tiles = tiles;
    this.#roster = new Roster(roster, count, botName);
    this.#announcer = new Announcer(live);
    this.#self = self;
    this.#labels = new Labels(labels);
    tiles.replaceChildren();
  }

  /** @param {string} id */
  get(id) {
    return this.#people.get(id);
  }

  /** @param {Member} member */
  add({ id, name, analysed, page = false }) {
    if (this.#people.has(id)) return;
    const voice = new VoiceState(clock());
    voice.setAnalysed(analysed, clock());
    const self = id === this.#self;
    const tile = new Tile({ id, name, self }, voice, this.#labels);
    this.#people.set(id, { id, name, self, page, voice, tile });
    this.#tiles.append(tile.node);
  }

  /** @param {string} id */
  remove(id) {
    this.#people.get(id)?.tile.node.remove();
    this.#people.delete(id);
    this.#announcer.forget(id);
  }

  /**
   * @param {string} id
   * @param {boolean} analysed
   */
  setAnalysed(id, analysed) {
    this.#people.get(id)?.voice.setAnalysed(analysed, clock());
    if (!analysed) this.#announcer.forget(id);
  }

  /**
   * The server or the bot reports that somebody agreed or withdrew. For the person at this page, the report is ignored:
   * the response to an earlier click must not undo a later one.
   * @param {string} id
   * @param {boolean} analysed
   */
  reportAnalysed(id, analysed) {
    if (id !== this.#self) this.setAnalysed(id, analysed);
  }

  /** @param {BotEvent[]} events */
  apply(events) {
    for (const event of events) {
      const person = this.#people.get(event.participant);
      if (!person) continue;
      if (event.type === "joined" || event.type === "consent") this.reportAnalysed(person.id, event.analysed);
      person.voice.apply(event, clock());
      if (person.voice.analysed && event.type === "emotion" && event.final) this.#announce(person, event);
    }
  }

  /**
   * @param {Participant} person
   * @param {EmotionResult} event
   */
  #announce({ id, name }, { label, voice_known: voiceKnown }) {
    if (this.#labels.isFirstImpression({ voiceKnown })) this.#announcer.learning(id, name);
    else if (label !== UNSURE) this.#announcer.result(id, name, label, this.#labels.title(label));
  }

  /**
   * @param {BotStatus} bot
   * @param {(person: Participant) => {level: number, state: string}} link  how a person is connected, and how loud
   */
  render(bot, link) {
    const people = [...this.#people.values()];
    for (const person of people) {
      const { level, state } = link(person);
      person.tile.render(clock(), bot, level, state);
    }
    this.#roster.render(people);
  }

  /** Stop announcing results. */
  stop() {
    this.#announcer.stop();
  }
}
