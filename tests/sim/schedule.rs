//! What a run of the simulation is made of: a project, how its children behave, and what is asked when. All of it follows from
//! a seed; parts can be taken out to shrink a failure.

use std::fmt::Write as _;
use std::time::Duration;

use run::model::supervisord::{Listener, Role};
use run::model::{
    AliveSpec, Autorestart, Dependency, Dialect, EventType, Program, ProgramName, Project, ReadyKind, ReadySpec,
    RetryPolicy, Template, Until,
};
use run::supervisor::ExitPolicy;

use crate::random::Random;

/// A whole run.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    pub(crate) policy: ExitPolicy,
    pub(crate) programs: Vec<Program>,
    pub(crate) requests: Vec<Request>,
}

/// Something asked for at a time.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) at: Duration,
    pub(crate) what: Ask,
}

/// What is asked for. Processes are named by number modulo those there are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    Start {
        whom: u64,
        ready: bool,
        with_needs: bool,
    },
    Stop {
        whom: u64,
        with_dependents: bool,
    },
    Restart {
        whom: u64,
    },
    Signal {
        whom: u64,
    },
    Wait {
        whom: Option<u64>,
        timeout: bool,
    },
    /// The last request is forgotten.
    Forget,
    /// News of an earlier incarnation, or of a process that does not exist.
    Stale {
        whom: u64,
    },
    Terminate {
        now: bool,
    },
    Shutdown,
    /// The config is another.
    Reload {
        edit: u64,
    },
    /// Everything ends, to begin anew.
    BeginAnew,
    /// A client tells listeners something.
    SendEvent,
    /// A program writes something that is an event.
    Print {
        whom: u64,
    },
    SendStdin {
        whom: u64,
    },
    /// Files that it watches have changed.
    ChangeFiles {
        whom: u64,
    },
    /// One of the listeners is started again.
    RestartListener {
        whom: u64,
    },
    StopListener {
        whom: u64,
    },
}

impl Schedule {
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = Random::new(seed, 1);
        let count = 1 + random.below(7);
        let native = random.chance(80);
        let mut programs: Vec<Program> = (0..count).map(|index| program(seed, index, native)).collect();
        let mut requests: Vec<Request> = (0..random.below(12)).map(|index| request(seed, index)).collect();
        // The seeds that once found a bug go without.
        let reloads = if seed % 3 == 2 { 0 } else { Random::new(seed, 5000).below(6) };
        requests.extend((0..reloads).map(|index| reload(seed, index)));
        let mut listening = Random::new(seed, 2);
        for index in 0..listening.pick(&[0, 0, 1, 2]) {
            // Configs that change know of one process a program.
            let most = if reloads == 0 { 2 } else { 1 };
            programs.push(listener(seed, index, most, native));
            requests.extend((0..listening.below(12)).map(|request| event_request(seed, index * 100 + request)));
        }
        // From numbers of their own, too.
        let mut watching = Random::new(seed, 3);
        if reloads == 0 || seed.is_multiple_of(3) {
            for program in &mut programs {
                if watching.chance(40) {
                    program.watch.push("x".to_owned());
                }
            }
            requests.extend((0..watching.pick(&[0, 2, 20])).map(|index| change(seed, index)));
        }
        let policy =
            random.pick(&[ExitPolicy::KeepGoing, ExitPolicy::KeepGoing, ExitPolicy::OnFailure, ExitPolicy::OnEnd]);
        Self { seed, policy, programs, requests }
    }

    pub(crate) fn project(&self) -> Project {
        Self::project_of(self.programs.clone())
    }

    pub(crate) fn project_of(programs: Vec<Program>) -> Project {
        let is_native = programs.iter().all(|program| program.retry == RetryPolicy::Native);
        let dialect = if is_native { Dialect::Native } else { Dialect::Supervisord };
        Project { dialect, ..Project::new("/shop", programs) }
    }

    /// What a person needs to see of it.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("policy {:?}\n", self.policy);
        for program in &self.programs {
            let needs: Vec<String> = program
                .depends_on
                .iter()
                .map(|d| {
                    let marks = [(d.restart, " restart"), (d.optional, " optional")];
                    let marks: String = marks.iter().filter(|(on, _)| *on).map(|(_, mark)| *mark).collect();
                    format!("{}:{}{marks}", d.program, d.until.as_str())
                })
                .collect();
            let _ = writeln!(
                text,
                "{} {:?} {:?} {:?} startsecs {:?} retries {} stopwait {:?} ready {:?} autostart {} exit_on_end {} needs {needs:?} {:?}",
                program.name,
                program.kind,
                program.retry,
                program.autorestart,
                program.startsecs,
                program.startretries,
                program.stopwaitsecs,
                program.ready.as_ref().map(|r| (r.kind.name(), r.timeout, r.successes, r.failures)),
                program.autostart,
                program.exit_on_end,
                program.listener(),
            );
        }
        for request in &self.requests {
            let _ = writeln!(text, "{:?} {:?}", request.at, request.what);
        }
        text
    }

    /// Schedules with one thing less.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for index in 0..self.requests.len() {
            let mut one = self.clone();
            one.requests.remove(index);
            all.push(one);
        }
        if self.programs.len() > 1 {
            let mut one = self.clone();
            one.programs.pop();
            all.push(one);
        }
        for (index, program) in self.programs.iter().enumerate() {
            if !program.depends_on.is_empty() {
                let mut one = self.clone();
                one.programs[index].depends_on.pop();
                all.push(one);
            }
        }
        all
    }
}

/// Another config: some of these programs gone, new ones, other values, other edges.
pub(crate) fn edited(programs: &[Program], seed: u64, edit: u64) -> Vec<Program> {
    let mut random = Random::new(seed, 9000 + edit);
    let native = programs.iter().all(|program| program.retry == RetryPolicy::Native);
    let mut programs = programs.to_vec();
    for _ in 0..=random.below(3) {
        let chosen = usize::try_from(random.below(programs.len().max(1) as u64)).expect("small");
        match random.below(6) {
            0 if programs.len() > 1 => {
                let gone = programs.remove(chosen).name;
                for program in &mut programs {
                    program.depends_on.retain(|need| need.program != gone);
                }
            }
            1 => add(&mut programs, seed, native, &mut random),
            2 => programs[chosen].environment.push((format!("E{edit}"), Template::literal("x"))),
            3 => tune(&mut programs[chosen], &mut random),
            4 if programs[chosen].listener().is_some() => {}
            4 => change_edges(&mut programs, chosen, seed, &mut random),
            _ => {}
        }
    }
    programs
}

/// Listeners count behind all others, and have no edges.
fn number_of(program: &Program) -> u64 {
    let number: u64 = program.name.as_str()[1..].parse().expect("a number");
    if program.listener().is_some() { 100 + number } else { number }
}

fn add(programs: &mut Vec<Program>, seed: u64, native: bool, random: &mut Random) {
    let number = random.below(9);
    if programs.iter().any(|program| number_of(program) == number) {
        return;
    }
    let mut new = program(seed, number, native);
    new.depends_on.retain(|need| programs.iter().any(|program| program.name == need.program));
    let at = usize::try_from(random.below(programs.len() as u64 + 1)).expect("small");
    programs.insert(at, new);
}

/// Values that a running process takes in.
fn tune(program: &mut Program, random: &mut Random) {
    match random.below(6) {
        0 => program.startretries = u32::try_from(random.below(4)).expect("small"),
        1 if !program.is_task() => program.startsecs = Duration::from_secs(random.pick(&[0, 1, 2, 4])),
        2 => program.stopwaitsecs = Duration::from_millis(random.pick(&[200, 1000, 5000])),
        3 => program.autostart = !program.autostart,
        4 => {
            if let Some(ready) = &mut program.ready {
                ready.timeout = random.chance(60).then(|| Duration::from_secs(1 + random.below(8)));
            }
        }
        _ if program.listener().is_some() => {}
        _ => program.priority = i32::try_from(random.below(3)).expect("small"),
    }
}

/// Drops an edge, adds one, or makes it another; edges only lead to lower numbers.
fn change_edges(programs: &mut [Program], chosen: usize, seed: u64, random: &mut Random) {
    let number = number_of(&programs[chosen]);
    let lower: Vec<u64> = programs.iter().map(number_of).filter(|other| *other < number).collect();
    if lower.is_empty() {
        return;
    }
    let need = random.pick(&lower);
    let name = ProgramName::new(format!("p{need}"));
    let needs = &mut programs[chosen].depends_on;
    let was_there = needs.iter().any(|one| one.program == name);
    needs.retain(|one| one.program != name);
    if !was_there || random.chance(50) {
        needs.push(dependency(seed, need, random));
    }
}

fn reload(seed: u64, index: u64) -> Request {
    let mut random = Random::new(seed, 6000 + index);
    let at = Duration::from_millis(random.pick(&[5, 500, 3000, 20_000, 60_000]) * random.below(100) / 100);
    let edit = index;
    let what = if random.chance(3) { Ask::BeginAnew } else { Ask::Reload { edit } };
    Request { at, what }
}

/// A save, or one of a burst of them.
fn change(seed: u64, index: u64) -> Request {
    let mut random = Random::new(seed, 17_000 + index);
    let at = Duration::from_millis(random.pick(&[50, 500, 3000, 20_000, 60_000]) * random.below(100) / 100);
    Request { at, what: Ask::ChangeFiles { whom: random.below(8) } }
}

fn program(seed: u64, index: u64, native: bool) -> Program {
    let mut random = Random::new(seed, 100 + index);
    let name = format!("p{index}");
    let mut program = if random.chance(25) { Program::new_task(&name) } else { Program::new(&name) };
    if !program.is_task() {
        program.startsecs = Duration::from_secs(random.pick(&[0, 0, 1, 2]));
        program.autorestart =
            random.pick(&[Autorestart::Never, Autorestart::Unexpected, Autorestart::Unexpected, Autorestart::Always]);
        program.ready = random.chance(60).then(|| ready(&mut random));
    }
    if native && !program.is_task() {
        let mut random = Random::new(seed, 400 + index);
        program.alive = random.chance(30).then(|| alive(&mut random));
        program.max_memory = random.chance(15).then_some(1 << 30);
        program.on_crash = random.chance(50).then(|| "mail".to_owned());
    }
    program.startretries = u32::try_from(random.below(4)).expect("small");
    program.autostart = random.chance(90);
    program.priority = i32::try_from(random.below(3)).expect("small");
    program.stopwaitsecs = Duration::from_millis(random.pick(&[200, 1000, 5000]));
    program.exit_on_end = random.chance(3);
    if !native {
        program.retry = RetryPolicy::Supervisord;
        program.stopasgroup = false;
        program.killasgroup = random.chance(50);
    }
    for need in 0..index {
        if random.chance(35) {
            program.depends_on.push(dependency(seed, need, &mut random));
        }
    }
    program
}

fn dependency(seed: u64, need: u64, random: &mut Random) -> Dependency {
    let is_task = Random::new(seed, 100 + need).chance(25);
    let until = match (is_task, random.below(10)) {
        (_, 0) => Until::Started,
        (true, 1) => Until::Exited,
        (true, _) => Until::Done,
        (false, _) => Until::Ready,
    };
    Dependency {
        program: ProgramName::new(format!("p{need}")),
        until,
        restart: random.chance(20),
        optional: random.chance(15),
    }
}

fn alive(random: &mut Random) -> AliveSpec {
    AliveSpec {
        every: Duration::from_millis(random.pick(&[300, 2000, 10_000])),
        timeout: Duration::from_millis(random.pick(&[100, 1000, 5000])),
        failures: u32::try_from(1 + random.below(3)).expect("small"),
        ..AliveSpec::new(ReadyKind::Tcp(Template::literal("127.0.0.1:1")))
    }
}

fn ready(random: &mut Random) -> ReadySpec {
    let kind = if random.chance(70) { ReadyKind::Tcp(Template::literal("127.0.0.1:1")) } else { ReadyKind::Notify };
    ReadySpec {
        timeout: random.chance(30).then(|| Duration::from_secs(1 + random.below(8))),
        successes: u32::try_from(1 + random.below(2)).expect("small"),
        failures: random.chance(10).then_some(30),
        ..ReadySpec::new(kind)
    }
}

fn request(seed: u64, index: u64) -> Request {
    let mut random = Random::new(seed, 1000 + index);
    let at = Duration::from_millis(random.pick(&[50, 500, 3000, 20_000, 60_000]) * random.below(100) / 100);
    let whom = random.below(8);
    let what = match random.below(20) {
        0..4 => Ask::Start { whom, ready: random.chance(50), with_needs: random.chance(85) },
        4..8 => Ask::Stop { whom, with_dependents: random.chance(30) },
        8..12 => Ask::Restart { whom },
        12 => Ask::Signal { whom },
        13..15 => Ask::Wait { whom: random.chance(50).then_some(whom), timeout: random.chance(50) },
        15 => Ask::Forget,
        16..18 => Ask::Stale { whom },
        18 => Ask::Terminate { now: random.chance(30) },
        _ => Ask::Shutdown,
    };
    Request { at, what }
}

/// A pool of one or two, named so that nobody depends on it.
fn listener(seed: u64, index: u64, most: u64, native: bool) -> Program {
    let mut random = Random::new(seed, 15_000 + index);
    let mut program = Program::new(format!("l{index}")).times(u32::try_from(1 + random.below(most)).expect("small"));
    program.priority = -1;
    program.startsecs = Duration::from_secs(random.pick(&[0, 1]));
    program.autorestart = random.pick(&[Autorestart::Unexpected, Autorestart::Always]);
    program.stopwaitsecs = Duration::from_millis(random.pick(&[200, 1000]));
    if !native {
        program.retry = RetryPolicy::Supervisord;
    }
    let events = random.pick(&[
        &[EventType::Event][..],
        &[EventType::ProcessState, EventType::Tick60],
        &[EventType::RemoteCommunication, EventType::ProcessLog],
    ]);
    let buffer_size = random.pick(&[1, 2, 10, 100]);
    program.extras.role = Role::Listener(Listener { buffer_size, events: events.to_vec() });
    program
}

/// What concerns listeners, from numbers of its own: taking them out changes nothing else.
fn event_request(seed: u64, index: u64) -> Request {
    let mut random = Random::new(seed, 16_000 + index);
    let at = Duration::from_millis(random.pick(&[50, 500, 3000, 20_000]) * random.below(100) / 100);
    let whom = random.below(8);
    let what = match random.below(10) {
        0..4 => Ask::SendEvent,
        4..6 => Ask::Print { whom },
        6 => Ask::SendStdin { whom },
        7..9 => Ask::RestartListener { whom },
        _ => Ask::StopListener { whom },
    };
    Request { at, what }
}
