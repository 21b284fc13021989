// Arrow keys walk through everything that can be pressed, as a remote control does: bar, billboard, rows, dialogs.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PRESSABLE = "a[href], button, input, select, summary, .poster";
const ABOVE_ALL = 1e6; // the bar floats over the page, and comes before all of it
const TOUCHING = 4; // pixels by which neighbours may overlap

/** Walk one step; true when the key was ours. The focus is never lost: without a neighbour it stays. */
export function walk(event) {
  const step = STEPS[event.key];
  if (!step || event.defaultPrevented || isEditing(event.target, step)) return false;
  const scope = document.querySelector("dialog[open]") ?? document.body;
  const here = document.activeElement;
  const lost = !scope.contains(here) || !here.matches(PRESSABLE);
  const next = lost ? firstIn(scope) : neighbour(here, step, scope);
  if (next) focus(next);
  return true;
}

/** Where a walk begins: what can be played, else the first title or button. */
export const firstIn = (scope) =>
  scope.querySelector(".pitch .primary") ?? scope.querySelector("main .poster, main .person") ?? pressable(scope)[0];

const pressable = (scope) => [...scope.querySelectorAll(PRESSABLE)].filter((one) =>
  one.checkVisibility() && !one.disabled && (one.tabIndex >= 0 || one.matches(".poster")) && !one.matches(".skip"));

/** Keys that a field needs for itself: sideways in a slider or a choice, and in a text until its end. */
function isEditing(field, [across]) {
  if (!across) return false;
  if (field.matches?.("select, input[type=range]")) return true;
  if (!field.matches?.("input:not([type=checkbox])")) return false;
  return field.selectionStart !== (across < 0 ? 0 : field.value.length);
}

function neighbour(here, step, scope) {
  const strip = here.closest(".strip");
  if (strip && step[0]) return sibling(here, step[0]);
  const from = box(here);
  const others = pressable(scope).filter((one) => one !== here && (!strip || one.closest(".strip") !== strip)).map((one) => [one, box(one)]);
  return step[0] ? beside(from, others, step[0]) : inNextBand(from, others, step[1]);
}

function sibling(poster, across) {
  const cards = [...poster.closest(".strip").querySelectorAll(".poster, .more a")];
  return cards[cards.indexOf(poster) + across];
}

/** Where an element stands on the whole page. */
function box(element) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const lift = element.closest(".bar") ? -ABOVE_ALL : scrollY;
  return { left, right, top: top + lift, bottom: bottom + lift };
}

/** The nearest of those at the same height. */
function beside(from, others, across) {
  const ahead = ([, to]) => (across > 0 ? to.left - from.right : from.left - to.right);
  const level = ([, to]) => to.top < from.bottom && to.bottom > from.top;
  return others.filter((one) => level(one) && ahead(one) >= -TOUCHING).sort((a, b) => ahead(a) - ahead(b))[0]?.[0];
}

/** Of the next band up or down, the one that stands nearest to this column. */
function inNextBand(from, others, down) {
  const ahead = ([, to]) => (down > 0 ? to.top - from.bottom : from.top - to.bottom);
  const beyond = others.filter((one) => ahead(one) >= -TOUCHING).sort((a, b) => ahead(a) - ahead(b));
  if (!beyond.length) return null;
  const edge = beyond[0][1];
  const band = beyond.filter(([, to]) => to.top < edge.bottom && to.bottom > edge.top);
  const aside = ([, to]) => Math.max(0, to.left - from.right, from.left - to.right);
  return band.sort((a, b) => aside(a) - aside(b) || Math.abs(a[1].left - from.left) - Math.abs(b[1].left - from.left))[0][0];
}

function focus(next) {
  next.closest(".strip")?.querySelectorAll(".poster").forEach((one) => (one.tabIndex = one === next ? 0 : -1));
  next.focus({ preventScroll: true });
  if (!next.closest(".bar")) next.scrollIntoView({ block: "center", inline: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (walk(event)) event.preventDefault();
});
if (document.body.matches(".device-tv")) firstIn(document.body)?.focus();
