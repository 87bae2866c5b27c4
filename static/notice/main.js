// The page behind the link of the notice: people in a meeting read what the bot does, and refuse or agree.

import { find, setAttribute, setData, setText } from "../shared/dom.js";
import { messageOf } from "../shared/errors.js";
import { AnswerStore } from "./answer-store.js";
import { RequestError, fetchMeeting, postAnswer } from "./api.js";
import { AttendeeList } from "./attendee-list.js";
import { GONE, RECORDED, RULES, UNREACHABLE, describe } from "./texts.js";

/** @import { Identity, StoredAnswer } from "./answer-store.js" */
/** @import { Meeting, Person } from "./api.js" */
/** @import { Kind } from "./texts.js" */

const INTERVAL_MS = 2000;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const CONFIRMATION_NEEDED = "confirmation_needed";
const KEY = new URLSearchParams(location.search).get("me") ?? ""; // in the link that only one person got

const store = new AnswerStore(location.pathname.split("/").at(-2) ?? "");
const list = new AttendeeList(find("#list", HTMLElement), pick);
const form = find("#confirm", HTMLFormElement);
const codeInput = find("#code", HTMLInputElement);
const buttons = { refuse: find("#refuse", HTMLButtonElement), agree: find("#agree", HTMLButtonElement) };
/** @type {Person[]} */
let people = [];
let joined = false;
let over = false;
let sent = 0; // requests with answers, begun or ended; data from before the latest one is out of date
let sending = false;
let polling = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

// --- responses of the server

async function poll() {
  if (polling || over) return;
  polling = true;
  clearTimeout(timer);
  const before = sent;
  try {
    const meeting = await fetchMeeting(KEY);
    if (before === sent && !sending) await take(meeting);
  } catch (error) {
    const status = error instanceof RequestError ? error.status : 0;
    if (status === NOT_FOUND) end(GONE, "error");
    else showMeeting(status ? `${UNREACHABLE} It said: ${messageOf(error)}` : UNREACHABLE, "error");
  }
  polling = false;
  if (!over) timer = setTimeout(poll, INTERVAL_MS);
}

/** @param {Meeting} meeting */
async function take({ state, consent, recorded, participants, me: owner }) {
  people = participants;
  if (owner && owner !== store.me?.participant) pick(owner);
  joined = state === "joined";
  setText(find("#rule", HTMLElement), RULES[consent]);
  if (recorded) setText(find("#kept", HTMLElement), RECORDED);
  if (state === "left") return end(...describe(state, people));
  showMeeting(...describe(state, people));
  recognise();
  render();
  await repeatAnswers();
}

/**
 * @param {string} words
 * @param {Kind} kind
 */
function end(words, kind) {
  over = true;
  people = [];
  store.clear();
  showMeeting(words, kind);
  showOutcome("");
  render();
}

// --- people who rejoined

/**
 * The only person with that name, if the earlier participant has left.
 * @param {Identity} before
 */
function returned({ name, participant }) {
  if (people.some((person) => person.participant === participant)) return null;
  const alike = people.filter((person) => person.name === name);
  return (alike.length === 1 && alike[0]) || null;
}

function recognise() {
  const back = store.me && returned(store.me);
  if (back) store.pick(back);
}

/**
 * Repeat the refusal of a person who answered here and rejoined with a new id. The latest answer applies. An agreement is
 * not repeated: somebody else may have taken the name.
 */
async function repeatAnswers() {
  for (const old of store.answers) {
    const same = people.find(({ participant }) => participant === old.participant);
    const back = returned(old);
    if (same && same.analysed !== old.analysed) store.keep({ ...old, analysed: same.analysed }); // changed elsewhere
    if (back && back.analysed === old.analysed) store.keep({ ...old, participant: back.participant }, old.participant);
    else if (back && old.analysed) {
      store.keep({ ...old, ...back }, old.participant);
      showOutcome(`${back.name} has come back under another id: agree again, if it is you.`);
    } else if (back) await send(back, old.analysed, old);
  }
}

// --- actions of the user

function me() {
  return people.find(({ participant }) => participant === store.me?.participant) ?? null;
}

/** @param {string} participant */
function pick(participant) {
  const person = people.find((each) => each.participant === participant);
  if (person) store.pick(person);
  form.hidden = true;
  showOutcome("");
  render();
}

/** @param {boolean} analysed */
async function choose(analysed) {
  const person = me();
  if (person) return send(person, analysed);
  showOutcome(store.me ? "The bot does not see you in the meeting at the moment." : "First select your name.", "error");
  list.focus();
}

/**
 * Answer for a person.
 * @param {Person} person
 * @param {boolean} analysed
 * @param {StoredAnswer | null} [again]  the answer that they gave before they rejoined
 * @param {string} [code]  what the bot has shown in the meeting, to confirm an agreement
 */
async function send(person, analysed, again = null, code = "") {
  const { name, participant } = person;
  sent += 1;
  sending = true;
  try {
    const answer = await postAnswer({ participant, analysed, secret: store.secretOf(person), key: KEY, code });
    store.keep({ name, ...answer }, again?.participant);
    person.analysed = analysed;
    form.hidden = true;
    const done = analysed ? `the bot analyses the voice of ${name} from now on.` : `the bot does not hear ${name} any more.`;
    showOutcome(again ? `As you answered before, ${done}` : `Done: ${done}`);
  } catch (error) {
    // Forbidden: another browser has answered since, and that answer applies. After other errors the next poll tries again.
    const forbidden = error instanceof RequestError && error.status === FORBIDDEN;
    const confirm = error instanceof RequestError && error.code === CONFIRMATION_NEEDED;
    if (again && forbidden) store.keep({ ...again, ...person }, again.participant);
    if (confirm) askForCode();
    showOutcome(`Nothing was changed for ${name}: ${messageOf(error).replace(/[.]?$/, ".")}`, "error");
  }
  sent += 1;
  sending = false;
  render();
}

function askForCode() {
  form.hidden = false;
  codeInput.value = "";
  codeInput.focus();
}

/** @param {SubmitEvent} event */
function confirmAgreement(event) {
  event.preventDefault();
  const person = me();
  if (person) send(person, true, null, codeInput.value.trim());
}

// --- rendering

function render() {
  const mine = me();
  list.render(people, mine?.participant);
  find("#nobody", HTMLElement).hidden = !joined || people.length > 0;
  find("#people", HTMLElement).hidden = over;
  find("#answer", HTMLElement).hidden = over;
  if (over) form.hidden = true;
  setAttribute(buttons.agree, "aria-pressed", mine !== null && mine.analysed);
  setAttribute(buttons.refuse, "aria-pressed", mine !== null && !mine.analysed);
  setText(find("#mine", HTMLElement), describeMe(mine));
}

/** @param {Person | null} mine */
function describeMe(mine) {
  if (mine) return `${mine.name}, your voice is ${mine.analysed ? "" : "not "}analysed.`;
  if (store.me) return `The bot does not see ${store.me.name} in the meeting at the moment.`;
  return "Select your name, then answer.";
}

/**
 * @param {string} words
 * @param {Kind} kind
 */
function showMeeting(words, kind) {
  setText(find("#meeting", HTMLElement), words);
  setData(find("#meeting", HTMLElement), "kind", kind);
}

/**
 * Show the outcome of an answer.
 * @param {string} words
 * @param {Kind} [kind]
 */
function showOutcome(words, kind = "info") {
  setText(find("#said", HTMLElement), words);
  setData(find("#said", HTMLElement), "kind", kind);
}

form.onsubmit = confirmAgreement;
buttons.refuse.onclick = () => choose(false);
buttons.agree.onclick = () => choose(true);
addEventListener("visibilitychange", () => document.hidden || poll());
poll();
