// Search while typing: a combobox of rows by intent that answers to arrow keys, Enter and Escape.

import { Away, device, member, post } from "./api.js";
import { beAway } from "./away.js";
import { art, make } from "./dom.js";
import { open } from "./details.js";
import { keep, send } from "./outbox.js";

const PAUSE = 120; // milliseconds of quiet before asking
const SETTLED = 350; // milliseconds that an answer stands before it counts as seen
const ROWS = 4, EACH = 5; // of them are shown

export function begin() {
  const input = document.querySelector("#query");
  const list = document.querySelector("#found");
  const said = document.querySelector("#found-said");
  let rows = [], titles = [], chosen = -1, timer = 0, looked = 0, asked = 0, words = "", answered = "";

  const draw = (shown = true) => {
    list.hidden = !shown || !(titles.length || words);
    input.setAttribute("aria-expanded", String(!list.hidden));
    list.replaceChildren(...(titles.length ? rows.map(group) : [none()]));
    if (chosen >= 0) { input.setAttribute("aria-activedescendant", `found-${chosen}`); list.querySelector(`#found-${chosen}`).scrollIntoView({ block: "nearest" }); }
    else input.removeAttribute("aria-activedescendant");
  };
  const none = () => make("li", { class: "none", role: "option", "aria-disabled": "true" }, words);
  const group = (row) =>
    make("li", { role: "group", "aria-label": row.title }, make("span", { class: "head", "aria-hidden": "true" }, row.title), ...row.items.map(option));
  const option = (title) => {
    const at = titles.indexOf(title);
    const one = make("div", { id: `found-${at}`, class: "option", role: "option", "aria-selected": String(at === chosen) },
      make("img", { src: art(title), alt: "" }), make("span", {}, title.title, make("small", {}, [title.year, ...title.genres.slice(0, 3)].filter(Boolean).join(" · "))));
    one.addEventListener("mousedown", (event) => { event.preventDefault(); choose(at); });
    return one;
  };
  const put = (found, told) => {
    [rows, titles, words, chosen] = [found, found.flatMap((row) => row.items), told, -1];
    said.textContent = titles.length ? `${titles.length} titles. ${rows[0].title}` : told;
    clearTimeout(looked);
    looked = setTimeout(seen, SETTLED);
  };
  const close = () => { asked++; put([], ""); input.value = ""; draw(); };
  const slot = ({ decision_id, row, column, item_id }) => ({ decision_id, row, column, item_id, source: "search" });
  const choose = (at) => {
    const title = titles[at];
    send([{ kind: "search", query: input.value, ...slot(title) }]).catch(() => {});
    close();
    open(title, slot(title));
  };
  /** The titles in view are impressions, once for each answer. */
  const seen = () => {
    if (list.hidden) return;
    const { top, bottom } = list.getBoundingClientRect();
    const inView = (at) => { const box = list.querySelector(`#found-${at}`).getBoundingClientRect(); return box.top >= top && box.bottom <= bottom; };
    keep(titles.filter((_, at) => inView(at)).map((title) =>
      ({ event_id: `seen:${title.decision_id}:${title.row}:${title.column}`, kind: "impression", ...slot(title) })));
  };
  const find = async (query) => {
    const page = await post("/v1/search", { query, user_id: member(), rows: ROWS, n: EACH, context: { device: device() } });
    return page.rows.map((row) => ({ ...row, items: row.items.map((title) => ({ ...title, decision_id: page.decision_id, row: row.row })) }));
  };
  const look = async () => {
    const turn = ++asked, query = input.value;
    clearTimeout(timer);
    try {
      const found = await find(query);
      if (turn !== asked) return;
      list.dataset.query = answered = query;
      put(found, "Nothing found");
    } catch (error) {
      if (turn !== asked) return;
      put([], error.message);
      if (error instanceof Away) beAway(look);
    }
    draw(document.activeElement === input);
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
    if (answered || !titles.length) return;
    put([], "");
    draw();
  });
  input.addEventListener("blur", () => { clearTimeout(looked); list.hidden = true; input.setAttribute("aria-expanded", "false"); });
  input.addEventListener("focus", () => (titles.length ? draw() : look()));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (titles.length && !list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      chosen = chosen < 0 && step < 0 ? titles.length - 1 : (chosen + step + titles.length) % titles.length;
      draw();
    }
  });
  document.querySelector("#search").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (answered !== input.value) await look();
    if (titles.length) choose(Math.max(chosen, 0));
  });
}
