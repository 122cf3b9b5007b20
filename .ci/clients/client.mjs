// Imports contacts through the published JavaScript client, unmodified, and reads them back.
//
// usage: node client.mjs BASE_URL TOKEN     (BASE_URL is http://127.0.0.1:PORT/v3; the account has to be empty)
//
// What is sent and what has to come back is in cases.json. client.py does the same in the same order.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual, inspect } from "node:util";
import axios from "axios";
import { BulkActivitiesApi, Configuration, ContactListsApi, ContactsApi, ContactsCustomFieldsApi } from "ctct-api-client";

const [BASE, TOKEN] = process.argv.slice(2);
const CASES = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8"));
const LIMIT = 4_000_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TEXTS = ["first_name", "last_name", "job_title", "company_name", "birthday_month", "birthday_day", "anniversary"];
const EVERYTHING = "custom_fields,list_memberships,phone_numbers,street_addresses";

class Difference extends Error {}

const sorted = (all) => [...all].sort();

const show = (value) => inspect(value, { depth: 8, breakLength: Infinity });

function check(good, message) {
  if (!good) throw new Difference(message);
}

function same(got, expected, what) {
  check(isDeepStrictEqual(got, expected), `${what}: expected ${show(expected)}, got ${show(got)}`);
}

function verified(text) {
  console.log(`client.mjs: ${text}`);
}

// What came with the status that the call has to be answered with.
async function answered(status, call) {
  const response = await call;
  same(response.status, status, "status");
  return response.data;
}

// The answer to a call that has to fail with this status.
async function refused(status, call) {
  try {
    await call;
  } catch (error) {
    if (!error.response) throw error;
    same(error.response.status, status, "status of a call that has to fail");
    return error.response.data;
  }
  throw new Difference(`a call that has to fail with ${status} did not`);
}

function errorsWellFormed(answer) {
  check(Array.isArray(answer) && answer.length > 0, `errors are an array of objects, not ${show(answer)}`);
  for (const error of answer) {
    check(typeof error.error_key === "string", `no error_key in ${show(error)}`);
    check(typeof error.error_message === "string", `no error_message in ${show(error)}`);
  }
}

function timestamps(resource, ...names) {
  for (const name of names) {
    check(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(resource[name]) && !isNaN(Date.parse(resource[name])), `${name} is a time: ${show(resource)}`);
  }
}

// All elements of a collection. No method of the client takes what tells the next page, so its link is followed with the
// HTTP library that the client stands on.
async function collect(call, member, most) {
  const all = [];
  const followed = new Set();
  for (let page = await answered(200, call); ; ) {
    // There are programs that take the first member that is not the links for the collection.
    same(Object.keys(page).find((name) => name !== "_links"), member, "the first member of a page");
    check(page[member].length <= most, `a page of at most ${most} has ${page[member].length} elements`);
    all.push(...page[member]);
    const link = page._links?.next?.href;
    if (link === undefined) {
      check(!page._links || !("next" in page._links), `the last page has no next: ${show(page._links)}`);
      return all;
    }
    check(link.startsWith("/v3/"), `_links.next.href begins with /v3/, not ${show(link)}`);
    check(!followed.has(link), `the pages go round in a circle: ${show(link)} comes twice`);
    followed.add(link);
    page = await answered(200, axios.get(new URL(link, BASE).href, { headers: { Authorization: `Bearer ${TOKEN}` } }));
  }
}

// Waits for the end of the activity that was just handed out.
async function completed(activities, call) {
  const answer = await answered(201, call);
  check(UUID.test(answer.activity_id), `activity_id is a UUID, not ${show(answer.activity_id)}`);
  same(answer._links?.self?.href, `/v3/activities/${answer.activity_id}`, "the activity's link");
  timestamps(answer, "created_at");
  const until = Date.now() + 120_000;
  for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
    const activity = await answered(200, activities.getActivityById(answer.activity_id));
    same(activity.activity_id, answer.activity_id, "activity_id");
    if (activity.state !== "initialized" && activity.state !== "processing") return activity;
    check(Date.now() < until, `the activity is still ${activity.state} after two minutes: ${show(activity)}`);
    await sleep(pause);
  }
}

function countsAre(activity, expected) {
  same(activity.state, "completed", `state (activity_errors ${show(activity.activity_errors)})`);
  same(activity.percent_done, 100, "percent_done");
  timestamps(activity, "created_at", "started_at", "completed_at", "updated_at");
  for (const [name, count] of Object.entries(expected)) {
    same(activity.status?.[name], count, `status.${name} (activity_errors ${show(activity.activity_errors)})`);
  }
}

// The contact in the shape of cases.json.
function shape(contact, fields) {
  check(UUID.test(contact.contact_id), `contact_id is a UUID, not ${show(contact.contact_id)}`);
  same(contact.create_source, "Account", "create_source");
  timestamps(contact, "created_at", "updated_at");
  const given = (from, names) => Object.fromEntries(names.filter((name) => from[name] != null).map((name) => [name, from[name]]));
  const out = given(contact, TEXTS);
  const { email_address: email, phone_numbers: phones, street_addresses: addresses, custom_fields: values, sms_channel: sms } = contact;
  if (email != null) {
    same(email.permission_to_send, "implicit", "permission_to_send");
    same(email.opt_in_source, "Account", "opt_in_source");
    out.email = email.address;
  }
  if (phones?.length) {
    out.phones = Object.fromEntries(phones.map((phone) => [phone.kind, phone.phone_number]));
    same(Object.keys(out.phones).length, phones.length, "number of phones, one of each kind");
  }
  if (addresses?.length) {
    const members = ["street", "city", "state", "postal_code", "country"];
    out.addresses = Object.fromEntries(addresses.map((address) => [address.kind, given(address, members)]));
    same(Object.keys(out.addresses).length, addresses.length, "number of addresses, one of each kind");
  }
  if (values?.length) out.custom_fields = Object.fromEntries(values.map((field) => [fields[field.custom_field_id], field.value]));
  if (sms != null) {
    same([sms.dial_code, sms.country_code], ["1", "US"], "dial_code and country_code");
    same(sms.sms_channel_consents?.length, 1, "number of sms_channel_consents");
    const [consent] = sms.sms_channel_consents;
    out.sms = { address: sms.sms_address, permission: consent.sms_consent_permission };
    if (consent.opt_in_date != null) out.sms.opt_in = new Date(consent.opt_in_date).toISOString().slice(0, 10);
  }
  return out;
}

// What a contact of cases.json is known by.
const key = (contact) => contact.email ?? contact.sms.address;

// 30,000 contacts, more than a body holds. A letter that is several bytes long stands in each.
function bulk(name) {
  return Array.from({ length: 30_000 }, (_, i) => ({
    email: `${name}${String(i).padStart(5, "0")}@example.com`,
    first_name: `Zoë ${i}`,
    company_name: "Long & Longer Holdings, Long & Longer Holdings",
    street: `${i} A Rather Long Name of a Street in the Middle of Nowhere, Building ${i % 7}`,
  }));
}

// How many whole contacts lie within the limit, the byte behind the last of them, and the length of the body: of the bytes
// that the client sends.
function within(body) {
  const text = JSON.stringify(body);
  const opening = '"import_data":[';
  let at = Buffer.byteLength(text.slice(0, text.indexOf(opening) + opening.length));
  for (let count = 0, end = 0; ; count++) {
    at += Buffer.byteLength(JSON.stringify(body.import_data[count]));
    if (at > LIMIT) return { count, end, length: Buffer.byteLength(text) };
    end = at;
    at += 1;
  }
}

function overLimit(activity, { count, end, length }) {
  // Whether what was dropped is an error more to count is not in the contract.
  countsAre(activity, { items_total_count: count, person_count: count, items_completed_count: count, correctable_count: 0 });
  // What is dropped begins at the limit or behind the last whole contact, as one likes; digits may be grouped.
  const numbers = (activity.activity_errors ?? []).flatMap((text) => text.match(/\d+(?:[,_' ]\d{3})*/g) ?? []).map((number) => Number(number.replace(/\D/g, "")));
  check(
    numbers.some((number) => length - LIMIT <= number && number <= length - end),
    `activity_errors say that ${length - LIMIT} bytes (or, from the first contact that does not fit on, up to ${length - end}) were dropped: ${show(activity.activity_errors)}`,
  );
}

async function run() {
  const configuration = new Configuration({ basePath: BASE, accessToken: TOKEN });
  const activities = new BulkActivitiesApi(configuration);
  const contacts = new ContactsApi(configuration);
  const listsApi = new ContactListsApi(configuration);
  const fieldsApi = new ContactsCustomFieldsApi(configuration);
  // The client takes the query's parts by their place.
  const allContacts = ({ email, lists, include, count, limit }) =>
    contacts.getAllContacts(undefined, email, lists, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, include, undefined, count, limit);

  const stranger = new ContactListsApi(new Configuration({ basePath: BASE, accessToken: `not ${TOKEN}` }));
  const unauthorized = await refused(401, stranger.getAllLists());
  check(!Array.isArray(unauthorized) && unauthorized?.error_key, `401 is one object with an error_key, not ${show(unauthorized)}`);
  verified("a wrong token gives 401");

  const lists = {};
  for (const name of CASES.lists) {
    const made = await answered(201, listsApi.createList({ name, description: `About ${name}`, favorite: true }));
    check(UUID.test(made.list_id), `list_id is a UUID, not ${show(made.list_id)}`);
    same([made.name, made.description, made.favorite], [name, `About ${name}`, true], "the list");
    timestamps(made, "created_at", "updated_at");
    lists[name] = made.list_id;
  }
  errorsWellFormed(await refused(409, listsApi.createList({ name: CASES.lists[0] })));
  same((await answered(200, listsApi.getAllLists(1, true))).lists_count, CASES.lists.length, "lists_count");
  const readLists = await collect(listsApi.getAllLists(1, true), "lists", 1);
  same(Object.fromEntries(readLists.map((list) => [list.name, list.list_id])), lists, "the lists, one a page");
  verified(`${readLists.length} lists made and read back; 409 for a name in use`);

  const fields = {};
  for (const { label, name } of CASES.fields) {
    const made = await answered(201, fieldsApi.createCustomFields({ label, type: "string" }));
    check(UUID.test(made.custom_field_id), `custom_field_id is a UUID, not ${show(made.custom_field_id)}`);
    same([made.label, made.name, made.type], [label, name, "string"], "the custom field");
    fields[made.custom_field_id] = made.name;
  }
  errorsWellFormed(await refused(409, fieldsApi.createCustomFields({ label: CASES.fields[0].label, type: "string" })));
  const readFields = await collect(fieldsApi.getAllCustomFields(2), "custom_fields", 2);
  same(Object.fromEntries(readFields.map((field) => [field.custom_field_id, field.name])), fields, "the custom fields, two a page");
  verified(`${readFields.length} custom fields made and read back; 409 for a label in use`);

  const expected = new Map();
  const done = [];
  for (const [name, body] of Object.entries(CASES.bodies)) {
    const listIds = body.lists.map((list) => lists[list]);
    const activity = await completed(activities, activities.createImportJSONActivity({
      import_data: body.contacts.map((contact) => contact.sent),
      list_ids: listIds,
      sms_permission_to_send: body.sms_permission_to_send,
    }));
    countsAre(activity, body.status);
    const told = activity.activity_errors ?? [];
    if (body.errors.length === 0) same(told, [], "activity_errors");
    for (const { contact, code } of body.errors) {
      check(
        told.some((text) => text.includes(code) && new RegExp(`\\b${contact}\\b`).test(text)),
        `no text of activity_errors has contact ${contact} and ${code}: ${show(told)}`,
      );
    }
    done.push(activity.activity_id);
    for (const { expected: looks } of body.contacts) {
      if (looks) expected.set(key(looks), { looks, memberships: sorted(listIds) });
    }
    verified(`${name}: ${body.contacts.length} contacts, ${body.status.items_completed_count} imported, ${body.errors.length} errors told by contact and code`);
  }

  const readActivities = await collect(activities.getAllActivities(2, "completed"), "activities", 2);
  same(sorted(readActivities.map((activity) => activity.activity_id)), sorted(done), "the completed activities, two a page");

  const counted = await answered(200, allContacts({ count: true, limit: 1 }));
  same(counted.contacts_count, expected.size, "contacts_count");
  const found = new Map();
  for (const contact of await collect(allContacts({ include: EVERYTHING, count: true, limit: 4 }), "contacts", 4)) {
    const looks = shape(contact, fields);
    check(!found.has(key(looks)), `${key(looks)} is on two pages`);
    found.set(key(looks), { id: contact.contact_id, looks, memberships: sorted(contact.list_memberships ?? []) });
  }
  same(sorted(found.keys()), sorted(expected.keys()), "the contacts, four a page");
  for (const [who, { looks, memberships }] of expected) {
    const { id, ...read } = found.get(who);
    same(read, { looks, memberships }, `contact ${who}`);
    const one = await answered(200, contacts.getContactById(id, EVERYTHING));
    same({ looks: shape(one, fields), memberships: sorted(one.list_memberships ?? []) }, { looks, memberships }, `contact ${who}, by its id`);
    // The client lets `include` be given as an array too, and then writes it as often as it has elements.
    const some = await answered(200, contacts.getContactById(id, ["phone_numbers", "list_memberships"]));
    same((some.phone_numbers ?? []).length, Object.keys(looks.phones ?? {}).length, `phones of ${who}, with include given twice`);
    same(sorted(some.list_memberships ?? []), memberships, `list_memberships of ${who}, with include given twice`);
    const bare = await answered(200, contacts.getContactById(id));
    check(
      !EVERYTHING.split(",").some((name) => bare[name]?.length),
      `what was not asked for with include is left out: ${show(bare)}`,
    );
    for (const address of looks.email ? [looks.email, looks.email.toUpperCase()] : []) {
      const page = await answered(200, allContacts({ email: address }));
      same(page.contacts.map((contact) => contact.contact_id), [id], `the contacts with the address ${address}`);
    }
  }
  same((await answered(200, allContacts({ email: "nobody@example.com" }))).contacts, [], "the contacts with an address that nobody has");
  errorsWellFormed(await refused(404, contacts.getContactById("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a")));
  for (const listId of Object.values(lists)) {
    const members = await collect(allContacts({ lists: listId, limit: 3 }), "contacts", 3);
    const wanted = [...expected].filter(([, { memberships }]) => memberships.includes(listId)).map(([who]) => found.get(who).id);
    same(sorted(members.map((contact) => contact.contact_id)), sorted(wanted), "the contacts of a list, three a page");
  }
  verified(`${expected.size} contacts read back by page, by list, by address and by id: each as it was sent`);

  const listId = lists[CASES.lists[1]];
  const body = { list_ids: [listId], import_data: bulk("bulk") };
  const cut = within(body);
  overLimit(await completed(activities, activities.createImportJSONActivity(body)), cut);
  const imported = new Map();
  for (const contact of await collect(allContacts({ lists: listId, include: "list_memberships,street_addresses", limit: 500 }), "contacts", 500)) {
    const address = contact.email_address?.address;
    if (!address?.startsWith("bulk")) continue;
    imported.set(address, [contact.first_name, contact.company_name, contact.street_addresses.map((a) => a.street), contact.list_memberships]);
  }
  same(imported.size, cut.count, "number of contacts of the over-long body in the account");
  for (const contact of body.import_data.slice(0, cut.count)) {
    const looks = [contact.first_name, contact.company_name, [contact.street], [listId]];
    same(imported.get(contact.email), looks, `contact ${contact.email}`);
  }
  verified(`over-long: ${cut.count} of 30000 contacts imported and read back, ${cut.length - LIMIT} bytes beyond the limit told as dropped`);

  // In the order of the client's own model, the lists of such a body are dropped. The import may be refused or may fail, or it
  // may find the lists all the same; but whoever sent it has to be told which.
  const late = { import_data: bulk("late"), list_ids: [listId] };
  let answer;
  let how;
  try {
    answer = await activities.createImportJSONActivity(late);
  } catch (error) {
    same(error.response?.status, 400, `status of an over-long body whose lists are dropped (${error.message})`);
    errorsWellFormed(error.response.data);
    check(JSON.stringify(error.response.data).includes("list_ids"), `the error names list_ids: ${show(error.response.data)}`);
    how = "refused with 400, naming list_ids";
  }
  if (answer) {
    const activity = await completed(activities, answer);
    if (activity.state === "failed") {
      check((activity.activity_errors ?? []).join(" ").includes("list_ids"), `no list_ids in ${show(activity.activity_errors)}`);
      how = "failed, naming list_ids";
    } else {
      const lateCut = within(late);
      overLimit(activity, lateCut);
      how = `imported as far as the limit, ${lateCut.count} contacts`;
    }
  }
  const { contacts: first } = await answered(200, allContacts({ email: "late00000@example.com" }));
  same(first.length, how.startsWith("imported") ? 1 : 0, "number of contacts with the first address of the body");
  verified(`over-long, with list_ids behind the limit: ${how}`);
}

try {
  await run();
} catch (error) {
  if (!(error instanceof Difference)) {
    console.error(error.isAxiosError ? `${error.message}: ${show(error.response?.data)}\n${error.stack}` : error);
  }
  console.error(`client.mjs: FAILED: ${error.message}`);
  process.exitCode = 1;
}
