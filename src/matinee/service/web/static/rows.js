// Rows scroll sideways by button, wheel and finger; arrow keys walk through the titles like a remote control.

export function settle() {
  document.querySelectorAll(".row").forEach((row) => {
    const strip = row.querySelector(".strip");
    const edges = () => {
      row.querySelector(".back").hidden = strip.scrollLeft < 8;
      row.querySelector(".on").hidden = strip.scrollLeft + strip.clientWidth > strip.scrollWidth - 8;
    };
    strip.addEventListener("scroll", edges, { passive: true });
    edges();
  });
}

export function scrollBy(button) {
  const strip = button.closest(".row").querySelector(".strip");
  strip.scrollBy({ left: Number(button.dataset.scroll) * strip.clientWidth * 0.85 });
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** Move the focus from title to title; true when the key was one of ours. */
export function walk(event) {
  const poster = event.target.closest?.("#page .poster");
  const pitch = event.target.closest?.("#page .pitch");
  const step = STEPS[event.key];
  if (!step || !(poster || pitch)) return false;
  const next = poster ? neighbour(poster, step) : step[0] > 0 && document.querySelector(".row .poster");
  if (!next) return false;
  focus(next);
  return true;
}

function neighbour(poster, [down, right]) {
  const cards = [...poster.closest(".strip").children];
  const at = cards.indexOf(poster.closest(".card"));
  if (right) return cards[at + right]?.querySelector(".poster");
  const rows = [...document.querySelectorAll("#page .row")];
  const row = rows[rows.indexOf(poster.closest(".row")) + down];
  if (!row) return down < 0 ? document.querySelector(".pitch .primary") : null;
  const left = poster.getBoundingClientRect().left;
  const nearest = (a, b) => Math.abs(a.getBoundingClientRect().left - left) - Math.abs(b.getBoundingClientRect().left - left);
  return [...row.querySelectorAll(".poster")].sort(nearest)[0];
}

function focus(next) {
  const strip = next.closest(".strip");
  strip?.querySelectorAll(".poster").forEach((one) => (one.tabIndex = one === next ? 0 : -1));
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "center", inline: "nearest" });
}
