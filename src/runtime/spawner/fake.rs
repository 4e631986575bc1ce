//! A spawner without processes, for tests of the driver.

use tokio::sync::mpsc;

use super::Spawner;
use super::order::{Order, Report};

/// Hands every order to the test and reports what the test says.
#[derive(Debug)]
pub struct FakeSpawner {
    orders: mpsc::UnboundedSender<Order>,
    reports: mpsc::UnboundedReceiver<Report>,
}

/// The test's end. Dropping `reports` is the spawner's death.
#[derive(Debug)]
pub struct Strings {
    /// What the driver ordered.
    pub orders: mpsc::UnboundedReceiver<Order>,
    /// What the driver is to hear.
    pub reports: mpsc::UnboundedSender<Report>,
}

/// Makes a fake spawner and the strings it hangs on.
pub fn fake() -> (FakeSpawner, Strings) {
    let (order_sender, orders) = mpsc::unbounded_channel();
    let (reports, report_receiver) = mpsc::unbounded_channel();
    (FakeSpawner { orders: order_sender, reports: report_receiver }, Strings { orders, reports })
}

impl Spawner for FakeSpawner {
    fn order(&mut self, order: Order) {
        // A test that has let go of its end does not care for orders any more.
        let _ = self.orders.send(order);
    }

    async fn report(&mut self) -> Option<Report> {
        self.reports.recv().await
    }

    fn is_flushed(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::spawner::order::Key;

    #[tokio::test]
    async fn orders_reach_the_test_and_reports_come_back() {
        let (mut spawner, mut strings) = fake();
        spawner.order(Order::Release { key: Key(1) });
        assert!(matches!(strings.orders.recv().await, Some(Order::Release { key: Key(1) })));
        strings.reports.send(Report::Vanished { key: Key(1) }).unwrap();
        assert_eq!(spawner.report().await, Some(Report::Vanished { key: Key(1) }));
        drop(strings);
        assert_eq!(spawner.report().await, None);
    }
}
