//! One hash that never changes: the names of directories and the choice of ports depend on it.

/// FNV-1a over the parts, 64 bits. Parts are told apart, so `["ab", "c"]` and `["a", "bc"]` differ. Not for secrets.
pub fn stable_hash(parts: &[&[u8]]) -> u64 {
    let separator: &[u8] = &[0xff];
    parts
        .iter()
        .flat_map(|part| [*part, separator])
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_same_in_every_release() {
        assert_eq!(stable_hash(&[b"/home/ann/src/shop", b""]), 0x6774_c276_c90b_c1ef);
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(stable_hash(&[b"ab", b"c"]), stable_hash(&[b"a", b"bc"]));
    }
}
