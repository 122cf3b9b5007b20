// Keeps the page as the server has it: asks for it again, and changes what differs. What is typed, chosen or open stays.

const PAUSE = 500;
const news = document.getElementById("news");
let tag = null;

/** Makes one node like another of the same kind. */
function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && name !== "open") from.setAttribute(name, value);
  }
}

function isSame(from, to) {
  return from.nodeType === to.nodeType && from.nodeName === to.nodeName && (from.id || "") === (to.id || "");
}

/** Changes a node so that it is like another. Nodes with an id are found again wherever they are. */
function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  attributes(from, to);
  const known = new Map([...from.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = from.firstChild;
  for (const next of [...to.childNodes]) {
    const moved = next.id ? known.get(next.id) : undefined;
    if (moved && moved !== place) {
      // What was in between goes, unless it has a place behind.
      while (place && place !== moved && !(place.id && to.querySelector(`#${CSS.escape(place.id)}`))) {
        const gone = place;
        place = place.nextSibling;
        gone.remove();
      }
      if (place !== moved) from.insertBefore(moved, place);
    }
    if (moved) {
      morph(moved, next);
      place = moved.nextSibling;
    } else if (place && isSame(place, next)) {
      morph(place, next);
      place = place.nextSibling;
    } else {
      from.insertBefore(document.importNode(next, true), place);
    }
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

async function look() {
  if (document.visibilityState !== "visible") return;
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(location.href, { headers, cache: "no-store", credentials: "same-origin" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const before = document.getElementById("main").dataset.news;
  for (const id of ["top", "main"]) {
    const [here, there] = [document.getElementById(id), page.getElementById(id)];
    if (here && there) morph(here, there);
  }
  const now = document.getElementById("main").dataset.news;
  if (now !== before) news.textContent = now;
}

async function run() {
  for (;;) {
    // A server that is gone may come back.
    await look().catch(() => {});
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

run();
