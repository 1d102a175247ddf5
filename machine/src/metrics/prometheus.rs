//! Metrics in the text format of Prometheus (version 0.0.4).

use super::{MachineMetrics, bucket_end};
use std::fmt::Write as _;
use std::time::Duration;

/// The upper bounds of the histogram of latencies, in microseconds.
const BOUNDS: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000,
];

impl MachineMetrics {
    /// Returns the metrics as lines of text: for each metric its meaning, its type and its value.
    pub fn to_prometheus(&self) -> String {
        let mut text = String::new();
        let mut metric = |kind: &str, name: &str, help: &str, value: u64| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        };
        let mut counter = |name: &str, help: &str, value| metric("counter", name, help, value);
        counter("pallas_events_total", "Durable events.", self.events);
        counter("pallas_log_bytes_total", "Bytes of events in the log.", self.log_bytes);
        counter("pallas_pins_total", "Pins written to the store.", self.pins);
        counter("pallas_pin_bytes_total", "Bytes of these pins.", self.pin_bytes);
        counter("pallas_snapshots_total", "Snapshots written.", self.snapshots);
        let help = "Collections of the store's garbage.";
        counter("pallas_store_collections_total", help, self.store_collections);
        counter("pallas_freed_pins_total", "Pins that these collections freed.", self.freed_pins);
        counter("pallas_freed_pin_bytes_total", "Bytes of these pins.", self.freed_bytes);
        let help = "Collections of the nursery of the cog's heap.";
        counter("pallas_young_collections_total", help, self.young_collections);
        let help = "Full collections of the cog's heap.";
        counter("pallas_full_collections_total", help, self.full_collections);
        counter("pallas_jobs_done_total", "Jobs that have ended.", self.jobs_done);
        let mut gauge = |name: &str, help: &str, value| metric("gauge", name, help, value);
        gauge("pallas_heap_bytes", "Bytes that the cog's heap uses.", self.heap_bytes);
        gauge("pallas_workers", "Drivers and jobs of the cog.", self.workers);
        gauge("pallas_connections", "Open TCP connections.", self.connections);
        let mut seconds = |kind: &str, name: &str, help: &str, value: Duration| {
            let value = value.as_secs_f64();
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        };
        let help = "Time that the collections of the cog's heap took.";
        seconds("counter", "pallas_pause_seconds_total", help, self.pauses);
        let help = "Time that the longest of these collections took.";
        seconds("gauge", "pallas_longest_pause_seconds", help, self.longest_pause);
        self.write_latencies(&mut text);
        text
    }

    fn write_latencies(&self, text: &mut String) {
        let name = "pallas_event_latency_seconds";
        let help = "Time from the start of an event's evaluation until it was durable.";
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} histogram");
        let mut buckets = self.latencies.iter().enumerate().peekable();
        let mut count = 0;
        for bound in BOUNDS {
            while let Some((_, events)) = buckets.next_if(|it| bucket_end(it.0) <= bound * 1000) {
                count += events;
            }
            let _ = writeln!(text, "{name}_bucket{{le=\"{}\"}} {count}", bound as f64 / 1e6);
        }
        count += buckets.map(|(_, events)| events).sum::<u64>();
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "{name}_sum {}", self.latency_sum.as_secs_f64());
        let _ = writeln!(text, "{name}_count {count}");
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::MetricsRecorder;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn each_metric_has_a_meaning_a_type_and_a_value() {
        let recorder = MetricsRecorder::new(Arc::default(), Arc::default());
        recorder.count_event(100, Duration::from_micros(90));
        recorder.count_event(50, Duration::from_millis(3));
        recorder.count_event(50, Duration::from_secs(60));
        recorder.count_collection(7, 4096);
        let text = recorder.read().to_prometheus();
        for line in [
            "# TYPE pallas_events_total counter",
            "pallas_events_total 3",
            "pallas_log_bytes_total 200",
            "pallas_freed_pins_total 7",
            "pallas_freed_pin_bytes_total 4096",
            "# TYPE pallas_heap_bytes gauge",
            "# TYPE pallas_event_latency_seconds histogram",
            "pallas_event_latency_seconds_bucket{le=\"0.00005\"} 0",
            "pallas_event_latency_seconds_bucket{le=\"0.0001\"} 1",
            "pallas_event_latency_seconds_bucket{le=\"0.005\"} 2",
            "pallas_event_latency_seconds_bucket{le=\"10\"} 2",
            "pallas_event_latency_seconds_bucket{le=\"+Inf\"} 3",
            "pallas_event_latency_seconds_sum 60.00309",
            "pallas_event_latency_seconds_count 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let names = text.lines().filter(|line| line.starts_with("# TYPE ")).count();
        assert_eq!(names, text.lines().filter(|line| line.starts_with("# HELP ")).count());
    }
}
