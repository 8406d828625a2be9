"use strict";
// The server sends the cards escaped; the page is only touched when they have changed.
const cards = document.getElementById("cards");
const state = document.getElementById("state");
const greeting = state.textContent;
let shown = null;
async function refresh() {
  try {
    const answer = await fetch("cards", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const html = await answer.text();
    if (html !== shown) cards.innerHTML = shown = html;
    state.textContent = greeting;
  } catch {
    state.textContent = "The inbox does not answer; trying again.";
  }
}
setInterval(refresh, 2000);
