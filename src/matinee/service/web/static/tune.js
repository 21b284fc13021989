// Tune this page: a slider for each dial; the page follows as soon as one is let go.

import { button, make, show } from "./dom.js";
import { DIALS, decision, keepInAddress, turned } from "./page.js";

/** What each dial does to the page, in words. */
const WORDS = {
  diversity: ["Variety", "Titles and rows that are less like each other."],
  calibration: ["Balance", "Your genres in the shares in which you like them."],
  novelty: ["Off the beaten track", "Titles that fewer people know."],
  freshness: ["Something new", "What you looked at and passed by gives way."],
  exposure: ["Seldom seen", "A few places for titles that hardly anybody was shown."],
};
const VALUES = ["off", "a little", "some", "much", "as much as can be"];

const inWords = (value) => VALUES[Math.round(4 * value)];

/** Open the panel; what it asks for stays in the address when it closes. */
export function tune() {
  const said = make("p", { class: "facts", role: "status" });
  const usual = button({ class: "quiet" }, () => follow({}, said), "As usual");
  const title = make("h2", { id: "panel-title" }, "Tune this page");
  const about = make("p", {}, "Each dial trades a little of what you are likeliest to enjoy for something else.");
  const shown = show(document.querySelector("#panel"), title, about, ...DIALS.map((name) => dial(name, said)), usual, said);
  shown.then(() => (history.state?.dialog ? addEventListener("popstate", keepInAddress, { once: true }) : keepInAddress()));
}

function dial(name, said) {
  const [label, about] = WORDS[name], value = decision().dials[name];
  const output = make("output", { for: `dial-${name}` }, inWords(value));
  const slider = make("input", {
    id: `dial-${name}`, type: "range", min: 0, max: 1, step: 0.25, value, "aria-describedby": `about-${name}`, "aria-valuetext": inWords(value),
  });
  slider.addEventListener("input", () => tell(slider, output));
  slider.addEventListener("change", () => follow(positions(), said));
  return make("div", { class: "dial" },
    make("label", { for: `dial-${name}` }, label), slider, output, make("p", { id: `about-${name}`, class: "facts" }, about));
}

function tell(slider, output) {
  output.textContent = inWords(Number(slider.value));
  slider.setAttribute("aria-valuetext", output.textContent);
}

const positions = () => Object.fromEntries(DIALS.map((name) => [name, document.querySelector(`#dial-${name}`).value]));

/** Ask for the page anew, say what became of it, and let the sliders stand where the page says. */
async function follow(dials, said) {
  said.textContent = "Making the page …";
  const fresh = await turned(dials);
  said.textContent = fresh === null ? "The page stays as it was." : `${fresh} ${fresh === 1 ? "title is" : "titles are"} new on the page.`;
  for (const name of DIALS) {
    const slider = document.querySelector(`#dial-${name}`);
    slider.value = decision().dials[name];
    tell(slider, slider.nextElementSibling);
  }
}

/** What the dials do to this page, for whoever asks why; nothing where all are off. */
export function tuned() {
  const on = DIALS.filter((name) => decision().dials[name] > 0);
  return on.length ? `Tuned: ${on.map((name) => `${WORDS[name][0].toLowerCase()} ${inWords(decision().dials[name])}`).join(", ")}.` : null;
}
