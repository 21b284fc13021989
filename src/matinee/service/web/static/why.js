// Why this page: first in words, then row by row, and the numbers for those who want them.

import { make } from "./dom.js";
import { decision } from "./page.js";
import { tuned } from "./tune.js";

/** What kinds of rows come from, in the order in which it is told. */
const SOURCES = [
  ["from what you liked and watched", /^because_you_/],
  ["that you chose yourself", /^(continue_watching|my_list|watch_again)$/],
  ["picked for you", /^(billboard|top_picks)$/],
  ["by chance", /^by_chance$/],
  ["by genre", /^genre/],
  ["from what is new or popular", /./],
];

const percent = (logProb) => {
  const p = 100 * Math.exp(logProb);
  return p >= 99.95 ? "100 %" : p >= 0.1 ? `${p.toFixed(1)} %` : `e^${logProb.toFixed(1)}`;
};

/** The panel's contents. */
export function explain() {
  const page = decision();
  return [
    make("h2", { id: "panel-title" }, "Why this page"),
    make("p", {}, summary(page)),
    tuned() && make("p", {}, tuned()),
    page.fallback ? make("p", { class: "facts" }, "This is a simpler page than usual: the usual one could not be made just now.") : null,
    make("p", { class: "facts" }, "Press “Show me a new page” for another one. What you like, list, hide and watch shapes it."),
    ...page.rows.map(rowOf),
    make("details", { class: "numbers" }, make("summary", {}, "For engineers"), ...numbers(page)),
  ];
}

function summary({ rows }) {
  const counts = new Map();
  for (const { kind } of rows) {
    const [words] = SOURCES.find(([, kinds]) => kinds.test(kind));
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  const parts = SOURCES.filter(([words]) => counts.has(words)).map(([words]) => `${counts.get(words)} ${words}`);
  return `${rows.length} ${rows.length === 1 ? "row" : "rows"}: ${parts.join(", ")}.`;
}

function rowOf(row) {
  const lines = row.items.map((item) => make("li", {}, item.title, make("div", { class: "facts" }, item.reason ?? "")));
  return make("details", {}, make("summary", {}, make("span", {}, row.title)), make("ul", {}, ...lines));
}

function numbers(page) {
  return [
    make("p", { class: "facts" }, "Every row and title was drawn with a known probability. The score is the estimated chance that you enjoy the title, if you look at it."),
    facts({
      Decision: page.decision_id, Policy: page.policy_id, Artifact: page.artifact_id,
      "Fell back": page.fallback ? `to ${page.fallback.step}: ${page.fallback.missed.map((one) => `${one.step}, ${one.reason}`).join("; ")}` : "no, the intended policy answered",
      "Log-probability": page.log_prob.toFixed(3),
    }),
    ...page.rows.map(table),
    make("h3", {}, "Timings"), facts(Object.fromEntries(Object.entries(page.timings).map(([stage, ms]) => [stage, `${ms.toFixed(2)} ms`]))),
  ];
}

function facts(pairs) {
  return make("dl", {}, ...Object.entries(pairs).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value || "none")]));
}

function table(row) {
  const head = make("tr", {}, make("th", { scope: "col" }, "Title"), make("th", { scope: "col", class: "n" }, "score"), make("th", { scope: "col", class: "n" }, "chance"));
  const lines = row.items.map((item) => make("tr", {},
    make("td", {}, item.title), make("td", { class: "n" }, item.score.toFixed(3)), make("td", { class: "n" }, percent(item.log_prob))));
  return make("table", {},
    make("caption", {}, `${row.row + 1}. ${row.title}`, make("span", { class: "n" }, ` ${row.kind.replaceAll("_", " ")} · ${percent(row.log_prob)}`)),
    make("thead", {}, head), make("tbody", {}, ...lines));
}
