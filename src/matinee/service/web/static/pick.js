// Who is watching: find a member, create, edit or delete one.

import { ask, fetched, sending } from "./api.js";
import { say, show } from "./dom.js";
import "./keys.js";

const PAUSE = 150; // milliseconds of quiet before finding

const form = (id) => document.querySelector(id);
const address = (user) => `/v1/profiles/${encodeURIComponent(user)}`;

/** What a form wishes for a profile. */
function wishes(fields) {
  const limit = fields.get("maturity_limit");
  return { name: fields.get("name").trim(), kids: fields.has("kids"), messages: fields.has("messages"), maturity_limit: limit ? Number(limit) : null };
}

/** Do something that may fail; a failure is said beside the form. */
async function trying(element, what) {
  const problem = element.querySelector(".problem");
  problem.textContent = "";
  try { await what(); } catch (error) { problem.textContent = error.message; }
}

form("#create").addEventListener("submit", (event) => {
  event.preventDefault();
  const user = crypto.randomUUID();
  trying(event.target, async () => {
    await ask(address(user), sending("PUT", wishes(new FormData(event.target))));
    location.assign(`/start?user=${user}`);
  });
});

const TOKEN = "matinee:visitor:"; // kept by this tab alone, and gone with it

document.querySelectorAll("[data-look]").forEach((button) => button.addEventListener("click", () => {
  const kept = TOKEN + button.dataset.look;
  sessionStorage[kept] ??= `visitor:${button.dataset.look}${crypto.randomUUID()}`;
  location.assign(`/home?${new URLSearchParams({ user: sessionStorage[kept] })}`);
}));

let timer = 0;
async function find() {
  const query = new URLSearchParams({ find: form("#find-name").value, part: "1" });
  const people = await (await fetched(`/?${query}`)).text();
  document.querySelector("#people").outerHTML = people;
}
const findSoon = () => { clearTimeout(timer); timer = setTimeout(() => find().catch((error) => say(error.message)), PAUSE); };
form("#find")?.addEventListener("input", findSoon);
form("#find")?.addEventListener("submit", (event) => { event.preventDefault(); findSoon(); });

let edited = null; // the profile that is open

document.addEventListener("click", async ({ target }) => {
  const user = target.closest(".edit")?.closest(".someone").dataset.user;
  if (!user) return;
  try {
    edited = await ask(address(user));
    fill(form("#edit"), edited);
    show(form("#member"));
  } catch (error) { say(error.message); }
});

function fill(edit, profile) {
  edit.elements.name.value = profile.name;
  const limit = edit.elements.maturity_limit;
  const wanted = String(profile.maturity_limit ?? "");
  if (![...limit.options].some((option) => option.value === wanted)) limit.add(new Option(`age ${wanted}`, wanted));
  limit.value = wanted;
  edit.elements.kids.checked = profile.kids;
  edit.elements.messages.checked = profile.messages;
  edit.querySelectorAll('[name="blocked_genres"]').forEach((box) => (box.checked = profile.blocked_genres.includes(box.value)));
  edit.querySelector(".problem").textContent = "";
}

/** The blocked genres as the boxes say; those of which the catalogue knows nothing stay blocked. */
function blocked(edit, before) {
  const boxes = [...edit.querySelectorAll('[name="blocked_genres"]')];
  const known = boxes.map((box) => box.value);
  return [...before.filter((genre) => !known.includes(genre)), ...boxes.filter((box) => box.checked).map((box) => box.value)];
}

form("#edit").addEventListener("submit", (event) => {
  event.preventDefault();
  trying(event.target, async () => {
    const { user_id, ...profile } = edited;
    const genres = blocked(event.target, profile.blocked_genres);
    await ask(address(user_id), sending("PUT", { ...profile, ...wishes(new FormData(event.target)), blocked_genres: genres }));
    form("#member").close();
    await find();
    say("Saved.");
  });
});

form("#leave").addEventListener("click", () => form("#member").close());
form("#keep").addEventListener("click", () => form("#sure").close());

form("#delete").addEventListener("click", () => {
  form("#sure-title").textContent = `Delete ${edited.name || edited.user_id}?`;
  show(form("#sure"));
});

form("#remove").addEventListener("click", () => trying(form("#sure"), async () => {
  await fetched(address(edited.user_id), { method: "DELETE" });
  form("#sure").close();
  await find();
  say(`${edited.name || edited.user_id} is gone.`);
}));
