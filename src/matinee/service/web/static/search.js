// Search while typing: a combobox that answers to arrow keys, Enter and Escape.

import { ask, member, send } from "./api.js";
import { art, make } from "./dom.js";
import { open } from "./details.js";

const PAUSE = 120; // milliseconds of quiet before asking

export function begin() {
  const input = document.querySelector("#query");
  const list = document.querySelector("#found");
  let titles = [], chosen = -1, timer = 0, asked = 0;

  const draw = () => {
    list.hidden = !input.value.trim();
    input.setAttribute("aria-expanded", String(!list.hidden));
    list.replaceChildren(...titles.map(option), ...(titles.length ? [] : [make("li", { class: "none", role: "option", "aria-disabled": "true" }, "Nothing found")]));
    if (chosen >= 0) { input.setAttribute("aria-activedescendant", `found-${chosen}`); list.children[chosen].scrollIntoView({ block: "nearest" }); }
    else input.removeAttribute("aria-activedescendant");
  };
  const option = (title, at) => {
    const one = make("li", { id: `found-${at}`, role: "option", "aria-selected": String(at === chosen) },
      make("img", { src: art(title), alt: "" }), make("span", {}, title.title, make("small", {}, [title.year, ...title.genres.slice(0, 3)].filter(Boolean).join(" · "))));
    one.addEventListener("mousedown", (event) => { event.preventDefault(); choose(at); });
    return one;
  };
  const close = () => { titles = []; chosen = -1; input.value = ""; draw(); };
  const choose = (at) => {
    const title = titles[at];
    send([{ kind: "search", query: input.value, item_id: title.item_id }]).catch(() => {});
    close();
    open(title, { item_id: title.item_id });
  };
  const look = async () => {
    const turn = ++asked;
    const query = new URLSearchParams({ prefix: input.value, user_id: member(), n: 8 });
    const found = input.value.trim() ? await ask(`/v1/titles?${query}`).catch(() => ({ titles: [] })) : { titles: [] };
    if (turn !== asked) return;
    titles = found.titles;
    chosen = -1;
    draw();
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, PAUSE); });
  input.addEventListener("blur", () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); });
  input.addEventListener("focus", () => input.value && draw());
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      chosen = titles.length ? (chosen + step + titles.length) % titles.length : -1;
      draw();
    }
  });
  document.querySelector("#search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (titles.length) choose(Math.max(chosen, 0));
  });
}
