// Rows scroll sideways by button, wheel and finger.

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
