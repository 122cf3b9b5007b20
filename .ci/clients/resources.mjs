// Uses what `presort serve` has beside imports through the published JavaScript client, unmodified: lists, custom fields, contacts,
// the sign-up form, tags, counts, the account, files, and activities in bulk. Each answer is compared member by member.
//
// usage: node resources.mjs BASE_URL TOKEN     (BASE_URL is http://127.0.0.1:PORT/v3; the account has to be empty)
//
// resources.py does the same in the same order.
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual, inspect } from "node:util";
import {
  AccountServicesApi, BulkActivitiesApi, Configuration, ContactListsApi, ContactTagsApi, ContactsApi, ContactsCustomFieldsApi,
} from "ctct-api-client";

const [BASE, TOKEN] = process.argv.slice(2);
const EVERYTHING = "custom_fields,list_memberships,phone_numbers,street_addresses,taggings,notes";
// What differs in each run: it has to be there.
const VARIES = /^(.*_id|created_at|updated_at|started_at|completed_at|opt_in_date|opt_out_date|_links)$/;

class Difference extends Error {}

const show = (value) => inspect(value, { depth: 8, breakLength: Infinity });

function check(good, message) {
  if (!good) throw new Difference(message);
}

function same(got, expected, what) {
  check(isDeepStrictEqual(got, expected), `${what}: expected ${show(expected)}, got ${show(got)}`);
}

function verified(text) {
  console.log(`resources.mjs: ${text}`);
}

function stable(value) {
  if (Array.isArray(value)) return value.map(stable);
  if (value === null || typeof value !== "object") return value;
  for (const [name, inside] of Object.entries(value)) check(!VARIES.test(name) || inside, `${name} is ${show(inside)}`);
  return Object.fromEntries(Object.entries(value).filter(([name]) => !VARIES.test(name)).map(([name, inside]) => [name, stable(inside)]));
}

async function answered(status, call) {
  const response = await call;
  same(response.status, status, "status");
  return response.data;
}

async function refused(status, call) {
  try {
    await call;
  } catch (error) {
    if (!error.response) throw error;
    same(error.response.status, status, "status of a call that has to fail");
    const [{ error_key: key, error_message: message }] = error.response.data;
    check(key && message, `the error ${show(error.response.data)}`);
    return;
  }
  throw new Difference(`a call that has to fail with ${status} did not`);
}

async function run() {
  const configuration = new Configuration({ basePath: BASE, accessToken: TOKEN });
  const lists = new ContactListsApi(configuration);
  const fields = new ContactsCustomFieldsApi(configuration);
  const tags = new ContactTagsApi(configuration);
  const contacts = new ContactsApi(configuration);
  const bulk = new BulkActivitiesApi(configuration);
  const account = new AccountServicesApi(configuration);
  const allContacts = ({ status, email, of, include }) =>
    contacts.getAllContacts(status, email, of, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, include);

  async function ended({ activity_id: id }) {
    const until = Date.now() + 120_000;
    for (;;) {
      const activity = await answered(200, bulk.getActivityById(id));
      if (activity.state !== "initialized" && activity.state !== "processing") return activity;
      check(Date.now() < until, `the activity is still ${activity.state}: ${show(activity)}`);
      await sleep(20);
    }
  }

  async function done(answer, counts) {
    const activity = await ended(answer);
    same(activity.state, "completed", `the state (${show(activity.activity_errors)})`);
    for (const [name, count] of Object.entries(counts)) same(activity.status[name], count, `status.${name} (${show(activity.activity_errors)})`);
    return activity;
  }

  // Lists
  const { list_id: news } = await answered(201, lists.createList({ name: "News" }));
  const { list_id: shop } = await answered(201, lists.createList({ name: "Shop" }));
  same(stable(await answered(200, lists.getList(news))), { name: "News", favorite: false }, "a list");
  const renamed = { name: "Newsletter", description: "d", favorite: true };
  same(stable(await answered(200, lists.updateList(news, renamed))), renamed, "a list that was changed");
  same((await answered(200, lists.getList(news, "all"))).membership_count, 0, "the members of an empty list");
  await refused(409, lists.updateList(news, { name: "shop" }));
  verified("lists: read, changed");

  // Custom fields
  const choices = [{ choice_label: "S", display_order: 1 }, { choice_label: "L", display_order: 2 }];
  const size = await answered(201, fields.createCustomFields({ label: "Shirt size", type: "single_select", choices }));
  same(stable(size), { label: "Shirt size", name: "Shirt_size", type: "single_select", choices }, "a custom field with choices");
  same(await answered(200, fields.getCustomField(size.custom_field_id)), size, "the same by its identifier");
  const changedField = await answered(200, fields.updateCustomField(size.custom_field_id, {
    label: "Size",
    choices: [{ choice_id: size.choices[1].choice_id, choice_label: "Large", display_order: 1 }, { choice_label: "XL", display_order: 2 }],
  }));
  same([changedField.name, changedField.choices.map((choice) => choice.choice_label)], ["Size", ["Large", "XL"]], "a field that was changed");
  same(changedField.choices[0].choice_id, size.choices[1].choice_id, "the identifier of a choice that stays");
  const { custom_field_id: points } = await answered(201, fields.createCustomFields({ label: "Points", type: "number" }));
  await answered(204, fields.deleteCustomField(points));
  await refused(404, fields.getCustomField(points));
  verified("custom fields: with choices, read, changed, deleted");

  // Tags
  const vip = await answered(201, tags.postTag({ name: "vip", tag_source: "Account" }));
  same(stable(vip), { name: "vip", tag_source: "Account" }, "a tag");
  same((await answered(200, tags.putTag(vip.tag_id, { name: "VIP" }))).name, "VIP", "a tag that was renamed");
  same((await answered(200, tags.getAllTags(undefined, true))).tags.map((tag) => tag.name), ["VIP"], "all tags");
  verified("tags: made, renamed, read");

  // Contacts
  const request = {
    email_address: { address: "ann@example.com", permission_to_send: "explicit" },
    first_name: "Zoë", last_name: "O'Brien", job_title: "CEO", company_name: "A & B", create_source: "Account",
    birthday_month: 2, birthday_day: 29, anniversary: "2015-07-03",
    custom_fields: [{ custom_field_id: size.custom_field_id, value: "XL" }],
    phone_numbers: [{ phone_number: "212-555-0101", kind: "home" }, { phone_number: "212-555-0102", kind: "work" }],
    street_addresses: [{ kind: "home", street: "1 Main St", city: "Boston", state: "MA", postal_code: "02110", country: "US" }],
    list_memberships: [news, shop], taggings: [vip.tag_id], notes: [{ content: "Hello" }],
  };
  const ann = await answered(201, contacts.createContact(request));
  same(ann.email_address.address, "ann@example.com", "the address");
  same(ann.email_address.permission_to_send, "explicit", "the permission");
  for (const name of ["first_name", "last_name", "job_title", "company_name", "create_source", "birthday_month", "birthday_day", "anniversary",
    "list_memberships", "taggings"]) same(ann[name], request[name], name);
  same(ann.phone_numbers.map((phone) => [phone.kind, phone.phone_number]), [["home", "212-555-0101"], ["work", "212-555-0102"]], "the phones");
  same(stable(ann.street_addresses), request.street_addresses, "the addresses");
  same(ann.custom_fields[0].value, "XL", "the custom field");
  same(ann.notes[0].content, "Hello", "the note");
  same(await answered(200, contacts.getContactById(ann.contact_id, EVERYTHING)), ann, "the contact by its identifier");
  await refused(409, contacts.createContact(request));
  await refused(400, contacts.createContact({ ...request, email_address: { address: "joe@" } }));

  const changed = await answered(200, contacts.updateContact(ann.contact_id, {
    email_address: { address: "ann2@example.com", permission_to_send: "implicit" }, first_name: "Ann", update_source: "Contact",
    list_memberships: [news], phone_numbers: [],
  }));
  same([changed.contact_id, changed.email_address.address, changed.first_name, changed.update_source],
    [ann.contact_id, "ann2@example.com", "Ann", "Contact"], "what was changed");
  same([changed.last_name, changed.list_memberships, changed.phone_numbers ?? []], [undefined, [news], []], "what was removed");
  same(changed.street_addresses.length, 1, "the addresses, which did not come");

  const form = { email_address: "joe@example.com", first_name: "Joe", list_memberships: [shop], phone_number: "212-555-0103" };
  const first = await answered(201, contacts.createOrUpdateContact(form));
  const again = await answered(200, contacts.createOrUpdateContact({ ...form, last_name: "Doe" }));
  same([first.action, again.action, again.contact_id], ["created", "updated", first.contact_id], "who signs up twice");
  const joe = await answered(200, contacts.getContactById(first.contact_id));
  same([joe.first_name, joe.last_name, joe.email_address.permission_to_send], ["Joe", "Doe", "explicit"], "who signed up");
  const counts = await answered(200, contacts.getContactCounts("new_subscribers"));
  same(counts, { total: 2, explicit: 1, implicit: 1, pending: 0, unsubscribed: 0, new_subscriber: 2 }, "the counts");
  verified("contacts: made, changed, signed up, counted");

  // Files
  const csv = "email,first_name,cf:Size\neve@example.com,Eve,XL\nmax@example.com,Max,\nbad@,Bad,\n";
  const file = new File([csv], "people.csv", { type: "text/csv" });
  const imported = await done(await answered(201, bulk.createCSVImportActivity(file, `${news},${shop}`)),
    { items_total_count: 3, items_completed_count: 2, correctable_count: 1, list_count: 2 });
  check(imported.activity_errors.some((text) => text.includes("contact 2") && text.includes("EML003")), `the errors ${show(imported.activity_errors)}`);
  const [eve] = (await answered(200, allContacts({ email: "eve@example.com", include: "custom_fields,list_memberships" }))).contacts;
  same([eve.first_name, eve.custom_fields[0].value, eve.list_memberships], ["Eve", "XL", [news, shop]], "a contact of a file");
  verified("a CSV file: imported, read back");

  // Activities in bulk
  const some = { source: { contact_ids: [ann.contact_id, first.contact_id] }, list_ids: [shop] };
  await done(await answered(201, bulk.createListAddActivity(some)), { items_total_count: 2, items_completed_count: 2 });
  same((await answered(200, lists.getList(shop, "all"))).membership_count, 4, "the members of a list after some were added");
  await done(await answered(201, bulk.createListRemoveActivity({ source: { list_ids: [news] }, list_ids: [shop] })), { items_completed_count: 3 });
  same((await answered(200, allContacts({ of: shop }))).contacts.map((one) => one.contact_id), [first.contact_id], "the members of a list after some were removed");
  await done(await answered(201, bulk.createDeleteActivity({ contact_ids: [first.contact_id] })), { items_completed_count: 1 });
  check((await answered(200, contacts.getContactById(first.contact_id))).deleted_at, "a contact that was deleted has deleted_at");
  await answered(204, contacts.deleteContact(eve.contact_id));
  same((await answered(200, contacts.getContactCounts())).total, 2, "the contacts after two were deleted");
  same((await answered(200, allContacts({ status: "deleted" }))).contacts.length, 2, "the deleted contacts");
  await ended(await answered(202, tags.deleteTag(vip.tag_id)));
  await refused(404, tags.getTag(vip.tag_id));
  await ended(await answered(202, lists.deleteList(shop)));
  await refused(404, lists.getList(shop));
  verified("in bulk: added to lists, removed, deleted; a tag and a list deleted");

  const details = await answered(200, account.getAccountDetails("physical_address"));
  check(details.encoded_account_id && details.contact_email && details.physical_address.city, `the account ${show(details)}`);
  verified("the account");
}

try {
  await run();
} catch (error) {
  if (!(error instanceof Difference)) {
    console.error(error.isAxiosError ? `${error.message}: ${show(error.response?.data)}\n${error.stack}` : error);
  }
  console.error(`resources.mjs: FAILED: ${error.message}`);
  process.exitCode = 1;
}
