// Building elements from text that nobody needs to trust: text stays text. Dialogs and short messages.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** A button that calls `pressed`. */
export function button(attributes, pressed, ...children) {
  const made = make("button", { type: "button", ...attributes }, ...children);
  made.addEventListener("click", pressed);
  return made;
}

const ownArt = (item) => !item.image_url?.startsWith("https://");
const watcher = encodeURIComponent(document.querySelector("#page")?.dataset.user ?? "");
const drawn = (item, more = "") => `/posters/${encodeURIComponent(item.item_id)}.svg?user=${watcher}${more}`;
const wideArt = (item) => item.artwork_url?.startsWith("https://") ? item.artwork_url : drawn(item, `&wide=1${item.art ? `&way=${item.art}` : ""}`);
export const art = (item, wide = false) => wide ? wideArt(item) : ownArt(item) ? drawn(item) : item.image_url;

/** The picture of a title, with its name where the picture holds none. */
export function poster(item) {
  const picture = make("img", { src: art(item), alt: ownArt(item) ? "" : item.title, loading: "lazy", width: 300, height: 450 });
  return ownArt(item) ? [picture, make("span", { class: "lettering", "data-size": "small" }, make("span", { class: "name" }, item.title))] : [picture];
}

const SVG = "http://www.w3.org/2000/svg";

/** A drawing from the sprite; the words beside it say what it means. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", `icon icon-${name}`);
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  drawing.append(use);
  return drawing;
}

let leaving = Promise.resolve(); // until the browser has gone back from the last dialog

/**
 * Fill a dialog, give it a way out, and show it in place of any other; resolves when it closes. Back closes it too.
 * The focus goes to the first thing that can be done, and afterwards to where it was.
 */
export async function show(dialog, ...children) {
  await leaving;
  if (children.length) dialog.replaceChildren(...children.filter(Boolean), button({ class: "close", "aria-label": "Close" }, () => dialog.close(), icon("close")));
  history[history.state?.dialog ? "replaceState" : "pushState"]({ dialog: dialog.id }, "");
  document.querySelectorAll("dialog[open]").forEach((other) => other !== dialog && other.close());
  if (dialog.open) dialog.querySelector("button, a, input").focus();
  else dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
}

function closed({ target }) {
  document.body.append(toast);
  if (history.state?.dialog !== target.id) return;
  leaving = new Promise((gone) => addEventListener("popstate", gone, { once: true }));
  history.back();
}

const closeAll = () => document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());

const toast = document.querySelector("#toast");
const SECONDS = { plain: 3.2, undo: 8 };
let hiding = 0;

/** A short message, also for those who cannot see it, with a way to undo what it tells. */
export function say(message, undo = null) {
  const back = undo && button({ class: "undo" }, () => { toast.classList.remove("shown"); undo(); }, "Undo");
  (document.querySelector("dialog[open]") ?? document.body).append(toast);
  toast.replaceChildren(toast.firstElementChild, ...(back ? [back] : []));
  toast.firstElementChild.textContent = message;
  toast.classList.add("shown");
  hideIn(undo ? SECONDS.undo : SECONDS.plain);
}

function hideIn(seconds) {
  clearTimeout(hiding);
  hiding = setTimeout(() => (toast.matches(":hover, :focus-within") ? hideIn(1) : toast.classList.remove("shown")), 1000 * seconds);
}

if (history.state?.dialog) history.replaceState(null, "");
addEventListener("popstate", closeAll);
document.addEventListener("close", closed, true);
document.querySelectorAll("dialog").forEach((dialog) => dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()));
