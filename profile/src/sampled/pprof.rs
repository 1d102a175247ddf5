//! Profiles in the format of `pprof`: a protocol buffer, as `profile.proto` of
//! <https://github.com/google/pprof> defines it. The field numbers below are those of that file.

use super::{SampledProfile, SampledResource};
use prost::Message;
use std::collections::HashMap;

#[derive(Clone, PartialEq, Message)]
struct PprofProfile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<PprofValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<PprofSample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<PprofLocation>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<PprofFunction>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    /// The index of the default type's name in the string table.
    #[prost(int64, tag = "14")]
    default_sample_type: i64,
}

/// Names and units are indices of the string table, here and below.
#[derive(Clone, Copy, PartialEq, Message)]
struct PprofValueType {
    #[prost(int64, tag = "1")]
    name: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct PprofSample {
    /// The innermost first.
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    /// A value for each sample type.
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<PprofLabel>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct PprofLabel {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
}

#[derive(Clone, PartialEq, Message)]
struct PprofLocation {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<PprofLine>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct PprofLine {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct PprofFunction {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
    #[prost(int64, tag = "5")]
    start_line: i64,
}

/// The string table, whose first entry is the empty string.
struct StringTable {
    strings: Vec<String>,
    numbers: HashMap<String, i64>,
}

impl StringTable {
    fn number(&mut self, text: &str) -> i64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.strings.len() as i64;
        self.strings.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

impl SampledProfile {
    /// The profile as the bytes of a `pprof` file. Each sample has the label `execution`, which is
    /// an [`ExecutionKind`](super::ExecutionKind). Time outside of evaluations is left out.
    pub fn pprof(&self) -> Vec<u8> {
        let mut strings = StringTable { strings: Vec::new(), numbers: HashMap::new() };
        strings.number("");
        let (resource, unit) = match self.resource {
            SampledResource::CpuTime => ("cpu", "nanoseconds"),
            SampledResource::Allocation => ("alloc_space", "bytes"),
        };
        let [samples, count, resource, unit, execution] =
            ["samples", "count", resource, unit, "execution"].map(|text| strings.number(text));
        let function = self.laws.iter().enumerate().map(|(index, law)| {
            let (file, line) = law.place.as_deref().map_or(("", 0), file_and_line);
            let (name, filename) =
                (strings.number(self.frame_name(index as u32)), strings.number(file));
            PprofFunction { id: index as u64 + 1, name, filename, start_line: line }
        });
        let function: Vec<PprofFunction> = function.collect();
        let location = function.iter().map(|function| {
            let line = PprofLine { function_id: function.id, line: function.start_line };
            PprofLocation { id: function.id, line: vec![line] }
        });
        let location = location.collect();
        let sample = self.stacks.iter().map(|stack| {
            let frames = stack.frames.iter().rev().filter(|it| (**it as usize) < self.laws.len());
            PprofSample {
                location_id: frames.map(|frame| u64::from(*frame) + 1).collect(),
                value: vec![stack.samples as i64, stack.weight as i64],
                label: vec![PprofLabel { key: execution, text: strings.number(stack.kind.name()) }],
            }
        });
        let sample = sample.collect();
        let sample_type = vec![
            PprofValueType { name: samples, unit: count },
            PprofValueType { name: resource, unit },
        ];
        let profile = PprofProfile {
            sample_type,
            sample,
            location,
            function,
            string_table: strings.strings,
            duration_nanos: self.elapsed as i64,
            default_sample_type: resource,
        };
        profile.encode_to_vec()
    }
}

/// Splits `FILE:LINE`. The line is 0 if there is none.
fn file_and_line(place: &str) -> (&str, i64) {
    let parts = place.rsplit_once(':');
    parts.and_then(|(file, line)| Some((file, line.parse().ok()?))).unwrap_or((place, 0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn a_file_decodes_to_the_same_stacks() {
        let profile = example();
        let decoded = PprofProfile::decode(profile.pprof().as_slice()).expect("it decodes");
        let text = |number: i64| decoded.string_table[number as usize].as_str();
        assert_eq!(text(decoded.sample_type[1].name), "cpu");
        assert_eq!(text(decoded.sample_type[1].unit), "nanoseconds");
        assert_eq!(decoded.sample.len(), 4);
        assert_eq!(decoded.sample[3].location_id, [4, 2, 1]);
        assert_eq!(decoded.sample[3].value, [2, 8_000_000]);
        assert_eq!(text(decoded.sample[3].label[0].text), "jet");
        let slow = &decoded.function[1];
        assert_eq!((text(slow.name), text(slow.filename)), ("slow", "app.sire"));
        assert_eq!((slow.start_line, decoded.location[1].line[0].line), (7, 7));
    }
}
