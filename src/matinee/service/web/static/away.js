// When the service does not answer: one notice, and everything that waits is tried again, by itself and by hand.

import { ask } from "./api.js";

const FIRST = 1000, LONGEST = 30000; // milliseconds between tries

const waiting = new Set();
let pause = FIRST;
let timer = 0;

const notice = document.querySelector("#away");

/** Say that the service is away; `redo` is called once when it is back. */
export function beAway(redo) {
  waiting.add(redo);
  notice.hidden = false;
  timer ||= setTimeout(retry, pause);
}

async function retry() {
  clearTimeout(timer);
  timer = 0;
  try {
    await ask("/health/live");
  } catch {
    pause = Math.min(2 * pause, LONGEST);
    timer = setTimeout(retry, pause);
    return;
  }
  pause = FIRST;
  notice.hidden = true;
  const redo = [...waiting];
  waiting.clear();
  for (const one of redo) await Promise.resolve(one()).catch(() => {});
}

notice.querySelector("button").addEventListener("click", retry);
addEventListener("online", () => waiting.size && retry());
