"""Holds every answer of a walk through the endpoint against its own description, /openapi.json.

usage: answers.py ORIGIN     (ORIGIN is http://127.0.0.1:PORT; the account has to be empty, and needs no token)
"""
import json
import sys
import time
import urllib.error
import urllib.request

from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

ORIGIN = sys.argv[1]
NOBODY = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"


def fetch(method, path, body=None, headers=()):
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(ORIGIN + path, data, dict(headers), method=method)
    if data is not None and not request.has_header("Content-type"):
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()


spec = json.loads(fetch("GET", "/openapi.json")[2])
validate(spec)
seen = set()


def operation(method, path):
    """The operation of a request, and its name."""
    parts = path.partition("?")[0].split("/")
    best = None
    for template, item in spec["paths"].items():
        wanted = template.split("/")
        if len(wanted) == len(parts) and all(w == p or w.startswith("{") for w, p in zip(wanted, parts)):
            if method.lower() in item and (best is None or "{" not in template):
                best = item[method.lower()], f"{method} {template}"
    if best is None:
        sys.exit(f"answers.py: FAILED: {method} {path} is not in /openapi.json")
    return best


def call(status, method, path, body=None, headers=()):
    """Sends a request; its answer has to have this status and the shape of the description."""
    got, kind, text = fetch(method, path, body, headers)
    described, name = operation(method, path)
    what = f"{method} {path}: {got} {text[:500]!r}"
    if got != status:
        sys.exit(f"answers.py: FAILED: expected {status}: {what}")
    if str(got) not in described["responses"]:
        sys.exit(f"answers.py: FAILED: the status is not described: {what}")
    seen.add((name, got))
    content = described["responses"][str(got)].get("content")
    if content is None:
        if text:
            sys.exit(f"answers.py: FAILED: no body is described: {what}")
        return None
    if kind not in content:
        sys.exit(f"answers.py: FAILED: {kind} is not described: {what}")
    if kind != "application/json":
        return text
    answer = json.loads(text)
    schema = {**content[kind]["schema"], "components": spec["components"]}
    errors = list(OAS30Validator(schema, format_checker=OAS30Validator.FORMAT_CHECKER).iter_errors(answer))
    if errors:
        sys.exit(f"answers.py: FAILED: {errors[0].message} at {list(errors[0].path)}: {what}")
    return answer


def finished(activity):
    until = time.monotonic() + 60
    while True:
        now = call(200, "GET", f"/v3/activities/{activity['activity_id']}")
        if "completed_at" in now:
            return now
        if time.monotonic() > until:
            sys.exit(f"answers.py: FAILED: the activity does not end: {now}")
        time.sleep(0.05)


def form(fields):
    body = b""
    for name, value in fields.items():
        file = '; filename="contacts.csv"' if name == "file" else ""
        body += f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n'.encode()
    return body + b"--XX--\r\n", {"Content-Type": "multipart/form-data; boundary=XX"}


def walk():
    for path in ("/healthz", "/metrics", "/openapi.json"):
        call(200, "GET", path)
    lists = [call(201, "POST", "/v3/contact_lists", {"name": name, "description": "x"})["list_id"] for name in ("News", "Shop")]
    one = f"/v3/contact_lists/{lists[0]}"
    call(409, "POST", "/v3/contact_lists", {"name": "news"})
    call(400, "POST", "/v3/contact_lists", {})
    call(200, "GET", "/v3/contact_lists?limit=1&include_count=true&include_membership_count=all")
    call(200, "GET", one + "?include_membership_count=active")
    call(200, "PUT", one, {"name": "Newsletter"})
    call(404, "PUT", f"/v3/contact_lists/{NOBODY}", {"name": "x"})
    choices = [{"choice_label": "Apple"}, {"choice_label": "Pear"}]
    field = call(201, "POST", "/v3/contact_custom_fields", {"label": "Fruit", "type": "multi_select", "choices": choices})
    spare = call(201, "POST", "/v3/contact_custom_fields", {"label": "Spare", "type": "date", "metadata": {"display_format": "MM/DD/YYYY"}})
    call(409, "POST", "/v3/contact_custom_fields", {"label": "fruit", "type": "string"})
    call(200, "GET", "/v3/contact_custom_fields")
    one = f"/v3/contact_custom_fields/{spare['custom_field_id']}"
    call(200, "GET", one)
    call(200, "PUT", one, {"label": "Joined on"})
    call(400, "PUT", one, {"label": " "})
    call(204, "DELETE", one)
    call(404, "GET", one)
    tag = call(201, "POST", "/v3/contact_tags", {"name": "VIP", "tag_source": "Account"})
    one = f"/v3/contact_tags/{tag['tag_id']}"
    call(409, "POST", "/v3/contact_tags", {"name": "vip"})
    call(200, "GET", "/v3/contact_tags?include_count=true")
    call(200, "GET", one + "?include_count=true")
    call(200, "PUT", one, {"name": "Gold"})
    body = {
        "email_address": {"address": "zoe@example.com", "permission_to_send": "explicit"}, "create_source": "Account",
        "first_name": "Zoë", "birthday_month": 2, "birthday_day": 29, "anniversary": "2015-07-03",
        "custom_fields": [{"custom_field_id": field["custom_field_id"], "choice_ids": ["1"]}],
        "phone_numbers": [{"phone_number": "212-555-0101", "kind": "home"}],
        "street_addresses": [{"kind": "home", "street": "1 Main St", "city": "Boston"}],
        "list_memberships": lists, "taggings": [tag["tag_id"]], "notes": [{"content": "A note"}],
        "sms_channel": {"full_sms_address": "+15081231235", "sms_channel_consents": [{"sms_consent_permission": "explicit"}]},
    }
    contact = call(201, "POST", "/v3/contacts", body)
    one = f"/v3/contacts/{contact['contact_id']}"
    call(409, "POST", "/v3/contacts", body)
    call(400, "POST", "/v3/contacts", {**body, "birthday_day": 30})
    everything = "custom_fields,list_memberships,phone_numbers,street_addresses,taggings,notes"
    call(200, "GET", one + "?include=" + everything)
    call(200, "GET", "/v3/contacts?limit=1&include_count=true&include=" + everything)
    call(200, "PUT", one, {"update_source": "Contact", "last_name": "Smith"})
    form_body = {"email_address": "joe@example.com", "list_memberships": [lists[1]]}
    call(201, "POST", "/v3/contacts/sign_up_form", form_body)
    call(200, "POST", "/v3/contacts/sign_up_form", form_body)
    call(400, "POST", "/v3/contacts/sign_up_form", {"email_address": "joe@example.com"})
    call(200, "GET", "/v3/contacts/counts?include=new_subscribers")
    call(200, "GET", "/v3/account/summary?extra_fields=physical_address")
    rows = [{"email": "a@example.com", "cf:Fruit": "Fig"}, {"email": "a@@example.com"}]
    finished(call(201, "POST", "/v3/activities/contacts_json_import", {"import_data": rows, "list_ids": lists}))
    call(400, "POST", "/v3/activities/contacts_json_import", {})
    finished(call(201, "POST", "/v3/activities/contacts_file_import", *form({"file": "email\nb@example.com\n", "list_ids": lists[0]})))
    call(400, "POST", "/v3/activities/contacts_file_import", *form({"list_ids": lists[0]}))
    call(415, "POST", "/v3/activities/contacts_file_import", {})
    some = {"source": {"contact_ids": [contact["contact_id"], NOBODY]}, "list_ids": [lists[0]]}
    for path in ("add_list_memberships", "remove_list_memberships"):
        finished(call(201, "POST", "/v3/activities/" + path, some))
        call(400, "POST", "/v3/activities/" + path, {})
    call(204, "DELETE", one)
    call(200, "GET", one)
    call(404, "DELETE", one)
    finished(call(201, "POST", "/v3/activities/contact_delete", {"list_ids": [lists[1]]}))
    finished(call(202, "DELETE", f"/v3/contact_lists/{lists[1]}"))
    finished(call(202, "DELETE", f"/v3/contact_tags/{tag['tag_id']}"))
    call(200, "GET", "/v3/activities?limit=2")
    call(404, "GET", f"/v3/activities/{NOBODY}")


walk()
missing = {
    f"{method.upper()} {path}"
    for path, item in spec["paths"].items() for method in item if method != "parameters"
} - {name for name, status in seen if status < 300}
if missing:
    sys.exit(f"answers.py: FAILED: no good answer was seen of {sorted(missing)}")
print(f"answers.py: {len(seen)} kinds of answers of {len(spec['paths'])} paths are as described", flush=True)
