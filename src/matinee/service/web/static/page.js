// The page on screen: its decision, the slots in it, and another one when the member asks.

import { Away, device, fetched, member, moment } from "./api.js";
import { beAway } from "./away.js";
import { say } from "./dom.js";
import { watch } from "./impressions.js";
import { settle } from "./rows.js";
import { paint, stateOf } from "./state.js";

/** The decision that made this page, as the service answered it; none on the member's own list. */
export const decision = () => JSON.parse(document.querySelector("#decision")?.textContent ?? "null");

/** The slot of an element: where it stands, what it shows, and which decision put it there. */
export function slotOf(element) {
  const { row, column, item } = element.closest(".slot").dataset;
  const made = decision();
  return made ? { decision_id: made.decision_id, row: Number(row), column: Number(column), item_id: item } : { item_id: item };
}

/** What is known of the title in a slot. */
export function shown({ row, column, item_id }) {
  const found = decision()?.rows.find((one) => one.row === row)?.items.find((one) => one.column === column);
  return found ?? stateOf(item_id);
}

/** Show a new page, drawn anew, rows and titles too, and keep it in the address. Nothing but this changes the rows. */
export async function another() {
  const main = document.querySelector("#page");
  const draw = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
  const query = new URLSearchParams({ user: member(), device: device(), part: "1", draw, ...moment() });
  try {
    main.innerHTML = await (await fetched(`/home?${query}`)).text();
    begin();
    const address = new URL(location);
    address.searchParams.set("draw", draw);
    history.replaceState(history.state, "", address);
    scrollTo({ top: 0 });
    main.querySelector(".pitch .primary, .poster")?.focus({ preventScroll: true });
  } catch (error) {
    if (error instanceof Away) beAway(another);
    else say(error.message);
  }
}

/** Bring a freshly rendered page to life. */
export function begin() {
  settle();
  paint(".slot");
  if (decision()) watch(decision().decision_id);
}
