"use strict";
// Answers wait for the image, and a moment longer: the second press of a double click must not answer the next image.
const PAUSE = 400;
const form = document.getElementById("answer");
const pictures = [...document.querySelectorAll(".picture img")];
const buttons = [...form.querySelectorAll("button")];
// each key that the page names, and the button or choice it stands for
const keys = new Map();
for (const control of form.querySelectorAll("[aria-keyshortcuts]"))
  for (const key of control.getAttribute("aria-keyshortcuts").split(" ")) keys.set(key.toLowerCase(), control);
let open = false;

function set(isOpen) {
  open = isOpen;
  for (const button of buttons) button.setAttribute("aria-disabled", String(!isOpen));
}

set(false);
Promise.all(pictures.map((picture) => picture.decode())).then(
  () => setTimeout(() => set(true), PAUSE),
  () => { document.querySelector(".said").textContent = "The image could not be loaded. Please reload the page."; },
);

form.addEventListener("submit", (event) => {
  if (!open) event.preventDefault();
  set(false);
});

document.addEventListener("keydown", (event) => {
  const control = keys.get(event.key.toLowerCase());
  if (!control || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (!open) return;
  if (control.type === "submit") return form.requestSubmit(control);
  // with the focus on a choice, Enter sends the form
  control.focus();
  control.checked = true;
});

// a page that the browser kept shows an image that is no longer next
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
