// Building elements from text that nobody needs to trust: text stays text.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

export const art = (item, wide = false) =>
  !wide && item.image_url?.startsWith("https://") ? item.image_url : `/posters/${encodeURIComponent(item.item_id)}.svg${wide ? "?wide=1" : ""}`;

const SVG = "http://www.w3.org/2000/svg";

/** A drawing from the sprite; the words beside it say what it means. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  drawing.append(use);
  return drawing;
}

/** Fill a dialog, give it a way out, and show it; resolves when it closes. The focus returns to where it was. */
export function show(dialog, ...children) {
  const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, icon("close"));
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(close, ...children);
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
}

let hiding = 0;

/** A short message, also for those who cannot see it. */
export function say(message) {
  const toast = document.querySelector("#toast");
  toast.textContent = message;
  toast.classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => toast.classList.remove("shown"), 3200);
}
