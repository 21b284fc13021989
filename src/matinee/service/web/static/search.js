// Search while typing: a combobox that answers to arrow keys, Enter and Escape.

import { Away, ask, member } from "./api.js";
import { beAway } from "./away.js";
import { art, make } from "./dom.js";
import { open } from "./details.js";
import { send } from "./outbox.js";

const PAUSE = 120; // milliseconds of quiet before asking

export function begin() {
  const input = document.querySelector("#query");
  const list = document.querySelector("#found");
  let titles = [], chosen = -1, timer = 0, asked = 0, words = "";

  const draw = () => {
    list.hidden = !input.value.trim() || !(titles.length || words);
    input.setAttribute("aria-expanded", String(!list.hidden));
    list.replaceChildren(...titles.map(option), ...(titles.length ? [] : [make("li", { class: "none", role: "option", "aria-disabled": "true" }, words)]));
    if (chosen >= 0) { input.setAttribute("aria-activedescendant", `found-${chosen}`); list.children[chosen].scrollIntoView({ block: "nearest" }); }
    else input.removeAttribute("aria-activedescendant");
  };
  const option = (title, at) => {
    const one = make("li", { id: `found-${at}`, role: "option", "aria-selected": String(at === chosen) },
      make("img", { src: art(title), alt: "" }), make("span", {}, title.title, make("small", {}, [title.year, ...title.genres.slice(0, 3)].filter(Boolean).join(" · "))));
    one.addEventListener("mousedown", (event) => { event.preventDefault(); choose(at); });
    return one;
  };
  const close = () => { titles = []; chosen = -1; words = ""; input.value = ""; draw(); };
  const choose = (at) => {
    const title = titles[at];
    send([{ kind: "search", query: input.value, item_id: title.item_id }]).catch(() => {});
    close();
    open(title, { item_id: title.item_id });
  };
  const find = async (prefix) => (await ask(`/v1/titles?${new URLSearchParams({ prefix, user_id: member(), n: 8 })}`)).titles;
  const look = async () => {
    const turn = ++asked;
    const prefix = input.value;
    try {
      const found = prefix.trim() ? await find(prefix) : [];
      if (turn !== asked) return;
      [titles, words] = [found, "Nothing found"];
    } catch (error) {
      if (turn !== asked) return;
      [titles, words] = [[], error.message];
      if (error instanceof Away) beAway(look);
    }
    chosen = -1;
    draw();
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, PAUSE); });
  input.addEventListener("blur", () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); });
  input.addEventListener("focus", () => input.value && draw());
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (titles.length && !list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      chosen = (chosen + step + titles.length) % titles.length;
      draw();
    }
  });
  document.querySelector("#search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (titles.length) choose(Math.max(chosen, 0));
  });
}
