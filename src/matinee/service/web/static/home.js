// The home page: wires clicks and keys to what they do.

import { act } from "./actions.js";
import { open } from "./details.js";
import { begin, shown, slotOf } from "./page.js";
import { play } from "./player.js";
import { scrollBy, walk } from "./rows.js";
import { begin as beginSearch } from "./search.js";
import { explain } from "./why.js";

const KEYS = { p: "play", u: "thumbs_up", d: "thumbs_down", l: "list_add", x: "dismiss" };

function perform(kind, element) {
  const slot = slotOf(element);
  if (kind === "play") play(shown(slot), slot);
  else if (kind === "open") open(shown(slot), slot);
  else act(kind, slot);
}

document.querySelector("#page").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.scroll) scrollBy(button);
  else if (button?.dataset.do) perform(button.dataset.do, button);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "/" && event.target.id !== "query") {
    event.preventDefault();
    document.querySelector("#query").focus();
  } else if (walk(event)) {
    event.preventDefault();
  } else if (event.target.matches?.("#page .poster") && KEYS[event.key]) {
    perform(KEYS[event.key], event.target);
  }
});

document.querySelector("#why").addEventListener("click", explain);
document.querySelectorAll("dialog").forEach((dialog) =>
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()));
beginSearch();
begin();
