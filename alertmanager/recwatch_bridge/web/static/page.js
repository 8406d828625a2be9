// Follows what happens: asks for this page again every two seconds and takes over what has changed. Focus, scroll,
// what is typed and what is open stay. Without this script the page works all the same.
"use strict";

const PAUSE = 2000;
let heard = new Date();

const address = new URL(location.href);
if (address.searchParams.has("done")) {
  address.searchParams.delete("done");
  history.replaceState(null, "", address);
}

function same(here, next) {
  return here && here.nodeName === next.nodeName && (here.id || "") === (next.id || "");
}

function takeAttributes(here, next) {
  for (const { name, value } of [...next.attributes]) {
    if (here.getAttribute(name) !== value) here.setAttribute(name, value);
  }
  for (const { name } of [...here.attributes]) {
    // What is open is the reader's business.
    if (!next.hasAttribute(name) && name !== "open") here.removeAttribute(name);
  }
}

function takeChildren(parent, wanted) {
  let here = parent.firstChild;
  for (const next of [...wanted.childNodes]) {
    const known = next.id ? [...parent.children].find((child) => child.id === next.id) : null;
    if (same(known, next)) {
      if (known !== here) parent.insertBefore(known, here);
      take(known, next);
      here = known.nextSibling;
    } else if (!next.id && same(here, next)) {
      const following = here.nextSibling;
      take(here, next);
      here = following;
    } else {
      parent.insertBefore(document.importNode(next, true), here);
    }
  }
  while (here) {
    const following = here.nextSibling;
    here.remove();
    here = following;
  }
}

function take(here, next) {
  if (here.isEqualNode(next)) return;
  if (here.nodeType !== Node.ELEMENT_NODE) {
    here.nodeValue = next.nodeValue;
    return;
  }
  const atEnd = here.classList.contains("log") && here.scrollTop + here.clientHeight >= here.scrollHeight - 4;
  takeAttributes(here, next);
  takeChildren(here, next);
  if (atEnd) here.scrollTop = here.scrollHeight;
}

function say(text) {
  const away = document.getElementById("away");
  away.hidden = !text;
  if (away.textContent !== text) away.textContent = text;
}

async function follow() {
  const answer = await fetch(location.href, { cache: "no-store", redirect: "follow" });
  if (answer.redirected || answer.status === 401) {
    location.reload(); // the login is over
    return;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = found.title;
  take(document.getElementById("main"), found.getElementById("main"));
  heard = new Date();
  say("");
}

async function turn() {
  if (!document.hidden) {
    try {
      await follow();
    } catch {
      say(`The bridge does not answer. What you see is from ${heard.toLocaleTimeString()}.`);
    }
  }
  setTimeout(turn, PAUSE);
}

const log = document.getElementById("log");
if (log) log.scrollTop = log.scrollHeight;
setTimeout(turn, PAUSE);
