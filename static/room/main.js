// The page of a room: from the lobby into the room, and back.

import { find, setText } from "../shared/dom.js";
import { messageOf } from "../shared/errors.js";
import { Controls } from "./controls.js";
import { LocalMedia } from "./local-media.js";
import { Lobby } from "./lobby.js";
import { SERVICE_RESTART, rejoin } from "./reconnection.js";
import { Room } from "./room.js";
import { showServerNotice } from "./server-notice.js";
import { StatusLine } from "./status-line.js";

/** @import { Choice } from "./lobby.js" */
/** @import { Page } from "./room.js" */

const JOINING = "Joining …";
const RESTARTING = "The server is restarting this room. You will be reconnected. Nothing is analysed until then.";
/** The WebSocket's close code for a closed room; the server sends 1001 when it stops. */
const ROOM_CLOSED = 1000;
const CLOSED = "The operator of the server closed this room. You have left it, and your voice is not analysed.";
const LOST = "The connection to the server was lost. You have left the room, and your voice is not analysed.";
const query = new URLSearchParams(location.search);
const token = query.get("token");
const box = find("#room", HTMLElement);
const title = find("#room-name", HTMLElement);
const status = new StatusLine(find("#status", HTMLElement));
const media = new LocalMedia({ raw: query.get("raw") === "1" });
const lobby = new Lobby(query.get("room") ?? newName(), join, (what) => {
  status.show(`Please enter a ${what}.`, { kind: "error" });
});
const controls = new Controls({
  microphone: toggleMicrophone,
  camera: toggleCamera,
  consent: toggleConsent,
  leave: leaveAsAsked,
  copy: copyLink,
});
/** @type {Room | null} */
let room = null;
/** @type {Choice | null} the last choice, for joining again */
let choice = null;
/** @type {object | null} the current attempt to reconnect, if there is one */
let returning = null;

/** @type {Page} */
const page = {
  places: {
    tiles: find("#tiles", HTMLElement),
    roster: find("#roster", HTMLElement),
    count: find("#count", HTMLElement),
    live: find("#live", HTMLElement),
  },
  status,
  media,
  lost(code) {
    if (!room || !choice) return;
    choice.consent = room.analysed; // the last consent, not the first
    if (code === SERVICE_RESTART) comeBack(choice);
    else if (code === ROOM_CLOSED) {
      leave();
      status.show(CLOSED, { kind: "error" });
    }
    else leaveLost(choice);
  },
};

function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(5));
  return `room-${[...bytes].map((byte) => byte.toString(36).padStart(2, "0")).join("")}`;
}

// Nobody can agree before they can read whether voices are recorded.
void showServerNotice(document.querySelectorAll(".storage")).then(() => lobby.allowAnalysis());

// --- in and out

/** @param {Choice} chosen */
async function join(chosen) {
  choice = chosen;
  lobby.setBusy(true);
  try {
    status.show("Waiting for your microphone. Your browser may ask for permission.");
    const missing = await media.openMicrophone();
    status.show(JOINING);
    room = await Room.join(page, { token, ...chosen });
    enter(room.name);
    const listener = "You joined as a listener. The others do not hear you, and your voice is not analysed.";
    if (missing) status.show(`${listener} ${missing}`, { kind: "warning" });
    else status.clearIf(JOINING); // later messages of the room stay
  } catch (error) {
    media.close();
    status.show(messageOf(error), { kind: "error" });
  } finally {
    lobby.setBusy(false);
  }
}

/** @param {string} name */
function enter(name) {
  setText(title, name);
  document.title = `${name} · ser_track`;
  const url = new URL(location.href);
  url.searchParams.set("room", name);
  history.replaceState(null, "", url);
  lobby.show(false);
  box.hidden = false;
  renderControls();
  title.focus();
}

function leave() {
  returning = null;
  room?.leave();
  room = null;
  media.close();
  media.setMuted(false);
  box.hidden = true;
  lobby.show(true);
  document.title = "ser_track";
}

/**
 * Leave, because the connection to the server is gone.
 * @param {Choice} chosen
 * @param {string} [why]
 */
function leaveLost(chosen, why = "") {
  leave();
  status.show(`${LOST} ${why}`.trim(), { kind: "error", action: { label: "Rejoin", run: () => join(chosen) } });
}

/**
 * Join again without asking the user.
 * @param {Choice} chosen
 */
async function comeBack(chosen) {
  const mine = (returning = {});
  room?.leave();
  room = null;
  status.show(RESTARTING, { kind: "warning" });
  try {
    const found = await rejoin(() => Room.join(page, { token, ...chosen }), () => returning === mine);
    if (returning !== mine || !found) return found?.leave();
    room = found;
    // The user may have used the switch while the request was running.
    if (room.analysed !== chosen.consent) room.setAnalysed(chosen.consent);
    renderControls();
    status.clearIf(RESTARTING);
  } catch (error) {
    if (returning === mine) leaveLost(chosen, messageOf(error));
  }
}

// --- controls

function renderControls() {
  controls.render(media, room?.analysed ?? choice?.consent ?? false);
}

/** @param {string | null} [problem]  why a device could not be opened */
function mediaChanged(problem) {
  if (problem) status.show(problem, { kind: "error" });
  room?.refreshMedia();
  renderControls();
}

async function toggleMicrophone() {
  if (!media.microphone) return mediaChanged(await media.openMicrophone());
  media.setMuted(!media.muted);
  mediaChanged();
}

async function toggleCamera() {
  if (!media.camera) return mediaChanged(await media.openCamera());
  media.closeCamera();
  mediaChanged();
}

function toggleConsent() {
  if (room) room.setAnalysed(!room.analysed);
  else if (choice) choice.consent = !choice.consent; // applies after reconnecting
  renderControls();
}

function leaveAsAsked() {
  leave();
  status.show("You left the room.");
  lobby.focus();
}

async function copyLink() {
  const url = new URL(location.href);
  url.searchParams.delete("raw");
  try {
    await navigator.clipboard.writeText(url.href);
    status.show("The link to this room was copied.");
  } catch {
    status.show(`The link to this room: ${url.href}`);
  }
}

addEventListener("pagehide", () => room?.leave());
