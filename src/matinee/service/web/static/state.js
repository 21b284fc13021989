// What stands of the member's deeds, title by title and in every tab: read from the log, shown on cards and buttons.

import { ask, member } from "./api.js";
import { icon, make } from "./dom.js";
import { flush, settled } from "./outbox.js";

const BLANK = { thumb: null, listed: false, hidden: false, seen: false, watched: null };
const BEGUN = 0.1, DONE = 0.9; // shares watched

const tabs = new BroadcastChannel("matinee");
let titles = new Map();
let genres = new Set(); // hidden ones
let changes = 0;

export const stateOf = (item) => ({ ...BLANK, ...titles.get(item) });
export const isHidden = (state) => state.hidden || state.thumb === "down";
export const isUnfinished = ({ watched }) => watched >= BEGUN && watched < DONE;

/** An episode as people say it. */
export const episode = ({ season, episode, name }) => `S${season} E${episode}${name ? ` – ${name}` : ""}`;

export const isHiddenGenre = (genre) => genres.has(genre);

/** Where a button is pressed. */
const PRESSED = {
  thumbs_up: (state) => state.thumb === "up",
  thumbs_down: (state) => state.thumb === "down",
  list: (state) => state.listed,
  dismiss: (state) => state.hidden,
  seen: (state) => state.seen,
};

/** Change what stands of one title, here and in the other tabs of this browser. */
export function put(item, change) {
  changes++;
  remember(item, change);
  tabs.postMessage({ user: member(), item, change });
}

/** Hide a genre, or no longer, here and in the other tabs. */
export function putGenre(genre, hides) {
  changes++;
  rememberGenre(genre, hides);
  tabs.postMessage({ user: member(), genre, hides });
}

function rememberGenre(genre, hides) {
  if (hides) genres.add(genre); else genres.delete(genre);
  paint(".slot");
}

function remember(item, change) {
  titles.set(item, { ...titles.get(item), ...change });
  paint(`.slot[data-item="${CSS.escape(item)}"]`);
}

/** Take over what the log says. */
export function load(stands) {
  titles = new Map(stands.titles.map((title) => [title.item_id, title]));
  genres = new Set(stands.blocked_genres);
  paint(".slot");
}

/** Ask the log what stands, once all of ours is there; again where more was done meanwhile. */
export async function read() {
  for (;;) {
    await flush();
    const before = changes;
    const stands = await ask(`/v1/state?${new URLSearchParams({ user_id: member() })}`);
    if (before === changes && settled()) return load(stands);
  }
}

/** Show what stands on the slots that `selector` finds. */
export function paint(selector) {
  document.querySelectorAll(selector).forEach((slot) => {
    const state = stateOf(slot.dataset.item);
    const gone = isHidden(state) || JSON.parse(slot.dataset.genres ?? "[]").some(isHiddenGenre);
    slot.classList.toggle("gone", gone);
    slot.querySelectorAll("[data-do]").forEach((button) => dress(button, state));
    slot.querySelectorAll("[data-genre]").forEach((chip) => chip.setAttribute("aria-pressed", String(isHiddenGenre(chip.dataset.genre))));
    slot.querySelectorAll("[data-next]").forEach((line) => { if (state.next) line.textContent = episode(state.next); });
    const poster = slot.matches(".card") && slot.querySelector(".poster");
    if (poster) mark(poster, state, gone);
  });
}

function dress(button, state) {
  const pressed = PRESSED[button.dataset.do];
  if (pressed) button.setAttribute("aria-pressed", String(pressed(state)));
  if (button.dataset.do === "play") button.querySelector("span").textContent = words(state);
}

/** What the button says that plays: of a series that was begun also which episode. */
function words(state) {
  const does = isUnfinished(state) ? "Continue" : "Play";
  return state.next && state.watched !== null ? `${does} S${state.next.season} E${state.next.episode}` : does;
}

/** Small signs on a poster, in words for those who cannot see them. */
function mark(poster, state, gone) {
  poster.querySelector(".marks")?.remove();
  const signs = [
    [gone, "dismiss", "Hidden from your pages"],
    [state.thumb === "up", "thumbs_up", "You like this"],
    [state.listed, "check", "On your list"],
    [state.seen || state.watched >= DONE, "seen", state.seen ? "Seen elsewhere" : "Watched"],
  ].filter(([stands]) => stands);
  const progress = isUnfinished(state) ? make("progress", { max: 1, value: state.watched, "aria-hidden": "true" }) : null;
  const words = [...signs.map(([, , said]) => said), progress && `${Math.round(100 * state.watched)} % watched`].filter(Boolean);
  if (!words.length) return;
  poster.append(make("span", { class: "marks" }, ...signs.map(([, drawing]) => icon(drawing)), progress, make("span", { class: "unseen" }, `${words.join(". ")}.`)));
}

tabs.addEventListener("message", ({ data }) => {
  if (data.user !== member()) return;
  if (data.genre) rememberGenre(data.genre, data.hides);
  else remember(data.item, data.change);
});
