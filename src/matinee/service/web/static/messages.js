// Messages on the home page: open what one is about, or have no more of them. A no holds at once, and can be undone.

import { ask, member, sending } from "./api.js";
import { open } from "./details.js";
import { say } from "./dom.js";

const box = document.querySelector("#messages");
const address = `/v1/profiles/${encodeURIComponent(member())}`;

/** Say whether the member wants messages; everything else of the profile stays. */
async function want(messages) {
  const { user_id, ...profile } = await ask(address);
  await ask(address, sending("PUT", { ...profile, messages }));
  box.hidden = !messages;
}

async function stop() {
  try {
    await want(false);
    document.querySelector("#page").focus({ preventScroll: true });
    say("You get no more messages.", () => want(true).catch((error) => say(error.message)));
  } catch (error) { say(error.message); }
}

function look(item) {
  const { decision, item: item_id } = item.dataset;
  const sent = JSON.parse(document.querySelector("#sent").textContent).find((one) => one.decision_id === decision);
  open(sent.title, { decision_id: decision, row: 0, column: 0, item_id, source: "outreach" });
}

box?.addEventListener("click", ({ target }) => {
  if (target.closest("#no-messages")) stop();
  else if (target.closest(".said")) look(target.closest(".message"));
});
