//! Tables of text.

use std::fmt::{self, Write as _};

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// A table with a head; columns are as wide as their widest cell.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    sides: [Side; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with this head.
    pub(crate) fn new(head: [(&str, Side); N]) -> Self {
        Self {
            sides: head.map(|(_, side)| side),
            rows: vec![head.map(|(name, _)| name.to_owned())],
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for ((cell, width), side) in row.iter().zip(widths).zip(self.sides) {
                match side {
                    Side::Left => write!(line, "  {cell:<width$}")?,
                    Side::Right => write!(line, "  {cell:>width$}")?,
                }
            }
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new([("step", Side::Left), ("seconds", Side::Right)]);
        table.row(["up".into(), "1.5".into()]);
        table.row(["preview".into(), "20.0".into()]);
        assert_eq!(
            table.to_string(),
            "  step     seconds\n  up           1.5\n  preview     20.0"
        );
    }
}
