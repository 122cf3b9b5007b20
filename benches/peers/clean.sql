-- The main rules in DuckDB: trim, drop blanks, check the address, write phones and dates one way, hold back what is bad.
-- INPUT and OUTPUT are replaced by the names of the two files.
--
-- What a careful user would write in an afternoon, and NOT all of what presort does: no report, no Unicode normal form, no
-- length limits, no address or consent rules, no limits of a body, no duplicates. It is a table: custom fields are left out,
-- and a member that a contact does not have is written as null. Every value is read as text, so that leading zeros stay.
COPY (
    WITH given AS (
        SELECT * FROM read_json('INPUT', format = 'newline_delimited', ignore_errors = true, columns = {
            email: 'VARCHAR', first_name: 'VARCHAR', last_name: 'VARCHAR', job_title: 'VARCHAR', company_name: 'VARCHAR',
            birthday_month: 'VARCHAR', birthday_day: 'VARCHAR', anniversary: 'VARCHAR',
            phone: 'VARCHAR', home_phone: 'VARCHAR', work_phone: 'VARCHAR', mobile_phone: 'VARCHAR', other_phone: 'VARCHAR',
            street: 'VARCHAR', street2: 'VARCHAR', city: 'VARCHAR', state: 'VARCHAR', zip: 'VARCHAR', country: 'VARCHAR',
            work_street: 'VARCHAR', work_city: 'VARCHAR', work_state: 'VARCHAR', work_zip: 'VARCHAR', work_country: 'VARCHAR'
        })
    ),
    trimmed AS (
        SELECT
            lower(trim(email)) AS email,
            nullif(trim(COLUMNS('(name|title|street|street2|city|state|zip|country)$')), '') AS '\0',
            regexp_extract(regexp_replace(COLUMNS('phone$'), '[^0-9]', '', 'g'), '^1?([0-9]{10})$', 1) AS '\0',
            try_strptime(trim(anniversary), ['%Y-%m-%d', '%m/%d/%Y', '%Y/%m/%d', '%m-%d-%Y']) AS anniversary,
            try_cast(birthday_month AS TINYINT) AS month,
            try_cast(birthday_day AS TINYINT) AS day
        FROM given
    )
    SELECT
        email,
        COLUMNS('(name|title|street|street2|city|state|zip|country)$'),
        nullif(regexp_replace(COLUMNS('phone$'), '^(...)(...)(....)$', '\1-\2-\3'), '') AS '\0',
        strftime(anniversary, '%Y-%m-%d') AS anniversary,
        CASE WHEN month BETWEEN 1 AND 12 AND day BETWEEN 1 AND 31 THEN month END AS birthday_month,
        CASE WHEN month BETWEEN 1 AND 12 AND day BETWEEN 1 AND 31 THEN day END AS birthday_day
    FROM trimmed
    WHERE length(email) <= 50
      AND regexp_full_match(email, '[a-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&''*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?')
) TO 'OUTPUT' (FORMAT json);
