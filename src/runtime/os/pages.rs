//! Which pages of our memory are there for nothing, from what `/proc/self` says of them (proc(5)).

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use nix::unistd::{SysconfVar, sysconf};

/// What /proc/self/pagemap says of one page, in bytes.
const ENTRY: usize = 8;

/// Code and constants, ours and those of libraries, that are as they are in their files, by address.
pub fn unwritten_pages() -> io::Result<Vec<Range<usize>>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let pagemap = File::open("/proc/self/pagemap")?;
    let page = page_size()?;
    let mut unwritten = Vec::new();
    for pages in maps.lines().filter_map(constants) {
        let mut entries = vec![0; pages.len() / page * ENTRY];
        pagemap.read_exact_at(&mut entries, (pages.start / page * ENTRY) as u64)?;
        unwritten
            .extend(of_a_file(&entries).iter().map(|run| pages.start + run.start * page..pages.start + run.end * page));
    }
    Ok(unwritten)
}

/// The whole pages of the main thread's stack that lie well below an address in it. `None`: the address is in no such place.
pub fn unused_stack(here: usize) -> io::Result<Option<Range<usize>>> {
    Ok(below(&fs::read_to_string("/proc/self/maps")?, here, page_size()?))
}

fn page_size() -> io::Result<usize> {
    let size = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// Where a line of /proc/self/maps says that a thing is, and what.
fn mapping(line: &str) -> Option<(Range<usize>, &str, &str)> {
    let mut words = line.splitn(6, ' ');
    let (range, rights) = (words.next()?, words.next()?);
    let (start, end) = range.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    Some((address(start)?..address(end)?, rights, words.nth(3)?.trim_start()))
}

/// Where a line of /proc/self/maps maps a file that nobody can write to there.
fn constants(line: &str) -> Option<Range<usize>> {
    let (pages, rights, name) = mapping(line)?;
    (name.starts_with('/') && matches!(rights, "r-xp" | "r--p")).then_some(pages)
}

/// The runs of pages that are there and are a file's own: not copies of them, as of those to which the dynamic linker has written before
/// they became constant.
fn of_a_file(entries: &[u8]) -> Vec<Range<usize>> {
    const THERE_AND_OF_A_FILE: u64 = 1 << 63 | 1 << 61;
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (page, entry) in entries.as_chunks::<ENTRY>().0.iter().enumerate() {
        match runs.last_mut() {
            _ if u64::from_ne_bytes(*entry) & THERE_AND_OF_A_FILE != THERE_AND_OF_A_FILE => {}
            Some(run) if run.end == page => run.end += 1,
            Some(_) | None => runs.push(page..page + 1),
        }
    }
    runs
}

/// See [`unused_stack`]; `maps` is what /proc/self/maps says.
fn below(maps: &str, here: usize, page: usize) -> Option<Range<usize>> {
    /// More than a system call takes, and a signal that is handled at that moment.
    const ROOM: usize = 16 << 10;
    let (stack, ..) = maps.lines().filter_map(mapping).find(|(_, _, name)| *name == "[stack]")?;
    let end = here.checked_sub(ROOM)? / page * page;
    (stack.contains(&here) && stack.start < end).then_some(stack.start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_can_write_to_is_constant() {
        let lines = [
            "1000-5000 r--p 00000000 fe:00 326269                     /opt/my tools/run",
            "5000-9000 r-xp 00004000 fe:00 326269                     /opt/my tools/run",
            "9000-a000 rw-p 00008000 fe:00 326269                     /opt/my tools/run",
            "c000-d000 r-xs 00000000 fe:00 7 /lib/libc.so.6",
            "d000-e000 r--p 00000000 00:00 0 ",
            "e000-f000 r-xp 00000000 00:00 0                          [vdso]",
            "",
            "stack",
        ];
        assert_eq!(lines.into_iter().filter_map(constants).collect::<Vec<_>>(), [0x1000..0x5000, 0x5000..0x9000]);
    }

    #[test]
    fn copies_and_pages_that_are_not_there_are_no_file_s() {
        let (file, copy, absent) = (1_u64 << 63 | 1 << 61 | 0x4d, 1_u64 << 63 | 0x4e, 1_u64 << 61);
        let entries: Vec<u8> = [file, file, copy, absent, file, 0].into_iter().flat_map(u64::to_ne_bytes).collect();
        assert_eq!(of_a_file(&entries), [0..2, 4..5]);
        assert!(of_a_file(&[]).is_empty());
    }

    #[test]
    fn what_lies_below_the_innermost_frame_of_the_stack_is_unused() {
        let maps = "1000-5000 r-xp 00000000 fe:00 7 /bin/run\n100000-121000 rw-p 00000000 00:00 0           [stack]\n";
        assert_eq!(below(maps, 0x11_f123, 0x1000), Some(0x10_0000..0x11_b000));
        assert_eq!(below(maps, 0x12_0fff, 0x1_0000), Some(0x10_0000..0x11_0000), "whole pages, however large they are");
        assert_eq!(below(maps, 0x10_3000, 0x1000), None, "too little");
        assert_eq!(below(maps, 0x7f_0000, 0x1000), None, "another thread's");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no /proc")]
    fn our_own_code_is_unwritten() {
        let code = (page_size as *const ()).addr();
        assert!(unwritten_pages().unwrap().iter().any(|pages| pages.contains(&code)));
    }
}
