//! The world around the supervisor: children that spawn late, not at all, or for a while none of them, die, ignore TERM, leave
//! others behind; probes that lie; a driver that is late; a wall clock that is set; and what is asked from outside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use run::model::public_event::{ListenerWord, OutputKind};
use run::model::{Channel, Exit, Generation, Moment, Now, ProcessId, Program, Signal, WallTime};
use run::plan::ports::Ports;
use run::supervisor::Supervisor;
use run::supervisor::action::{Action, Measured, Scope};
use run::supervisor::edition::Edition;
use run::supervisor::event::{Command, Event, RequestId, SpawnFailure, StartUntil, Survivor, Urgency, Verdict};

use crate::check::Checks;
use crate::random::Random;
use crate::schedule::{Ask, Request, Schedule, edited};

/// After this much simulated time the end is asked for, if nobody did.
const LENGTH: Duration = Duration::from_secs(90);

/// No schedule may take more steps: something would spin.
const MOST_STEPS: u64 = 40_000;

/// A living child and what will become of it.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) generation: Generation,
    pub(crate) spawned: bool,
    /// When it was said to be.
    pub(crate) spawned_at: Option<Moment>,
    pub(crate) leader: bool,
    pub(crate) survivors: bool,
    pub(crate) ignores_term: bool,
    pub(crate) ready_at: Option<Moment>,
    pub(crate) asked_to_stop: Option<Moment>,
    pub(crate) killed: Option<Moment>,
    /// How many events it has been given, for a listener.
    pub(crate) events: u64,
}

/// What a finished run has to show.
pub(crate) struct Report {
    pub(crate) steps: u64,
    pub(crate) log: Vec<String>,
}

pub(crate) struct World {
    seed: u64,
    /// What the config has now.
    project: Vec<Program>,
    /// By slot: what the config says of each process, or last said.
    programs: Vec<Program>,
    supervisor: Supervisor,
    pub(crate) now: Moment,
    /// What will happen, by time and order of arrival.
    coming: BTreeMap<(Moment, u64), Event>,
    asks: Vec<Request>,
    arrivals: u64,
    pub(crate) children: BTreeMap<ProcessId, Child>,
    requests: u64,
    checks: Checks,
    log: Vec<String>,
    verbose: bool,
    finished: Option<u8>,
}

impl World {
    /// Runs a schedule to its end. Panics when an invariant breaks.
    pub(crate) fn run(schedule: &Schedule, verbose: bool) -> Report {
        let project = Arc::new(schedule.project());
        let now = Now::default();
        let supervisor = Supervisor::new(Arc::clone(&project), schedule.policy, now).expect("edges only lead down");
        let mut asks = schedule.requests.clone();
        asks.sort_by_key(|ask| ask.at);
        asks.reverse();
        let mut world = Self {
            seed: schedule.seed,
            checks: Checks::new(&project),
            project: project.programs.clone(),
            programs: project.processes().map(|(_, program, _)| program.clone()).collect(),
            supervisor,
            now: Moment(0),
            coming: BTreeMap::new(),
            asks,
            arrivals: 0,
            children: BTreeMap::new(),
            requests: 0,
            log: Vec::new(),
            verbose,
            finished: None,
        };
        let steps = world.play();
        Report { steps, log: world.log }
    }

    fn play(&mut self) -> u64 {
        self.step(Event::Begin { processes: None, with_needs: true });
        let mut steps = 1;
        let mut asked_to_end = false;
        while self.finished.is_none() {
            steps += 1;
            assert!(steps < MOST_STEPS, "more than {MOST_STEPS} steps: something spins");
            if !asked_to_end && self.now.0 >= micros(LENGTH) {
                asked_to_end = true;
                self.ask(Ask::Terminate { now: false });
                continue;
            }
            self.advance(asked_to_end);
        }
        self.checks.end(&self.children);
        steps
    }

    /// To whatever comes first: an event, a request, a deadline, the end of the schedule.
    fn advance(&mut self, asked_to_end: bool) {
        let event = self.coming.first_key_value().map(|((at, _), _)| *at);
        let ask = self.asks.last().map(|ask| Moment(0) + ask.at);
        let deadline = self.supervisor.next_deadline().map(|at| at.max(self.now));
        let end = (!asked_to_end).then_some(Moment(micros(LENGTH)));
        let next = [event, ask, deadline, end].into_iter().flatten().min();
        let Some(next) = next else { panic!("nothing will ever happen again, and the end has not come") };
        self.now = self.now.max(next);
        if event == Some(next) {
            let (_, event) = self.coming.pop_first().expect("there is one");
            self.deliver(event);
        } else if ask == Some(next) {
            let ask = self.asks.pop().expect("there is one");
            self.ask(ask.what);
        } else if deadline == Some(next) {
            let late = Random::new(self.seed, self.now.0).below(3000);
            self.now = self.now + Duration::from_micros(late);
            self.step(Event::Tick);
        }
    }

    /// What happens to a child becomes true before the supervisor hears of it.
    fn deliver(&mut self, event: Event) {
        match &event {
            Event::Spawned { process, generation, .. } => {
                let now = self.now;
                if let Some(child) = self.child(*process, *generation) {
                    child.spawned = true;
                    child.spawned_at = Some(now);
                }
            }
            Event::SpawnFailed { process, generation, .. } | Event::Vanished { process, generation } => {
                if self.child(*process, *generation).is_none() {
                    return;
                }
                self.children.remove(process);
            }
            Event::Exited { process, generation, survivors, .. } => {
                let sweeps = self.programs[process.index()].sweeps_leftovers();
                let Some(child) = self.child(*process, *generation) else { return };
                if !child.leader {
                    return;
                }
                child.leader = false;
                if !(*survivors && sweeps) {
                    // What supervisord's rules leave behind is the last sweep's business, not the supervisor's.
                    self.children.remove(process);
                }
            }
            Event::LeftBehind { process, generation, .. }
            | Event::OutOfReach { process, generation, .. }
            | Event::Checked { process, generation, .. }
            | Event::Measured { process, generation, .. }
            | Event::Probed { process, generation, .. }
            | Event::ListenerSaid { process, generation, .. }
            | Event::ListenerDeaf { process, generation }
            | Event::Printed { process, generation, .. } => {
                if self.child(*process, *generation).is_none_or(|child| !child.leader) {
                    return;
                }
            }
            Event::Tick
            | Event::Begin { .. }
            | Event::FilesChanged { .. }
            | Event::EnvRead { .. }
            | Event::Noted(_)
            | Event::Command(..)
            | Event::Forget(_)
            | Event::Terminate(_) => {}
        }
        self.step(event);
    }

    fn child(&mut self, process: ProcessId, generation: Generation) -> Option<&mut Child> {
        self.children.get_mut(&process).filter(|child| child.generation == generation)
    }

    fn step(&mut self, event: Event) {
        // Somebody sets the clock all the time, forth and back.
        let wall = WallTime(self.now.0 / 1000 + Random::new(self.seed, self.now.0 + 7).below(100_000));
        let mut actions = Vec::new();
        if self.verbose {
            println!("{:>12} {event:?}", self.now.0);
        }
        self.checks.before(&event, self.now);
        self.supervisor.step(Now { mono: self.now, wall }, event, &mut actions);
        self.supervisor.check_invariants();
        for action in actions {
            if self.verbose {
                println!("{:>12}   {action:?}", "");
            }
            self.log.push(format!("{action:?}"));
            self.checks.action(&action, self.now, &self.children);
            self.perform(&action);
        }
        let snapshot = self.supervisor.snapshot();
        self.checks.after(&snapshot, self.now, &self.children);
    }

    fn perform(&mut self, action: &Action) {
        match *action {
            Action::Spawn { process, generation, .. } => self.spawn(process, generation),
            Action::Signal { process, generation, signal, scope } => self.signal(process, generation, signal, scope),
            Action::Probe { process, generation, attempt } => self.probe(process, generation, attempt),
            Action::CheckAlive { process, generation, attempt } => self.check_alive(process, generation, attempt),
            Action::Measure(ref whom) => self.measure(whom),
            Action::Deliver { process, generation, ref delivery } => {
                self.listen(process, generation, delivery.pool_serial);
            }
            Action::WriteStdin { .. }
            | Action::StopProbing { .. }
            | Action::OnCrash(_)
            | Action::Forget(_)
            | Action::Reply(..)
            | Action::Say(_)
            | Action::Chronicle(_) => {}
            Action::Finish(code) => self.finished = Some(code),
            Action::Adopt(ref edition) => {
                self.project.clone_from(&edition.project().programs);
                for program in &edition.project().programs {
                    match self.programs.iter_mut().find(|known| known.name == program.name) {
                        Some(known) => known.clone_from(program),
                        None => self.programs.push(program.clone()),
                    }
                }
            }
        }
    }

    fn spawn(&mut self, process: ProcessId, generation: Generation) {
        let mut random = self.fate(process, generation);
        let delay = Duration::from_micros(random.pick(&[100, 500, 20_000, 400_000]));
        let is_doomed = random.chance(6) || self.is_without_room();
        let child = Child {
            generation,
            spawned: false,
            spawned_at: None,
            leader: true,
            survivors: random.chance(15),
            ignores_term: random.chance(15),
            ready_at: None,
            asked_to_stop: None,
            killed: None,
            events: 0,
        };
        self.children.insert(process, child);
        if is_doomed {
            let failure = SpawnFailure { step: "could not start".into(), errno: 2, message: "no such file".into() };
            self.later(delay, Event::SpawnFailed { process, generation, failure });
            return;
        }
        self.later(delay, Event::Spawned { process, generation, pid: process.0 + 100 });
        if self.programs[process.index()].listener().is_some() {
            return self.begin_listening(process, generation, delay, &mut random);
        }
        let is_task = self.programs[process.index()].is_task();
        if is_task || random.chance(50) {
            let life = Duration::from_millis(random.pick(&[0, 10, 900, 1100, 5000, 15_000]));
            let exit = random.pick(&[
                Exit::Code(0),
                Exit::Code(0),
                Exit::Code(1),
                Exit::Signal { signal: Signal(11), core: true },
            ]);
            let survivors = self.children[&process].survivors;
            if survivors && random.chance(70) {
                let survivors = vec![Survivor { pid: process.0 + 9000, name: "sh".into() }];
                self.later(delay + life, Event::LeftBehind { process, generation, survivors });
            }
            self.later(delay + life, Event::Exited { process, generation, exit, survivors });
        }
        if random.chance(85) {
            let ready = delay + Duration::from_millis(random.pick(&[0, 3, 40, 700, 4000]));
            let ready_at = self.now + ready;
            if let Some(child) = self.children.get_mut(&process) {
                child.ready_at = Some(ready_at);
            }
            let is_event = self.programs[process.index()].ready.as_ref().is_some_and(|ready| ready.kind.is_event());
            if is_event {
                let verdict = Verdict::Pass("notified".into());
                self.later(ready, Event::Probed { process, generation, verdict });
            }
        }
    }

    /// A listener says READY sooner or later, or something else; now and then it dies by itself.
    fn begin_listening(&mut self, process: ProcessId, generation: Generation, delay: Duration, random: &mut Random) {
        let wait = delay + Duration::from_millis(random.pick(&[0, 5, 300, 2500]));
        let words = match random.below(20) {
            0 => vec![ListenerWord::Nonsense("hello".into())],
            1 => vec![ListenerWord::Ready, ListenerWord::Ready],
            2 => vec![ListenerWord::Result { accepted: true }],
            _ => vec![ListenerWord::Ready],
        };
        self.later(wait, Event::ListenerSaid { process, generation, words });
        if random.chance(30) {
            let life = delay + Duration::from_millis(random.pick(&[10, 1500, 9000]));
            self.later(life, Event::Exited { process, generation, exit: Exit::Code(1), survivors: false });
        }
    }

    /// What a listener does with an event follows from its run and from how many it has had.
    fn listen(&mut self, process: ProcessId, generation: Generation, serial: u64) {
        let Some(child) = self.child(process, generation) else { return };
        child.events += 1;
        let purpose = 9000 + serial * 64 + child.events;
        let mut random = Random::new(self.seed, purpose);
        let wait = Duration::from_micros(random.pick(&[0, 50, 4000, 700_000]));
        let result = |accepted| vec![ListenerWord::Result { accepted }, ListenerWord::Ready];
        let words = match random.below(40) {
            0 => vec![ListenerWord::Ready],
            1 => vec![ListenerWord::Nonsense("oops".into())],
            2 => return self.later(wait, Event::ListenerDeaf { process, generation }),
            3 => {
                let exit = Exit::Signal { signal: Signal(11), core: true };
                return self.later(wait, Event::Exited { process, generation, exit, survivors: false });
            }
            4 => return,
            5..10 => result(false),
            10 => vec![ListenerWord::Result { accepted: true }, ListenerWord::Result { accepted: true }],
            _ => result(true),
        };
        self.later(wait, Event::ListenerSaid { process, generation, words });
    }

    /// In some worlds there is no room for another process for a while, whoever asks.
    fn is_without_room(&self) -> bool {
        self.seed % 5 == 3 && (2_000_000..9_000_000).contains(&(self.now.0 % 30_000_000))
    }

    /// A child's fate follows from the seed, its process and its generation alone.
    fn fate(&self, process: ProcessId, generation: Generation) -> Random {
        Random::new(self.seed, 1_000_000 + u64::from(process.0) * 10_000 + u64::from(generation.0))
    }

    fn signal(&mut self, process: ProcessId, generation: Generation, signal: Signal, scope: Scope) {
        let now = self.now;
        let mut random = self.fate(process, generation);
        let delay = Duration::from_micros(random.pick(&[50, 3000, 150_000, 3_000_000]));
        let Some(child) = self.child(process, generation) else { return };
        if !child.spawned || signal == Signal(18) || signal == Signal(10) {
            return;
        }
        let exit = Exit::Signal { signal, core: false };
        let is_kill = signal == Signal::KILL;
        if is_kill {
            child.killed.get_or_insert(now);
        } else {
            child.asked_to_stop.get_or_insert(now);
        }
        // One that ran as another user when it was asked, and no longer when it is killed.
        if !is_kill && child.leader && child.ignores_term && random.chance(30) {
            let reason = "operation not permitted".to_owned();
            self.later(
                Duration::from_micros(random.pick(&[20, 3000])),
                Event::OutOfReach { process, generation, signal, reason },
            );
            return;
        }
        let survivors = child.survivors && !(is_kill && scope == Scope::Tree);
        let (leader, obeys) = (child.leader, is_kill || !child.ignores_term);
        let wait = if is_kill { Duration::from_micros(80) } else { delay };
        if obeys && leader {
            self.later(wait, Event::Exited { process, generation, exit, survivors });
        }
        let reaches_all = scope == Scope::Tree;
        if obeys && reaches_all && (!leader || survivors) {
            self.later(wait + Duration::from_micros(10), Event::Vanished { process, generation });
        }
    }

    fn probe(&mut self, process: ProcessId, generation: Generation, attempt: u32) {
        let mut random = Random::new(self.seed, u64::from(attempt) * 31 + u64::from(process.0));
        let now = self.now;
        let is_up = self.child(process, generation).and_then(|child| child.ready_at).is_some_and(|at| at <= now);
        let lies = random.chance(2);
        let verdict =
            if is_up && !lies { Verdict::Pass("tcp 1".into()) } else { Verdict::Fail("tcp 1 refused".into()) };
        let wait = Duration::from_micros(random.pick(&[20, 200, 90_000]));
        self.later(wait, Event::Probed { process, generation, verdict });
    }

    /// One that is stuck from some attempt on, one that stumbles, one that hangs.
    fn check_alive(&mut self, process: ProcessId, generation: Generation, attempt: u32) {
        let mut fate = self.fate(process, generation);
        let sticks_at = u32::try_from(fate.below(12)).expect("small");
        let mut random = Random::new(self.seed, u64::from(attempt) * 37 + u64::from(process.0));
        let is_stuck = attempt > sticks_at || random.chance(10);
        let verdict = if is_stuck { Verdict::Refuse("http 503".into()) } else { Verdict::Pass("http 200".into()) };
        let wait = Duration::from_millis(random.pick(&[1, 90, 1500, 60_000]));
        self.later(wait, Event::Checked { process, generation, attempt, verdict });
    }

    fn measure(&mut self, whom: &[Measured]) {
        for one in whom {
            let mut random = Random::new(self.seed, self.now.0 + u64::from(one.process.0));
            let bytes = if random.chance(15) { one.limit + 1 } else { one.limit };
            let wait = Duration::from_millis(random.pick(&[1, 300]));
            self.later(wait, Event::Measured { process: one.process, generation: one.generation, bytes });
        }
    }

    fn later(&mut self, wait: Duration, event: Event) {
        self.arrivals += 1;
        self.coming.insert((self.now + wait, self.arrivals), event);
    }

    fn ask(&mut self, ask: Ask) {
        // Listeners are asked about apart: nothing of the rest changes with them.
        let slots = |is_listener: bool| -> Vec<ProcessId> {
            let all = (0u32..).zip(&self.programs).filter(|(_, program)| program.listener().is_some() == is_listener);
            all.map(|(slot, _)| ProcessId(slot)).collect()
        };
        let (others, listeners) = (slots(false), slots(true));
        // A schedule that was shrunk may ask about listeners that it no longer has.
        if listeners.is_empty() && matches!(ask, Ask::RestartListener { .. } | Ask::StopListener { .. }) {
            return;
        }
        let of = |slots: &[ProcessId], whom: u64| slots[usize::try_from(whom).expect("small") % slots.len()];
        let id = |whom: u64| of(&others, whom);
        let listener = |whom: u64| vec![of(&listeners, whom)];
        let command = match ask {
            Ask::Start { whom, ready, with_needs } => Command::Start {
                processes: vec![id(whom)],
                until: if ready { StartUntil::Ready } else { StartUntil::Running },
                with_needs,
                timeout: ready.then_some(Duration::from_secs(7)),
            },
            Ask::Stop { whom, with_dependents } => {
                Command::Stop { processes: vec![id(whom)], with_dependents, wait: whom.is_multiple_of(2) }
            }
            Ask::Restart { whom } => {
                Command::Restart { processes: vec![id(whom)], until: StartUntil::Ready, timeout: None }
            }
            Ask::Signal { whom } => Command::Signal { processes: vec![id(whom)], signal: Signal(10) },
            Ask::Wait { whom, timeout } => Command::Wait {
                processes: whom.map(id).into_iter().collect(),
                timeout: timeout.then_some(Duration::from_secs(3)),
            },
            Ask::Forget => return self.step(Event::Forget(RequestId(self.requests))),
            Ask::Stale { whom } => {
                let generation = Generation(u32::try_from(whom).expect("small") + 900);
                self.step(Event::Vanished { process: ProcessId(700), generation });
                let exit = Exit::Code(3);
                return self.step(Event::Exited { process: id(whom), generation, exit, survivors: false });
            }
            Ask::Terminate { now } => {
                return self.step(Event::Terminate(if now { Urgency::Now } else { Urgency::Polite }));
            }
            Ask::Shutdown => Command::Shutdown,
            Ask::SendEvent => Command::SendEvent { kind: "x".into(), data: "y".into() },
            Ask::SendStdin { whom } => Command::SendStdin { process: id(whom), data: "z".into() },
            Ask::Print { whom } => {
                let process = id(whom);
                let generation = self.children.get(&process).map_or(Generation(0), |child| child.generation);
                let (channel, kind) = (Channel::Stdout, OutputKind::Log);
                return self.step(Event::Printed { process, generation, channel, kind, data: "line".into() });
            }
            Ask::ChangeFiles { whom } => {
                let (processes, files) = (vec![id(whom)], vec!["a".to_owned(), "b".to_owned()]);
                return self.step(Event::FilesChanged { processes, files });
            }
            Ask::RestartListener { whom } => {
                Command::Restart { processes: listener(whom), until: StartUntil::Running, timeout: None }
            }
            Ask::StopListener { whom } => {
                Command::Stop { processes: listener(whom), with_dependents: false, wait: true }
            }
            Ask::Reload { edit } => {
                // What is due happens before, so that what follows is the reload's doing.
                self.step(Event::Tick);
                Command::Reload(self.edition(edit))
            }
            Ask::BeginAnew => Command::BeginAnew,
        };
        self.requests += 1;
        self.step(Event::Command(RequestId(self.requests), command));
    }
}

impl World {
    fn edition(&self, edit: u64) -> Edition {
        let programs = edited(&self.project, self.seed, edit);
        let project = Schedule::project_of(programs);
        Edition::new(Arc::new(project), Ports::default()).expect("edges only lead down")
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).expect("short")
}
