// What a member can do with a title or a genre: each deed is a change of what stands, told to the service, and can be undone.

import { Away, member, post } from "./api.js";
import { say } from "./dom.js";
import { send } from "./outbox.js";
import { isHidden, isHiddenGenre, put, putGenre, read, stateOf } from "./state.js";

/** What pressing a button changes, given what stands. */
const CHANGES = {
  thumbs_up: ({ thumb }) => (thumb === "up" ? { thumb: null } : { thumb: "up", hidden: false }),
  thumbs_down: ({ thumb }) => ({ thumb: thumb === "down" ? null : "down" }),
  list: ({ listed }) => (listed ? { listed: false } : { listed: true, hidden: false }),
  dismiss: (state) => (isHidden(state) ? { hidden: false, thumb: state.thumb === "down" ? null : state.thumb } : { hidden: true }),
  seen: ({ seen }) => ({ seen: !seen }),
};

const SAID = {
  thumbs_up: ({ thumb }) => (thumb ? "You like this. Your next page knows." : "Your like is taken back."),
  thumbs_down: ({ thumb }) => (thumb ? "Noted: less like this." : "Your thumbs down is taken back."),
  list: ({ listed }) => (listed ? "On your list." : "Off your list."),
  dismiss: ({ hidden }) => (hidden ? "Hidden from your pages." : "It may be on your pages again."),
  seen: ({ seen }) => (seen ? "Noted: it is no longer offered as new." : "It may be offered as new again."),
};

/** The events that lead from one state to another. */
function events(from, to) {
  const told = [];
  if (from.hidden !== to.hidden) told.push({ kind: to.hidden ? "dismiss" : "dismiss_clear" });
  if (from.thumb !== to.thumb) told.push({ kind: to.thumb ? `thumbs_${to.thumb}` : "thumbs_clear" });
  if (from.listed !== to.listed) told.push({ kind: to.listed ? "list_add" : "list_remove" });
  if (from.seen !== to.seen) told.push({ kind: to.seen ? "seen" : "seen_clear" });
  if (from.watched !== to.watched) told.push(to.watched === null ? { kind: "play_clear" } : { kind: "play", value: to.watched });
  return told;
}

/** Press a button of a slot: the title changes here at once, the rest of the page stays. */
export function act(kind, slot) {
  const before = stateOf(slot.item_id);
  change(slot, CHANGES[kind](before));
  say(SAID[kind](stateOf(slot.item_id)), () => undo(slot.item_id, before));
}

/** Bring a title back to what stood before. */
export function undo(item_id, { thumb, listed, hidden, seen, watched }) {
  change({ item_id }, { thumb, listed, hidden, seen, watched });
  say("Undone.");
}

function change(slot, to) {
  const before = stateOf(slot.item_id);
  put(slot.item_id, to);
  send(events(before, stateOf(slot.item_id)).map((event) => ({ ...event, ...slot }))).catch(refused);
}

/** Hide a genre everywhere, or no longer: it holds from the next answer on. */
export async function hideGenre(genre) {
  const hides = !isHiddenGenre(genre);
  const wish = async (wanted, words, back) => {
    try {
      await post("/v1/wishes/genre", { user_id: member(), genre, wish: wanted ? "never" : "usual" });
      putGenre(genre, wanted);
      say(words, back);
    } catch (error) { say(error.message); }
  };
  const words = hides ? `${genre} is hidden everywhere.` : `${genre} may be on your pages again.`;
  await wish(hides, words, () => wish(!hides, "Undone."));
}

/** What waits for the service still stands; what it refused does not. */
function refused(error) {
  if (error instanceof Away) return;
  say(error.message);
  read().catch(() => {});
}
