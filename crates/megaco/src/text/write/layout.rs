//! What stands between the items of pretty text, in one piece each: pieces cost more than characters.

/// How deep lines are indented at most.
const DEEPEST: usize = 16;

/// A comma, a line end and the tabs of a depth, without so many of the characters at the beginning: what stands before an item, in one piece.
pub(super) fn line(depth: usize, skipped: usize) -> &'static [u8] {
    const LINE: &[u8; DEEPEST + 2] = b",\n\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t";
    LINE.get(skipped..depth.min(DEEPEST) + 2).unwrap_or_default()
}

/// A line end, the tabs of a depth and the brace that closes it.
pub(super) fn closing(depth: usize) -> &'static [u8] {
    static CLOSINGS: [[u8; DEEPEST + 2]; DEEPEST + 1] = {
        let mut closings = [[b'\t'; DEEPEST + 2]; DEEPEST + 1];
        let mut depth = 0;
        while depth <= DEEPEST {
            closings[depth][0] = b'\n';
            closings[depth][depth + 1] = b'}';
            depth += 1;
        }
        closings
    };
    let depth = depth.min(DEEPEST);
    CLOSINGS.get(depth).and_then(|closing| closing.get(..depth + 2)).unwrap_or_default()
}
