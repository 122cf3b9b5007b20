"""Uses what `presort serve` has beside imports through the published Python client, unmodified: lists, custom fields, contacts, the
sign-up form, tags, counts, the account, files, and activities in bulk. Each answer is compared member by member.

usage: resources.py BASE_URL TOKEN     (BASE_URL is http://127.0.0.1:PORT/v3; the account has to be empty)

resources.mjs does the same in the same order.
"""
import json
import re
import sys
import tempfile
import time
import traceback

import constant_contact_api_client as cc
from constant_contact_api_client import models

BASE, TOKEN = sys.argv[1], sys.argv[2]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERYTHING = "custom_fields,list_memberships,phone_numbers,street_addresses,taggings,notes"
# What differs in each run: it has to be there, and to be an identifier or a time.
VARIES = re.compile(r"(.*_id|created_at|updated_at|started_at|completed_at|opt_in_date|opt_out_date)")


class Difference(Exception):
    pass


def check(good, message):
    if not good:
        raise Difference(message)


def same(got, expected, what):
    check(got == expected, f"{what}: expected {expected!r}, got {got!r}")


def verified(text):
    print(f"resources.py: {text}", flush=True)


def plain(model):
    """The members of an answer, as the client has understood them."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def stable(value):
    """The same without what differs in each run."""
    if isinstance(value, dict):
        for name, inside in value.items():
            if VARIES.fullmatch(name):
                check(isinstance(inside, (str, int)) and inside, f"{name} is {inside!r}")
        return {name: stable(inside) for name, inside in value.items() if not VARIES.fullmatch(name) and name != "_links"}
    return [stable(inside) for inside in value] if isinstance(value, list) else value


def refused(status, call):
    try:
        call()
    except cc.ApiException as error:
        same(error.status, status, "status of a call that has to fail")
        answer = json.loads(error.body)
        check(isinstance(answer, list) and answer[0]["error_key"] and answer[0]["error_message"], f"the error {answer!r}")
        return answer
    raise Difference(f"a call that has to fail with {status} did not")


def run():
    client = cc.ApiClient(cc.Configuration(host=BASE, access_token=TOKEN))
    lists, fields, tags = cc.ContactListsApi(client), cc.ContactsCustomFieldsApi(client), cc.ContactTagsApi(client)
    contacts, bulk, account = cc.ContactsApi(client), cc.BulkActivitiesApi(client), cc.AccountServicesApi(client)

    def ended(activity_id):
        until = time.monotonic() + 120
        while True:
            activity = bulk.get_activity_by_id(activity_id)
            if activity.state not in ("initialized", "processing"):
                return activity
            check(time.monotonic() < until, f"the activity is still {activity.state}: {activity!r}")
            time.sleep(0.02)

    def done(answer, **counts):
        activity = ended(answer.activity_id)
        same(activity.state, "completed", f"the state ({activity.activity_errors!r})")
        for name, count in counts.items():
            same(getattr(activity.status, name), count, f"status.{name} ({activity.activity_errors!r})")
        return activity

    # Lists
    made = [lists.create_list(models.UpdateListRequest(name=name)) for name in ("News", "Shop")]
    news, shop = (one.list_id for one in made)
    same(stable(plain(lists.get_list(news))), {"name": "News", "favorite": False}, "a list")
    changed = lists.update_list(news, models.UpdateListRequest(name="Newsletter", description="d", favorite=True))
    same(stable(plain(changed)), {"name": "Newsletter", "description": "d", "favorite": True}, "a list that was changed")
    same(lists.get_list(news, include_membership_count="all").membership_count, 0, "the members of an empty list")
    refused(409, lambda: lists.update_list(news, models.UpdateListRequest(name="shop")))
    verified("lists: read, changed")

    # Custom fields
    request = {"label": "Shirt size", "type": "single_select", "choices": [{"choice_label": "S", "display_order": 1}, {"choice_label": "L", "display_order": 2}]}
    size = fields.create_custom_fields(models.CreateCustomFieldsRequest.from_dict(request))
    expected = {"label": "Shirt size", "name": "Shirt_size", "type": "single_select",
                "choices": [{"choice_label": "S", "display_order": 1}, {"choice_label": "L", "display_order": 2}]}
    same(stable(plain(size)), expected, "a custom field with choices")
    same(plain(fields.get_custom_field(size.custom_field_id)), plain(size), "the same by its identifier")
    choices = [{"choice_id": size.choices[1].choice_id, "choice_label": "Large", "display_order": 1}, {"choice_label": "XL", "display_order": 2}]
    update = {"label": "Size", "choices": choices}
    changed = fields.update_custom_field(size.custom_field_id, models.UpdateCustomFieldRequest.from_dict(update))
    same((changed.name, [c.choice_label for c in changed.choices]), ("Size", ["Large", "XL"]), "a field that was changed")
    same(changed.choices[0].choice_id, size.choices[1].choice_id, "the identifier of a choice that stays")
    number = fields.create_custom_fields(models.CreateCustomFieldsRequest(label="Points", type="number"))
    fields.delete_custom_field(number.custom_field_id)
    refused(404, lambda: fields.get_custom_field(number.custom_field_id))
    verified("custom fields: with choices, read, changed, deleted")

    # Tags
    vip = tags.post_tag(models.PostTagRequest(name="vip", tag_source="Account"))
    same(stable(plain(vip)), {"name": "vip", "tag_source": "Account"}, "a tag")
    same(tags.put_tag(vip.tag_id, models.PutTagRequest(name="VIP")).name, "VIP", "a tag that was renamed")
    same([tag.name for tag in tags.get_all_tags(include_count=True).tags], ["VIP"], "all tags")
    verified("tags: made, renamed, read")

    # Contacts
    request = {
        "email_address": {"address": "ann@example.com", "permission_to_send": "explicit"},
        "first_name": "Zoë", "last_name": "O'Brien", "job_title": "CEO", "company_name": "A & B", "create_source": "Account",
        "birthday_month": 2, "birthday_day": 29, "anniversary": "2015-07-03",
        "custom_fields": [{"custom_field_id": size.custom_field_id, "value": "XL"}],
        "phone_numbers": [{"phone_number": "212-555-0101", "kind": "home"}, {"phone_number": "212-555-0102", "kind": "work"}],
        "street_addresses": [{"kind": "home", "street": "1 Main St", "city": "Boston", "state": "MA", "postal_code": "02110", "country": "US"}],
        "list_memberships": [news, shop], "taggings": [vip.tag_id], "notes": [{"content": "Hello"}],
    }
    ann = contacts.create_contact(models.CreateContactRequest.from_dict(request))
    looks = plain(ann)
    same(looks["email_address"]["address"], "ann@example.com", "the address")
    same(looks["email_address"]["permission_to_send"], "explicit", "the permission")
    for name in ("first_name", "last_name", "job_title", "company_name", "create_source", "birthday_month", "birthday_day", "anniversary"):
        same(looks[name], request[name], name)
    for name in ("list_memberships", "taggings"):
        same(looks[name], request[name], name)
    same([(p["kind"], p["phone_number"]) for p in looks["phone_numbers"]], [("home", "212-555-0101"), ("work", "212-555-0102")], "the phones")
    same(stable(looks["street_addresses"]), request["street_addresses"], "the addresses")
    same(looks["custom_fields"][0]["value"], "XL", "the custom field")
    same(looks["notes"][0]["content"], "Hello", "the note")
    same(plain(contacts.get_contact_by_id(ann.contact_id, include=EVERYTHING)), looks, "the contact by its identifier")
    refused(409, lambda: contacts.create_contact(models.CreateContactRequest.from_dict(request)))
    wrong = {**request, "email_address": {"address": "joe@"}}
    refused(400, lambda: contacts.create_contact(models.CreateContactRequest.from_dict(wrong)))

    update = {"email_address": {"address": "ann2@example.com", "permission_to_send": "implicit"}, "first_name": "Ann", "update_source": "Contact",
              "list_memberships": [news], "phone_numbers": []}
    changed = plain(contacts.update_contact(ann.contact_id, models.UpdateContactRequest.from_dict(update)))
    same(changed["contact_id"], ann.contact_id, "the identifier of a contact that was changed")
    same((changed["email_address"]["address"], changed["first_name"], changed["update_source"]), ("ann2@example.com", "Ann", "Contact"), "what was changed")
    same((changed.get("last_name"), changed["list_memberships"], changed.get("phone_numbers") or []), (None, [news], []), "what was removed")
    same(len(changed["street_addresses"]), 1, "the addresses, which did not come")

    form = {"email_address": "joe@example.com", "first_name": "Joe", "list_memberships": [shop], "phone_number": "212-555-0103"}
    first = contacts.create_or_update_contact(models.CreateOrUpdateContactRequest.from_dict(form))
    again = contacts.create_or_update_contact(models.CreateOrUpdateContactRequest.from_dict({**form, "last_name": "Doe"}))
    same((first.action, again.action, again.contact_id), ("created", "updated", first.contact_id), "who signs up twice")
    joe = contacts.get_contact_by_id(first.contact_id)
    same((joe.first_name, joe.last_name, joe.email_address.permission_to_send), ("Joe", "Doe", "explicit"), "who signed up")
    counts = plain(contacts.get_contact_counts(include="new_subscribers"))
    same(counts, {"total": 2, "explicit": 1, "implicit": 1, "pending": 0, "unsubscribed": 0, "new_subscriber": 2}, "the counts")
    verified("contacts: made, changed, signed up, counted")

    # Files
    csv = "email,first_name,cf:Size\neve@example.com,Eve,XL\nmax@example.com,Max,\nbad@,Bad,\n"
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write(csv)
        file.flush()
        answer = bulk.create_csv_import_activity(file.name, f"{news},{shop}")
    activity = done(answer, items_total_count=3, items_completed_count=2, correctable_count=1, list_count=2)
    check(any("contact 2" in text and "EML003" in text for text in activity.activity_errors), f"the errors {activity.activity_errors!r}")
    eve = contacts.get_all_contacts(email="eve@example.com", include="custom_fields,list_memberships").contacts[0]
    same((eve.first_name, eve.custom_fields[0].value, eve.list_memberships), ("Eve", "XL", [news, shop]), "a contact of a file")
    verified("a CSV file: imported, read back")

    # Activities in bulk
    ids = [ann.contact_id, first.contact_id]
    source = {"source": {"contact_ids": ids}, "list_ids": [shop]}
    done(bulk.create_list_add_activity(models.CreateListAddActivityRequest.from_dict(source)), items_total_count=2, items_completed_count=2)
    same(lists.get_list(shop, include_membership_count="all").membership_count, 4, "the members of a list after some were added")
    # The client's model of this source takes no element in any of its lists, so it is not asked to check them.
    source = models.CreateListRemoveActivityRequestSource.model_construct(list_ids=[news])
    request = models.CreateListRemoveActivityRequest.model_construct(source=source, list_ids=[shop])
    done(bulk.create_list_remove_activity(request), items_completed_count=3)
    left = contacts.get_all_contacts(lists=shop).contacts
    same([one.contact_id for one in left], [first.contact_id], "the members of a list after some were removed")
    done(bulk.create_delete_activity(models.CreateDeleteActivityRequest(contact_ids=[first.contact_id])), items_completed_count=1)
    same(contacts.get_contact_by_id(first.contact_id).deleted_at is not None, True, "a contact that was deleted has deleted_at")
    contacts.delete_contact(eve.contact_id)
    same(contacts.get_contact_counts().total, 2, "the contacts after two were deleted")
    same(len(contacts.get_all_contacts(status="deleted").contacts), 2, "the deleted contacts")
    ended(tags.delete_tag(vip.tag_id).activity_id)
    refused(404, lambda: tags.get_tag(vip.tag_id))
    ended(lists.delete_list(shop).activity_id)
    refused(404, lambda: lists.get_list(shop))
    verified("in bulk: added to lists, removed, deleted; a tag and a list deleted")

    details = account.get_account_details(extra_fields="physical_address")
    check(details.encoded_account_id and details.contact_email, f"the account {details!r}")
    verified("the account")


try:
    run()
except Difference as difference:
    sys.exit(f"resources.py: FAILED: {difference}")
except Exception as error:
    traceback.print_exc()
    sys.exit(f"resources.py: FAILED: the client could not make sense of an answer, or got none: {error}")
