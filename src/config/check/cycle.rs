//! Circles of dependencies, each told edge by edge and as short as it can be found.

use std::collections::{BTreeMap, VecDeque};

use crate::config::lower::Lowered;
use crate::config::suggest;
use crate::model::Diagnostic;

/// One edge: to which program, and its position among the edges of its program.
type Edge = (usize, usize);

/// Reports every circle once: a program that is part of one already told is not told again.
pub fn check(lowered: &Lowered, problems: &mut Vec<Diagnostic>) {
    let edges = edges(lowered);
    let mut is_told = vec![false; edges.len()];
    for start in 0..edges.len() {
        if is_told[start] {
            continue;
        }
        let Some(circle) = shortest_circle(&edges, start) else { continue };
        let is_new = circle.iter().all(|(from, _)| !is_told[*from]);
        for (from, _) in &circle {
            is_told[*from] = true;
        }
        if is_new {
            problems.push(diagnostic(lowered, &circle));
        }
    }
    for (from, program) in lowered.project.programs.iter().enumerate() {
        if let Some(at) = program.depends_on.iter().position(|edge| edge.program == program.name) {
            let problem = Diagnostic::error("self-dependency", format!("{} depends on itself", program.name));
            problems.push(problem.at(lowered.places.programs[from].edges[at], "it would wait for ever"));
        }
    }
}

/// All edges by program, without those to itself.
fn edges(lowered: &Lowered) -> Vec<Vec<Edge>> {
    let programs = &lowered.project.programs;
    let index: BTreeMap<_, _> = programs.iter().enumerate().map(|(at, program)| (&program.name, at)).collect();
    let targets = |(from, program): (usize, &crate::model::Program)| {
        let target = |(at, edge): (usize, &crate::model::Dependency)| Some((*index.get(&edge.program)?, at));
        program.depends_on.iter().enumerate().filter_map(target).filter(|(to, _)| *to != from).collect()
    };
    programs.iter().enumerate().map(targets).collect()
}

/// The shortest way from a program back to itself, as (program, edge) pairs. Breadth first.
fn shortest_circle(edges: &[Vec<Edge>], start: usize) -> Option<Vec<(usize, usize)>> {
    let mut came_from: Vec<Option<(usize, usize)>> = vec![None; edges.len()];
    let mut open = VecDeque::from([start]);
    while let Some(from) = open.pop_front() {
        for &(to, edge) in &edges[from] {
            if to == start {
                return Some(way_back(&came_from, start, (from, edge)));
            }
            if came_from[to].is_none() {
                came_from[to] = Some((from, edge));
                open.push_back(to);
            }
        }
    }
    None
}

fn way_back(came_from: &[Option<(usize, usize)>], start: usize, last: (usize, usize)) -> Vec<(usize, usize)> {
    let mut way = vec![last];
    let mut at = last.0;
    while at != start {
        let Some(step) = came_from[at] else { break };
        way.push(step);
        at = step.0;
    }
    way.reverse();
    way
}

fn diagnostic(lowered: &Lowered, circle: &[(usize, usize)]) -> Diagnostic {
    let programs = &lowered.project.programs;
    let names: Vec<String> = circle.iter().map(|(from, _)| programs[*from].name.to_string()).collect();
    let message = format!("{} wait for each other", suggest::list(&names, "and"));
    let mut problem = Diagnostic::error("cycle", message);
    for (step, &(from, edge)) in circle.iter().enumerate() {
        let to = &programs[from].depends_on[edge].program;
        let closing = if step + 1 == circle.len() { ", which closes the circle" } else { "" };
        let span = lowered.places.programs[from].edges[edge];
        problem = problem.at(span, format!("{} waits for {to}{closing}", programs[from].name));
    }
    problem.help(format!("drop one of the {}", in_words(circle.len())))
}

fn in_words(count: usize) -> String {
    let words = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    words.get(count.wrapping_sub(2)).map_or_else(|| count.to_string(), |word| (*word).to_owned())
}
