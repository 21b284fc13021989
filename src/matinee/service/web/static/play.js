// Play something: one title at a time, and each answer leads to the next; keys and a remote control suffice.

import { act } from "./actions.js";
import { Away, device, member, moment, post } from "./api.js";
import { beAway } from "./away.js";
import { art, button, icon, make, say } from "./dom.js";
import { watch } from "./impressions.js";
import "./keys.js";
import { flush } from "./outbox.js";
import { play } from "./player.js";
import { begin as beginSearch } from "./search.js";
import { load, paint } from "./state.js";

/** What can be answered: the event's kind, the words, the key. */
const PASSING = [["skip", "Skip", "s"], ["not_now", "Not now", "n"]];
const STEERING = [["more_like", "More like this", "m"], ["lighter", "Something lighter", "l"], ["heavier", "More serious", "h"]];
const ANSWERS = [...PASSING, ...STEERING];
const THUMBS = [["thumbs_up", "I like this", "u"], ["thumbs_down", "Not good", "d"], ["dismiss", "Not for me", "x"], ["seen", "Seen elsewhere", "e"]];
const LEADS_ON = ["thumbs_down", "dismiss", "seen"]; // nobody stays with what they do not like or know

const place = document.querySelector("#suggestion");
let shown = null; // the suggestion on screen, as the service answered it
let asking = false;

/** Answer what is on screen and show what comes next; without one, begin. */
async function next(answer = null) {
  if (asking) return;
  asking = true;
  place.setAttribute("aria-busy", "true");
  const focus = document.activeElement?.dataset?.do;
  try {
    await flush();
    const chain = { ...(shown && { after: shown.decision_id }), ...(answer && { answer }) };
    draw(await post("/v1/play_something", { user_id: member(), context: { device: device(), ...moment() }, ...chain }), focus);
  } catch (error) {
    if (error instanceof Away) beAway(() => next(answer));
    else say(error.message);
  } finally {
    asking = false;
    place.removeAttribute("aria-busy");
  }
}

/** Show a suggestion; the focus stays on the button that was pressed. */
function draw(suggestion, focus) {
  shown = suggestion;
  const { title } = suggestion;
  place.replaceChildren(...(title ? card(title) : over()));
  if (title) {
    paint(".slot");
    watch(suggestion.decision_id);
  }
  document.querySelector("#suggested").textContent = title
    ? `${title.title}, ${facts(title)}. ${title.reason}.`
    : "There is nothing left to suggest.";
  (place.querySelector(`[data-do="${CSS.escape(focus ?? "play")}"]`) ?? place.querySelector("button"))?.focus({ preventScroll: true });
}

const facts = ({ year, genres }) => [year, ...genres.slice(0, 3)].filter(Boolean).join(" · ");

const slot = () => ({ decision_id: shown.decision_id, row: 0, column: 0, item_id: shown.title.item_id, source: "play_something" });

function card(title) {
  const press = (kind, words, key, attributes, ...drawing) =>
    button({ class: "quiet", "data-do": kind, "aria-keyshortcuts": key, ...attributes }, () => perform(kind), ...drawing, words);
  return [
    make("img", { class: "backdrop", src: art(title, true), alt: "", width: 1600, height: 900 }),
    make("div", { class: "pitch slot", "data-row": 0, "data-column": 0, "data-item": title.item_id },
      make("p", { class: "kicker" }, shown.step ? "Or this" : "Play something"),
      make("h2", {}, title.title),
      make("p", { class: "facts" }, facts(title)),
      make("p", { class: "reason" }, title.reason),
      make("p", { class: "does" },
        button({ class: "primary", "data-do": "play", "aria-keyshortcuts": "p" }, () => perform("play"), icon("play"), make("span", {}, "Play")),
        ...PASSING.map(([kind, words, key]) => press(kind, words, key, {})),
        ...THUMBS.map(([kind, words, key]) => press(kind, words, key, { "aria-pressed": "false" }, icon(kind), icon("check")))),
      make("p", { class: "does" }, ...STEERING.map(([kind, words, key]) => press(kind, words, key, {})))),
  ];
}

function over() {
  return [make("div", { class: "pitch" },
    make("h2", {}, "That was all for now"),
    make("p", { class: "reason" }, "You have seen, judged or passed over everything that may be shown here."),
    make("p", { class: "does" }, button({ class: "primary", "data-do": "anew" }, () => { shown = null; next(); }, icon("again"), "Begin anew")))];
}

function perform(kind) {
  if (!shown?.title) return;
  if (kind === "play") play(shown.title, slot());
  else if (ANSWERS.some(([answer]) => answer === kind)) next(kind);
  else {
    act(kind, slot());
    if (LEADS_ON.includes(kind)) next();
  }
}

const KEYS = Object.fromEntries([["play", "", "p"], ...ANSWERS, ...THUMBS].map(([kind, , key]) => [key, kind]));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (document.querySelector("dialog[open]") || event.target.matches?.("input")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("#query").focus();
  } else if (KEYS[event.key]) perform(KEYS[event.key]);
});

load(JSON.parse(document.querySelector("#state").textContent));
beginSearch();
next();
