// A player without a film: it keeps time, reports how much was watched, and lets one skip to the end.

import { send } from "./api.js";
import { art, make, say, show } from "./dom.js";
import { refresh } from "./page.js";

const LENGTH = 30; // seconds that a whole title takes here
const REPORTS = [0.1, 0.5, 0.9]; // shares watched at which progress is reported

/** Play `item`; each report is a play event with the share watched as its value. */
export async function play(item, slot) {
  const dialog = document.querySelector("#player");
  const state = { share: 0, told: 0, playing: true, at: performance.now() };
  const range = make("input", { type: "range", min: 0, max: 1000, value: 0, "aria-label": "Watched so far" });
  const output = make("output", {}, "0 %");
  const toggle = make("button", { type: "button", class: "quiet" }, "Pause");
  const tell = async () => {
    if (state.share <= state.told) return;
    state.told = state.share;
    await send([{ kind: "play", value: Math.round(state.share * 1000) / 1000, ...slot }]);
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
    if (REPORTS.some((mark) => state.told < mark && state.share >= mark)) tell().catch((error) => say(error.message));
    draw();
  };
  range.addEventListener("input", () => { state.share = range.value / 1000; tick(); });
  toggle.addEventListener("click", () => { state.playing = !state.playing && state.share < 1; tick(); });
  const clock = setInterval(tick, 250);
  const closed = show(dialog,
    make("div", { class: "screen" }, make("img", { src: art(item, true), alt: "" })),
    make("div", { class: "controls" }, make("h2", { id: "player-title" }, item.title), toggle, range, output));
  toggle.focus();
  await closed;
  clearInterval(clock);
  try {
    await tell();
    say(state.share >= 0.9 ? "Watched. The next page knows." : "Stopped. You can continue later.");
    await refresh();
  } catch (error) {
    say(error.message);
  }
}
