//! Who stops before whom at the end, beyond what dependencies say: in layers, the highest first. It knows at any time which layer it
//! is at, so that an end costs the same whatever the number of programs.

use crate::model::ProcessId;

/// The layers, and how much of each is alive. Empty where nothing more is said than by dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StopOrder {
    /// By slot.
    layer_of: Vec<usize>,
    /// By layer.
    layers: Vec<Layer>,
    /// The highest of which anything is alive; the lowest when nothing is.
    highest: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Layer {
    members: Vec<ProcessId>,
    alive: usize,
}

impl StopOrder {
    /// From the layer of each slot.
    pub(super) fn new(layer_of: Vec<usize>, is_alive: impl Fn(ProcessId) -> bool) -> Self {
        let count = layer_of.iter().max().map_or(0, |highest| highest + 1);
        let mut layers = vec![Layer::default(); count];
        for (id, layer) in (0..).map(ProcessId).zip(&layer_of) {
            layers[*layer].members.push(id);
            layers[*layer].alive += usize::from(is_alive(id));
        }
        let highest = layers.iter().rposition(|layer| layer.alive > 0).unwrap_or(0);
        Self { layer_of, layers, highest }
    }

    /// The same layers, counted from scratch.
    pub(super) fn recounted(&self, is_alive: impl Fn(ProcessId) -> bool) -> Self {
        Self::new(self.layer_of.clone(), is_alive)
    }

    /// Whether somebody of a higher layer is alive.
    pub(super) fn is_later(&self, id: ProcessId) -> bool {
        self.layer_of.get(id.index()).is_some_and(|layer| *layer < self.highest)
    }

    /// Somebody has come to life.
    pub(super) fn lives(&mut self, id: ProcessId) {
        let Some(layer) = self.layer_of.get(id.index()).copied() else { return };
        self.layers[layer].alive += 1;
        self.highest = self.highest.max(layer);
    }

    /// Somebody has ended. The members of the layer that it is the turn of now, when it was another's before.
    pub(super) fn ends(&mut self, id: ProcessId) -> &[ProcessId] {
        let Some(layer) = self.layer_of.get(id.index()).copied() else { return &[] };
        self.layers[layer].alive -= 1;
        let before = self.highest;
        while self.highest > 0 && self.layers[self.highest].alive == 0 {
            self.highest -= 1;
        }
        if self.highest == before { &[] } else { &self.layers[self.highest].members }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [ProcessId; 4] = [ProcessId(0), ProcessId(1), ProcessId(2), ProcessId(3)];

    #[test]
    fn a_layer_has_its_turn_when_nothing_above_it_is_alive() {
        let [a, b, c, d] = IDS;
        let mut order = StopOrder::new(vec![0, 2, 2, 1], |_| true);
        assert_eq!(IDS.map(|id| order.is_later(id)), [true, false, false, true]);
        assert!(order.ends(b).is_empty());
        assert_eq!(order.ends(c), [d]);
        assert_eq!(IDS.map(|id| order.is_later(id)), [true, false, false, false]);
        assert_eq!(order.ends(d), [a]);
        assert!(order.ends(a).is_empty());
    }

    #[test]
    fn a_layer_of_which_nothing_is_alive_is_passed_over() {
        let [a, _, c, d] = IDS;
        let mut order = StopOrder::new(vec![0, 1, 2, 3], |id| id == a || id == d);
        order.lives(c);
        assert_eq!(order.ends(d), [c]);
        assert_eq!(order.ends(c), [a]);
    }

    #[test]
    fn without_layers_nobody_waits() {
        let mut order = StopOrder::default();
        order.lives(IDS[3]);
        assert!(order.ends(IDS[3]).is_empty());
        assert!(!order.is_later(IDS[3]));
    }
}
