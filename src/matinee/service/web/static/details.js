// The details of a title: what it is, why it is here, what one can do, and what goes with it.

import { act } from "./actions.js";
import { member, post, send } from "./api.js";
import { art, icon, make, say, show } from "./dom.js";
import { play } from "./player.js";

const DEEDS = [["thumbs_up", "I like this"], ["thumbs_down", "Not good"], ["list_add", "My list"], ["list_remove", "Off my list"], ["dismiss", "Not for me"]];

/** Open the details of `item`, which stands in `slot` (without a place when it came from search). */
export function open(item, slot) {
  const dialog = document.querySelector("#details");
  const strip = make("ul", { class: "strip", "aria-label": `More like ${item.title}` });
  show(dialog,
    make("img", { class: "backdrop", src: art(item, true), alt: "", width: 1600, height: 900 }),
    make("div", { class: "body" },
      make("h2", { id: "details-title" }, item.title),
      make("p", { class: "facts" }, [item.year, ...item.genres].filter(Boolean).join(" · ")),
      item.reason ? make("p", { class: "reason" }, item.reason) : null,
      make("p", { class: "does" }, playButton(dialog, item, slot), ...deedButtons(dialog, slot)),
      make("h3", {}, "More like this"), strip));
  send([{ kind: "open", ...slot }]).catch((error) => say(error.message));
  alike(item, strip).catch((error) => strip.append(make("li", { class: "facts" }, error.message)));
}

function playButton(dialog, item, slot) {
  const button = make("button", { type: "button", class: "primary", "data-do": "play" }, icon("play"), "Play");
  button.addEventListener("click", () => { dialog.close(); play(item, slot); });
  return button;
}

function deedButtons(dialog, slot) {
  const listed = document.querySelector(`.row[data-kind="my_list"] .slot[data-item="${CSS.escape(slot.item_id)}"]`);
  return DEEDS.filter(([kind]) => kind !== (listed ? "list_add" : "list_remove")).map(([kind, words]) => {
    const button = make("button", { type: "button", class: "quiet", "data-do": kind }, icon(kind), words);
    button.addEventListener("click", () => { dialog.close(); act(kind, slot); });
    return button;
  });
}

async function alike(item, strip) {
  const page = await post("/v1/similar", { item_id: item.item_id, user_id: member(), n: 12 });
  const row = page.rows[0] ?? { row: 0, items: [] };
  strip.replaceChildren(...row.items.map((one) => {
    const button = make("button", { type: "button", class: "poster" }, make("img", { src: art(one), alt: one.title, loading: "lazy", width: 300, height: 450 }));
    button.addEventListener("click", () => open(one, { decision_id: page.decision_id, row: row.row, column: one.column, item_id: one.item_id }));
    return make("li", { class: "card" }, button);
  }));
}
