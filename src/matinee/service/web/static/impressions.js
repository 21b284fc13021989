// What becomes visible is logged once, with its decision and slot; sent in batches, the last one as the page goes.

import { send } from "./api.js";

const SETTLED = 350; // milliseconds that a title must stay half in view
const EVERY = 1200; // milliseconds between batches
const MOST = 200; // events in a batch

let waiting = [];
let timer = 0;
let observer;

export function watch(decisionId) {
  flush();
  observer?.disconnect();
  const since = new Map();
  observer = new IntersectionObserver((entries) => entries.forEach((entry) => note(entry, since, decisionId)), { threshold: 0.5 });
  document.querySelectorAll("#page .slot").forEach((slot) => observer.observe(slot));
}

function note({ target, isIntersecting }, since, decisionId) {
  clearTimeout(since.get(target));
  if (!isIntersecting) return;
  since.set(target, setTimeout(() => {
    observer.unobserve(target);
    const { row, column, item } = target.dataset;
    waiting.push({
      event_id: `seen:${decisionId}:${row}:${column}`, kind: "impression", item_id: item,
      decision_id: decisionId, row: Number(row), column: Number(column),
    });
    timer ||= setTimeout(flush, EVERY);
  }, SETTLED));
}

function flush() {
  clearTimeout(timer);
  timer = 0;
  const batch = waiting.splice(0, MOST);
  if (!batch.length) return;
  send(batch, { keepalive: true }).catch(() => {
    waiting = [...batch, ...waiting].slice(0, 5 * MOST); // sending again is safe: event ids stay the same
    timer ||= setTimeout(flush, 4 * EVERY);
  });
  if (waiting.length) timer = setTimeout(flush, 0);
}

addEventListener("visibilitychange", () => document.hidden && flush());
addEventListener("pagehide", flush);
