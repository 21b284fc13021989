// Talking to the service: one place for requests and what goes wrong.

const page = () => document.querySelector("#page").dataset;
export const member = () => page().user;
export const device = () => page().device;

/** Who else watches this page. */
export const company = () => JSON.parse(page().company ?? "[]");

/** The service does not answer now; asking again later is right. */
export class Away extends Error {}

let ahead = 0; // milliseconds by which the service's clock is ahead of ours

/** The answer to a request that went well; else an error in words, `Away` when nobody answered. */
export async function fetched(path, options = {}) {
  const answer = await fetch(path, options).catch(() => { throw new Away("Matinee does not answer."); });
  if ([502, 503, 504].includes(answer.status)) throw new Away("Matinee has too much to do.");
  if (answer.headers.has("date")) ahead = Date.parse(answer.headers.get("date")) - Date.now();
  if (answer.ok) return answer;
  const { message } = await answer.json().catch(() => ({}));
  throw new Error(message || `The service answered ${answer.status}.`);
}

export const ask = async (path, options) => (await fetched(path, options)).json();

export const sending = (method, body) => ({ method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

export const post = (path, body, options = {}) => ask(path, { ...sending("POST", body), ...options });

/** Now, by the clock of the service. */
export const serviceTime = () => new Date(Date.now() + ahead).toISOString();

/** The browser's own clock: what the page should know about the moment. Monday is 0. */
export function moment(now = new Date()) {
  return { hour: now.getHours(), weekday: (now.getDay() + 6) % 7 };
}
