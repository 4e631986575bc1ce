//! The ledger on disk, and the whole assignment over a project.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use super::*;

fn program(name: &str, ports: &[(Option<&str>, PortRequest)], instances: u32) -> Program {
    let spec = |(name, request): &(Option<&str>, PortRequest)| PortSpec {
        name: name.map(ToOwned::to_owned),
        request: *request,
    };
    Program { ports: ports.iter().map(spec).collect(), ..Program::new(name).times(instances) }
}

fn project(programs: Vec<Program>) -> Project {
    Project::new("/src/shop", programs)
}

struct World {
    base: tempfile::TempDir,
    taken: Vec<u16>,
    held: Ports,
    own: BTreeSet<u16>,
}

impl World {
    fn new() -> Self {
        Self { base: tempfile::tempdir().unwrap(), taken: Vec::new(), held: Ports::default(), own: BTreeSet::new() }
    }

    fn ledger(&self) -> PathBuf {
        self.base.path().join("runup/ports.json")
    }

    fn assign(&self, project: &Project) -> Result<(Ports, Vec<Note>), Vec<PortTaken>> {
        self.assign_where(project, &|_| true)
    }

    fn assign_where(
        &self,
        project: &Project,
        starts: &dyn Fn(&Program) -> bool,
    ) -> Result<(Ports, Vec<Note>), Vec<PortTaken>> {
        let ledger = self.ledger();
        let holder_of = |port| {
            let name = format!("holder-of-{port}");
            Some(Holder { pid: 7, name, directory: None, project: None })
        };
        let request = Request {
            project,
            checkout: "00000000000000aa",
            ledger: Some(&ledger),
            held: &self.held,
            own: &self.own,
            starts,
            holder_of: &holder_of,
        };
        assign_with(&request, &mut |port| !self.taken.contains(&port))
    }

    fn api(&self, project: &Project) -> u16 {
        self.assign(project).unwrap().0.get(&"api".into(), None).unwrap()
    }
}

fn api() -> Project {
    project(vec![program("api", &[(None, PortRequest::Auto)], 1)])
}

#[test]
fn an_auto_port_is_written_down_and_comes_back() {
    let mut world = World::new();
    let first = world.api(&api());
    let written = fs::read_to_string(world.ledger()).unwrap();
    assert!(written.contains(&first.to_string()) && written.contains("/src/shop"), "{written}");
    world.taken = vec![first];
    let (ports, notes) = world.assign(&api()).unwrap();
    assert_eq!(ports.get(&"api".into(), None), Some(first + 1));
    assert!(matches!(&notes[..], [Note::Moved { home, .. }] if *home == first), "{notes:?}");
    assert_eq!(fs::read_to_string(world.ledger()).unwrap(), written, "the ledger keeps it");
    world.taken.clear();
    assert_eq!(world.api(&api()), first);
}

#[test]
fn all_taken_fixed_ports_are_told_at_once() {
    let mut world = World::new();
    world.taken = vec![3000, 4001];
    let fixed = PortRequest::Fixed;
    let project = project(vec![
        program("web", &[(None, fixed(3000)), (Some("admin"), fixed(3001))], 1),
        program("worker", &[(None, fixed(4000))], 2),
    ]);
    let taken = world.assign(&project).unwrap_err();
    let told: Vec<String> = taken.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["port 3000 (web) is taken by holder-of-3000 (pid 7)", "port 4001 (worker) is taken by holder-of-4001 (pid 7)"]
    );
    assert_eq!(taken[0].instead, Some(3010));
}

#[test]
fn what_does_not_start_or_runs_already_is_not_checked() {
    let mut world = World::new();
    world.taken = vec![3000];
    let project = project(vec![program("web", &[(None, PortRequest::Fixed(3000))], 1)]);
    let (ports, _) = world.assign_where(&project, &|_| false).unwrap();
    assert_eq!(ports.get(&"web".into(), None), Some(3000));
    world.held.insert("web".into(), None, 3000);
    world.own.insert(3000);
    assert!(world.assign(&project).is_ok());
}

#[test]
fn a_running_program_keeps_the_port_it_has() {
    let mut world = World::new();
    world.held.insert("api".into(), None, 15_000);
    world.own.insert(15_000);
    world.taken = vec![15_000];
    assert_eq!(world.api(&api()), 15_000);
    assert!(world.assign(&api()).unwrap().1.is_empty(), "it is its own");
}

#[test]
fn an_instance_that_is_new_beside_running_ones_is_told_who_sits_on_its_port() {
    let mut world = World::new();
    world.held.insert("api".into(), None, 15_000);
    world.own.extend([15_000, 15_001]);
    world.taken = vec![15_000, 15_001, 15_002];
    let grown = |request| project(vec![program("api", &[(None, request)], 3)]);
    let (ports, notes) = world.assign(&grown(PortRequest::Auto)).unwrap();
    assert_eq!(ports.get(&"api".into(), None), Some(15_000));
    let told = "port 15002 (api) is taken by holder-of-15002 (pid 7)";
    assert_eq!(notes.iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);
    let taken = world.assign(&grown(PortRequest::Fixed(15_000))).unwrap_err();
    assert_eq!(taken.iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);
}

#[test]
fn a_port_that_a_running_program_keeps_is_given_to_no_other_though_the_ledger_has_another_for_it() {
    let mut world = World::new();
    let web = || program("web", &[(None, PortRequest::Auto)], 1);
    let wanted = World::new().assign(&project(vec![web()])).unwrap().0.get(&"web".into(), None).unwrap();
    world.held.insert("api".into(), None, wanted);
    let both = project(vec![web(), program("api", &[(None, PortRequest::Auto)], 1)]);
    let (ports, _) = world.assign(&both).unwrap();
    assert_eq!(ports.get(&"api".into(), None), Some(wanted));
    assert_ne!(ports.get(&"web".into(), None), Some(wanted), "nobody listens there yet, so it looks free");
}

#[test]
fn a_procfile_line_that_may_never_listen_is_not_refused() {
    let mut world = World::new();
    world.taken = vec![5000];
    let project = Project {
        dialect: Dialect::Procfile,
        ..project(vec![program("worker", &[(None, PortRequest::Fixed(5000))], 1)])
    };
    let (_, notes) = world.assign(&project).unwrap();
    assert!(matches!(&notes[..], [Note::Taken(taken)] if taken.port == 5000), "{notes:?}");
}

#[test]
fn auto_ports_keep_clear_of_the_numbers_that_the_user_wrote() {
    let world = World::new();
    let chosen = world.api(&api());
    let other = World::new();
    let project = project(vec![
        program("api", &[(None, PortRequest::Auto)], 1),
        program("web", &[(None, PortRequest::Fixed(chosen))], 1),
    ]);
    assert_eq!(other.api(&project), chosen + 1);
}

#[test]
fn two_auto_ports_of_one_program_differ() {
    let world = World::new();
    let project = project(vec![program("api", &[(None, PortRequest::Auto), (Some("admin"), PortRequest::Auto)], 3)]);
    let (ports, _) = world.assign(&project).unwrap();
    let (main, admin) = (ports.get(&"api".into(), None).unwrap(), ports.get(&"api".into(), Some("admin")).unwrap());
    assert!(main.abs_diff(admin) >= 3, "{main} and {admin}, each for three instances");
}

#[test]
fn a_broken_ledger_is_put_aside() {
    let world = World::new();
    fs::create_dir_all(world.ledger().parent().unwrap()).unwrap();
    fs::write(world.ledger(), "{nonsense").unwrap();
    let (_, notes) = world.assign(&api()).unwrap();
    assert!(matches!(&notes[..], [Note::LedgerBroken { .. }]), "{notes:?}");
    assert_eq!(fs::read_to_string(world.ledger().with_extension("json.broken")).unwrap(), "{nonsense");
    assert!(world.assign(&api()).unwrap().1.is_empty());
}

#[test]
fn without_a_place_for_the_ledger_ports_are_given_all_the_same() {
    let project = api();
    let held = Ports::default();
    let request = Request {
        project: &project,
        checkout: "00000000000000aa",
        ledger: None,
        held: &held,
        own: &BTreeSet::new(),
        starts: &|_| true,
        holder_of: &|_| None,
    };
    let (ports, notes) = assign_with(&request, &mut |_| true).unwrap();
    assert_eq!(ports.get(&"api".into(), None), Some(World::new().api(&project)));
    assert!(matches!(&notes[..], [Note::NoLedger { .. }]), "{notes:?}");
    let project = Project::new("/shop", vec![Program::new("worker")]);
    let (_, notes) = assign_with(&Request { project: &project, ..request }, &mut |_| true).unwrap();
    assert!(notes.is_empty(), "it needs no ledger: {notes:?}");
}

#[test]
fn a_port_is_free_when_nobody_listens_on_any_of_its_addresses() {
    for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(address) else { continue };
        assert!(!is_free(listener.local_addr().unwrap().port()), "{address}");
    }
}

#[test]
fn what_lingers_of_a_closed_connection_does_not_count() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (server, _) = listener.accept().unwrap();
    drop((server, listener));
    drop(client);
    assert!(is_free(port), "the server's end closed first and is in TIME_WAIT");
}
