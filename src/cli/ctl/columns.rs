//! Names in columns, filled downwards, as narrow as they get: how the list of commands is shown.

/// Two blanks lie between columns.
const GAP: usize = 2;

/// Lays names out in as few rows as a width allows. Every name is padded, also the last of a row (Python `cmd.py` `columnize`).
pub fn columns(names: &[&str], width: usize) -> String {
    let width_of = |name: &&str| name.chars().count();
    for rows in 1..=names.len() {
        let widths: Vec<usize> =
            names.chunks(rows).map(|column| column.iter().map(width_of).max().unwrap_or(0)).collect();
        let total = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
        if total <= width || rows == names.len() {
            return (0..rows).map(|row| line(names, rows, row, &widths)).collect();
        }
    }
    String::new()
}

fn line(names: &[&str], rows: usize, row: usize, widths: &[usize]) -> String {
    let cells = names.chunks(rows).zip(widths).filter_map(|(column, width)| Some((*column.get(row)?, *width)));
    let padded: Vec<String> = cells.map(|(name, width)| format!("{name:width$}")).collect();
    format!("{}\n", padded.join(&" ".repeat(GAP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_run_down_the_columns() {
        assert_eq!(columns(&["add", "exit", "open", "reload", "x"], 13), "add   reload\nexit  x     \nopen\n");
    }

    #[test]
    fn a_short_list_stays_on_one_line_and_a_wide_name_on_its_own() {
        assert_eq!(columns(&["a", "b"], 79), "a  b\n");
        assert_eq!(columns(&["aaaa", "bbbb"], 3), "aaaa\nbbbb\n");
        assert_eq!(columns(&[], 79), "");
    }
}
