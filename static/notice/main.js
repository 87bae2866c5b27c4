// The page behind the link of the notice: people in a meeting elsewhere read what the bot does, and refuse or agree.

import { answer, participants } from "./api.js";
import { AttendeeList } from "./attendee-list.js";
import { setAttribute, setData, setText } from "../shared/dom.js";
import { AnswerStore } from "./answer-store.js";

const EVERY_MS = 2000;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const RULES = {
  required: "Nobody is analysed who has not agreed. To stay out, you need do nothing.",
  notice: "Everyone is analysed until they refuse. You can refuse here at any time.",
};
const RECORDED = "the server records the voices of those who are analysed, and stores no results.";
const STATES = {
  joining: ["The bot is joining the meeting.", "info"],
  reconnecting: ["The bot has lost the meeting and tries to come back. All answers still hold.", "warning"],
  left: ["The bot has left this meeting. Nobody is analysed any more.", "warning"],
};
const GONE = "No meeting belongs to this link: the link is incomplete, or the meeting has been over for a while. Nobody is analysed over it.";
const UNREACHABLE = "This page does not reach the server and keeps trying. Your answer still holds.";

const find = (selector) => document.querySelector(selector);
const meeting = location.pathname.split("/").at(-2);
const answers = new AnswerStore(meeting);
const attendees = new AttendeeList(find("#list"), pick);
const buttons = [find("#refuse"), find("#agree")];
let people = [];
let joined = false;
let over = false;
let asked = 0; // answers so far; what was read before the latest is out of date
let waiting = false; // for the server's word on an answer
let polling = false;
let timer = null;

// --- what the server says

async function poll() {
  if (polling || over) return;
  polling = true;
  clearTimeout(timer);
  const before = asked;
  try {
    const now = await participants();
    if (before === asked && !waiting) await take(now);
  } catch (error) {
    if (error.status === NOT_FOUND) end(GONE, "error");
    else told(error.status ? `${UNREACHABLE} It said: ${error.message}` : UNREACHABLE, "error");
  }
  polling = false;
  if (!over) timer = setTimeout(poll, EVERY_MS);
}

async function take({ state, consent, recorded, participants: present }) {
  people = present;
  joined = state === "joined";
  setText(find("#rule"), RULES[consent] ?? "");
  if (recorded) setText(find("#kept"), RECORDED);
  if (state === "left") return end(...STATES.left);
  const analysed = people.filter((person) => person.analysed).length;
  const listens = `The bot is in the meeting. It analyses ${analysed} of ${people.length === 1 ? "1 person" : `${people.length} people`}.`;
  told(...(STATES[state] ?? [listens, "info"]));
  recognise();
  render();
  await repeatAnswers();
}

function end(words, kind) {
  over = true;
  people = [];
  answers.forget();
  told(words, kind);
  said("");
  render();
}

// --- who came back

/** Somebody of that name alone, now that who had it before is gone. */
function returned({ name, participant }) {
  if (people.some((person) => person.participant === participant)) return null;
  const alike = people.filter((person) => person.name === name);
  return alike.length === 1 ? alike[0] : null;
}

function recognise() {
  const back = answers.me && returned(answers.me);
  if (back) answers.pick(back);
}

/** Whoever was answered for here and has come back with a new id gets the same answer; the latest answer holds. */
async function repeatAnswers() {
  for (const old of answers.answers) {
    const same = people.find(({ participant }) => participant === old.participant);
    const back = returned(old);
    if (same && same.analysed !== old.analysed) answers.keep({ ...old, analysed: same.analysed }); // changed elsewhere
    if (back && back.analysed === old.analysed) answers.keep({ ...old, participant: back.participant }, old.participant);
    else if (back) await send(back, old.analysed, old);
  }
}

// --- what people do

function me() {
  return people.find(({ participant }) => participant === answers.me?.participant) ?? null;
}

function pick(participant) {
  answers.pick(people.find((person) => person.participant === participant));
  said("");
  render();
}

async function choose(analysed) {
  if (!me()) {
    said(answers.me ? "The bot does not see you in the meeting at the moment." : "First say which of these is you.", "error");
    return attendees.focus();
  }
  await send(me(), analysed);
}

/** Answer for `person`; `again`: the answer that they had before they came back. */
async function send(person, analysed, again = null) {
  const { name, participant } = person;
  asked += 1;
  waiting = true;
  try {
    const kept = await answer({ participant, analysed, secret: answers.secretOf(person) });
    answers.keep({ name, ...kept }, again?.participant);
    person.analysed = analysed;
    const done = analysed ? `the bot analyses the voice of ${name} from now on.` : `the bot does not hear ${name} any more.`;
    said(again ? `As you answered before, ${done}` : `Done: ${done}`);
  } catch (error) {
    // Not ours to give any more: what the server holds is the answer then. Else the next poll tries again.
    if (again && error.status === FORBIDDEN) answers.keep({ ...again, ...person }, again.participant);
    said(`Nothing was changed for ${name}: ${error.message.replace(/[.]?$/, ".")}`, "error");
  }
  asked += 1;
  waiting = false;
  render();
}

// --- what is shown

function render() {
  const mine = me();
  attendees.render(people, mine?.participant);
  find("#nobody").hidden = !joined || people.length > 0;
  find("#people").hidden = over;
  find("#answer").hidden = over;
  for (const button of buttons) {
    const means = button.id === "agree";
    setAttribute(button, "aria-pressed", mine !== null && mine.analysed === means);
  }
  setText(find("#mine"), whoIAm(mine));
}

function whoIAm(mine) {
  if (mine) return `${mine.name}, your voice is ${mine.analysed ? "" : "not "}analysed.`;
  if (answers.me) return `The bot does not see ${answers.me.name} in the meeting at the moment.`;
  return "Say which of the people is you, then answer.";
}

function told(words, kind) {
  setText(find("#meeting"), words);
  setData(find("#meeting"), "kind", kind);
}

function said(words, kind = "info") {
  setText(find("#said"), words);
  setData(find("#said"), "kind", kind);
}

find("#refuse").onclick = () => choose(false);
find("#agree").onclick = () => choose(true);
addEventListener("visibilitychange", () => document.hidden || poll());
poll();
