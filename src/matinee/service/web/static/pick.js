// Create a member, then go to their page.

import { ask } from "./api.js";

const form = document.querySelector("#create");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(form);
  const limit = fields.get("maturity_limit");
  const profile = { name: fields.get("name").trim(), kids: fields.has("kids"), maturity_limit: limit ? Number(limit) : null };
  const user = crypto.randomUUID();
  try {
    await ask(`/v1/profiles/${user}`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(profile) });
    location.assign(`/home?user=${user}`);
  } catch (error) {
    document.querySelector("#problem").textContent = error.message;
  }
});
