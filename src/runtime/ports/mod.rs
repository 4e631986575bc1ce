//! Which port each program gets: a fixed one is checked, an `"auto"` one comes from the ledger.
//!
//! An `"auto"` port is a stable function of checkout, program and port name. It is written into one ledger per user when it is
//! first given, and from then on belongs to that checkout: no other gets it, and it never changes silently. When a stranger
//! sits on it, the next free one is used this time, a [`Note`] says so, and the ledger keeps the old one.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use tokio::net::TcpSocket;

use crate::model::{Dialect, ListenAddress, PortRequest, PortSpec, Program, Project};
use crate::plan::ports::Ports;

mod decide;
mod ledger;
mod taken;

pub use taken::{Holder, HolderProject, Note, PortTaken};

use decide::{Choice, Want, choose, span_of};
use ledger::LedgerFile;

/// What ports are assigned for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its identity in the registry.
    pub checkout: &'a str,
    /// The ledger; `None` when there is no place for one.
    pub ledger: Option<&'a Path>,
    /// Ports that running programs of this project have already: they stay.
    pub held: &'a Ports,
    /// Numbers that programs of this project have now, and keep or would let go of: they count as free.
    pub own: &'a BTreeSet<u16>,
    /// Which programs may start: the ports of the others are not checked.
    pub starts: &'a dyn Fn(&Program) -> bool,
    /// Looks up who sits on a port.
    pub holder_of: &'a dyn Fn(u16) -> Option<Holder>,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("checkout", &self.checkout)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

/// Assigns every declared port. The ledger is locked meanwhile, so two projects that come up at once do not get the same ones.
/// All fixed ports that are taken are reported together.
pub fn assign(request: &Request<'_>) -> Result<(Ports, Vec<Note>), Vec<PortTaken>> {
    assign_with(request, &mut is_free)
}

fn assign_with(
    request: &Request<'_>,
    is_free: &mut dyn FnMut(u16) -> bool,
) -> Result<(Ports, Vec<Note>), Vec<PortTaken>> {
    // The ledger is for `"auto"` ports; a project without one is not bothered with what is wrong with it.
    let needs_ledger = declared(request.project).any(|(_, spec)| spec.request == PortRequest::Auto);
    let (mut file, unreadable) = LedgerFile::open(request.ledger);
    let mut assigned = Assigned {
        ports: Ports::default(),
        reserved: &fixed_ports(request.project) | &held_ports(request),
        notes: Vec::new(),
        taken: Vec::new(),
    };
    assigned.notes.extend(unreadable.filter(|_| needs_ledger));
    for (program, spec) in declared(request.project) {
        assigned.add(request, program, spec, &mut file, is_free);
    }
    assigned.notes.extend(file.save().filter(|_| needs_ledger));
    if assigned.taken.is_empty() { Ok((assigned.ports, assigned.notes)) } else { Err(assigned.taken) }
}

fn declared(project: &Project) -> impl Iterator<Item = (&Program, &PortSpec)> {
    project.programs.iter().flat_map(|program| program.ports.iter().map(move |spec| (program, spec)))
}

/// Every number that the user wrote, `[control] tcp` and the proxy's included: no `"auto"` port may be one of them.
fn fixed_ports(project: &Project) -> BTreeSet<u16> {
    let numbers = declared(project).flat_map(|(program, spec)| match spec.request {
        PortRequest::Fixed(base) => offsets(program).into_iter().filter_map(|n| base.checked_add(n)).collect(),
        PortRequest::Auto => Vec::new(),
    });
    let ours = project.control.tcp.as_deref().and_then(|tcp| ListenAddress::parse(tcp).ok());
    let proxy = project.proxy.enable.then_some(project.proxy.port);
    numbers.chain(ours.map(|address| address.port)).chain(proxy).collect()
}

/// Every number that running programs keep. The ledger need not know them: one that had to give way this time is not written down.
fn held_ports(request: &Request<'_>) -> BTreeSet<u16> {
    let held = declared(request.project).filter_map(|(program, spec)| {
        let port = request.held.get(&program.name, spec.name.as_deref())?;
        Some(span_of(port, &offsets(program)).collect::<Vec<_>>())
    });
    held.flatten().collect()
}

/// What the instances of a program add to its ports.
fn offsets(program: &Program) -> Vec<u16> {
    program.instances.iter().filter_map(|instance| u16::try_from(instance.number).ok()).collect()
}

/// What has been decided so far.
struct Assigned {
    ports: Ports,
    /// Numbers of this project that are given away.
    reserved: BTreeSet<u16>,
    notes: Vec<Note>,
    taken: Vec<PortTaken>,
}

impl Assigned {
    fn add(
        &mut self,
        request: &Request<'_>,
        program: &Program,
        spec: &PortSpec,
        file: &mut LedgerFile,
        is_free: &mut dyn FnMut(u16) -> bool,
    ) {
        let held = request.held.get(&program.name, spec.name.as_deref());
        let port = match (spec.request, held) {
            (PortRequest::Fixed(port), _) | (PortRequest::Auto, Some(port)) => {
                if (request.starts)(program) {
                    self.check(request, program, spec, port, is_free);
                }
                port
            }
            (PortRequest::Auto, None) => {
                let offsets = offsets(program);
                let want = Want { program: &program.name, name: spec.name.as_deref(), offsets: &offsets };
                let root = request.project.root.to_string_lossy();
                let choice = choose(&want, (request.checkout, &root), &mut file.ledger, &self.reserved, is_free);
                self.reserved.extend(span_of(choice.port, &offsets));
                self.tell(request, program, spec, choice);
                choice.port
            }
        };
        self.ports.insert(program.name.clone(), spec.name.clone(), port);
    }

    fn tell(&mut self, request: &Request<'_>, program: &Program, spec: &PortSpec, choice: Choice) {
        if let Some(home) = choice.moved_from {
            self.notes.push(Note::Moved {
                program: program.name.clone(),
                name: spec.name.clone(),
                home,
                used: choice.port,
                holder: (request.holder_of)(home),
            });
        }
    }

    /// Looks whether somebody else has a number. A Procfile gives every line a PORT, and most lines never listen: there a taken one is
    /// told, not refused. So is one beside an `"auto"` port that running instances keep, which nobody could write otherwise.
    fn check(
        &mut self,
        request: &Request<'_>,
        program: &Program,
        spec: &PortSpec,
        base: u16,
        is_free: &mut dyn FnMut(u16) -> bool,
    ) {
        for port in offsets(program).into_iter().filter_map(|number| base.checked_add(number)) {
            if request.own.contains(&port) || is_free(port) {
                continue;
            }
            let taken = PortTaken {
                port,
                program: program.name.clone(),
                name: spec.name.clone(),
                holder: (request.holder_of)(port),
                instead: (port..=u16::MAX).skip(10).find(|port| !self.reserved.contains(port) && is_free(*port)),
            };
            match (request.project.dialect, spec.request) {
                (Dialect::Procfile, _) | (_, PortRequest::Auto) => self.notes.push(Note::Taken(taken)),
                (Dialect::Native | Dialect::Supervisord, PortRequest::Fixed(_)) => self.taken.push(taken),
            }
        }
    }
}

/// Whether a server could listen on a port of this machine: on the loopback addresses and on all of them, with `SO_REUSEADDR`
/// as servers have it, so that what lingers of closed connections does not count.
pub fn is_free(port: u16) -> bool {
    let addresses = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    addresses.into_iter().all(|address| !is_taken(address))
}

/// Only a clear "in use" counts: a machine without IPv6, or a port that needs a privilege, is for the program itself to say.
fn is_taken(address: SocketAddr) -> bool {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let bound = socket.and_then(|socket| {
        socket.set_reuseaddr(true)?;
        socket.bind(address)
    });
    bound.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests;
