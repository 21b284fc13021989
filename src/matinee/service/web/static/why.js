// Why this page: the decision itself, with its rows, scores, probabilities and timings.

import { make, show } from "./dom.js";
import { decision } from "./page.js";

const percent = (logProb) => {
  const p = 100 * Math.exp(logProb);
  return p >= 99.95 ? "100 %" : p >= 0.1 ? `${p.toFixed(1)} %` : `e^${logProb.toFixed(1)}`;
};

export function explain() {
  const page = decision();
  show(document.querySelector("#panel"),
    make("h2", { id: "panel-title" }, "Why this page"),
    make("p", { class: "facts" }, "Every row and title was drawn with a known probability. The score is the estimated chance that you enjoy the title, if you look at it."),
    facts({
      Decision: page.decision_id, Policy: page.policy_id, Artifact: page.artifact_id,
      "Fell back": page.fallback ? `to ${page.fallback.step}: ${page.fallback.missed.map((one) => `${one.step}, ${one.reason}`).join("; ")}` : "no, the intended policy answered",
      "Log-probability": page.log_prob.toFixed(3),
    }),
    make("h3", {}, "Rows"), ...page.rows.map(rowOf),
    make("h3", {}, "Timings"), facts(Object.fromEntries(Object.entries(page.timings).map(([stage, ms]) => [stage, `${ms.toFixed(2)} ms`]))));
}

function facts(pairs) {
  return make("dl", {}, ...Object.entries(pairs).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value || "none")]));
}

function rowOf(row) {
  const head = make("tr", {}, make("th", { scope: "col" }, "Title and reason"), make("th", { scope: "col", class: "n" }, "score"), make("th", { scope: "col", class: "n" }, "chance"));
  const lines = row.items.map((item) => make("tr", {},
    make("td", {}, item.title, make("div", { class: "facts" }, item.reason ?? "")),
    make("td", { class: "n" }, item.score.toFixed(3)),
    make("td", { class: "n" }, percent(item.log_prob))));
  return make("details", {},
    make("summary", {}, make("span", {}, `${row.row + 1}. ${row.title}`), make("span", { class: "n" }, `${row.kind.replaceAll("_", " ")} · ${percent(row.log_prob)}`)),
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines)));
}
