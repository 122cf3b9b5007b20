// Uses the page of the sandbox as a person does, in headless Chromium: what a program does appears by itself, everything is text, the
// keyboard alone reaches everything, a page of another origin can do nothing, and axe-core finds nothing serious.
//
// usage: node use.mjs CHROMIUM BASE_URL LIST_ID SCREENSHOTS
import { chromium } from "playwright-core";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";

const [, , executablePath, base, list, shots] = process.argv;
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const evil = `<script>window.evil = true</script>"><img src=x onerror="window.evil = true">`;
const faults = [];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

function check(is, what) {
  if (!is) faults.push(what);
}

async function api(method, path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

const post = (contacts, to = list) => api("POST", "/v3/activities/contacts_json_import", { list_ids: [to], import_data: contacts });

async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith("data:")) faults.push(`${path}: request: ${url}`);
  });
  page.on("console", (message) => message.type() === "error" && faults.push(`${path}: console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`${path}: error: ${error}`));
  page.on("dialog", (dialog) => {
    faults.push(`${path}: a dialog`);
    dialog.dismiss();
  });
  await page.goto(base + path);
  return page;
}

/** Waits for something on the page; says so if it does not come. */
async function appears(locator, what, timeout = 10_000) {
  try {
    await locator.first().waitFor({ timeout });
    return true;
  } catch {
    faults.push(`${what} does not appear`);
    return false;
  }
}

const P = "/_presort/page";

// A program imports, and the page shows it without being loaded again.
{
  const page = await open("/");
  await page.evaluate(() => { window.loaded = "once"; });
  const began = Date.now();
  const { activity_id } = await post([{ email: "live@example.com", phone: "12" }, { email: "nobody@", first_name: evil.slice(0, 40) }]);
  const row = page.locator(`#activity-${activity_id}`);
  await appears(row, "an import");
  await appears(row.getByText("completed"), "the end of an import");
  console.error(`sandbox: an import appeared after ${Date.now() - began} ms`);
  check((await page.evaluate(() => window.loaded)) === "once", "the page was loaded again");
  await row.getByRole("link").click();
  const errors = page.locator("table.errors tbody tr");
  await appears(errors, "the errors of an import");
  check((await errors.count()) === 2, `${await errors.count()} errors instead of 2`);
  const [first, second] = [await errors.nth(0).textContent(), await errors.nth(1).textContent()];
  check(first.includes("contact 0") && first.includes("PHN001") && first.includes("live@example.com"), `the first error: ${first}`);
  check(second.includes("contact 1") && second.includes("EML003") && second.includes("<script>"), `the second error: ${second}`);
  await errors.nth(0).getByRole("link").click();
  await page.getByRole("heading", { name: "live@example.com" }).waitFor();
  check((await page.locator(`a[href="${P}/activities/${activity_id}"]`).count()) === 1, "the contact does not name its activity");
  // What is typed stays while the page changes.
  await page.goto(`${base}${P}/lists`);
  await page.fill("#list-name", "half a na");
  await page.focus("#list-name");
  const { list_id } = await api("POST", "/v3/contact_lists", { name: "Made by a program" });
  await appears(page.locator(`#list-${list_id}`), "a list of a program");
  check((await page.inputValue("#list-name")) === "half a na", "what was typed is gone");
  check((await page.evaluate(() => document.activeElement.id)) === "list-name", "the focus is gone");
  // Requests appear as well.
  await page.goto(`${base}${P}/requests`);
  await fetch(`${base}/v3/no-such-path`);
  await appears(page.getByText("no such path"), "a request");
  await page.context().close();
}

// Lists and fields: made, renamed, deleted.
{
  const page = await open(`${P}/lists`);
  await page.fill("#list-name", `Shop ${evil}`);
  await page.getByRole("button", { name: "Create the list" }).click();
  const row = page.locator("tr", { hasText: "Shop <script>" });
  await appears(row, "a list that was made");
  await row.locator("input[name=name]").fill("Shop two");
  await row.getByRole("button", { name: /Rename/ }).click();
  const renamed = page.locator("tr", { hasText: "Shop two" });
  await appears(renamed, "a list that was renamed");
  await renamed.getByRole("button", { name: /Delete/ }).click();
  await page.locator("tr", { hasText: "Shop two" }).waitFor({ state: "detached" }).catch(() => faults.push("a deleted list stays"));
  await page.fill("#field-label", "Size");
  await page.selectOption("#field-type", "single_select");
  await page.fill("#field-choices", "S; M; L");
  await page.getByRole("button", { name: "Create the field" }).click();
  await appears(page.getByText("single_select: S; M; L"), "a field that was made");
  await page.fill("#list-name", "Made by a program");
  await page.getByRole("button", { name: "Create the list" }).click().catch(() => {});
  const wrong = page.getByRole("alert");
  await appears(wrong, "an error");
  check((await wrong.textContent()).includes("there already is a list"), "the error does not say why");
  // The browser reports the status of that page itself.
  faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes("409")));
  await page.context().close();
}

// A file that is dropped is checked, and imported when asked for.
{
  const page = await open(`${P}/files`);
  const csv = `E-Mail,First Name\ndropped@example.com,Dora\nbad@,"${evil.replaceAll('"', '""')}"\n`;
  const data = await page.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], "dropped.csv", { type: "text/csv" }));
    return data;
  }, csv);
  await page.dispatchEvent("#drop", "dragover", { dataTransfer: data });
  await page.dispatchEvent("#drop", "drop", { dataTransfer: data });
  await appears(page.getByText("1 of 2 people can be imported; 1 cannot."), "what a dropped file comes to");
  check(await page.locator("table.errors", { hasText: "EML003" }).isVisible(), "the findings of a dropped file are missing");
  check((await api("GET", "/v3/contacts?email=dropped@example.com")).contacts.length === 0, "a file was imported before anybody asked");
  await page.screenshot({ path: `${shots}/file.png`, fullPage: true });
  await page.getByLabel("News", { exact: true }).check();
  await page.getByRole("button", { name: "Import 1 person" }).click();
  await appears(page.getByText("completed"), "the import of a dropped file");
  check((await api("GET", "/v3/contacts?email=dropped@example.com")).contacts.length === 1, "a dropped file was not imported");
  // The same by choosing it.
  await page.goto(`${base}${P}/files`);
  writeFileSync("chosen.json", JSON.stringify([{ email: "chosen@example.com", first_name: evil }]));
  await page.setInputFiles("#file", "chosen.json");
  await page.getByRole("button", { name: "Check the file" }).click();
  await appears(page.getByText("All of 1 person can be imported."), "what a chosen file comes to");
  await page.context().close();
}

// A page of another origin, and of another port of this machine: it can read nothing, and change nothing.
{
  const before = await api("GET", "/_presort/state");
  const attack = `<!doctype html><title>attack</title><iframe id="frame" src="${base}/"></iframe>
<form id="form" method="post" action="${base}${P}/lists" target="out"><input name="name" value="Evil"></form><iframe name="out"></iframe>
<form id="text" method="post" enctype="text/plain" action="${base}/_presort/reset" target="out2"></form><iframe name="out2"></iframe>`;
  const foreign = createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end(attack);
  });
  await new Promise((done) => foreign.listen(0, "127.0.0.1", done));
  const { port } = foreign.address();
  const context = await browser.newContext();
  const page = await context.newPage();
  for (const host of ["127.0.0.1", "localhost"]) {
    await page.goto(`http://${host}:${port}/`);
    const read = await page.evaluate(async ({ base, P }) => {
      document.getElementById("form").submit();
      document.getElementById("text").submit();
      const got = [];
      for (const [method, path, type, body] of [
        ["GET", "/", null, null],
        ["GET", "/v3/contacts", null, null],
        ["GET", "/_presort/state", null, null],
        ["POST", `${P}/lists`, "application/x-www-form-urlencoded", "name=Evil"],
        ["POST", "/_presort/reset", "text/plain", '{"empty":true}'],
        ["POST", "/v3/contact_lists", "application/json", '{"name":"Evil"}'],
        ["DELETE", "/v3/contact_lists/x", null, null],
      ]) {
        for (const mode of ["cors", "no-cors"]) {
          try {
            const headers = type ? { "Content-Type": type } : {};
            const answer = await fetch(base + path, { method, headers, body, mode, credentials: "include" });
            if (answer.type !== "opaque") got.push(`${method} ${path}: ${answer.status}`);
          } catch {
            // This is what must happen.
          }
        }
      }
      return got;
    }, { base, P });
    check(read.length === 0, `a foreign page at ${host} got answers: ${read.join(", ")}`);
    await page.waitForTimeout(500);
    const frame = page.frames().find((frame) => frame.url().startsWith(base) && frame.name() !== "out" && frame.name() !== "out2");
    const text = frame ? await frame.locator("body").textContent({ timeout: 2000 }).catch(() => "") : "";
    check(!text.includes("presort sandbox"), `a foreign page at ${host} shows the sandbox in a frame`);
  }
  const after = await api("GET", "/_presort/state");
  for (const what of ["contacts", "lists", "custom_fields", "activities", "activities_waiting"]) {
    check(before[what] === after[what], `a foreign page changed ${what}: ${before[what]} to ${after[what]}`);
  }
  await context.close();
  foreign.close();
}

// 1,000 activities, and text everywhere.
{
  const size = (await api("GET", "/_presort/state")).activities;
  for (let i = size; i < 1000; i += 8) {
    await Promise.all(Array.from({ length: 8 }, (_, n) => post([{ email: `n${i + n}@example.com`, first_name: evil.slice(0, 40) }])));
  }
  await api("POST", "/v3/contacts", {
    email_address: { address: "evil@example.com" }, first_name: evil.slice(0, 40), last_name: evil.slice(0, 40), create_source: "Account",
    list_memberships: [list], notes: [{ content: evil }], street_addresses: [{ kind: "home", street: evil, city: "x" }],
  });
  await fetch(`${base}/v3/${encodeURIComponent(evil)}?q=${encodeURIComponent(evil)}`, { method: "POST", body: evil });
}
const contact = (await api("GET", "/v3/contacts?email=evil@example.com")).contacts[0].contact_id;
const bad = (await post([{ email: evil }, { email: "x", first_name: evil }])).activity_id;
const request = (await api("GET", "/_presort/journal?limit=20")).requests.find(({ matched }) => !matched)?.id ?? 1;
const views = {
  activities: "/", activity: `${P}/activities/${bad}`, contacts: `${P}/contacts`, contact: `${P}/contacts/${contact}`,
  search: `${P}/contacts?q=${encodeURIComponent("<script>")}`, lists: `${P}/lists`, requests: `${P}/requests`, request: `${P}/requests/${request}`,
  files: `${P}/files`, file: `${P}/files/1`,
};

// Each view in light, dark and narrow: nothing serious, nothing beside the window, no script of anybody else.
const wide = { viewport: { width: 1200, height: 900 } };
const narrow = { viewport: { width: 375, height: 800 } };
for (const [look, options] of Object.entries({
  light: { ...wide, colorScheme: "light" }, dark: { ...wide, colorScheme: "dark" },
  narrow: { ...narrow, colorScheme: "light" }, "narrow-dark": { ...narrow, colorScheme: "dark" },
})) {
  for (const [name, path] of Object.entries(views)) {
    // The page forbids scripts that are not its own; axe is not of the page.
    const page = await open(path, { ...options, bypassCSP: true });
    check((await page.evaluate(() => window.evil)) === undefined, `${look} ${name}: a script of a contact ran`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(over <= 0, `${look} ${name}: the page is ${over} pixels wider than the window`);
    await page.screenshot({ path: `${shots}/${name}-${look}.png` });
    await page.addScriptTag({ path: axe });
    const { violations } = await page.evaluate(() => window.axe.run());
    for (const { id, impact, nodes } of violations.filter(({ impact }) => ["serious", "critical"].includes(impact))) {
      faults.push(`${look} ${name}: axe: ${impact}: ${id}: ${nodes[0].html.slice(0, 200)} (${nodes.length})`);
    }
    await page.context().close();
  }
}

// The policy holds: a script that gets into the page does not run.
{
  const page = await open("/");
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.inline = true";
    document.body.append(script);
  });
  check((await page.evaluate(() => window.inline)) === undefined, "a script within the page ran");
  faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes("Content Security Policy")));
  await page.context().close();
}

// The keyboard alone: every link, field and button of a view comes by Tab, shows that it has the focus, and works by Enter.
for (const [name, path] of Object.entries(views)) {
  const page = await open(path);
  const all = await page.evaluate(() => {
    const controls = [...document.querySelectorAll("a[href], button, input, select, [tabindex='0']")];
    window.controls = controls;
    return controls.length;
  });
  const seen = new Set();
  let without = "";
  for (let i = 0; i < all + 5 && seen.size < all; i += 1) {
    await page.keyboard.press("Tab");
    const here = await page.evaluate(() => {
      const on = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(on);
      return { control: window.controls.indexOf(on), outline: outlineStyle !== "none" && outlineWidth !== "0px", html: on.outerHTML.slice(0, 100) };
    });
    if (here.control < 0) continue;
    seen.add(here.control);
    if (!here.outline) without = here.html;
  }
  check(seen.size >= all, `${name}: the keyboard reaches ${seen.size} of ${all} controls`);
  check(without === "", `${name}: the focus cannot be seen on ${without}`);
  await page.context().close();
}
{
  const page = await open(`${P}/lists`);
  await page.focus("#list-name");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await appears(page.locator("tr", { hasText: "By keyboard" }), "a list that was made by keyboard");
  await page.goto(`${base}/`);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  check((await page.evaluate(() => document.activeElement.id)) === "main", "the skip link does not skip");
  await page.context().close();
}

// Without scripts the tables still show, and lists can be made.
{
  const page = await open("/", { javaScriptEnabled: false });
  check((await page.locator("tbody tr").count()) === 50, "without scripts: no activities");
  await page.goto(`${base}${P}/lists`);
  await page.fill("#list-name", "Without scripts");
  await page.getByRole("button", { name: "Create the list" }).click();
  await appears(page.locator("tr", { hasText: "Without scripts" }), "a list that was made without scripts");
  await page.goto(`${base}${P}/files`);
  check(!(await page.locator("#hint").isVisible()), "without scripts: a hint to drop a file, which does nothing");
  await page.context().close();
}

await browser.close();
if (faults.length > 0) {
  console.error([...new Set(faults)].map((fault) => `sandbox: FAILED: ${fault}`).join("\n"));
  process.exit(1);
}
console.error(`sandbox: ${Object.keys(views).length} views, nothing wrong`);
