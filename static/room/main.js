// The page: the lobby with its question, the room with its controls.

import { icon, setText } from "../shared/dom.js";
import { Status } from "./announcer.js";
import { LocalMedia } from "./local-media.js";
import { SERVICE_RESTART, rejoin } from "./reconnection.js";
import { Room } from "./room.js";

const JOINING = "Joining …";
const RESTARTING = "The server had to start this meeting again. You are being brought back; nothing is analysed meanwhile.";
const find = (selector) => document.querySelector(selector);
const query = new URLSearchParams(location.search);
const token = query.get("token");
const lobby = find("#lobby");
const stay = find("#room");
const status = new Status(find("#status"));
const media = new LocalMedia({ raw: query.get("raw") === "1" });
let room = null;
let chosen = null; // what was entered and chosen last, for joining again
let returning = null; // the present attempt to come back, if there is one

const newRoom = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(5));
  return `room-${[...bytes].map((byte) => byte.toString(36).padStart(2, "0")).join("")}`;
};

async function join(choice) {
  chosen = choice;
  busy(true);
  try {
    status.show("Waiting for your microphone. Your browser may ask for permission.");
    const missing = await media.openMicrophone();
    status.show(JOINING);
    room = new Room(page, media);
    const welcome = await room.join({ token, ...choice });
    enter(welcome.room);
    if (missing) status.show(`You joined as a listener: others do not hear you, and nothing is analysed. ${missing}`, { kind: "warning" });
    else status.clearIf(JOINING); // what the room has said since stays
  } catch (error) {
    room?.leave();
    room = null;
    media.close();
    status.show(error.message, { kind: "error" });
  } finally {
    busy(false);
  }
}

function enter(name) {
  setText(find("#room-name"), name);
  document.title = `${name} · ser_track`;
  const url = new URL(location.href);
  url.searchParams.set("room", name);
  history.replaceState(null, "", url);
  lobby.hidden = true;
  stay.hidden = false;
  showControls();
  find("#room-name").focus();
}

async function comeBack() {
  const mine = (returning = {});
  room.leave();
  room = null;
  status.show(RESTARTING, { kind: "warning" });
  try {
    const found = await rejoin(enterAgain, () => returning === mine);
    if (returning !== mine) return found?.leave();
    room = found;
    // The switch may have been turned while the answer was on its way.
    if (room.analysed !== chosen.consent) room.setAnalysed(chosen.consent);
    showControls();
    status.clearIf(RESTARTING);
  } catch (error) {
    if (returning === mine) lostForGood(error.message);
  }
}

async function enterAgain() {
  const next = new Room(page, media);
  try {
    await next.join({ token, ...chosen });
    return next;
  } catch (error) {
    next.leave();
    throw error;
  }
}

function lostForGood(why = "") {
  const again = { label: "Rejoin", run: () => join(chosen) };
  leave();
  const lost = "The connection to the server was lost. You left the room and nothing is analysed.";
  status.show(`${lost} ${why}`.trim(), { kind: "error", action: again });
}

function leave() {
  returning = null;
  room?.leave();
  room = null;
  media.close();
  media.setMuted(false);
  stay.hidden = true;
  lobby.hidden = false;
  document.title = "ser_track";
}

const page = {
  tiles: find("#tiles"),
  roster: find("#roster"),
  count: find("#count"),
  live: find("#live"),
  status,
  lost(code) {
    chosen.consent = room.analysed; // as it was last given, not as it was at first
    if (code === SERVICE_RESTART) comeBack();
    else lostForGood();
  },
};

// --- lobby

const fields = { room: find("#field-room"), name: find("#field-name") };
fields.room.value = query.get("room") ?? newRoom();

function choose(consent) {
  const empty = Object.values(fields).find((field) => !field.value.trim());
  if (empty) {
    status.show(`Please enter a ${empty.dataset.what}.`, { kind: "error" });
    empty.focus();
    return;
  }
  join({ room: fields.room.value.trim(), name: fields.name.value.trim(), consent });
}

function busy(waiting) {
  for (const button of lobby.querySelectorAll("button")) button.disabled = waiting;
}

find("#join-analysed").onclick = () => choose(true);
find("#join-unanalysed").onclick = () => choose(false);
// Enter in a field goes on to the question; it never answers it.
lobby.querySelector("form").onsubmit = (event) => event.preventDefault();
for (const field of Object.values(fields)) {
  field.onkeydown = (event) => {
    if (event.key === "Enter") (field === fields.room ? fields.name : find("#question")).focus();
  };
}

// --- controls in the room

const buttons = { mic: find("#mic"), camera: find("#camera"), consent: find("#consent"), leave: find("#leave"), copy: find("#copy") };

function showControls() {
  const listening = !media.microphone;
  label(buttons.mic, listening ? "Use microphone" : media.muted ? "Unmute" : "Mute", listening || media.muted ? "mic-off" : "mic");
  label(buttons.camera, media.camera ? "Stop camera" : "Camera", media.camera ? "camera" : "camera-off");
  const analysed = room ? room.analysed : (chosen?.consent ?? false);
  buttons.consent.setAttribute("aria-checked", analysed);
  buttons.consent.disabled = listening;
  const state = listening ? "no microphone" : analysed ? "on: the bot hears you" : "off: the bot does not hear you";
  setText(buttons.consent.querySelector(".state"), state);
}

function label(button, text, symbol) {
  setText(button.querySelector("span"), text);
  button.querySelector(".icon").replaceWith(icon(symbol));
}

function changed(problem) {
  if (problem) status.show(problem, { kind: "error" });
  room?.refreshMedia();
  showControls();
}

buttons.mic.onclick = async () => {
  if (!media.microphone) return changed(await media.openMicrophone());
  media.setMuted(!media.muted);
  changed();
};
buttons.camera.onclick = async () => {
  if (!media.camera) return changed(await media.openCamera());
  media.closeCamera();
  changed();
};
buttons.consent.onclick = () => {
  if (room) room.setAnalysed(!room.analysed);
  else chosen.consent = !chosen.consent; // holds from the moment of coming back
  showControls();
};
buttons.leave.onclick = () => {
  leave();
  status.show("You left the room.");
  fields.name.focus();
};
buttons.copy.onclick = async () => {
  const url = new URL(location.href);
  url.searchParams.delete("raw");
  try {
    await navigator.clipboard.writeText(url.href);
    status.show("The link to this room is copied.");
  } catch {
    status.show(`The link to this room: ${url.href}`);
  }
};
addEventListener("pagehide", () => room?.leave());
