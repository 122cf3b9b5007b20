"""The main rules in Python, with the libraries made for it: orjson, email-validator, phonenumbers.

    python3 clean.py contacts.ndjson cleaned.ndjson

What a careful user would write in an afternoon, and NOT all of what presort does: no report, no length limits, no address,
custom-field or consent rules, no limits of a body, no duplicates. Deliverability is not looked up; only syntax is checked.
"""

import sys
import unicodedata
from datetime import datetime

import orjson
import phonenumbers
from email_validator import EmailNotValidError, validate_email

PHONES = {"phone", "home_phone", "work_phone", "mobile_phone", "other_phone", "sms_number"}
DATES = {"anniversary", "sms_consent_date"}
FORMS = ("%Y-%m-%d", "%m/%d/%Y", "%Y/%m/%d", "%m-%d-%Y")


def email(value):
    try:
        found = validate_email(value, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, TypeError, AttributeError):
        return None
    address = found.ascii_email or found.normalized
    return address if len(address) <= 50 else None


def phone(value):
    try:
        number = phonenumbers.parse(str(value), "US")
    except phonenumbers.NumberParseException:
        return None
    digits = str(number.national_number)
    if number.country_code != 1 or len(digits) != 10:
        return None
    extension = f" x{number.extension}" if number.extension else ""
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}{extension}"


def date(value):
    for form in FORMS:
        try:
            return datetime.strptime(str(value).strip(), form).date().isoformat()
        except ValueError:
            continue
    return None


def text(value):
    return " ".join(unicodedata.normalize("NFC", value).split())


def clean(contact):
    if not isinstance(contact, dict):
        return None
    cleaned = {}
    for name, value in contact.items():
        if name == "email":
            value = email(value)
        elif name in PHONES:
            value = phone(value) if value else None
        elif name in DATES:
            value = date(value)
        elif isinstance(value, str):
            value = text(value)
        if value is not None and value != "":
            cleaned[name] = value
    if "birthday_month" not in cleaned or "birthday_day" not in cleaned:
        cleaned.pop("birthday_month", None)
        cleaned.pop("birthday_day", None)
    return cleaned if "email" in cleaned else None


def main():
    with open(sys.argv[1], "rb") as lines, open(sys.argv[2], "wb") as out:
        for line in lines:
            cleaned = clean(orjson.loads(line))
            if cleaned is not None:
                out.write(orjson.dumps(cleaned))
                out.write(b"\n")


if __name__ == "__main__":
    main()
