//! JSON output: [`text`] lays a value out so that both a person and `grep` can read it by line.
//!
//! The outermost object has one member per line, and every array one item per line. Any other
//! object stays on one line.

use anyhow::Context;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// The JSON text of a value, with a newline at its end.
///
/// # Errors
/// If the value cannot be represented, for instance a map whose keys are not strings.
pub(crate) fn text(value: &impl Serialize) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, LineFormatter::default()))
        .context("cannot write JSON")?;
    bytes.push(b'\n');
    String::from_utf8(bytes).context("cannot write JSON")
}

/// Puts line breaks where the module's documentation says.
#[derive(Default)]
struct LineFormatter {
    /// Number of arrays and objects that are open.
    depth: usize,
    /// Whether the innermost array or object that is open or was closed last has an element.
    has_element: bool,
}

impl LineFormatter {
    fn separate<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"\n" } else { b",\n" })?;
        self.indent(writer)
    }

    fn indent<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }

    fn open<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_element = false;
        writer.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        bracket: &[u8],
        breaks_lines: bool,
    ) -> io::Result<()> {
        self.depth -= 1;
        if breaks_lines && self.has_element {
            writer.write_all(b"\n")?;
            self.indent(writer)?;
        }
        // The array or object that is closed is an element of the one around it.
        self.has_element = true;
        writer.write_all(bracket)
    }
}

impl Formatter for LineFormatter {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]", true)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.separate(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_element = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let is_outermost = self.depth == 1;
        self.close(writer, b"}", is_outermost)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        match (self.depth, first) {
            (1, _) => self.separate(writer, first),
            (_, true) => Ok(()),
            (_, false) => writer.write_all(b", "),
        }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_element = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct JsonPart {
        count: u64,
        name: &'static str,
    }

    #[derive(Serialize)]
    struct Whole {
        part: JsonPart,
        parts: Vec<JsonPart>,
    }

    const A: JsonPart = JsonPart { count: 1, name: "a \"quoted\" one" };
    const B: JsonPart = JsonPart { count: 2, name: "b" };

    fn laid_out(value: &impl Serialize) -> String {
        text(value).expect("it can be represented")
    }

    #[test]
    fn the_outermost_object_and_arrays_have_lines() {
        let expected = "\
{
  \"part\": {\"count\": 1, \"name\": \"a \\\"quoted\\\" one\"},
  \"parts\": [
    {\"count\": 2, \"name\": \"b\"},
    {\"count\": 1, \"name\": \"a \\\"quoted\\\" one\"}
  ]
}
";
        assert_eq!(laid_out(&Whole { part: A, parts: vec![B, A] }), expected);
    }

    #[test]
    fn an_outermost_array_has_lines_and_its_objects_have_none() {
        assert_eq!(laid_out(&[B]), "[\n  {\"count\": 2, \"name\": \"b\"}\n]\n");
    }

    #[test]
    fn an_empty_array_stays_on_its_line() {
        assert_eq!(laid_out(&Vec::<u64>::new()), "[]\n");
        let text = laid_out(&Whole { part: B, parts: vec![] });
        assert!(text.ends_with("  \"parts\": []\n}\n"), "{text}");
    }
}
