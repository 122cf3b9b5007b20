//! What contacts are made of. A change to a table changes every sample that was ever named by its seed. Text is written as it
//! stands between quotes in JSON, with its escapes.

pub(super) const FIRST_NAMES: &[&str] = &[
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David",
    "Elizabeth", "William", "Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas",
    "Karen", "Christopher", "Sarah", "Charles", "Lisa", "Daniel", "Nancy", "Matthew", "Sandra",
    "Anthony", "Betty", "Mark", "Ashley", "Donald", "Emily", "Steven", "Kimberly", "Andrew",
    "Margaret", "Paul", "Donna", "Joshua", "Michelle", "Kenneth", "Carol", "Kevin", "Amanda",
    "Brian", "Melissa", "George", "Deborah", "Timothy", "Stephanie", "Ronald", "Rebecca",
    "Jason", "Sharon", "Edward", "Laura", "Jeffrey", "Cynthia", "Ryan", "Dorothy", "Jacob",
    "Amy", "Gary", "Kathleen", "Nicholas", "Angela", "Eric", "Shirley", "Jonathan", "Emma",
    "Maria", "Carlos", "Juan", "Ana", "Luis", "Rosa", "Diego", "Priya", "Arjun", "Wei", "Mei",
    "Omar", "Fatima", "Aisha", "Dmitri", "Olga", "Kwame", "Nia", "Mary Ann", "Jean-Luc",
];

pub(super) const LAST_NAMES: &[&str] = &[
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez",
    "Martinez", "Hernandez", "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor",
    "Moore", "Jackson", "Martin", "Lee", "Perez", "Thompson", "White", "Harris", "Sanchez",
    "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young", "Allen", "King", "Wright",
    "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker", "Hall",
    "Rivera", "Campbell", "Mitchell", "Carter", "Roberts", "Gomez", "Phillips", "Evans",
    "Turner", "Diaz", "Parker", "Cruz", "Edwards", "Collins", "Reyes", "Stewart", "Morris",
    "Morales", "Murphy", "Cook", "Rogers", "Gutierrez", "Ortiz", "Morgan", "Cooper", "Peterson",
    "Bailey", "Reed", "Kelly", "Howard", "Ramos", "Kim", "Cox", "Ward", "Patel", "O'Brien",
    "O'Connor", "McDonald", "Van Dyke", "De Luca", "Smith-Jones", "Singh", "Khan", "Chen",
    "Kowalski",
];

/// First and last name, and both in ASCII. All in NFC.
pub(super) const ACCENTED_PEOPLE: &[(&str, &str, &str, &str)] = &[
    ("José", "Hernández", "Jose", "Hernandez"),
    ("Zoë", "Müller", "Zoe", "Mueller"),
    ("Łukasz", "Wójcik", "Lukasz", "Wojcik"),
    ("Thảo", "Nguyễn", "Thao", "Nguyen"),
    ("太郎", "山田", "Taro", "Yamada"),
    ("花子", "佐藤", "Hanako", "Sato"),
    ("伟", "王", "Wei", "Wang"),
    ("민준", "김", "Minjun", "Kim"),
    ("Ирина", "Соколова", "Irina", "Sokolova"),
    ("Γιώργος", "Παππάς", "Giorgos", "Pappas"),
    ("محمد", "حسن", "Mohamed", "Hassan"),
    ("עדי", "כהן", "Adi", "Cohen"),
    ("प्रिया", "शर्मा", "Priya", "Sharma"),
    ("Renée", "Lefèvre", "Renee", "Lefevre"),
    ("François", "Côté", "Francois", "Cote"),
    ("María", "Núñez", "Maria", "Nunez"),
    ("Søren", "Østergård", "Soren", "Ostergard"),
    ("Åsa", "Öberg", "Asa", "Oberg"),
    ("Jürgen", "Groß", "Juergen", "Gross"),
    ("Jiří", "Dvořák", "Jiri", "Dvorak"),
    ("Siân", "Llŷr", "Sian", "Llyr"),
    ("Şule", "Çelik", "Sule", "Celik"),
    ("João", "Conceição", "Joao", "Conceicao"),
    ("Björk", "Guðmundsdóttir", "Bjork", "Gudmunds"),
    ("Seán", "Ó Briain", "Sean", "OBriain"),
    ("Dušan", "Živković", "Dusan", "Zivkovic"),
    ("Ágnes", "Szőke", "Agnes", "Szoke"),
    ("Ștefan", "Ionuț", "Stefan", "Ionut"),
    ("Nuria", "Peña", "Nuria", "Pena"),
    ("Đorđe", "Đặng", "Djordje", "Dang"),
];

pub(super) const NICKNAMES: &[&str] = &["Bob", "Bud", "Skip", "Ace", "Red", "Tex", "Kit", "J.R."];

/// None of these can receive mail: names reserved for examples and tests (RFC 2606), some made to
/// look like those people have.
pub(super) const DOMAINS: &[&str] = &[
    "example.com", "example.com", "example.org", "example.net", "mail.example",
    "gmail.example.com", "outlook.example", "yahoo.example", "aol.example", "icloud.example",
    "comcast.example.net", "inbox.test", "post.test", "office.test", "acme.example",
    "globex.example.com", "initech.example", "school.example.org", "city.example.org",
    "my-shop.example", "q4.example.net", "uni.example",
];

pub(super) const INTERNATIONAL_DOMAINS: &[&str] = &[
    "bücher.example", "münchen.example", "café.example.com", "señor.example", "пример.example",
    "例え.example",
];

/// From the `@` on.
pub(super) const BAD_DOMAINS: &[&str] = &[
    "@gmail", "@example..com", "@.example.com", "@example.com.", "@-example.com",
    "@example-.com", "@exa_mple.com", "@exam ple.com", "@192.168.0.1", "@[10.0.0.1]", "@",
    "@example,com", "@example.123", "@localhost",
];

/// What goes before and after a local part to spoil it.
pub(super) const BAD_LOCAL_PARTS: &[(&str, &str)] = &[
    ("", "."), (".", ""), ("x..", ""), ("\\\"", "\\\""), ("the ", ""), ("né.", ""), ("a,", ""),
    ("(x)", ""), ("x;", ""),
];

/// What stands around an address copied from somewhere.
pub(super) const PADDINGS: &[(&str, &str)] = &[
    ("", " "), (" ", ""), (" ", " "), ("\u{a0}", ""), ("", "\u{a0}"), ("\u{200b}", ""),
    ("", "\u{200b}"), ("\u{feff}", ""), ("", "\\r\\n"), ("\\t", ""),
];

pub(super) const AREA_CODES: &[u32] = &[
    201, 202, 203, 206, 207, 208, 212, 213, 214, 215, 216, 301, 303, 305, 312, 313, 314, 404,
    405, 408, 410, 412, 415, 502, 503, 504, 505, 508, 512, 602, 603, 608, 612, 614, 617, 702,
    703, 704, 713, 716, 718, 773, 801, 804, 808, 816, 901, 907, 916, 919,
];

pub(super) const FOREIGN_PHONES: &[&str] = &[
    "+44 20 7946 0958", "+49 30 901820", "+33 1 70 18 99 00", "+52 55 5091 0000",
    "+81 3-1234-5678", "+91 98765 43210", "+61 2 5550 1234", "011 44 20 7946 0958",
    "+353 1 555 0123", "0044 131 496 0123",
];

pub(super) const NO_PHONES: &[&str] = &[
    "n/a", "ask reception", "none", "555-CALL-NOW", "-", "unlisted", "see notes", "☎",
];

/// City, state and the first three digits of its ZIP codes.
pub(super) const CITIES: &[(&str, &str, &str)] = &[
    ("Chicago", "IL", "606"), ("Boston", "MA", "021"), ("Waltham", "MA", "024"),
    ("New York", "NY", "100"), ("Brooklyn", "NY", "112"), ("Buffalo", "NY", "142"),
    ("Los Angeles", "CA", "900"), ("San Diego", "CA", "921"), ("San Francisco", "CA", "941"),
    ("Sacramento", "CA", "958"), ("Houston", "TX", "770"), ("Austin", "TX", "787"),
    ("Dallas", "TX", "752"), ("San Antonio", "TX", "782"), ("El Paso", "TX", "799"),
    ("Phoenix", "AZ", "850"), ("Tucson", "AZ", "857"), ("Denver", "CO", "802"),
    ("Boulder", "CO", "803"), ("Loveland", "CO", "805"), ("Seattle", "WA", "981"),
    ("Spokane", "WA", "992"), ("Portland", "OR", "972"), ("Eugene", "OR", "974"),
    ("Miami", "FL", "331"), ("Tampa", "FL", "336"), ("Orlando", "FL", "328"),
    ("Atlanta", "GA", "303"), ("Savannah", "GA", "314"), ("Charlotte", "NC", "282"),
    ("Raleigh", "NC", "276"), ("Nashville", "TN", "372"), ("Memphis", "TN", "381"),
    ("Columbus", "OH", "432"), ("Cleveland", "OH", "441"), ("Detroit", "MI", "482"),
    ("Ann Arbor", "MI", "481"), ("Minneapolis", "MN", "554"), ("St. Paul", "MN", "551"),
    ("Milwaukee", "WI", "532"), ("Madison", "WI", "537"), ("St. Louis", "MO", "631"),
    ("Kansas City", "MO", "641"), ("Omaha", "NE", "681"), ("Salt Lake City", "UT", "841"),
    ("Las Vegas", "NV", "891"), ("Albuquerque", "NM", "871"), ("Boise", "ID", "837"),
    ("New Orleans", "LA", "701"), ("Philadelphia", "PA", "191"), ("Pittsburgh", "PA", "152"),
    ("Newark", "NJ", "071"), ("Baltimore", "MD", "212"), ("Richmond", "VA", "232"),
    ("Providence", "RI", "029"), ("Hartford", "CT", "061"), ("Burlington", "VT", "054"),
    ("Portland", "ME", "041"), ("Honolulu", "HI", "968"), ("Anchorage", "AK", "995"),
];

/// City, state or province, postal code, country. All in NFC.
pub(super) const ACCENTED_CITIES: &[(&str, &str, &str, &str)] = &[
    ("Cañon City", "CO", "81212", "US"),
    ("Española", "NM", "87532", "US"),
    ("Mayagüez", "PR", "00680", "US"),
    ("Montréal", "QC", "H2X 1Y4", "Canada"),
    ("Trois-Rivières", "QC", "G9A 5B3", "Canada"),
    ("México", "CDMX", "06000", "México"),
    ("São Paulo", "SP", "01310-100", "Brasil"),
    ("Zürich", "ZH", "8001", "Switzerland"),
    ("Łódź", "Łódzkie", "90-001", "Polska"),
    ("東京", "東京都", "100-0001", "日本"),
    ("Đà Nẵng", "Đà Nẵng", "550000", "Việt Nam"),
    ("København", "Hovedstaden", "1050", "Danmark"),
];

pub(super) const COUNTRY_NAMES: &[&str] = &["US", "US", "USA", "United States"];

pub(super) const STREETS: &[&str] = &[
    "Maple", "Oak", "Cedar", "Pine", "Elm", "Main", "Washington", "Lake", "Hill", "Walnut",
    "Spring", "North", "Ridge", "Church", "Willow", "Mill", "Sunset", "Railroad", "Jefferson",
    "Center", "W Highland", "Forest", "Jackson", "River", "Meadow", "Broad", "Chestnut",
    "E 42nd", "N Clark", "S Halsted", "Martin Luther King", "Park", "Lincoln", "Franklin",
    "2nd", "5th",
];

pub(super) const STREET_KINDS: &[&str] = &[
    "St", "St", "St", "Ave", "Ave", "Rd", "Dr", "Ln", "Blvd", "Ct", "Way", "Pl",
];

pub(super) const COMPANY_NAMES: &[&str] = &[
    "Blue Heron", "Summit", "Lakeside", "Red Door", "Evergreen", "Northwind", "Harbor",
    "Golden Gate", "Prairie", "Copper Kettle", "Silver Birch", "Main Street", "Riverbend",
    "Cornerstone", "Bright", "Old Mill", "Three Oaks", "Sunrise", "Granite", "Beacon",
];

pub(super) const COMPANY_TRADES: &[&str] = &[
    "Bakery", "Dental", "Realty", "Yoga", "Plumbing & Heating", "Coffee Roasters", "Books",
    "Consulting", "Hardware", "Animal Clinic", "Landscaping", "Law Group", "Fitness",
    "Florists", "Insurance", "Auto Body", "Brewing Co.", "Design", "Travel", "Music School",
];

/// What follows a family name.
pub(super) const FAMILY_COMPANIES: &[&str] = &[" & Sons", " & Associates", " LLC", " Inc.", " Farms", " Bros."];

/// Clean, though a careless cleaner would change them: quotes, an emoji, one with joiners inside.
pub(super) const UNUSUAL_COMPANIES: &[&str] = &[
    "\\\"The\\\" Pie Shop", "Café Olé", "Petals 🌸 & Co", "👩\u{200d}🍳 Home Kitchen",
    "Crème de la Crème", "Straße 7 Studio", "back\\\\slash Labs",
];

pub(super) const JOB_TITLES: &[&str] = &[
    "Owner", "Manager", "Director", "Teacher", "Nurse", "Engineer", "Accountant",
    "Sales Associate", "President", "Realtor", "Consultant", "Office Manager", "Volunteer",
    "Attorney", "Chef", "Marketing Lead", "Student", "CEO", "Project Manager", "Designer",
];

pub(super) const UNUSUAL_JOB_TITLES: &[&str] = &[
    "\\\"Chief\\\" of Staff", "Florist 🌸", "Maître d'hôtel", "Façade Engineer",
    "Director \\\"at large\\\"",
];

/// What the values of a custom field are.
#[derive(Clone, Copy)]
pub(super) enum Values {
    Words(&'static [&'static str]),
    /// A count, as text.
    Count,
    Day,
}

pub(super) const CUSTOM_FIELDS: &[(&str, Values)] = &[
    ("cf:Loyalty Tier", Values::Words(&["Gold", "Silver", "Bronze", "Platinum"])),
    ("cf:Source", Values::Words(&["Website", "Trade Fair", "In Store", "Referral", "Facebook", "Point of Sale"])),
    ("cf:Last Order", Values::Day),
    ("cf:Points", Values::Count),
    ("cf:Preferred Store", Values::Words(&["Downtown", "Airport", "Mall", "Old Town", "Online"])),
    ("cf:Shirt Size", Values::Words(&["S", "M", "L", "XL"])),
    ("cf:Allergies", Values::Words(&["none", "peanuts", "gluten", "shellfish"])),
];

pub(super) const IMPOSSIBLE_DATES: &[&str] = &[
    "2/30/2015", "2019-02-29", "13/1/2012", "2001/4/31", "6-31-1998", "2010-00-10",
    "31/12/2009", "1900-02-29", "0000-00-00", "2016-11-00",
];

pub(super) const NO_DATES: &[&str] = &[
    "June 2014", "tbd", "2014-06-14T00:00:00Z", "20140614", "14.06.2014", "Sat Jun 14 2014",
    "2014", "41804", "1/2", "n/a", "6/14/2014 12:00",
];

pub(super) const ARRAY_VALUES: &[&str] = &["[]", "[\"Chicago\"]", "[\"a\",\"b\",[\"]\"]]", "[null]", "[1,2,3]"];

pub(super) const OBJECT_VALUES: &[&str] = &[
    "{}", "{\"value\":\"Gold\"}", "{\"id\":7,\"name\":{\"en\":\"}\\\"\",\"fr\":[]}}",
    "{\"email\":\"inner@example.com\"}",
];

/// A member and a value whose accents are written as combining marks (NFD).
pub(super) const DECOMPOSED: &[(&str, &str)] = &[
    ("first_name", "Jose\u{301}"),
    ("first_name", "Zoe\u{308}"),
    ("last_name", "Mu\u{308}ller"),
    ("last_name", "Nguye\u{302}\u{303}n"),
    ("last_name", "Nun\u{303}ez"),
    ("city", "Montre\u{301}al"),
    ("company_name", "Cafe\\u0301 Noir"),
    ("job_title", "Chef pa\u{302}tissie\u{300}re"),
    ("last_name", "\u{1100}\u{1175}\u{11b7}"),
];

/// What makes any name longer than 50 characters. In some the limit falls among letters of more
/// than one byte.
pub(super) const LONG_TAILS: &[(&str, &str)] = &[
    ("", " formerly of the Greater Northeastern Regional Association"),
    ("", " und Königlich-Bayerische Würstchenbraterei-Gäßchen Söhne"),
    ("Her Excellency the Right Honourable Lady President ", " the Third"),
    ("", " 株式会社東京特許許可局国際事業本部第三営業部顧客管理課長補佐代理心得見習い兼広報担当広報担当者様御中株式会社"),
];

/// With a tail of [`LONG_TAILS`] longer than the 255 characters a street may have.
pub(super) const LONG_STREET: &str = "c/o the caretaker of the building behind the old railway \
    station, entrance on the left side of the yard, past the bicycle racks, up the green stairs, \
    second door; please do not ring before nine in the morning or after six at night, thank you \
    kindly, ";

pub(super) const CAMEL_CASE: &[(&str, &str)] = &[
    ("first_name", "firstName"),
    ("last_name", "lastName"),
    ("company_name", "companyName"),
    ("job_title", "jobTitle"),
    ("birthday_month", "birthdayMonth"),
    ("mobile_phone", "mobilePhone"),
    ("work_phone", "workPhone"),
    ("last_name", "LastName"),
];

pub(super) const CF_UNDERSCORE: &[&str] = &["cf_source", "cf_Loyalty Tier", "cf_last_order", "CF:Source"];

pub(super) const STREET_ADDRESSES: &[&str] = &[
    r#"[{"kind":"home","street":"12 Oak St","city":"Boston","state":"MA","postal_code":"02110","country":"US"}]"#,
    r#"[{"kind":"work","street":"700 Main St [rear]","city":"Austin","state":"TX"},{"kind":"other"}]"#,
    "[]",
];

pub(super) const CUSTOM_FIELD_LISTS: &[&str] = &[
    r#"[{"custom_field_id":"9d1e5a3c-2f64-11ee-8c2b-fa163e123456","value":"Gold"}]"#,
    r#"{"Loyalty Tier":"Gold","Source":"Website"}"#,
    r#"[{"name":"Quote","value":"She said \"}]\" and left"}]"#,
];

pub(super) const LIST_MEMBERSHIPS: &[&str] = &[r#"["3f0c9b52-7d1e-4c68-9a40-5be2d7f61c83"]"#, "[]"];

pub(super) const UNKNOWN_MEMBERS: &[(&str, &str)] = &[
    ("notes", "\"met at the fair\""),
    ("id", "90210"),
    ("fax", "\"312-555-0100\""),
    ("middle_name", "\"Lee\""),
    ("created_at", "\"2023-04-05T06:07:08Z\""),
    ("opt_in", "true"),
    ("email_address", "\"second@example.com\""),
    ("Phone", "\"312-555-0100\""),
    ("tags", "[\"vip\",\"{\"]"),
    ("", "\"no heading\""),
    ("prénom", "\"Zoë\""),
    ("score", "null"),
];

pub(super) const LONG_CUSTOM_NAMES: &[&str] = &[
    "cf:How did you first hear about our spring and summer events",
    "cf:Would you recommend us to a friend, neighbour or colleague",
    "cf:Préférence déclarée à l'été dernier pour la newsletter été",
];

/// More custom fields than a contact may have.
pub(super) const SURVEY: &[&str] = &[
    "cf:Survey Q01", "cf:Survey Q02", "cf:Survey Q03", "cf:Survey Q04", "cf:Survey Q05",
    "cf:Survey Q06", "cf:Survey Q07", "cf:Survey Q08", "cf:Survey Q09", "cf:Survey Q10",
    "cf:Survey Q11", "cf:Survey Q12", "cf:Survey Q13", "cf:Survey Q14", "cf:Survey Q15",
    "cf:Survey Q16", "cf:Survey Q17", "cf:Survey Q18", "cf:Survey Q19", "cf:Survey Q20",
    "cf:Survey Q21", "cf:Survey Q22", "cf:Survey Q23", "cf:Survey Q24", "cf:Survey Q25",
    "cf:Survey Q26", "cf:Survey Q27", "cf:Survey Q28", "cf:Survey Q29",
];
