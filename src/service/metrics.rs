//! Metrics for Prometheus.

use crate::account::activities::{Activity, ActivityState};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// The metrics.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    activities: Family<StateLabels, Counter>,
    contacts: Family<OutcomeLabels, Counter>,
    import_seconds: Histogram,
    body_bytes: Counter,
    waiting: Gauge,
    /// Connections that are open.
    pub connections: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("presort");
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let request_seconds = Family::<RouteLabels, Histogram>::new_with_constructor(seconds);
        let metrics = Metrics {
            requests: Family::default(),
            request_seconds,
            activities: Family::default(),
            contacts: Family::default(),
            import_seconds: seconds(),
            body_bytes: Counter::default(),
            waiting: Gauge::default(),
            connections: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register("request_seconds", "Time to answer a request", metrics.request_seconds.clone());
        registry.register("activities", "Activities that ended", metrics.activities.clone());
        registry.register("contacts", "Contacts of activities that were completed", metrics.contacts.clone());
        registry.register("import_seconds", "Time of an activity from its start", metrics.import_seconds.clone());
        registry.register("body_bytes", "Bytes of accepted bodies", metrics.body_bytes.clone());
        registry.register("activities_waiting", "Activities that wait or run", metrics.waiting.clone());
        registry.register("connections", "Connections that are open", metrics.connections.clone());
        Metrics { registry, ..metrics }
    }
}

impl Metrics {
    /// Counts an answered request.
    pub fn request(&self, method: &str, route: &str, status: u16, time: Duration) {
        // Only methods with a meaning here are distinguished.
        let method = if matches!(method, "GET" | "POST" | "HEAD") { method } else { "other" };
        let labels = RequestLabels { method: method.into(), route: route.into(), status };
        self.requests.get_or_create(&labels).inc();
        self.request_seconds.get_or_create(&RouteLabels { route: route.into() }).observe(time.as_secs_f64());
    }

    /// Counts an accepted body.
    pub fn accepted(&self, bytes: u64) {
        self.body_bytes.inc_by(bytes);
    }

    /// Counts a finished activity.
    pub fn ended(&self, activity: &Activity, time: Duration) {
        self.activities.get_or_create(&StateLabels { state: activity.state.as_str() }).inc();
        self.import_seconds.observe(time.as_secs_f64());
        if activity.state == ActivityState::Completed {
            let status = &activity.status;
            let refused = status.items_total_count.saturating_sub(status.items_completed_count);
            for (outcome, count) in [("imported", status.items_completed_count), ("refused", refused)] {
                self.contacts.get_or_create(&OutcomeLabels { outcome }).inc_by(count);
            }
        }
    }

    /// The metrics as text.
    pub fn text(&self, waiting: u64) -> String {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
