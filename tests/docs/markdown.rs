//! As much of Markdown as the documents use.

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// The word after the fence: `sh`, `rust`.
    pub(crate) language: String,
    /// The comment right above it, if there is one.
    pub(crate) comment: Option<String>,
    /// What is in it.
    pub(crate) lines: Vec<String>,
}

/// Every fenced block of a document.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut last = "";
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, Some(language)) => {
                let comment = last.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
                open = Some(Block {
                    language: language.to_owned(),
                    comment: comment.map(str::to_owned),
                    lines: Vec::new(),
                });
            }
            (None, None) => {}
        }
        last = line;
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The commands of a document, in order.
pub(crate) fn commands(text: &str) -> Vec<String> {
    blocks(text)
        .into_iter()
        .filter(|block| block.language == "sh")
        .flat_map(|block| block.lines)
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// The text of a document outside its fenced blocks.
pub(crate) fn prose(text: &str) -> String {
    let mut inside = false;
    let outside = text.lines().filter(|line| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    outside.collect::<Vec<_>>().join("\n")
}

/// The cells of every row of every table.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = prose(text);
    let rows = rows
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.map(|row| row.split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}
