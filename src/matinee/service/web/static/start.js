// Someone new picks what they like; each pick is a thumbs up on the title where it was shown.

import { Away } from "./api.js";
import { say } from "./dom.js";
import "./keys.js";
import { send } from "./outbox.js";
import { slotOf } from "./page.js";

const ENOUGH = 3;

const go = document.querySelector("#go");
const picked = () => [...document.querySelectorAll('.pick[aria-pressed="true"]')];

document.querySelector(".grid").addEventListener("click", ({ target }) => {
  const pick = target.closest(".pick");
  if (!pick) return;
  pick.setAttribute("aria-pressed", String(pick.getAttribute("aria-pressed") !== "true"));
  const lacking = ENOUGH - picked().length;
  go.disabled = lacking > 0;
  go.textContent = lacking > 0 ? `Pick ${lacking} more` : "Show my page";
});

go.addEventListener("click", async () => {
  try {
    await send(picked().map((pick) => ({ kind: "thumbs_up", ...slotOf(pick) })));
    location.assign(go.dataset.home);
  } catch (error) {
    if (!(error instanceof Away)) say(error.message);
  }
});
