// Talking to the service: one place for requests, events and what goes wrong.

export const member = () => document.querySelector("#page").dataset.user;

export async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(json.message || `The service answered ${answer.status}.`);
  return json;
}

export const post = (path, body, options = {}) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), ...options });

/** Log events; resolves when they are on disk. `keepalive` lets them outlive the page. */
export async function send(events, options = {}) {
  const filled = events.map((event) => ({ event_id: crypto.randomUUID(), user_id: member(), device: device(), ...event }));
  const { results } = await post("/v1/events", { events: filled }, options);
  const refused = results.find((one) => one.status === "rejected");
  if (refused) throw new Error(refused.reason);
}

export const device = () => document.querySelector("#page").dataset.device;

/** The browser's own clock: what the page should know about the moment. Monday is 0. */
export function moment(now = new Date()) {
  return { hour: now.getHours(), weekday: (now.getDay() + 6) % 7 };
}
