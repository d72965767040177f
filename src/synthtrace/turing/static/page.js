"use strict";
// Answers wait for the image, and a moment longer: the second press of a double click must not answer the next image.
const PAUSE = 400;
const form = document.getElementById("answer");
const picture = document.getElementById("picture");
const buttons = [...form.querySelectorAll("button")];
const keys = { r: "real", arrowleft: "real", s: "synthetic", arrowright: "synthetic" };
let open = false;

function set(isOpen) {
  open = isOpen;
  for (const button of buttons) button.setAttribute("aria-disabled", String(!isOpen));
}

set(false);
picture.decode().then(
  () => setTimeout(() => set(true), PAUSE),
  () => { document.querySelector(".said").textContent = "The image could not be loaded. Please reload the page."; },
);

form.addEventListener("submit", (event) => {
  if (!open) event.preventDefault();
  set(false);
});

document.addEventListener("keydown", (event) => {
  const answer = keys[event.key.toLowerCase()];
  if (!answer || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (open) form.requestSubmit(buttons.find((button) => button.value === answer));
});

// a page that the browser kept shows an image that is no longer next
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
