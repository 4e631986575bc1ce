//! How long the hot pieces take (`cargo bench --bench speed`). For a person to look at: machines differ, so nothing is compared.

mod pieces;

use divan::Bencher;
use pieces::{PIECES, Piece};

fn main() {
    divan::main();
}

#[divan::bench(args = PIECES, min_time = 0.5)]
fn piece(bencher: Bencher<'_, '_>, piece: &Piece) {
    let work = (piece.prepare)();
    bencher.bench_local(work);
}
