// What a member can do with a title: each is one event; then the page is decided anew.

import { send } from "./api.js";
import { say } from "./dom.js";
import { refresh } from "./page.js";

const SAID = {
  thumbs_up: "Glad you like it. The page takes it into account.",
  thumbs_down: "Noted: less like this.",
  list_add: "Added to your list.",
  list_remove: "Taken off your list.",
  dismiss: "Gone. You will not see it here again.",
};

/** Log one action on a slot, say so, and show the next page. */
export async function act(kind, slot) {
  try {
    await send([{ kind, ...slot }]);
    say(SAID[kind]);
    await refresh();
  } catch (error) {
    say(error.message);
  }
}
