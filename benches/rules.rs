//! The rules, family by family, on values that are normal already and on those that are not. The values are a sample's own.

#![allow(missing_docs, reason = "the harness makes public functions")]

mod corpus;

use corpus::Corpus;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use presort::json::parse::Strict;
use presort::json::split::Layout;
use presort::model::member::{Family, MEMBERS, Value};
use presort::rules::birthday::{self, Half};
use presort::rules::email::{self, EmailResult};
use presort::rules::phone::{self, Extension, PhoneResult};
use presort::rules::text::{self, TextResult};
use presort::rules::{Settings, birthday::exists, date};
use std::hint::black_box;

const CONTACTS: u64 = 10_000;

/// The values of these families, in a sample with this much mess.
fn values(families: &[Family], mess: f64) -> Vec<(Family, String, String)> {
    let mut values = Vec::new();
    for contact in Corpus::sample(CONTACTS, mess, Layout::Lines).each() {
        let Some(strict) = Strict::parse(contact).expect("a sample is JSON") else { continue };
        for member in strict.members() {
            let family = match MEMBERS.iter().find(|info| info.name == member.name) {
                Some(info) => info.family,
                None if member.name.starts_with("cf:") => Family::Custom,
                None => continue,
            };
            if let (Value::String(text), true) = (member.value, families.contains(&family)) {
                values.push((family, member.name.to_owned(), text.to_owned()));
            }
        }
    }
    values
}

/// Benches `is_normal` on the values it says yes to in a clean sample, and on those it says no to in a messy one.
fn family(c: &mut Criterion, name: &str, families: &[Family], mut is_normal: impl FnMut(&str) -> bool) {
    let clean: Vec<String> = values(families, 0.0).into_iter().map(|(_, _, text)| text).collect();
    let messy: Vec<String> =
        values(families, 100.0).into_iter().map(|(_, _, text)| text).filter(|text| !is_normal(text)).collect();
    let mut group = c.benchmark_group(name);
    for (name, values, normal) in [("clean", &clean, clean.len()), ("messy", &messy, 0)] {
        assert!(values.len() > 100, "{name}: {} values", values.len());
        group.throughput(Throughput::BytesDecimal(values.iter().map(|text| text.len() as u64).sum()));
        group.bench_function(name, |b| {
            b.iter(|| assert_eq!(values.iter().filter(|text| is_normal(black_box(text))).count(), normal));
        });
    }
    group.finish();
}

fn texts(c: &mut Criterion) {
    let mut buffer = String::new();
    family(c, "text", &[Family::Text, Family::Address, Family::Custom], |given| {
        text::normalise(given, &mut buffer) == TextResult::Same
    });
}

fn emails(c: &mut Criterion) {
    let mut buffer = String::new();
    family(c, "email", &[Family::Email], |given| email::normalise(given, 50, &mut buffer) == EmailResult::Same);
}

fn phones(c: &mut Criterion) {
    let (settings, mut buffer) = (Settings::default(), String::new());
    family(c, "phone", &[Family::Phone], |given| {
        phone::normalise(given, Extension::Kept, &settings, &mut buffer) == PhoneResult::Same
    });
    let (settings, mut buffer) = (Settings { nanp: true, ..Settings::default() }, String::new());
    family(c, "phone nanp", &[Family::Phone], |given| {
        phone::normalise(given, Extension::Kept, &settings, &mut buffer) == PhoneResult::Same
    });
}

fn dates(c: &mut Criterion) {
    family(c, "date", &[Family::Date, Family::Consent], |given| {
        matches!(date::parse(given), date::DateResult::Day(_, true))
    });
}

/// The check that a date exists, and the day of a count of days, by this crate and by jiff.
fn calendars(c: &mut Criterion) {
    let days: Vec<(u16, u8, u8)> =
        (0..20_000u32).map(|i| (1900 + (i * 7 % 200) as u16, (i * 5 % 13) as u8, (i * 11 % 32) as u8)).collect();
    let mut group = c.benchmark_group("calendar");
    group.throughput(Throughput::Elements(days.len() as u64));
    let exist = days.iter().filter(|(y, m, d)| date::Date::new(*y, *m, *d).is_some()).count();
    group.bench_function("presort", |b| {
        b.iter(|| {
            let is_date = |(year, month, day): &&(u16, u8, u8)| date::Date::new(*year, *month, *day).is_some();
            assert_eq!(black_box(&days).iter().filter(is_date).count(), exist);
        });
    });
    group.bench_function("jiff", |b| {
        b.iter(|| {
            let is_date = |(year, month, day): &&(u16, u8, u8)| {
                jiff::civil::Date::new(*year as i16, *month as i8, *day as i8).is_ok()
            };
            assert_eq!(black_box(&days).iter().filter(is_date).count(), exist);
        });
    });
    let milliseconds: Vec<String> =
        (0..20_000i64).map(|i| format!("/Date({})/", (i * 3 - 20_000) * 86_400_000)).collect();
    group.bench_function("milliseconds", |b| {
        b.iter(|| {
            let is_day = |text: &&String| matches!(date::parse(black_box(text)), date::DateResult::Midnight(_));
            assert_eq!(milliseconds.iter().filter(is_day).count(), milliseconds.len());
        });
    });
    group.finish();
}

/// Birthdays are numbers where they are normal, and two members.
fn birthdays(c: &mut Criterion) {
    let clean: Vec<(Value<'_>, Value<'_>)> =
        (0..20_000).map(|i| (Value::Integer(i % 12 + 1), Value::Integer(i % 28 + 1))).collect();
    let months = ["07", " 7", "7.0", "July", "13", "0", "", "007"];
    let days = ["04", "4 ", "4.00", "4th", "32", "-1", "31", "4e0"];
    let messy: Vec<(Value<'_>, Value<'_>)> =
        (0..20_000).map(|i| (Value::String(months[i % 8]), Value::Number(days[i / 8 % 8]))).collect();
    let mut group = c.benchmark_group("birthday");
    for (name, values, normal) in [("clean", &clean, clean.len()), ("messy", &messy, 0)] {
        group.throughput(Throughput::Elements(values.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let is_normal = |(month, day): &&(Value<'_>, Value<'_>)| {
                    let read = (birthday::parse(black_box(month), 12), birthday::parse(black_box(day), 31));
                    matches!(read, (Half::Number(m, true), Half::Number(d, true)) if exists(m, d))
                };
                assert_eq!(values.iter().filter(is_normal).count(), normal);
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = texts, emails, phones, dates, calendars, birthdays
}
criterion_main!(benches);
