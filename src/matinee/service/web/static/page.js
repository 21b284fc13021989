// The page on screen: its decision, the slots in it, and getting the next one.

import { device, member, moment } from "./api.js";
import { watch } from "./impressions.js";
import { settle } from "./rows.js";

/** The decision that made this page, as the service answered it. */
export const decision = () => JSON.parse(document.querySelector("#decision").textContent);

/** The slot of an element: where it stands, what it shows, and which decision put it there. */
export function slotOf(element) {
  const { row, column, item } = element.closest(".slot").dataset;
  return { decision_id: decision().decision_id, row: Number(row), column: Number(column), item_id: item };
}

/** What the decision says about a slot. */
export function shown({ row, column }) {
  const found = decision().rows.find((one) => one.row === row);
  return found.items.find((one) => one.column === column);
}

/** Replace the page with the next decision, keeping the reader's place. */
export async function refresh() {
  const main = document.querySelector("#page");
  const focused = document.activeElement?.closest?.(".slot")?.dataset.item;
  const query = new URLSearchParams({ user: member(), device: device(), part: "1", ...moment() });
  const answer = await fetch(`/home?${query}`);
  if (!answer.ok) throw new Error("The service is busy; the page stays as it is for now.");
  main.innerHTML = await answer.text();
  begin();
  const again = focused && main.querySelector(`.slot[data-item="${CSS.escape(focused)}"] button`);
  if (again) again.focus({ preventScroll: true });
}

/** Bring a freshly rendered page to life. */
export function begin() {
  settle();
  watch(decision().decision_id);
}
