# The main rules in jq: trim, drop blanks, check the address, write phones and dates one way, hold back what is bad.
#
#   jq -c -f clean.jq contacts.ndjson > cleaned.ndjson
#
# What a careful user would write in an afternoon, and NOT all of what presort does: no report, no Unicode normal form, no
# length limits, no address, custom-field or consent rules, no limits of a body, no duplicates.

def trim: gsub("^\\s+|\\s+$"; "");

def email:
  if type == "string" then
    trim
    | if length <= 50 and test("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$")
      then split("@") | "\(.[0])@\(.[1] | ascii_downcase)"
      else null end
  else null end;

# Ten digits, or eleven with a leading 1.
def phone:
  tostring
  | if test("[A-Za-z]") then null
    else
      gsub("[^0-9]"; "")
      | if length == 11 and startswith("1") then .[1:] else . end
      | if length == 10 then "\(.[0:3])-\(.[3:6])-\(.[6:10])" else null end
    end;

def pad: if length == 1 then "0\(.)" else . end;

# YYYY-MM-DD, or with slashes, or the year last. strptime and mktime refuse or move a day that does not exist.
def date:
  if type != "string" then null
  else
    trim
    | ( capture("^(?<y>[0-9]{4})[-/](?<m>[0-9]{1,2})[-/](?<d>[0-9]{1,2})$")
        // capture("^(?<m>[0-9]{1,2})[-/](?<d>[0-9]{1,2})[-/](?<y>[0-9]{4})$")
        // null )
    | if . == null then null
      else
        "\(.y)-\(.m | pad)-\(.d | pad)"
        | . as $day
        | (try (strptime("%Y-%m-%d") | mktime | strftime("%Y-%m-%d")) catch null)
        | if . == $day then . else null end
      end
  end;

select(type == "object")
# Not `|=`: the `try` above catches what jq 1.6 ends an update with.
| with_entries(
    ( .key as $name | .value
      | if $name == "email" then email
        elif ($name | endswith("phone")) then phone
        elif $name == "anniversary" then date
        elif type == "string" then trim
        else . end ) as $value
    | select($value != null and $value != "")
    | .value = $value
  )
| if (has("birthday_month") and has("birthday_day")) then . else del(.birthday_month, .birthday_day) end
| select(has("email"))
