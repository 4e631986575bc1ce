//! Durations, sizes and the other small notations of a config, read and written.

use std::time::Duration;

/// More changed files than this are not named or counted: nobody reads so many.
pub const MOST_FILES: usize = 1000;

/// What follows the first of some changed files: ` (+2)`; nothing when it is the only one.
pub fn and_others(more: usize) -> String {
    match more {
        0 => String::new(),
        more if more + 1 >= MOST_FILES => format!(" (+{} and more)", MOST_FILES - 1),
        more => format!(" (+{more})"),
    }
}

/// Reads `"500ms"`, `"30s"`, `"5m"`, `"2h"`, `"1d"`, with a fraction if need be, and several in a row as in `"1m30s"`; a bare
/// number is seconds. `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (mut begin, mut whole) = (0, Duration::ZERO);
    for (at, pair) in text.as_bytes().windows(2).enumerate() {
        if pair[0].is_ascii_alphabetic() && pair[1].is_ascii_digit() {
            whole = whole.checked_add(one_duration(&text[begin..=at])?)?;
            begin = at + 1;
        }
    }
    let last = &text[begin..];
    let needs_unit = begin > 0;
    if needs_unit && !last.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    whole.checked_add(one_duration(last)?)
}

/// One number and its unit.
fn one_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit.trim() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "ms" => 0.001,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86400.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * scale;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Reads a size: a bare number of bytes, `KB` `MB` `GB` as supervisord has them (powers of 1024, supervisor `datatypes.py`
/// `byte_size`), or `KiB` `MiB` `GiB`. `None` for anything else.
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "kib" | "k" => 1 << 10,
        "mb" | "mib" | "m" => 1 << 20,
        "gb" | "gib" | "g" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

/// Reads one of supervisord's eight words for a truth, in whatever case (supervisor `datatypes.py` `boolean`).
pub fn parse_truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Reads an octal mode such as `"022"` or `"0o700"`.
pub fn parse_octal(text: &str) -> Option<u32> {
    let text = text.trim();
    u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8).ok().filter(|mode| *mode <= 0o7777)
}

/// A duration as a person says it: `0.2s`, `41s`, `4m10s`, `2h05m`, `3d4h`. Under ten seconds with one decimal.
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{}h", seconds / 86400, seconds % 86400 / 3600),
    }
}

/// A duration that is a round number more often than not: `2s`, `1.5s`, `60s`, `10m00s`. Cut to tenths below ten seconds.
pub fn round_duration(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    match (tenths / 10, tenths % 10) {
        (seconds @ 0..10, tenth @ 1..) => format!("{seconds}.{tenth}s"),
        (seconds @ 0..100, _) => format!("{seconds}s"),
        _ => human_duration(duration),
    }
}

/// A size as a table shows it: `512`, `41K`, `130M`, `1.9G`.
pub fn human_size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];
    for (unit, scale) in UNITS {
        if bytes >= scale {
            let (whole, tenth) = (bytes / scale, bytes % scale * 10 / scale);
            return if whole < 10 && unit == "G" { format!("{whole}.{tenth}{unit}") } else { format!("{whole}{unit}") };
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_counts_changed_files_says_when_there_are_more() {
        assert_eq!(
            [0, 1, 998, 999, 1000].map(and_others),
            ["", " (+1)", " (+998)", " (+999 and more)", " (+999 and more)"]
        );
    }

    #[test]
    fn round_durations_stay_round() {
        for (millis, text) in
            [(2003, "2s"), (1500, "1.5s"), (60_000, "60s"), (9970, "10s"), (600_000, "10m00s"), (0, "0s")]
        {
            assert_eq!(round_duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_bare_number_is_seconds() {
        assert_eq!(parse_duration("30"), Some(Duration::from_secs(30)));
        assert_eq!(parse_duration("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("5m"), Some(Duration::from_mins(5)));
        for bad in ["30 parsecs", "", "s", "1.2.3s", "-1s", "1e400"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn units_may_follow_one_another() {
        assert_eq!(parse_duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(parse_duration("1h2m3s500ms"), Some(Duration::from_millis(3_723_500)));
        assert_eq!(
            parse_duration(&"1s".repeat(1 << 19)),
            Some(Duration::from_secs(1 << 19)),
            "as many as a config can hold"
        );
        for wrong in ["1m30", "m30s", "1m 30x", "1mm30s", "s1s"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024_in_every_spelling() {
        assert_eq!(parse_size("1KB"), Some(1024));
        assert_eq!(parse_size("512MiB"), Some(512 << 20));
        assert_eq!(parse_size("7"), Some(7));
        assert_eq!(parse_size("7 parsecs"), None);
        assert_eq!(parse_size("99999999999999999999GB"), None);
    }

    #[test]
    fn durations_read_like_speech() {
        for (millis, text) in [(0, "0.0s"), (2130, "2.1s"), (41_000, "41s"), (250_000, "4m10s"), (7_500_000, "2h05m")] {
            assert_eq!(human_duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(human_duration(Duration::from_hours(76)), "3d4h");
    }

    #[test]
    fn sizes_read_like_top() {
        for (bytes, text) in [(512, "512"), (41 << 20, "41M"), (2_040_109_466, "1.9G"), (2048, "2K")] {
            assert_eq!(human_size(bytes), text);
        }
    }
}
