// The page on screen: its decision, the slots in it, and another one when the member asks.

import { Away, company, device, fetched, member, moment } from "./api.js";
import { beAway } from "./away.js";
import { say } from "./dom.js";
import { watch } from "./impressions.js";
import { settle } from "./rows.js";
import { paint, stateOf } from "./state.js";

/** The dials that a page has. */
export const DIALS = ["diversity", "calibration", "novelty", "freshness", "exposure"];

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

/** What this page was asked for beside whose it is and when: the draw and the dials that were turned. */
const asked = new Map([...new URLSearchParams(location.search)].filter(([name]) => ["draw", ...DIALS].includes(name)));

/** Show the page that is asked for, and keep that in the address. Nothing but this changes the rows. */
async function renew() {
  const query = new URLSearchParams({ user: member(), device: device(), part: "1", ...Object.fromEntries(asked), ...moment() });
  const main = document.querySelector("#page");
  company().forEach((one) => query.append("with", one));
  main.innerHTML = await (await fetched(`${location.pathname}?${query}`)).text();
  begin();
  keepInAddress();
}

/** Write what is asked for into the address, also where Back has just taken it out again. */
export function keepInAddress() {
  const address = new URL(location);
  for (const name of ["draw", ...DIALS]) address.searchParams.delete(name);
  for (const [name, value] of asked) address.searchParams.set(name, value);
  history.replaceState(history.state, "", address);
}

/** Show a new page, drawn anew, rows and titles too. */
export async function another() {
  asked.set("draw", crypto.getRandomValues(new Uint32Array(1))[0] >>> 1);
  try {
    await renew();
    scrollTo({ top: 0 });
    document.querySelector("#page").querySelector(".pitch .primary, .poster")?.focus({ preventScroll: true });
  } catch (error) {
    if (error instanceof Away) beAway(another);
    else say(error.message);
  }
}

/** Show the page with these dials turned, by name; none: as the service has it. Resolves to how many titles are new. */
export async function turned(dials) {
  const before = new Set(titles());
  for (const name of DIALS) asked.delete(name);
  for (const [name, value] of Object.entries(dials)) asked.set(name, value);
  try {
    await renew();
    return titles().filter((one) => !before.has(one)).length;
  } catch (error) {
    if (error instanceof Away) beAway(() => turned(dials));
    else say(error.message);
    return null;
  }
}

const titles = () => [...new Set(decision().rows.flatMap((row) => row.items.map((item) => item.item_id)))];

/** Bring a freshly rendered page to life. */
export function begin() {
  settle();
  paint(".slot");
  if (decision()) watch(decision().decision_id);
}
