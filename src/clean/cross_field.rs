//! The rules that compare several members of a contact: birthday, phones, addresses, text messages, custom fields, identity.

use super::validator::{Output, Slot, Validator};
use crate::model::finding::{Code, Detail};
use crate::model::member::{ADDRESS_PARTS, Family, KNOWN, MEMBERS, MemberId};
use crate::rules::{birthday, custom, phone};

/// The members among these, a bit each.
const fn all(ids: &[MemberId]) -> u64 {
    let (mut bits, mut i) = (0, 0);
    while i < ids.len() {
        bits |= ids[i].bit();
        i += 1;
    }
    bits
}

const PHONES: [MemberId; 5] =
    [MemberId::Phone, MemberId::HomePhone, MemberId::WorkPhone, MemberId::MobilePhone, MemberId::OtherPhone];
const BIRTHDAY: u64 = all(&[MemberId::BirthdayMonth, MemberId::BirthdayDay]);
const NUMBERS: u64 = all(&PHONES) | MemberId::SmsNumber.bit();
const ZIPS: u64 = all(&[MemberId::Zip, MemberId::HomeZip, MemberId::WorkZip, MemberId::OtherZip]);
const ADDRESSES: u64 = {
    let (mut bits, mut i) = (0, 0);
    while i < KNOWN.len() {
        if matches!(MEMBERS[i].family, Family::Address) {
            bits |= KNOWN[i].bit();
        }
        i += 1;
    }
    bits
};

/// The parts of the address with this street.
const fn part_bits(street: MemberId) -> u64 {
    let (mut bits, mut part) = (0, 0);
    while part < ADDRESS_PARTS {
        bits |= KNOWN[street as usize + part].bit();
        part += 1;
    }
    bits
}

impl Validator<'_, '_> {
    /// Checks the members against each other.
    pub(super) fn check_cross_field(&mut self) {
        // Most contacts have few of these, and each rule is skipped where its members are not given.
        self.place_further_phones();
        let given = self.given;
        if given & BIRTHDAY != 0 {
            self.birthday();
        }
        if given & all(&PHONES) != 0 {
            self.phones();
        }
        if given & ADDRESSES != 0 {
            self.addresses();
        }
        if given & ZIPS != 0 {
            self.short_zips();
        }
        if given & all(&[MemberId::SmsNumber, MemberId::SmsConsentDate]) != 0 {
            self.sms();
        }
        if given & NUMBERS != 0 {
            self.foreign_numbers();
        }
        self.custom_fields();
        // A bad address has rejected the contact already, with its own finding.
        // One that was left out says that there is none.
        let given = |id| {
            self.slot(id).is_some_and(|i| self.slots[i].output != Output::Nothing || self.slots[i].change.is_none())
        };
        if !given(MemberId::Email) && self.present(MemberId::SmsNumber).is_none() {
            // A bad number has its own finding as well; without an address it rejects the contact.
            if given(MemberId::SmsNumber) {
                self.rejected = true;
            } else {
                self.reject_contact(Code::CON002, Detail::None);
            }
        }
    }

    /// A birthday needs both of its members, and must exist.
    fn birthday(&mut self) {
        let [month, day] = [MemberId::BirthdayMonth, MemberId::BirthdayDay].map(|id| self.present(id));
        match (month, day) {
            (None, None) => {}
            (Some(alone), None) | (None, Some(alone)) => self.hold_back(alone, Code::BDY002, Detail::None),
            (Some(m), Some(d)) => {
                if let (Output::Integer(month), Output::Integer(day)) = (self.slots[m].output, self.slots[d].output)
                    && !birthday::exists(month, day)
                {
                    self.hold_back(m, Code::BDY003, Detail::None);
                    self.hold_back(d, Code::BDY003, Detail::None);
                }
            }
        }
    }

    /// A contact has at most three phones, and one of each kind.
    fn phones(&mut self) {
        if let [Some(phone), Some(other)] = [MemberId::Phone, MemberId::OtherPhone].map(|id| self.present(id)) {
            if self.text_of(self.slots[phone].output) == self.text_of(self.slots[other].output) {
                self.leave_out(other, Code::PHN005);
            } else {
                self.hold_back(other, Code::PHN006, Detail::None);
            }
        }
        if (self.given & all(&PHONES)).count_ones() <= 3 {
            return;
        }
        let mut count = 0;
        for id in PHONES {
            if let Some(i) = self.present(id) {
                count += 1;
                if count > 3 {
                    self.hold_back(i, Code::PHN007, Detail::None);
                }
            }
        }
    }

    /// A second line needs its first, and the unprefixed address and `home_` are one.
    fn addresses(&mut self) {
        const FIRST: [MemberId; 4] =
            [MemberId::Street, MemberId::HomeStreet, MemberId::WorkStreet, MemberId::OtherStreet];
        let member = |id: MemberId, part: usize| KNOWN[id as usize + part];
        for street in FIRST {
            let Some(i) = self.present(member(street, 1)) else { continue };
            match self.slot(street).map(|first| self.slots[first]) {
                Some(Slot { output: Output::Nothing, change: None, .. }) => {
                    self.hold_back(i, Code::ADR004, Detail::None)
                }
                Some(Slot { output: Output::Nothing, .. }) | None => self.slots[i].written_as = street,
                Some(_) => {}
            }
        }
        if self.given & part_bits(MemberId::HomeStreet) == 0 {
            return;
        }
        // The parts as they will be written: a second line that moves up counts as a first.
        let parts = |validator: &Self, kind: MemberId| {
            let mut parts = [None; ADDRESS_PARTS];
            for part in 0..ADDRESS_PARTS {
                if let Some(i) = validator.present(member(kind, part)) {
                    parts[validator.slots[i].written_as as usize - kind as usize] = Some(i);
                }
            }
            parts
        };
        let (unprefixed, home) = (parts(self, MemberId::Street), parts(self, MemberId::HomeStreet));
        if unprefixed.iter().all(Option::is_none) || home.iter().all(Option::is_none) {
            return;
        }
        let text = |i: &Option<usize>| i.map(|i| self.text_of(self.slots[i].output));
        let equal = unprefixed.iter().map(text).eq(home.iter().map(text));
        for i in home.into_iter().flatten() {
            if equal {
                self.leave_out(i, Code::ADR002);
            } else {
                self.hold_back(i, Code::ADR001, Detail::None);
            }
        }
    }

    /// A number and its date of consent go together.
    fn sms(&mut self) {
        let [number, date] = [MemberId::SmsNumber, MemberId::SmsConsentDate].map(|id| self.present(id));
        let explicit = self.settings.sms_explicit;
        match (number, date) {
            (Some(number), None) if explicit => {
                // A bad date is held back already, with its own finding.
                self.hold_back(number, Code::SMS004, Detail::None);
            }
            (None, Some(date)) => self.keep_with_warning(date, Code::SMS006, Detail::None),
            (Some(_), Some(date)) if !explicit => self.keep_with_warning(date, Code::SMS007, Detail::None),
            _ => {}
        }
    }

    /// Warns of numbers that look foreign: by their first digit, or by the country beside them.
    fn foreign_numbers(&mut self) {
        use MemberId::{
            Country, HomeCountry, HomePhone, MobilePhone, OtherCountry, OtherPhone, Phone, SmsNumber, WorkCountry,
            WorkPhone,
        };
        const COUNTRIES: [MemberId; 4] = [Country, HomeCountry, WorkCountry, OtherCountry];
        /// Each number with the countries of its kind, as a range of `COUNTRIES`.
        const NUMBERS: [(MemberId, std::ops::Range<usize>); 6] = [
            (Phone, 3..4),
            (HomePhone, 0..2),
            (WorkPhone, 2..3),
            (MobilePhone, 0..0),
            (OtherPhone, 3..4),
            (SmsNumber, 0..0),
        ];
        // Whether each country is foreign; none where it is not named.
        let is_foreign = |id| self.present(id).map(|i| phone::is_foreign(self.text_of(self.slots[i].output)));
        let foreign =
            if self.given & all(&COUNTRIES) == 0 { [None; COUNTRIES.len()] } else { COUNTRIES.map(is_foreign) };
        // Whether all of those that are named are.
        let all = |countries: &[Option<bool>]| countries.iter().flatten().copied().reduce(|all, one| all && one);
        let any = all(&foreign);
        for (id, countries) in NUMBERS {
            let Some(i) = self.present(id) else { continue };
            let what = if phone::begins_with_zero(self.text_of(self.slots[i].output)) {
                "it begins with 0"
            } else {
                match any {
                    Some(any) if all(&foreign[countries]).unwrap_or(any) => "it stands beside another country",
                    _ => continue,
                }
            };
            self.keep_with_warning(i, Code::PHN008, Detail::Is(what));
        }
    }

    /// The value of a typed custom field fits its type.
    #[cold]
    fn types_of_custom_fields(&mut self) {
        let Some(fields) = &self.settings.custom_fields else { return };
        for i in 0..self.slots.len() {
            let Slot { id, name, output, .. } = self.slots[i];
            if id != MemberId::Custom || output == Output::Nothing {
                continue;
            }
            let kind = fields.find(&name[3..]).and_then(|field| fields.type_of(field));
            if let Some(what) = kind.and_then(|kind| kind.misfit(self.text_of(output))) {
                self.keep_with_warning(i, Code::CUS004, Detail::Is(what));
            }
        }
    }

    /// A contact has a limited number of custom fields.
    fn custom_fields(&mut self) {
        if self.any_custom() && self.settings.custom_fields.as_ref().is_some_and(custom::Fields::has_types) {
            self.types_of_custom_fields();
        }
        if self.slots.len() <= custom::MAX {
            return;
        }
        let mut count = 0;
        for i in 0..self.slots.len() {
            if self.slots[i].id == MemberId::Custom && self.slots[i].output != Output::Nothing {
                count += 1;
                if count > custom::MAX {
                    self.hold_back(i, Code::CUS002, Detail::None);
                }
            }
        }
    }
}
