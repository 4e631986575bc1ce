//! Command lines as Python's `getopt` takes them apart: that is what supervisord and supervisorctl do (supervisor `options.py`
//! `Options.realize`). Pure.

use crate::codec::python::repr;

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt {
    /// `n` for `-n`.
    pub short: Option<char>,
    /// `nodaemon` for `--nodaemon`; any beginning of it that no other has will do.
    pub long: Option<&'static str>,
    /// Whether a value follows.
    pub takes_value: bool,
}

/// One option as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// Which row of the table.
    pub row: usize,
    /// Its name in full, as messages show it: `-n`, `--nodaemon`.
    pub name: String,
    /// Its value; empty without one.
    pub value: String,
}

/// Options and then the words after them, or what is wrong, in `getopt`'s words.
pub fn parse(table: &[Opt], words: &[String]) -> Result<(Vec<Typed>, Vec<String>), String> {
    let mut typed = Vec::new();
    let mut words = words.iter().cloned();
    while let Some(word) = words.next() {
        if word == "--" {
            return Ok((typed, words.collect()));
        }
        if let Some(long) = word.strip_prefix("--") {
            typed.push(parse_long(table, long, &mut words)?);
        } else if let Some(shorts) = word.strip_prefix('-').filter(|shorts| !shorts.is_empty()) {
            parse_shorts(table, shorts, &mut words, &mut typed)?;
        } else {
            return Ok((typed, std::iter::once(word).chain(words).collect()));
        }
    }
    Ok((typed, Vec::new()))
}

/// The row of a table for each option that may stand once only; the second one is a mistake.
pub fn conflict(typed: &[Typed], may_repeat: impl Fn(usize) -> bool) -> Option<String> {
    let again = typed
        .iter()
        .enumerate()
        .find(|(place, one)| !may_repeat(one.row) && typed.iter().take(*place).any(|earlier| earlier.row == one.row));
    again.map(|(_, one)| format!("conflicting command line option {}", repr(&one.name)))
}

fn parse_long(table: &[Opt], long: &str, rest: &mut impl Iterator<Item = String>) -> Result<Typed, String> {
    let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
    let longs = || table.iter().enumerate().filter_map(|(row, opt)| Some((row, opt, opt.long?)));
    let exact = longs().find(|(_, _, long)| *long == name);
    let mut begun = longs().filter(|(_, _, long)| long.starts_with(name));
    let (row, opt, name) = match (exact, begun.next(), begun.next()) {
        (Some(exact), _, _) => exact,
        (None, Some(only), None) => only,
        (None, Some(_), Some(_)) => return Err(format!("option --{name} not a unique prefix")),
        (None, None, _) => return Err(format!("option --{name} not recognized")),
    };
    let value = match (opt.takes_value, value) {
        (true, Some(value)) => value,
        (true, None) => rest.next().ok_or_else(|| format!("option --{name} requires argument"))?,
        (false, None) => String::new(),
        (false, Some(_)) => return Err(format!("option --{name} must not have an argument")),
    };
    Ok(Typed { row, name: format!("--{name}"), value })
}

/// `-nsc FILE`, `-nscFILE`: letters up to the first that takes a value.
fn parse_shorts(
    table: &[Opt],
    shorts: &str,
    rest: &mut impl Iterator<Item = String>,
    typed: &mut Vec<Typed>,
) -> Result<(), String> {
    for (at, letter) in shorts.char_indices() {
        let found = table.iter().enumerate().find(|(_, opt)| opt.short == Some(letter));
        let Some((row, opt)) = found else { return Err(format!("option -{letter} not recognized")) };
        let name = format!("-{letter}");
        if !opt.takes_value {
            typed.push(Typed { row, name, value: String::new() });
            continue;
        }
        let value = match &shorts[at + letter.len_utf8()..] {
            "" => rest.next().ok_or_else(|| format!("option -{letter} requires argument"))?,
            attached => attached.to_owned(),
        };
        typed.push(Typed { row, name, value });
        return Ok(());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn opt(short: char, long: &'static str, takes_value: bool) -> Opt {
        Opt { short: Some(short), long: Some(long), takes_value }
    }

    const TABLE: &[Opt] = &[
        opt('n', "nodaemon", false),
        opt('c', "configuration", true),
        opt('l', "logfile", true),
        opt('y', "logfile_maxbytes", true),
        Opt { short: None, long: Some("minprocs"), takes_value: true },
    ];

    type Parsed = (Vec<(String, String)>, Vec<String>);

    fn parsed(line: &str) -> Result<Parsed, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (typed, rest) = parse(TABLE, &words)?;
        Ok((typed.into_iter().map(|one| (one.name, one.value)).collect(), rest))
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn letters_may_stand_together_and_values_may_be_attached() {
        let expected = (pairs(&[("-n", ""), ("-c", "x.conf")]), Vec::new());
        for line in ["-n -c x.conf", "-nc x.conf", "-ncx.conf"] {
            assert_eq!(parsed(line).as_ref(), Ok(&expected), "{line}");
        }
    }

    #[test]
    fn long_names_may_be_cut_where_they_are_clear() {
        assert_eq!(parsed("--conf=a --min 5"), Ok((pairs(&[("--configuration", "a"), ("--minprocs", "5")]), vec![])));
        assert_eq!(parsed("--logfile x"), Ok((pairs(&[("--logfile", "x")]), vec![])));
    }

    #[test]
    fn options_end_at_the_first_word_or_at_two_dashes() {
        assert_eq!(parsed("-n start -n"), Ok((pairs(&[("-n", "")]), vec!["start".to_owned(), "-n".to_owned()])));
        assert_eq!(parsed("-- -n"), Ok((vec![], vec!["-n".to_owned()])));
        assert_eq!(parsed("-"), Ok((vec![], vec!["-".to_owned()])));
    }

    #[test]
    fn mistakes_are_told_in_the_words_of_getopt() {
        for (line, message) in [
            ("-x", "option -x not recognized"),
            ("-nx", "option -x not recognized"),
            ("-c", "option -c requires argument"),
            ("--configuration", "option --configuration requires argument"),
            ("--conf", "option --configuration requires argument"),
            ("--nodaemon=1", "option --nodaemon must not have an argument"),
            ("--log x", "option --log not a unique prefix"),
            ("--nope", "option --nope not recognized"),
        ] {
            assert_eq!(parsed(line), Err(message.to_owned()), "{line}");
        }
    }

    #[test]
    fn what_stands_twice_is_told_by_its_name() {
        let words = ["-n", "--nodaemon"].map(str::to_owned);
        let (typed, _) = parse(TABLE, &words).unwrap();
        assert_eq!(conflict(&typed, |_| false).as_deref(), Some("conflicting command line option '--nodaemon'"));
        assert_eq!(conflict(&typed, |row| row == 0), None);
    }
}
