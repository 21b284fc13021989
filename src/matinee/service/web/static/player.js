// A player without a film: it starts where the member stopped, keeps time, and reports how much was watched.

import { undo } from "./actions.js";
import { art, button, make, say, show } from "./dom.js";
import { send } from "./outbox.js";
import { episode, isUnfinished, put, read, stateOf } from "./state.js";

const LENGTH = 30; // seconds that a whole title takes here
const REPORTS = [0.1, 0.5, 0.9]; // shares watched at which progress is reported

/** Play `item`, of a series the next episode; each report is a play event with the share watched as its value. */
export async function play(item, slot) {
  const before = stateOf(slot.item_id);
  const next = before.next ?? item.next;
  const played = next ? { ...slot, item_id: next.item_id } : slot;
  const start = next ? next.resume : isUnfinished(before) ? before.watched : 0;
  const state = { share: start, told: start, playing: true, at: performance.now() };
  const dialog = document.querySelector("#player");
  const range = make("input", { type: "range", min: 0, max: 1000, step: 10, "aria-label": "Watched so far" });
  const output = make("output", {});
  const toggle = button({ class: "quiet" }, () => { state.playing = !state.playing && state.share < 1; tick(); });
  const tell = () => {
    if (state.share === state.told) return;
    state.told = Math.round(state.share * 1000) / 1000;
    put(slot.item_id, { watched: state.told, hidden: false, seen: false });
    send([{ kind: "play", value: state.told, ...played }]).catch(() => {});
  };
  const draw = () => {
    range.value = Math.round(state.share * 1000);
    output.textContent = `${Math.round(state.share * 100)} %`;
    toggle.textContent = state.playing ? "Pause" : state.share < 1 ? "Play" : "Watched";
    dialog.classList.toggle("playing", state.playing);
  };
  const tick = () => {
    const now = performance.now();
    if (state.playing) state.share = Math.min(1, state.share + (now - state.at) / 1000 / LENGTH);
    state.at = now;
    if (state.share >= 1) state.playing = false;
    if (REPORTS.some((mark) => state.told < mark && state.share >= mark)) tell();
    draw();
  };
  range.addEventListener("input", () => { state.share = range.value / 1000; tick(); });
  const clock = setInterval(tick, 250);
  draw();
  await show(dialog,
    make("div", { class: "screen" }, make("img", { src: art(item, true), alt: "" })),
    make("div", { class: "controls" }, make("h2", { id: "player-title" }, item.title), next ? make("p", { class: "facts" }, episode(next)) : null, toggle, range, output));
  clearInterval(clock);
  tell();
  const words = state.share >= 0.9 ? "Watched. Your next page knows." : `Stopped at ${Math.round(state.share * 100)} %. It goes on from there.`;
  say(words, () => (next ? unplay(next) : undo(slot.item_id, before)));
  if (next) read().catch(() => {});
}

/** Take back that an episode was played; where it had been begun before, it is so again. */
async function unplay({ item_id, resume }) {
  const told = resume ? { kind: "play", value: resume } : { kind: "play_clear" };
  await send([{ ...told, item_id }]).catch(() => {});
  await read().catch(() => {});
  say("Undone.");
}
