//! The processes of a snapshot: a list that a new snapshot shares with the one before but for the part that changed.
//!
//! With one flat list, every event would copy a pointer to every process there is; with 5,000 of them that is most of the work. In
//! blocks of [`BLOCK`], an event copies one block and a pointer to each of the others.

use std::ops::Index;
use std::sync::Arc;

use super::snapshot::ProcessInfo;
use crate::model::ProcessId;

/// Processes in a block.
const BLOCK: usize = 64;

/// One place for each slot, empty while the slot is not in use.
type Block = Vec<Option<Arc<ProcessInfo>>>;

/// Processes in the order of their slots. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ProcessList {
    blocks: Arc<Vec<Arc<Block>>>,
}

impl ProcessList {
    /// Every process, in the order of the slots.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<ProcessInfo>> {
        self.blocks.iter().flat_map(|block| block.iter().flatten())
    }

    /// One process.
    pub fn get(&self, id: ProcessId) -> Option<&Arc<ProcessInfo>> {
        self.blocks.get(id.index() / BLOCK)?.get(id.index() % BLOCK)?.as_ref()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether this is the very same list: nothing has changed in between.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.blocks, &other.blocks)
    }

    /// Puts a process into its slot, or empties it. Lists that were cloned before keep what they have.
    pub(super) fn set(&mut self, id: ProcessId, info: Option<Arc<ProcessInfo>>) {
        let (block, place) = (id.index() / BLOCK, id.index() % BLOCK);
        let blocks = Arc::make_mut(&mut self.blocks);
        if blocks.len() <= block {
            blocks.resize_with(block + 1, Arc::default);
        }
        let block = Arc::make_mut(&mut blocks[block]);
        if block.len() <= place {
            block.resize(place + 1, None);
        }
        block[place] = info;
    }
}

impl FromIterator<Arc<ProcessInfo>> for ProcessList {
    fn from_iter<I: IntoIterator<Item = Arc<ProcessInfo>>>(infos: I) -> Self {
        let mut list = Self::default();
        infos.into_iter().for_each(|info| list.set(info.id, Some(info)));
        list
    }
}

impl From<Vec<Arc<ProcessInfo>>> for ProcessList {
    fn from(infos: Vec<Arc<ProcessInfo>>) -> Self {
        infos.into_iter().collect()
    }
}

impl Index<ProcessId> for ProcessList {
    type Output = Arc<ProcessInfo>;

    fn index(&self, id: ProcessId) -> &Self::Output {
        self.get(id).expect("whoever asks by index has the id from this list")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Moment, Now, Program, Project, WallTime};
    use crate::supervisor::{ExitPolicy, Supervisor};

    /// Enough for three blocks.
    const COUNT: u32 = 130;

    fn infos() -> ProcessList {
        let programs = (0..COUNT).map(|number| Program::new(format!("p{number}").as_str())).collect();
        let project = Project::new("/many", programs);
        let now = Now { mono: Moment(0), wall: WallTime(0) };
        Supervisor::new(Arc::new(project), ExitPolicy::KeepGoing, now).unwrap().snapshot().processes
    }

    #[test]
    fn it_has_every_process_in_the_order_of_the_slots() {
        let list = infos();
        let ids: Vec<u32> = list.iter().map(|info| info.id.0).collect();
        assert_eq!(ids, (0..COUNT).collect::<Vec<_>>());
        assert!((0..COUNT).all(|id| list[ProcessId(id)].id == ProcessId(id)));
        assert!(list.get(ProcessId(COUNT)).is_none());
    }

    #[test]
    fn a_change_shows_in_no_list_that_was_taken_before_and_copies_only_its_block() {
        let before = infos();
        let mut after = before.clone();
        assert!(after.is_same(&before));
        after.set(ProcessId(1), None);
        assert_eq!((before.len(), after.len()), (COUNT as usize, COUNT as usize - 1));
        assert!(before.get(ProcessId(1)).is_some() && after.get(ProcessId(1)).is_none() && !after.is_same(&before));
        let is_shared = |block: usize| Arc::ptr_eq(&before.blocks[block], &after.blocks[block]);
        assert_eq!([0, 1, 2].map(is_shared), [false, true, true]);
    }
}
