// What becomes visible is logged once, with its decision and slot; sent in batches, the last one as the page goes.

import { flush, keep } from "./outbox.js";

const SETTLED = 350; // milliseconds that a title must stay half in view
const EVERY = 1200; // milliseconds between batches

let timer = 0;
let observer;

export function watch(decisionId) {
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
    keep([{
      event_id: `seen:${decisionId}:${row}:${column}`, kind: "impression", item_id: item,
      decision_id: decisionId, row: Number(row), column: Number(column),
    }]);
    timer ||= setTimeout(sendAll, EVERY);
  }, SETTLED));
}

function sendAll() {
  clearTimeout(timer);
  timer = 0;
  flush({ keepalive: true }).catch(() => {});
}

addEventListener("visibilitychange", () => document.hidden && sendAll());
addEventListener("pagehide", sendAll);
