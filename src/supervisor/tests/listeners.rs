//! Event listeners, as supervisor 4.3.0 has them (`process.py` `EventListenerPool`, `dispatchers.py` `PEventListenerDispatcher`).

use std::sync::Arc;
use std::time::Duration;

use super::Stage;
use crate::model::public_event::{ListenerWord, OutputKind};
use crate::model::supervisord::{Listener, Role};
use crate::model::{
    Channel, Dialect, EventType, Exit, Generation, ListenerState, Moment, Now, ProcessId, Program, Project,
    RetryPolicy, WallTime,
};
use crate::plan::ports::Ports;
use crate::supervisor::ExitPolicy;
use crate::supervisor::action::{Action, Answer, Outcome};
use crate::supervisor::edition::Edition;
use crate::supervisor::event::{Command, Event, RequestId, StartUntil, Urgency};
use crate::supervisor::notice::Notice;
use crate::supervisor::snapshot::ListenerInfo;

const MAIL: ProcessId = ProcessId(0);
const OK: ListenerWord = ListenerWord::Result { accepted: true };
const FAIL: ListenerWord = ListenerWord::Result { accepted: false };
const READY: ListenerWord = ListenerWord::Ready;

fn listener(name: &str, buffer_size: u32, events: &[EventType]) -> Program {
    let mut program =
        Program { priority: -1, startsecs: Duration::ZERO, retry: RetryPolicy::Supervisord, ..Program::new(name) };
    program.extras.role = Role::Listener(Listener { buffer_size, events: events.to_vec() });
    program
}

fn plain(name: &str) -> Program {
    Program { retry: RetryPolicy::Supervisord, ..Program::new(name) }
}

struct World {
    stage: Stage,
    /// Who got what: process, serial in the pool, name and payload.
    got: Vec<(ProcessId, u64, String)>,
    notices: Vec<Notice>,
    actions: Vec<Action>,
}

impl World {
    /// At 12 s past a minute.
    fn begun(dialect: Dialect, programs: Vec<Program>) -> Self {
        let project = Project { dialect, ..Project::new("/shop", programs) };
        let (stage, actions) = Stage::begun_at(WallTime(72_000), project, ExitPolicy::KeepGoing);
        let mut world = Self { stage, got: Vec::new(), notices: Vec::new(), actions: Vec::new() };
        world.take(actions);
        world
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            if let Action::Deliver { process, delivery, .. } = &action {
                let text = format!("{} {}", delivery.event.kind, delivery.event.payload.as_str());
                self.got.push((*process, delivery.pool_serial, text));
            }
            if let Action::Say(notice) = action {
                self.notices.push(notice);
            } else {
                self.actions.push(action);
            }
        }
    }

    fn step(&mut self, event: Event) {
        let actions = self.stage.step(event);
        self.take(actions);
    }

    fn spawned(&mut self, process: ProcessId) {
        let actions = self.stage.spawned(process);
        self.take(actions);
    }

    fn exited(&mut self, process: ProcessId, exit: Exit) {
        let actions = self.stage.exited(process, exit);
        self.take(actions);
    }

    fn pass(&mut self, seconds: u64) {
        self.stage.now.mono = self.stage.now.mono + Duration::from_secs(seconds);
        self.step(Event::Tick);
    }

    fn says(&mut self, process: ProcessId, words: &[ListenerWord]) {
        let generation = self.stage.generation(process);
        self.step(Event::ListenerSaid { process, generation, words: words.to_vec() });
    }

    fn sends(&mut self, data: &str) {
        self.step(Event::Command(RequestId(7), Command::SendEvent { kind: "x".to_owned(), data: data.into() }));
    }

    /// Takes what was delivered so far: to whom, which serial, and the last word of its payload.
    fn taken(&mut self) -> Vec<(u32, u64, String)> {
        let last = |text: String| text.split(['\n', ' ']).next_back().unwrap_or_default().to_owned();
        self.got.drain(..).map(|(process, serial, text)| (process.0, serial, last(text))).collect()
    }
}

fn got(process: u32, serial: u64, data: &str) -> (u32, u64, String) {
    (process, serial, data.to_owned())
}

/// A pool of one that is asked for remote events.
fn remote(buffer_size: u32) -> World {
    let mut world =
        World::begun(Dialect::Supervisord, vec![listener("mail", buffer_size, &[EventType::RemoteCommunication])]);
    world.spawned(MAIL);
    world
}

#[test]
fn an_event_waits_until_a_member_is_ready_and_then_goes_to_it_alone() {
    let mut world = remote(10);
    world.sends("a");
    world.sends("b");
    assert_eq!(world.taken(), []);
    world.says(MAIL, &[READY]);
    assert_eq!(world.taken(), [got(0, 0, "a")]);
    world.says(MAIL, &[OK]);
    assert_eq!(world.taken(), [], "it has to say READY again");
    world.says(MAIL, &[READY]);
    assert_eq!(world.taken(), [got(0, 1, "b")]);
}

#[test]
fn what_a_listener_is_at_is_known() {
    let mut world = remote(10);
    let at = |world: &mut World| world.stage.info(MAIL).listener.unwrap();
    world.sends("a");
    world.sends("b");
    let waits = ListenerInfo { state: ListenerState::Acknowledged, was_ready: false, waiting: 2 };
    assert_eq!(at(&mut world), waits);
    world.says(MAIL, &[READY]);
    assert_eq!(at(&mut world), ListenerInfo { state: ListenerState::Busy, was_ready: true, waiting: 1 });
    world.says(MAIL, &[OK]);
    assert_eq!(at(&mut world), ListenerInfo { state: ListenerState::Acknowledged, was_ready: true, waiting: 1 });
    world.says(MAIL, &[READY, READY]);
    assert_eq!(at(&mut world), ListenerInfo { state: ListenerState::Unknown, was_ready: true, waiting: 1 });
    world.exited(MAIL, Exit::Code(0));
    let start = Command::Start { processes: vec![MAIL], until: StartUntil::Spawned, with_needs: true, timeout: None };
    world.step(Event::Command(RequestId(8), start));
    world.spawned(MAIL);
    assert_eq!(at(&mut world), ListenerInfo { waiting: 1, ..waits });
}

#[test]
fn what_is_rejected_comes_first_again_with_its_serial() {
    let mut world = remote(10);
    world.sends("a");
    world.sends("b");
    world.says(MAIL, &[READY]);
    world.says(MAIL, &[FAIL, READY]);
    assert_eq!(world.taken(), [got(0, 0, "a"), got(0, 0, "a")]);
    assert!(matches!(world.notices.last(), Some(Notice::EventRejected { process: MAIL, .. })));
}

#[test]
fn what_a_listener_had_when_it_died_goes_to_its_next_run() {
    let mut world = remote(10);
    world.says(MAIL, &[READY]);
    world.sends("a");
    world.sends("b");
    world.taken();
    world.exited(MAIL, Exit::Code(1));
    world.pass(2);
    world.spawned(MAIL);
    world.says(MAIL, &[READY]);
    assert_eq!(world.taken(), [got(0, 0, "a")]);
}

#[test]
fn a_full_buffer_loses_the_oldest_and_says_so() {
    let mut world = remote(2);
    for data in ["a", "b", "c"] {
        world.sends(data);
    }
    let dropped = world.notices.iter().filter_map(|notice| {
        if let Notice::EventDropped { delivery } = notice { Some(delivery.pool_serial) } else { None }
    });
    assert_eq!(dropped.collect::<Vec<_>>(), [0]);
    world.says(MAIL, &[READY]);
    assert_eq!(world.taken(), [got(0, 1, "b")]);
}

#[test]
fn whoever_breaks_the_protocol_gets_nothing_until_its_next_run() {
    let breaks: [&[ListenerWord]; 4] =
        [&[READY, READY], &[OK], &[READY, OK], &[ListenerWord::Nonsense("hello".to_owned())]];
    for words in breaks {
        let mut world = remote(10);
        world.says(MAIL, words);
        assert!(matches!(world.notices.last(), Some(Notice::ListenerLost { process: MAIL, .. })), "{words:?}");
        world.sends("a");
        world.says(MAIL, &[READY]);
        assert_eq!(world.taken(), [], "{words:?}");
        world.exited(MAIL, Exit::Code(1));
        world.pass(2);
        world.spawned(MAIL);
        world.says(MAIL, &[READY]);
        assert_eq!(world.taken(), [got(0, 0, "a")], "{words:?}");
    }
}

#[test]
fn an_event_that_cannot_be_written_goes_to_another_member() {
    let mut world =
        World::begun(Dialect::Supervisord, vec![listener("mail", 9, &[EventType::RemoteCommunication]).times(2)]);
    for member in [ProcessId(0), ProcessId(1)] {
        world.spawned(member);
        world.says(member, &[READY]);
    }
    world.sends("a");
    let generation = world.stage.generation(MAIL);
    world.step(Event::ListenerDeaf { process: MAIL, generation });
    assert_eq!(world.taken(), [got(0, 0, "a"), got(1, 0, "a")]);
}

#[test]
fn states_are_told_as_supervisord_tells_them() {
    let programs = vec![listener("mail", 100, &[EventType::ProcessState]), plain("web")];
    let mut world = World::begun(Dialect::Supervisord, programs);
    let web = ProcessId(1);
    world.spawned(MAIL);
    world.spawned(web);
    world.exited(web, Exit::Code(0));
    world.pass(1);
    world.spawned(web);
    world.pass(5);
    world.exited(web, Exit::Code(3));
    let mut told = Vec::new();
    for _ in 0..20 {
        world.says(MAIL, &[READY]);
        told.extend(world.got.drain(..).map(|(_, _, text)| text));
        world.says(MAIL, &[OK]);
    }
    let web: Vec<&str> = told.iter().filter(|text| text.contains("processname:web")).map(String::as_str).collect();
    let line = |name: &str, rest: &str| format!("PROCESS_STATE_{name} processname:web groupname:web from_state:{rest}");
    assert_eq!(
        web,
        [
            line("STARTING", "STOPPED tries:0"),
            line("BACKOFF", "STARTING tries:1"),
            line("STARTING", "BACKOFF tries:1"),
            line("RUNNING", "STARTING pid:101"),
            line("EXITED", "RUNNING expected:0 pid:101"),
            line("STARTING", "EXITED tries:0"),
        ]
    );
}

#[test]
fn a_crash_that_is_tried_again_at_once_is_told_as_exited_in_run_toml_too() {
    let mut web = Program::new("web");
    web.startsecs = Duration::ZERO;
    let mut world = World::begun(
        Dialect::Native,
        vec![listener("mail", 100, &[EventType::ProcessStateExited, EventType::ProcessStateFatal]), web],
    );
    world.spawned(MAIL);
    world.spawned(ProcessId(1));
    world.exited(ProcessId(1), Exit::Code(3));
    world.says(MAIL, &[READY]);
    assert_eq!(
        world.got[0].2,
        "PROCESS_STATE_EXITED processname:web groupname:web from_state:RUNNING expected:0 pid:101"
    );
}

#[test]
fn the_beginning_and_the_end_are_told() {
    let events = [EventType::ProcessGroup, EventType::SupervisorStateChange];
    let mut world = World::begun(Dialect::Supervisord, vec![listener("mail", 9, &events), plain("web")]);
    world.spawned(MAIL);
    world.spawned(ProcessId(1));
    let mut told = Vec::new();
    for _ in 0..3 {
        world.says(MAIL, &[READY]);
        told.extend(world.got.drain(..).map(|(_, _, text)| text));
        world.says(MAIL, &[OK]);
    }
    assert_eq!(
        told,
        [
            "PROCESS_GROUP_ADDED groupname:mail\n",
            "PROCESS_GROUP_ADDED groupname:web\n",
            "SUPERVISOR_STATE_CHANGE_RUNNING "
        ]
    );
    world.says(MAIL, &[READY]);
    world.step(Event::Terminate(Urgency::Polite));
    assert_eq!(world.got[0].2, "SUPERVISOR_STATE_CHANGE_STOPPING ");
}

#[test]
fn listeners_start_first_stop_last_and_hear_the_others_stop() {
    for dialect in [Dialect::Supervisord, Dialect::Native] {
        let stopped = [EventType::ProcessStateStopped];
        let mut world = World::begun(dialect, vec![plain("web"), listener("mail", 9, &stopped)]);
        let (web, mail) = (ProcessId(0), ProcessId(1));
        let order = world
            .actions
            .iter()
            .filter_map(|action| if let Action::Spawn { process, .. } = action { Some(*process) } else { None });
        assert_eq!(order.collect::<Vec<_>>(), [mail, web]);
        world.spawned(mail);
        world.spawned(web);
        world.says(mail, &[READY]);
        let signalled = |world: &World| {
            let signals = world
                .actions
                .iter()
                .filter_map(|action| if let Action::Signal { process, .. } = action { Some(*process) } else { None });
            signals.collect::<Vec<_>>()
        };
        world.step(Event::Terminate(Urgency::Polite));
        assert_eq!(signalled(&world), [web]);
        world.exited(web, Exit::Code(0));
        assert_eq!(world.taken(), [got(1, 0, "pid:100")]);
        assert_eq!(signalled(&world), [web, mail]);
    }
}

#[test]
fn a_project_of_tasks_ends_although_somebody_listens() {
    let mut world = World::begun(
        Dialect::Native,
        vec![listener("mail", 9, &[EventType::ProcessState]), Program::new_task("migrate")],
    );
    world.spawned(MAIL);
    world.spawned(ProcessId(1));
    world.exited(ProcessId(1), Exit::Code(0));
    assert!(world.stage.supervisor.snapshot().is_shutting_down);
}

#[test]
fn time_is_told_on_multiples_of_the_wall_clock_and_only_to_listeners() {
    let mut world = World::begun(Dialect::Supervisord, vec![listener("mail", 9, &[EventType::Tick5])]);
    world.spawned(MAIL);
    world.says(MAIL, &[READY]);
    let next = world.stage.supervisor.next_deadline().unwrap();
    assert_eq!(next, Moment(3_000_000), "72 s is 3 s before a multiple of 5");
    world.stage.now = Now { mono: next, wall: WallTime(75_020) };
    world.step(Event::Tick);
    assert_eq!(world.taken(), [got(0, 0, "when:75")]);
    assert_eq!(world.stage.supervisor.next_deadline(), Some(next + Duration::from_millis(4980)));
    let mut quiet = World::begun(Dialect::Supervisord, vec![listener("mail", 9, &[EventType::ProcessLog])]);
    quiet.spawned(MAIL);
    assert_eq!(quiet.stage.supervisor.next_deadline(), None);
}

#[test]
fn a_clock_that_was_set_tells_where_it_is_now() {
    let mut world = World::begun(Dialect::Supervisord, vec![listener("mail", 9, &[EventType::Tick])]);
    world.spawned(MAIL);
    world.stage.now = Now { mono: Moment(3_000_000), wall: WallTime(3_600_000 * 5 + 7) };
    world.step(Event::Tick);
    world.says(MAIL, &[READY]);
    assert_eq!(world.taken(), [got(0, 0, "when:18000")]);
    let next = world.stage.supervisor.next_deadline().unwrap();
    assert!(next > world.stage.now.mono && next <= world.stage.now.mono + Duration::from_secs(5));
}

#[test]
fn what_a_program_prints_is_told_with_its_pid() {
    let programs = vec![listener("mail", 9, &[EventType::ProcessLogStderr]), plain("web")];
    let mut world = World::begun(Dialect::Supervisord, programs);
    let web = ProcessId(1);
    world.spawned(MAIL);
    world.spawned(web);
    world.says(MAIL, &[READY]);
    let generation = world.stage.generation(web);
    for (channel, generation) in
        [(Channel::Stdout, generation), (Channel::Stderr, Generation(99)), (Channel::Stderr, generation)]
    {
        let data = "oops\n".into();
        world.step(Event::Printed { process: web, generation, channel, kind: OutputKind::Log, data });
    }
    assert_eq!(world.got.len(), 1);
    assert_eq!(world.got[0].2, "PROCESS_LOG_STDERR processname:web groupname:web pid:101 channel:stderr\noops\n");
}

#[test]
fn what_is_printed_before_the_news_of_its_process_is_told_with_its_pid_too() {
    let programs = vec![listener("mail", 9, &[EventType::ProcessLogStdout]), plain("web")];
    let mut world = World::begun(Dialect::Supervisord, programs);
    let web = ProcessId(1);
    world.spawned(MAIL);
    world.says(MAIL, &[READY]);
    let generation = world.stage.generation(web);
    let (channel, kind, data) = (Channel::Stdout, OutputKind::Log, "hi\n".into());
    world.step(Event::Printed { process: web, generation, channel, kind, data });
    assert_eq!(world.got, []);
    world.spawned(web);
    let told: Vec<&str> = world.got.iter().map(|got| got.2.as_str()).collect();
    assert_eq!(told, ["PROCESS_LOG_STDOUT processname:web groupname:web pid:101 channel:stdout\nhi\n"]);
}

#[test]
fn stdin_is_written_to_whoever_runs_and_is_not_being_stopped() {
    let mut world = World::begun(Dialect::Supervisord, vec![plain("web")]);
    let send = |world: &mut World| {
        let command = Command::SendStdin { process: MAIL, data: "hi\n".into() };
        world.actions.clear();
        world.step(Event::Command(RequestId(1), command));
        world.actions.pop()
    };
    let refused = Some(Action::Reply(RequestId(1), Outcome::Each(vec![(MAIL, Answer::NotRunning)])));
    assert_eq!(send(&mut world), None, "it is kept until it is spawned");
    world.spawned(MAIL);
    assert!(matches!(send(&mut world), Some(Action::WriteStdin { request: RequestId(1), process: MAIL, .. })));
    world.step(Event::Command(
        RequestId(2),
        Command::Stop { processes: vec![MAIL], with_dependents: false, wait: false },
    ));
    assert_eq!(send(&mut world), refused, "it is being stopped");
}

#[test]
fn a_start_after_fatal_goes_from_fatal_to_starting() {
    let mut web = plain("web");
    web.startretries = 0;
    let mut world = World::begun(Dialect::Supervisord, vec![listener("mail", 99, &[EventType::ProcessState]), web]);
    let web = ProcessId(1);
    world.spawned(web);
    world.exited(web, Exit::Code(1));
    let start = Command::Start { processes: vec![web], until: StartUntil::Accepted, with_needs: true, timeout: None };
    world.step(Event::Command(RequestId(1), start));
    world.spawned(MAIL);
    let mut told = Vec::new();
    for _ in 0..20 {
        world.says(MAIL, &[READY]);
        told.extend(world.got.drain(..).map(|(_, _, text)| text));
        world.says(MAIL, &[OK]);
    }
    let ways = told.iter().filter(|text| text.contains("processname:web")).map(|text| {
        let from = text.split("from_state:").nth(1).unwrap().split(' ').next().unwrap();
        let to = text.split(' ').next().unwrap().trim_start_matches("PROCESS_STATE_");
        format!("{from}-{to}")
    });
    assert_eq!(ways.collect::<Vec<_>>(), ["STOPPED-STARTING", "STARTING-BACKOFF", "BACKOFF-FATAL", "FATAL-STARTING"]);
}

#[test]
fn groups_that_come_and_go_are_told_and_a_pool_that_stays_keeps_what_waits() {
    let listening = || listener("mail", 9, &[EventType::ProcessGroup, EventType::RemoteCommunication]);
    let mut world = World::begun(Dialect::Supervisord, vec![listening(), plain("web")]);
    world.spawned(MAIL);
    world.spawned(ProcessId(1));
    world.sends("waits");
    let project = Project { dialect: Dialect::Supervisord, ..Project::new("/shop", vec![listening(), plain("api")]) };
    let edition = Edition::new(Arc::new(project), Ports::default()).unwrap();
    world.step(Event::Command(RequestId(1), Command::Reload(edition)));
    world.exited(ProcessId(1), Exit::Code(0));
    let mut told = Vec::new();
    for _ in 0..6 {
        world.says(MAIL, &[READY]);
        told.extend(world.got.drain(..).map(|(_, serial, text)| format!("{serial} {}", text.trim_end())));
        world.says(MAIL, &[OK]);
    }
    assert_eq!(
        told,
        [
            "0 PROCESS_GROUP_ADDED groupname:mail",
            "1 PROCESS_GROUP_ADDED groupname:web",
            "2 REMOTE_COMMUNICATION type:x\nwaits",
            "3 PROCESS_GROUP_ADDED groupname:api",
            "4 PROCESS_GROUP_REMOVED groupname:web",
        ]
    );
}

#[test]
fn a_listener_that_comes_with_a_reload_hears_of_its_own_group_and_of_time() {
    let mut world = World::begun(Dialect::Supervisord, vec![plain("web")]);
    world.spawned(ProcessId(0));
    let programs = vec![plain("web"), listener("mail", 9, &[EventType::ProcessGroup, EventType::Tick5])];
    let project = Project { dialect: Dialect::Supervisord, ..Project::new("/shop", programs) };
    let edition = Edition::new(Arc::new(project), Ports::default()).unwrap();
    world.step(Event::Command(RequestId(1), Command::Reload(edition)));
    let mail = ProcessId(1);
    world.spawned(mail);
    world.says(mail, &[READY]);
    assert_eq!(world.taken(), [got(1, 0, "")]);
    assert!(world.stage.supervisor.next_deadline().is_some(), "it is told of time");
}

#[test]
fn an_hour_that_comes_by_a_clock_that_was_set_is_told_soon() {
    let mut world = World::begun(Dialect::Supervisord, vec![listener("mail", 9, &[EventType::Tick3600])]);
    world.spawned(MAIL);
    world.says(MAIL, &[READY]);
    world.stage.now.wall = WallTime(3_600_000 + 72_000);
    for _ in 0..2 {
        world.stage.now.mono = world.stage.supervisor.next_deadline().unwrap();
        world.step(Event::Tick);
    }
    assert!(world.stage.now.mono <= Moment(10_000_000), "{:?}", world.stage.now);
    assert_eq!(world.taken(), [got(0, 0, "when:3600")]);
}
