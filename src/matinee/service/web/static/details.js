// The details of a title: what it is, why it is here, what one can do, and what goes with it.

import { act, hideGenre } from "./actions.js";
import { Away, company, member, post } from "./api.js";
import { beAway } from "./away.js";
import { art, button, icon, make, poster, show } from "./dom.js";
import { send } from "./outbox.js";
import { play } from "./player.js";
import { paint } from "./state.js";

const DEEDS = [["thumbs_up", "I like this"], ["thumbs_down", "Not good"], ["list", "My list"], ["dismiss", "Not for me"], ["seen", "Seen elsewhere"]];

/** Open the details of `item`, which stands in `slot` (without a place when it came from search). */
export async function open(item, slot) {
  const alone = !company().length; // more titles would be for who asked, not for all
  const strip = make("ul", { class: "strip", "aria-label": `More like ${item.title}` });
  show(document.querySelector("#details"),
    make("img", { class: "backdrop", src: art(item, true), alt: "", width: 1600, height: 900 }),
    make("div", { class: "body slot", "data-item": item.item_id },
      make("h2", { id: "details-title" }, item.title),
      make("p", { class: "facts" }, [item.year, ...item.genres].filter(Boolean).join(" · ")),
      item.reason ? make("p", { class: "reason" }, item.reason) : null,
      make("p", { class: "does" }, playButton(item, slot), ...DEEDS.map(([kind, words]) => deed(kind, words, slot))),
      item.genres.length ? make("p", { class: "hides" }, "Never show me ", ...item.genres.map(genreChip)) : null,
      ...(alone ? [make("h3", {}, "More like this"), strip] : [])));
  send([{ kind: "open", ...slot }]).catch(() => {});
  if (alone) alike(item, strip);
}

const playButton = (item, slot) =>
  button({ class: "primary", "data-do": "play" }, () => play(item, slot), icon("play"), make("span", {}, "Play"));

const deed = (kind, words, slot) =>
  button({ class: "quiet", "data-do": kind, "aria-pressed": "false" }, () => act(kind, slot), icon(kind), icon("check"), words);

const genreChip = (genre) =>
  button({ class: "chip", "data-genre": genre, "aria-pressed": "false" }, () => hideGenre(genre), icon("check"), genre);

async function alike(item, strip) {
  try {
    const page = await post("/v1/similar", { item_id: item.item_id, user_id: member(), n: 12 });
    const row = page.rows[0] ?? { row: 0, items: [] };
    const place = (one) => ({ decision_id: page.decision_id, row: row.row, column: one.column, item_id: one.item_id });
    strip.replaceChildren(...row.items.map((one) =>
      make("li", { class: "card slot", "data-item": one.item_id }, button({ class: "poster" }, () => open(one, place(one)), ...poster(one)))));
    paint("#details .card");
  } catch (error) {
    if (error instanceof Away) beAway(() => alike(item, strip));
    strip.replaceChildren(make("li", { class: "facts" }, error.message));
  }
}

/** The details that are open show what stands. */
new MutationObserver(() => paint("#details .body")).observe(document.querySelector("#details"), { childList: true });
