// Opens the page of --html in headless Chromium: nothing may leave the page, no error may show, the search must work, and axe-core
// must find nothing serious.
//
// usage: node look.mjs CHROMIUM PAGE.html SCREENSHOTS
import { chromium } from "playwright-core";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , executablePath, file, shots] = process.argv;
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const url = pathToFileURL(file).href;
const faults = [];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

async function open(options) {
  // The page forbids what it does not contain; axe is not of the page.
  const context = await browser.newContext({ bypassCSP: true, ...options });
  const page = await context.newPage();
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) faults.push(`request: ${request.url()}`);
  });
  page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error}`));
  await page.goto(url);
  return page;
}

const wide = { viewport: { width: 1200, height: 2400 } };
const narrow = { viewport: { width: 375, height: 2400 } };
for (const [name, options] of Object.entries({
  light: { ...wide, colorScheme: "light" },
  dark: { ...wide, colorScheme: "dark" },
  narrow: { ...narrow, colorScheme: "light" },
  "narrow-dark": { ...narrow, colorScheme: "dark" },
})) {
  const page = await open(options);
  await page.screenshot({ path: `${shots}/${name}.png` });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) faults.push(`${name}: the page is ${over} pixels wider than the window`);
  await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const { id, impact, nodes } of violations.filter(({ impact }) => ["serious", "critical"].includes(impact))) {
    faults.push(`${name}: axe: ${impact}: ${id}: ${nodes[0].html.slice(0, 200)} (${nodes.length})`);
  }
  await page.context().close();
}

const page = await open(wide);
const rows = () => page.locator("#findings tbody tr:not([hidden])").count();
const all = await rows();
await page.fill("#words", "email");
const some = await rows();
if (!(some > 0 && some < all)) faults.push(`search: ${some} of ${all} findings`);
if (!(await page.locator("#hits").textContent()).includes("finding")) faults.push("search: the number of findings is missing");
await page.fill("#words", "no such thing");
if ((await rows()) !== 0) faults.push("search: what is not there is found");
await page.fill("#words", "");
if ((await rows()) !== all) faults.push("search: not all come back");

const still = await open({ ...wide, javaScriptEnabled: false });
if (!(await still.locator("#findings details[open] tbody tr").first().isVisible())) faults.push("without scripts: no findings");
if (await still.locator("#words").isVisible()) faults.push("without scripts: there is a search that does nothing");

await browser.close();
if (faults.length > 0) {
  console.error(faults.map((fault) => `page: FAILED: ${fault}`).join("\n"));
  process.exit(1);
}
console.error(`page: ${all} findings, nothing wrong`);
