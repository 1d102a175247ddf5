//! The plot of a run: the ratio of `pallas` to the fastest reference for each program, as bars on a
//! logarithmic axis.

use super::results::ratio;
use anyhow::{Result, anyhow};
use bench::SavedRun;
use plotters::prelude::*;

/// The width of a plot, and the height of a bar with the gap below it, in pixels.
const WIDTH: u32 = 900;
const BAR: u32 = 18;

/// Draws the ratios of a run as SVG, the least one first.
///
/// # Errors
/// The plot cannot be drawn.
pub(crate) fn ratios(name: &str, run: &SavedRun) -> Result<String> {
    let mut bars: Vec<(&str, f64)> = run
        .programs
        .iter()
        .filter_map(|program| Some((program.name.as_str(), ratio(run, program)?)))
        .collect();
    bars.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut svg = String::new();
    draw(name, run, &bars, &mut svg).map_err(|error| anyhow!("cannot draw {name}: {error}"))?;
    Ok(svg + "\n")
}

fn draw(
    name: &str,
    run: &SavedRun,
    bars: &[(&str, f64)],
    svg: &mut String,
) -> Result<(), Box<dyn std::error::Error>> {
    let count = bars.len().max(1);
    let height = BAR * count as u32 + 100;
    let area = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    // The axis has a ratio of 1, and room beside the bars.
    let least = bars.first().map_or(1.0, |bar| bar.1).min(1.0) / 2.0;
    let greatest = bars.last().map_or(1.0, |bar| bar.1).max(1.0) * 2.0;
    let title = format!("{name}: pallas to the fastest reference ({}, {})", run.date, run.commit);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(110)
        .build_cartesian_2d((least..greatest).log_scale(), (0..count).into_segmented())?;
    let program = |segment: &SegmentValue<usize>| match segment {
        SegmentValue::CenterOf(index) => bars.get(*index).map_or("", |bar| bar.0).to_owned(),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(count)
        .y_label_formatter(&program)
        .x_desc("ratio of CPU time; less is better")
        .draw()?;
    let colour =
        |value: f64| if value > 1.0 { RGBColor(200, 110, 60) } else { RGBColor(60, 130, 90) };
    chart.draw_series(bars.iter().enumerate().map(|(index, (_, value))| {
        let corners = [
            (value.min(1.0), SegmentValue::Exact(index)),
            (value.max(1.0), SegmentValue::Exact(index + 1)),
        ];
        let mut bar = Rectangle::new(corners, colour(*value).filled());
        bar.set_margin(2, 2, 0, 0);
        bar
    }))?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::run;

    #[test]
    fn a_plot_names_the_programs_that_have_a_ratio() {
        let svg = ratios("first", &run()).expect("it can be drawn");
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        for text in ["fib", "tak", "first: pallas to the fastest reference (2026-11-29, abc)"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("endless"));
        // The same run gives the same bytes.
        assert_eq!(ratios("first", &run()).expect("it can be drawn"), svg);
        // A run without programs has an empty plot.
        let empty = SavedRun { programs: Vec::new(), ..run() };
        assert!(ratios("empty", &empty).expect("it can be drawn").contains("</svg>"));
    }
}
