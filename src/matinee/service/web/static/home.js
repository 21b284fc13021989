// A member's pages: wires clicks and keys to what they do.

import { act } from "./actions.js";
import { open } from "./details.js";
import { show } from "./dom.js";
import "./keys.js";
import "./messages.js";
import { flush } from "./outbox.js";
import { another, begin, shown, slotOf } from "./page.js";
import { play } from "./player.js";
import { scrollBy } from "./rows.js";
import { begin as beginSearch } from "./search.js";
import { load, read } from "./state.js";
import { tune } from "./tune.js";
import { explain } from "./why.js";

const KEYS = { p: "play", u: "thumbs_up", d: "thumbs_down", l: "list", x: "dismiss", e: "seen" };

function perform(kind, element) {
  if (kind === "again") return another();
  if (kind === "tune") return tune();
  const slot = slotOf(element);
  if (kind === "play") play(shown(slot), slot);
  else if (kind === "open") open(shown(slot), slot);
  else act(kind, slot);
}

document.querySelectorAll(".chips [aria-current]").forEach((chosen) => chosen.scrollIntoView({ block: "nearest", inline: "center" }));

document.querySelector("#page").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.scroll) scrollBy(button);
  else if (button?.dataset.do) perform(button.dataset.do, button);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "/" && event.target.id !== "query") {
    event.preventDefault();
    document.querySelector("#query")?.focus();
  } else if (event.target.matches?.("#page .poster") && KEYS[event.key]) {
    perform(KEYS[event.key], event.target);
  }
});

/** Whoever comes back to this tab sees what the log says now. */
const refreshed = () => document.hidden || read().catch(() => {});
addEventListener("focus", refreshed);
addEventListener("visibilitychange", refreshed);
addEventListener("pageshow", ({ persisted }) => persisted && refreshed());

document.querySelector("#tune")?.addEventListener("click", tune);
document.querySelector("#why")?.addEventListener("click", () => show(document.querySelector("#panel"), ...explain()));
load(JSON.parse(document.querySelector("#state").textContent));
if (document.querySelector("#query")) beginSearch();
begin();
flush().catch(() => {});
