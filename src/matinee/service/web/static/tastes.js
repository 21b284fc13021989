// Your tastes: each belief has a remedy that holds from the next page on, and each remedy can be undone.

import { device, fetched, member, post } from "./api.js";
import { say, show } from "./dom.js";
import "./keys.js";
import { flush, send } from "./outbox.js";
import { begin as beginSearch } from "./search.js";
import { load } from "./state.js";

const main = document.querySelector("#page");
const sure = document.querySelector("#sure");
const CLEARED_BY = { dismissed: "dismiss_clear", disliked: "thumbs_clear", seen: "seen_clear" };
const SAID_BY = { dismissed: "dismiss", disliked: "thumbs_down", seen: "seen" };

/** Show what is believed now; the focus stays on the button that stands where the last one stood. */
async function renew() {
  const buttons = () => [...main.querySelectorAll("button, a.quiet")];
  const at = Math.max(buttons().indexOf(document.activeElement), 0);
  const query = new URLSearchParams({ user: member(), device: device(), part: "1" });
  main.innerHTML = await (await fetched(`/tastes?${query}`)).text();
  (buttons()[at] ?? main).focus({ preventScroll: true });
}

/** Do something, show what became of it, and offer the way back. */
async function remedy(deed, words, back = null) {
  try {
    await deed();
    await renew();
    say(words, back);
  } catch (error) { say(error.message); }
}

const wishOf = (about, body) => post(`/v1/wishes/${about}`, { user_id: member(), ...body });

function ofGenre(genre, wish) {
  const before = [...main.querySelectorAll(`[data-genre="${CSS.escape(genre)}"] [data-wish="usual"]`)].length;
  const stood = before ? (main.querySelector(`.chips [data-genre="${CSS.escape(genre)}"] .facts`)?.textContent.startsWith("never") ? "never" : "less") : "usual";
  const words = { never: `${genre} is hidden everywhere.`, less: `Less ${genre} from now on.`, usual: `${genre} counts as usual again.` }[wish];
  const set = (wanted) => () => wishOf("genre", { genre, wish: wanted });
  return remedy(set(wish), words, () => remedy(set(stood), "Undone."));
}

/** Nothing of a title counts any more; it stays known as seen, so that it does not come back as new. */
function uncount({ item, because }) {
  const counted = JSON.parse(because);
  const away = [...counted.map(({ item_id, cleared_by }) => ({ kind: cleared_by, item_id })), { kind: "seen", item_id: item }];
  const again = [{ kind: "seen_clear", item_id: item }, ...counted.toReversed().map(({ item_id, kind, value }) => ({ kind, item_id, ...(value !== null && { value }) }))];
  return remedy(() => send(away), "It no longer counts.", () => remedy(() => send(again), "Undone."));
}

function bringBack({ item, why }) {
  if (why === "blocked") {
    const set = (wish) => () => wishOf("title", { item_id: item, wish });
    return remedy(set("usual"), "It may be on your pages again.", () => remedy(set("never"), "Undone."));
  }
  const tell = (kind) => () => send([{ kind, item_id: item }]);
  return remedy(tell(CLEARED_BY[why]), "It may be on your pages again.", () => remedy(tell(SAID_BY[why]), "Undone."));
}

async function remove() {
  const problem = sure.querySelector(".problem");
  try {
    await flush();
    await fetched(`/v1/profiles/${encodeURIComponent(member())}`, { method: "DELETE" });
    location.assign("/");
  } catch (error) { problem.textContent = error.message; }
}

main.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  if (button.dataset.wish) ofGenre(button.closest("[data-genre]").dataset.genre, button.dataset.wish);
  else if ("uncount" in button.dataset) uncount(button.closest("li").dataset);
  else if ("back" in button.dataset) bringBack(button.closest("li").dataset);
  else if (button.id === "delete") show(sure);
});
document.querySelector("#keep").addEventListener("click", () => sure.close());
document.querySelector("#remove").addEventListener("click", remove);

load(JSON.parse(document.querySelector("#state").textContent));
beginSearch();
flush().catch(() => {});
