"use strict";
// A burst lights up in the map, the list and the timeline alike; a link to a card opens it; printing opens all.
const keyed = [...document.querySelectorAll("[data-burst]")];
for (const element of keyed) {
  const light = (on) => keyed.forEach((other) => {
    if (other.dataset.burst === element.dataset.burst) other.classList.toggle("lit", on);
  });
  element.addEventListener("pointerenter", () => light(true));
  element.addEventListener("pointerleave", () => light(false));
}
const openTarget = () => {
  const card = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (card && card.matches("details")) { card.open = true; card.scrollIntoView(); }
};
addEventListener("hashchange", openTarget);
openTarget();
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
