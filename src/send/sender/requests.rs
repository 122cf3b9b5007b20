//! One request: its turn, its retries, and what is the same for all answers.

use super::{News, QUEUE, RETRY_AFTER_MAX, Sender, THROTTLED_MAX, WAIT, time_text};
use crate::send::activity::Fault;
use crate::send::http::{Answer, NoAnswer};
use crate::send::journal::{DAY, Event};
use crate::send::{Error, Result};

impl Sender<'_> {
    /// Waits until a request may go out.
    pub(super) fn wait_turn(&mut self) -> Result<()> {
        loop {
            if self.clock.must_end() {
                return Err(Error::later("interrupted; run the same command again to go on"));
            }
            let now = self.clock.now();
            if now >= self.pace.next_request {
                self.pace.next_request = now + 1.0 / self.limits.rate;
                break;
            }
            self.clock.sleep(self.pace.next_request - now);
        }
        if self.state.requests_on(self.server_time()) >= self.limits.quota {
            return Err(Error::later(format!(
                "the {} requests of today are used up{}",
                self.limits.quota,
                self.quota_text()
            )));
        }
        Ok(())
    }

    fn quota_text(&self) -> String {
        let midnight = (self.server_time().div_euclid(DAY) + 1) * DAY;
        format!(
            "; the next day of the service begins at {}: run the same command again after that",
            time_text(midnight as f64)
        )
    }

    /// Notes the server's clock and whether the token works.
    pub(super) fn heard(&mut self, answer: &Answer) {
        if let Some(date) = answer.date {
            // The middle of the second that the header names.
            self.skew = date as f64 + 0.5 - self.clock.now();
            if self.skew.abs() < 1.0 {
                self.skew = 0.0;
            }
        }
        if answer.status != 401 {
            self.pace.has_refreshed = false;
        }
        if answer.status != 429 {
            self.pace.throttled = 0;
        }
    }

    /// Waits after the n-th failure, longer each time, by chance a little less.
    pub(in crate::send) fn back_off(&mut self, failures: u32, why: &str) {
        let longest = (WAIT.0 * f64::from(2u32.saturating_pow(failures.saturating_sub(1).min(16)))).min(WAIT.1);
        let wait = longest * (0.5 + 0.5 * self.clock.random());
        self.wait(wait, why);
    }

    /// Lets no request out for so long.
    fn wait(&mut self, seconds: f64, why: &str) {
        self.pace.next_request = self.pace.next_request.max(self.clock.now() + seconds);
        (self.tell)(News::Waits { seconds, why });
    }

    /// There is nothing at a path that every service has.
    pub(in crate::send) fn no_path(&self, path: &str) -> Error {
        // A link's query is the service's business.
        let path = path.split('?').next().unwrap_or_default();
        Error::could(format!(
            "{} has no {path} (404): check --base-url, which ends with the version, as in /v3",
            self.base_url
        ))
    }

    fn no_answer(&self, reason: &str) -> Error {
        Error::later(format!(
            "{} does not answer as it should ({reason}); run the same command again later, or check --base-url",
            self.base_url
        ))
    }

    /// What is the same for all requests that the service turned away: 401, 429, and what no retry helps against. The caller asks
    /// again if there is no error.
    pub(in crate::send) fn turned_away(&mut self, answer: &Answer) -> Result<()> {
        let fault = Fault::parse(&answer.body);
        let said = match fault.text() {
            text if text.is_empty() => String::new(),
            text => format!(": {text}"),
        };
        match answer.status {
            401 if self.pace.has_refreshed => Err(Error::Login(format!(
                "the service accepts neither the token nor the one that replaced it{said}; log in again: presort login"
            ))),
            401 => {
                self.pace.has_refreshed = true;
                self.service.refresh()
            }
            403 => Err(Error::could(format!(
                "the service does not allow this (403){said}; the token needs the scope contact_data, and its user the right to \
                 import contacts"
            ))),
            429 => match fault.reason() {
                "throttled" => self.throttled(answer),
                "quota_exceeded" => Err(Error::later(format!(
                    "the service says that the quota of today is used up{}",
                    self.quota_text()
                ))),
                _ => {
                    self.pace.queue_full_until = self.clock.now() + QUEUE;
                    (self.tell)(News::Waits { seconds: QUEUE, why: "its queue is full (429)" });
                    Ok(())
                }
            },
            300..=399 => Err(Error::could(format!(
                "the service answers with a redirect ({}), which is not followed; check --base-url",
                answer.status
            ))),
            status => Err(Error::could(format!("the service answers {status}{said}; check --base-url"))),
        }
    }

    fn throttled(&mut self, answer: &Answer) -> Result<()> {
        self.pace.throttled += 1;
        if self.pace.throttled > THROTTLED_MAX {
            return Err(Error::later(
                "the service throttles without end; another program may use the same key: run the same command again later",
            ));
        }
        match answer.retry_after {
            Some(seconds) => {
                self.wait((seconds as f64).min(RETRY_AFTER_MAX), "it throttles (429)");
            }
            None => self.back_off(self.pace.throttled, "it throttles (429)"),
        }
        Ok(())
    }

    /// Gets something, however often it takes. `None`: the status is one of `absent`.
    pub(in crate::send) fn get(&mut self, path: &str, absent: &[u16]) -> Result<Option<Answer>> {
        let mut failures = 0;
        loop {
            self.wait_turn()?;
            let server_time = self.server_time();
            // A link's query is the service's business.
            let shown = path.split('?').next().unwrap_or_default().to_owned();
            self.note(None, Event::Request { path: shown, server_time })?;
            let answer = self.service.get(path)?;
            self.note(None, Event::Answer { status: answer.as_ref().map_or(0, |answer| answer.status) })?;
            let reason = match answer {
                Ok(answer) => {
                    self.heard(&answer);
                    match answer.status {
                        200..=299 => return Ok(Some(answer)),
                        status if absent.contains(&status) => return Ok(None),
                        408 | 500..=599 => format!("it answers {}", answer.status),
                        429 => {
                            self.turned_away(&answer)?;
                            if Fault::parse(&answer.body).reason() == "throttled" {
                                continue;
                            }
                            "it answers 429 and gives no reason that is known".to_owned()
                        }
                        _ => {
                            self.turned_away(&answer)?;
                            continue;
                        }
                    }
                }
                Err(NoAnswer(reason)) => reason,
            };
            failures += 1;
            if failures > self.limits.retries {
                return Err(self.no_answer(&reason));
            }
            self.back_off(failures, &reason);
        }
    }

    /// Posts JSON once. `None`: there was no answer.
    pub(in crate::send) fn post(&mut self, path: &str, json: &[u8]) -> Result<Option<Answer>> {
        self.wait_turn()?;
        let server_time = self.server_time();
        self.note(None, Event::Request { path: path.to_owned(), server_time })?;
        let answer = self.service.create(path, json).ok();
        self.note(None, Event::Answer { status: answer.as_ref().map_or(0, |answer| answer.status) })?;
        if let Some(answer) = &answer {
            self.heard(answer);
        }
        Ok(answer)
    }
}
