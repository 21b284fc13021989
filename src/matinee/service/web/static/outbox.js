// Events on their way: kept in this browser until the service has them on disk, and sent again under the same ids.

import { Away, company, device, member, post, serviceTime } from "./api.js";
import { beAway } from "./away.js";

const PREFIX = "matinee:event:";
const MOST = 200; // events in a batch
const unkept = new Map(); // what the browser would not keep
let count = 0;
let flying = null;

/** Events that the service has not acknowledged, oldest first. */
function waiting() {
  const stored = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map((key) => [key, JSON.parse(localStorage[key])]);
  return [...stored, ...unkept].sort(([one], [other]) => (one < other ? -1 : 1));
}

function write(key, event) {
  try { localStorage.setItem(key, JSON.stringify(event)); } catch { unkept.set(key, event); }
}

function forget(key) {
  unkept.delete(key);
  localStorage.removeItem(key);
}

/** What is played counts for all who watch; to those who were not asked it came from elsewhere. */
function forAll(event) {
  if (!["play", "play_clear"].includes(event.kind)) return [event];
  const { decision_id, row, column, ...plain } = event;
  return [event, ...company().map((user_id) => ({ ...plain, user_id, source: "together" }))];
}

/** Keep events until they are sent. */
export function keep(events) {
  for (const event of events.flatMap(forAll)) {
    const place = `${Date.now()}:${String(count++).padStart(6, "0")}`;
    write(`${PREFIX}${place}:${crypto.randomUUID()}`, { event_id: crypto.randomUUID(), user_id: member(), device: device(), ...event });
  }
}

export const settled = () => !waiting().length;

/** Log events; resolves when they are on disk. While the service is away they wait, and `Away` is thrown. */
export function send(events, options = {}) {
  keep(events);
  return flush(options);
}

/** Send all that waits, in its order, one batch at a time; `keepalive` lets a batch outlive the page. */
export async function flush(options = {}) {
  while (flying) await flying.catch(() => {});
  flying = deliver(options);
  try { await flying; } finally { flying = null; }
}

async function deliver(options) {
  for (let batch = waiting().slice(0, MOST); batch.length; batch = waiting().slice(0, MOST)) {
    const { results } = await post("/v1/events", { events: batch.map(([, event]) => event) }, options).catch((error) => failed(error, batch));
    batch.forEach(([key]) => forget(key));
    const refused = results.find((one) => one.status === "rejected");
    if (refused) throw new Error(refused.reason);
  }
}

/** What was not acknowledged keeps the time at which it happened; what the service cannot read is dropped. */
function failed(error, batch) {
  for (const [key, event] of batch) {
    if (error instanceof Away) write(key, { timestamp: serviceTime(), ...event });
    else forget(key);
  }
  if (error instanceof Away) beAway(flush);
  throw error;
}
