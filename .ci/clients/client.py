"""Imports contacts through the published Python client, unmodified, and reads them back.

usage: client.py BASE_URL TOKEN     (BASE_URL is http://127.0.0.1:PORT/v3; the account has to be empty)

What is sent and what has to come back is in cases.json. client.mjs does the same in the same order.
"""
import json
import pathlib
import re
import sys
import time
import traceback

import constant_contact_api_client as cc
from constant_contact_api_client.models import (
    CreateImportJSONActivityRequest,
    CreateImportJSONActivityRequestImportDataInner,
)

BASE, TOKEN = sys.argv[1], sys.argv[2]
ORIGIN = BASE.removesuffix("/v3")
CASES = json.loads(pathlib.Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))
LIMIT = 4_000_000
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TEXTS = ["first_name", "last_name", "job_title", "company_name", "birthday_month", "birthday_day", "anniversary"]
EVERYTHING = "custom_fields,list_memberships,phone_numbers,street_addresses"


class Contact(CreateImportJSONActivityRequestImportDataInner):
    """The client's own contact has one custom field, `cf:custom_field_name`, and leaves out any other without a word.
    Whoever has fields of other names lets the model take them, like this."""

    model_config = {"extra": "allow"}


class ListsFirst(CreateImportJSONActivityRequest):
    """The client writes `import_data` before `list_ids`. In a body over the limit the lists then lie in what is dropped."""

    def to_dict(self):
        members = super().to_dict()
        return {"list_ids": members.pop("list_ids"), **members}


class Difference(Exception):
    pass


def check(good, message):
    if not good:
        raise Difference(message)


def same(got, expected, what):
    check(got == expected, f"{what}: expected {expected!r}, got {got!r}")


def verified(text):
    print(f"client.py: {text}", flush=True)


def refused(status, call):
    """The answer to a call that has to fail with this status."""
    try:
        call()
    except cc.ApiException as error:
        same(error.status, status, "status of a call that has to fail")
        return json.loads(error.body)
    raise Difference(f"a call that has to fail with {status} did not")


def errors_well_formed(answer):
    check(isinstance(answer, list) and answer, f"errors are an array of objects, not {answer!r}")
    for error in answer:
        check(isinstance(error.get("error_key"), str), f"no error_key in {error!r}")
        check(isinstance(error.get("error_message"), str), f"no error_message in {error!r}")


def pages(client, page, model):
    """The page and all that follow it. No method of the client takes what tells the next page, so its link is followed with
    the client's own plumbing."""
    followed = set()
    while True:
        yield page
        link = page.links.next.href if page.links and page.links.next else None
        if link is None:
            return
        check(link.startswith("/v3/"), f"_links.next.href begins with /v3/, not {link!r}")
        check(link not in followed, f"the pages go round in a circle: {link!r} comes twice")
        followed.add(link)
        request = client.param_serialize("GET", link, header_params={}, auth_settings=["oauth2_implicit"], _host=ORIGIN)
        response = client.call_api(*request)
        response.read()
        page = client.response_deserialize(response, {"200": model}).data


def completed(activities, answer):
    """Waits for the end of the activity that was just handed out."""
    check(UUID.fullmatch(answer.activity_id or ""), f"activity_id is a UUID, not {answer.activity_id!r}")
    same(answer.links.var_self.href, f"/v3/activities/{answer.activity_id}", "the activity's link")
    check(answer.created_at is not None, "an activity has created_at")
    until, pause = time.monotonic() + 120, 0.02
    while True:
        activity = activities.get_activity_by_id(answer.activity_id)
        same(activity.activity_id, answer.activity_id, "activity_id")
        if activity.state not in ("initialized", "processing"):
            return activity
        check(time.monotonic() < until, f"the activity is still {activity.state} after two minutes: {activity!r}")
        time.sleep(pause)
        pause = min(pause * 2, 1)


def counts_are(activity, expected):
    same(activity.state, "completed", f"state (activity_errors {activity.activity_errors!r})")
    same(activity.percent_done, 100, "percent_done")
    check(activity.started_at and activity.completed_at, "a completed activity has started_at and completed_at")
    for name, count in expected.items():
        same(getattr(activity.status, name), count, f"status.{name} (activity_errors {activity.activity_errors!r})")


def shape(contact, fields):
    """The contact in the shape of cases.json."""
    check(UUID.fullmatch(contact.contact_id or ""), f"contact_id is a UUID, not {contact.contact_id!r}")
    same(contact.create_source, "Account", "create_source")
    check(contact.created_at and contact.updated_at, "a contact has created_at and updated_at")
    out = {name: getattr(contact, name) for name in TEXTS if getattr(contact, name) is not None}
    if (email := contact.email_address) is not None:
        same(email.permission_to_send, "implicit", "permission_to_send")
        same(email.opt_in_source, "Account", "opt_in_source")
        out["email"] = email.address
    if contact.phone_numbers:
        out["phones"] = {phone.kind: phone.phone_number for phone in contact.phone_numbers}
        same(len(out["phones"]), len(contact.phone_numbers), "number of phones, one of each kind")
    if contact.street_addresses:
        out["addresses"] = {}
        for address in contact.street_addresses:
            check(address.kind not in out["addresses"], f"two addresses of kind {address.kind}")
            members = ("street", "city", "state", "postal_code", "country")
            values = {name: getattr(address, name) for name in members}
            out["addresses"][address.kind] = {name: value for name, value in values.items() if value is not None}
    if contact.custom_fields:
        out["custom_fields"] = {fields[field.custom_field_id]: field.value for field in contact.custom_fields}
    if (sms := contact.sms_channel) is not None:
        same((sms.dial_code, sms.country_code), ("1", "US"), "dial_code and country_code")
        same(len(sms.sms_channel_consents or []), 1, "number of sms_channel_consents")
        consent = sms.sms_channel_consents[0]
        out["sms"] = {"address": sms.sms_address, "permission": consent.sms_consent_permission}
        if consent.opt_in_date is not None:
            out["sms"]["opt_in"] = consent.opt_in_date.date().isoformat()
    return out


def key(contact):
    """What a contact of cases.json is known by."""
    return contact.get("email") or contact["sms"]["address"]


def bulk(name):
    """30,000 contacts, more than a body holds. A letter that is several bytes long stands in each."""
    return [
        Contact(email=f"{name}{i:05}@example.com", first_name=f"Zoë {i}", company_name="Long & Longer Holdings, Long & Longer Holdings",
                street=f"{i} A Rather Long Name of a Street in the Middle of Nowhere, Building {i % 7}")
        for i in range(30_000)
    ]


def within(body):
    """How many whole contacts lie within the limit, the byte behind the last of them, and the length of the body: of the
    bytes that the client sends."""
    text = json.dumps(body)
    check(text.isascii(), "the client sends ASCII only, so that a character is a byte")
    decoder, opening = json.JSONDecoder(), '"import_data": ['
    at, count, end = text.index(opening) + len(opening), 0, 0
    while True:
        _, at = decoder.raw_decode(text, at)
        if at > LIMIT:
            return count, end, len(text)
        count, end, at = count + 1, at, at + len(", ")


def run():
    client = cc.ApiClient(cc.Configuration(host=BASE, access_token=TOKEN))
    activities, contacts = cc.BulkActivitiesApi(client), cc.ContactsApi(client)
    lists_api, fields_api = cc.ContactListsApi(client), cc.ContactsCustomFieldsApi(client)

    stranger = cc.ApiClient(cc.Configuration(host=BASE, access_token="not " + TOKEN))
    answer = refused(401, lambda: cc.ContactListsApi(stranger).get_all_lists())
    check(isinstance(answer, dict) and answer.get("error_key"), f"401 is one object with an error_key, not {answer!r}")
    verified("a wrong token gives 401")

    lists = {}
    for name in CASES["lists"]:
        made = lists_api.create_list(cc.UpdateListRequest(name=name, description=f"About {name}", favorite=True))
        check(UUID.fullmatch(made.list_id), f"list_id is a UUID, not {made.list_id!r}")
        same((made.name, made.description, made.favorite), (name, f"About {name}", True), "the list")
        check(made.created_at and made.updated_at, "a list has created_at and updated_at")
        lists[name] = made.list_id
    errors_well_formed(refused(409, lambda: lists_api.create_list(cc.UpdateListRequest(name=CASES["lists"][0]))))
    first = lists_api.get_all_lists(limit=1, include_count=True)
    same(first.lists_count, len(lists), "lists_count")
    read = [list_ for page in pages(client, first, "GetAllLists200Response") for list_ in page.lists]
    same(sorted((l.name, l.list_id) for l in read), sorted(lists.items()), "the lists, one a page")
    verified(f"{len(lists)} lists made and read back; 409 for a name in use")

    fields = {}
    for field in CASES["fields"]:
        made = fields_api.create_custom_fields(cc.CreateCustomFieldsRequest(label=field["label"], type="string"))
        check(UUID.fullmatch(made.custom_field_id or ""), f"custom_field_id is a UUID, not {made.custom_field_id!r}")
        same((made.label, made.name, made.type), (field["label"], field["name"], "string"), "the custom field")
        fields[made.custom_field_id] = made.name
    again = cc.CreateCustomFieldsRequest(label=CASES["fields"][0]["label"], type="string")
    errors_well_formed(refused(409, lambda: fields_api.create_custom_fields(again)))
    first = fields_api.get_all_custom_fields(limit=2)
    read = [field for page in pages(client, first, "GetAllCustomFields200Response") for field in page.custom_fields]
    same({field.custom_field_id: field.name for field in read}, fields, "the custom fields, two a page")
    verified(f"{len(fields)} custom fields made and read back; 409 for a label in use")

    expected, done = {}, []
    for name, body in CASES["bodies"].items():
        answer = activities.create_import_json_activity(CreateImportJSONActivityRequest(
            import_data=[Contact(**contact["sent"]) for contact in body["contacts"]],
            list_ids=[lists[list_] for list_ in body["lists"]],
            sms_permission_to_send=body.get("sms_permission_to_send"),
        ))
        activity = completed(activities, answer)
        counts_are(activity, body["status"])
        told = activity.activity_errors or []
        if not body["errors"]:
            same(told, [], "activity_errors")
        for error in body["errors"]:
            names_it = re.compile(rf"\b{error['contact']}\b")
            check(any(error["code"] in text and names_it.search(text) for text in told),
                  f"no text of activity_errors has contact {error['contact']} and {error['code']}: {told!r}")
        done.append(activity.activity_id)
        for contact in body["contacts"]:
            if "expected" in contact:
                expected[key(contact["expected"])] = (contact["expected"], {lists[list_] for list_ in body["lists"]})
        verified(f"{name}: {len(body['contacts'])} contacts, {body['status']['items_completed_count']} imported, "
                 f"{len(body['errors'])} errors told by contact and code")

    found = activities.get_all_activities(limit=2, state="completed")
    read = [activity.activity_id for page in pages(client, found, "GetAllActivities200Response") for activity in page.activities]
    same(sorted(read), sorted(done), "the completed activities, two a page")

    found, ids = {}, {}
    first = contacts.get_all_contacts(include=EVERYTHING, limit=4, include_count=True)
    same(first.contacts_count, len(expected), "contacts_count")
    for page in pages(client, first, "GetAllContacts200Response"):
        check(len(page.contacts) <= 4, f"a page of at most 4 has {len(page.contacts)} contacts")
        for contact in page.contacts:
            looks = shape(contact, fields)
            check(key(looks) not in found, f"{key(looks)} is on two pages")
            found[key(looks)], ids[key(looks)] = (looks, set(contact.list_memberships or [])), contact.contact_id
    same(sorted(found), sorted(expected), "the contacts, four a page")
    for who, (looks, memberships) in expected.items():
        same(found[who][0], looks, f"contact {who}")
        same(found[who][1], memberships, f"list_memberships of {who}")
        one = contacts.get_contact_by_id(ids[who], include=EVERYTHING)
        same((shape(one, fields), set(one.list_memberships or [])), (looks, memberships), f"contact {who}, by its id")
        bare = contacts.get_contact_by_id(ids[who])
        check(not (bare.custom_fields or bare.phone_numbers or bare.street_addresses or bare.list_memberships),
              f"what was not asked for with include is left out: {bare!r}")
        if "email" in looks:
            for address in (looks["email"], looks["email"].upper()):
                page = contacts.get_all_contacts(email=address)
                same([c.contact_id for c in page.contacts], [ids[who]], f"the contacts with the address {address}")
    same(contacts.get_all_contacts(email="nobody@example.com").contacts, [], "the contacts with an address that nobody has")
    errors_well_formed(refused(404, lambda: contacts.get_contact_by_id("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a")))
    for list_id in lists.values():
        members = [c for page in pages(client, contacts.get_all_contacts(lists=list_id, limit=3), "GetAllContacts200Response")
                   for c in page.contacts]
        wanted = [ids[who] for who, (_, memberships) in expected.items() if list_id in memberships]
        same(sorted(c.contact_id for c in members), sorted(wanted), "the contacts of a list, three a page")
    verified(f"{len(expected)} contacts read back by page, by list, by address and by id: each as it was sent")

    list_id = lists[CASES["lists"][1]]
    request = ListsFirst(import_data=bulk("bulk"), list_ids=[list_id])
    count, end, length = within(request.to_dict())
    activity = completed(activities, activities.create_import_json_activity(request))
    over_limit(activity, count, end, length)
    bulk_read_back(client, contacts, request, count, list_id)
    verified(f"over-long: {count} of 30000 contacts imported and read back, {length - LIMIT} bytes beyond the limit told as dropped")

    # As the client writes it, the lists of such a body are dropped. The import may be refused or may fail, or it may find the
    # lists all the same; but whoever sent it has to be told which.
    request = CreateImportJSONActivityRequest(import_data=bulk("late"), list_ids=[list_id])
    count, end, length = within(request.to_dict())
    try:
        answer = activities.create_import_json_activity(request)
    except cc.ApiException as error:
        same(error.status, 400, "status of an over-long body whose lists are dropped")
        errors_well_formed(json.loads(error.body))
        check("list_ids" in error.body, f"the error names list_ids: {error.body!r}")
        how = "refused with 400, naming list_ids"
    else:
        activity = completed(activities, answer)
        if activity.state == "failed":
            check("list_ids" in " ".join(activity.activity_errors or []), f"no list_ids in {activity.activity_errors!r}")
            how = "failed, naming list_ids"
        else:
            over_limit(activity, count, end, length)
            how = f"imported as far as the limit, {count} contacts"
    page = contacts.get_all_contacts(email="late00000@example.com")
    same(len(page.contacts), 1 if how.startswith("imported") else 0, "number of contacts with the first address of the body")
    verified(f"over-long, with list_ids behind the limit: {how}")


def over_limit(activity, count, end, length):
    # Whether what was dropped is an error more to count is not in the contract.
    counts_are(activity, {"items_total_count": count, "person_count": count, "items_completed_count": count,
                          "correctable_count": 0})
    # What is dropped begins at the limit or behind the last whole contact, as one likes; digits may be grouped.
    numbers = [int(re.sub(r"\D", "", number)) for text in activity.activity_errors or []
               for number in re.findall(r"\d+(?:[,_' ]\d{3})*", text)]
    check(any(length - LIMIT <= number <= length - end for number in numbers),
          f"activity_errors say that {length - LIMIT} bytes (or, from the first contact that does not fit on, up to "
          f"{length - end}) were dropped: {activity.activity_errors!r}")


def bulk_read_back(client, contacts, request, count, list_id):
    found = {}
    first = contacts.get_all_contacts(lists=list_id, include="list_memberships,street_addresses", limit=500)
    for page in pages(client, first, "GetAllContacts200Response"):
        for contact in page.contacts:
            if contact.email_address and contact.email_address.address.startswith("bulk"):
                found[contact.email_address.address] = (contact.first_name, contact.company_name,
                                                        [a.street for a in contact.street_addresses], contact.list_memberships)
    wanted = {c.email: (c.first_name, c.company_name, [c.street], [list_id]) for c in request.import_data[:count]}
    same(len(found), len(wanted), "number of contacts of the over-long body in the account")
    for address, looks in wanted.items():
        same(found.get(address), looks, f"contact {address}")


try:
    run()
except Difference as difference:
    sys.exit(f"client.py: FAILED: {difference}")
except Exception as error:
    traceback.print_exc()
    sys.exit(f"client.py: FAILED: the client could not make sense of an answer, or got none: {error}")
