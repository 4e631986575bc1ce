//! Manifests of Kubernetes: a Deployment a program, a Job a task, a Service where there is a port.

use crate::export::labels::Labels;
use crate::export::unit::{
    Hosts, Ready, Site, Unit, left_out, own_env_files, program_labels, project_env_files, units,
};
use crate::export::yaml::{string, strings};
use crate::export::{ExportFormat, Exported, ExportedFile};
use crate::model::{Grow, ReadySpec, Until};

/// `run export kubernetes`.
pub const FORMAT: ExportFormat =
    ExportFormat { name: "kubernetes", doc: "Deployments, Jobs and Services for kubectl apply", render };

fn render(site: &Site<'_>) -> Exported {
    let mut exported = Exported { remarks: left_out(site), ..Exported::default() };
    exported.remarks.push(format!("all programs run in the image {}; build it, or change it", image(site)));
    for file in project_env_files(site) {
        let name = secret(site);
        exported
            .remarks
            .push(format!("{file} goes there by kubectl create secret generic {name} --from-env-file={file}"));
    }
    let labels = program_labels(site, label);
    let all = units(site, Hosts::Names(&labels));
    let mut documents = Vec::new();
    for mut unit in all.clone() {
        if let Some(remark) = labels.remark(unit.name()) {
            unit.remark(remark);
        }
        if unit.main_port().is_some() {
            unit.remark("it has to listen on 0.0.0.0 there, or nobody reaches it");
        }
        if let Some(Ready::Log(_) | Ready::Notify) = unit.ready {
            unit.remark("its ready check has no like: it counts as ready when it runs");
        }
        for need in unit.needs.clone() {
            let needed = all.iter().find(|other| other.program.name == need.program);
            if needed.is_some_and(|needed| needed.main_port().is_none()) {
                unit.remark(format!("nothing waits for {}: it is started again until that is there", need.program));
            }
        }
        for file in own_env_files(site, &unit) {
            unit.remark(format!("{file} is not read there"));
        }
        if unit.count() > 1 {
            unit.remark("RUN_INSTANCE is not there: replicas have no numbers");
        }
        documents.push(workload(site, &unit, &all, &labels));
        documents.extend(service(site, &unit, &labels));
        exported.remarks.extend(unit.remarks);
    }
    let text = format!("# {} by `run export kubernetes`\n{}", site.name, documents.join("---\n"));
    exported.files.push(ExportedFile { path: "kubernetes.yaml".to_owned(), text });
    exported
}

/// A name as DNS takes it.
fn label(name: &str) -> String {
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    plain.trim_matches('-').to_owned()
}

fn image(site: &Site<'_>) -> String {
    format!("{}:latest", label(site.name))
}

/// The Secret that holds what is left out.
fn secret(site: &Site<'_>) -> String {
    format!("{}-secrets", label(site.name))
}

fn meta(site: &Site<'_>, name: &str, indent: &str) -> String {
    format!(
        "{indent}labels:\n{indent}  app.kubernetes.io/name: {}\n{indent}  app.kubernetes.io/part-of: {}\n",
        name,
        string(&label(site.name))
    )
}

fn workload(site: &Site<'_>, unit: &Unit<'_>, all: &[Unit<'_>], labels: &Labels) -> String {
    let name = string(labels.get(unit.name()));
    let mut text = String::new();
    for remark in &unit.remarks {
        text.put(format_args!("# {remark}\n"));
    }
    if unit.program.is_task() {
        text.put(format_args!(
            "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n{}",
            meta(site, &name, "  ")
        ));
        let tries = unit.program.startretries.max(6);
        text.put(format_args!("spec:\n  backoffLimit: {tries}\n  template:\n    metadata:\n"));
    } else {
        text.put(format_args!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n{}",
            meta(site, &name, "  ")
        ));
        let replicas = if unit.program.autostart { unit.count() } else { 0 };
        text.put(format_args!(
            "spec:\n  replicas: {replicas}\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: {name}\n"
        ));
        text.push_str("  template:\n    metadata:\n");
    }
    text.push_str(&meta(site, &name, "      "));
    text.push_str("    spec:\n");
    if unit.program.is_task() {
        text.push_str("      restartPolicy: OnFailure\n");
    }
    text.put(format_args!("      terminationGracePeriodSeconds: {}\n", unit.program.stopwaitsecs.as_secs()));
    text.push_str(&waits(unit, all, labels));
    text.put(format_args!("      containers:\n        - name: {name}\n          image: {}\n", string(&image(site))));
    let words: Vec<String> = unit.run.words().iter().map(|word| escaped(word)).collect();
    text.put(format_args!("          command: {}\n", strings(&words)));
    text.push_str(&environment(site, unit));
    if !unit.ports.is_empty() {
        text.push_str("          ports:\n");
    }
    for (_, port) in &unit.ports {
        text.put(format_args!("            - containerPort: {port}\n"));
    }
    if let (Some(ready), Some(spec), false) = (&unit.ready, &unit.program.ready, unit.program.is_task()) {
        text.push_str(&probe(ready, spec));
    }
    text
}

/// A container before the others for each thing that is needed and has a port.
fn waits(unit: &Unit<'_>, all: &[Unit<'_>], labels: &Labels) -> String {
    let mut text = String::new();
    for need in unit.needs.iter().filter(|need| !need.optional && need.until != Until::Exited) {
        let needed = all.iter().find(|other| other.program.name == need.program);
        let Some(port) = needed.and_then(Unit::main_port) else { continue };
        let host = labels.get(need.program.as_str());
        if text.is_empty() {
            text.push_str("      initContainers:\n");
        }
        let wait = ["sh".to_owned(), "-c".to_owned(), format!("until nc -z {host} {port}; do sleep 1; done")];
        text.put(format_args!(
            "        - name: {}\n          image: busybox\n          command: {}\n",
            string(&format!("wait-for-{host}")),
            strings(&wait)
        ));
    }
    text
}

/// `$(NAME)` is filled in there, and two dollar signs are one: both are doubled, so that what is left is the shell's own.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        out.push(c);
        if c == '$' && matches!(characters.peek(), Some('$' | '(')) {
            out.push('$');
        }
    }
    out
}

fn environment(site: &Site<'_>, unit: &Unit<'_>) -> String {
    let mut text = String::new();
    let ports = unit.ports.iter().map(|(name, port)| (name.clone(), port.to_string()));
    for (name, value) in unit.environment.iter().cloned().chain(ports) {
        text.put(format_args!(
            "            - name: {}\n              value: {}\n",
            string(&name),
            string(&escaped(&value))
        ));
    }
    for name in &unit.secrets {
        text.put(format_args!(
            "            - name: {}\n              valueFrom:\n                secretKeyRef:\n                  name: {}\n                  key: {}\n",
            string(name),
            string(&secret(site)),
            string(name)
        ));
    }
    let mut out = String::new();
    if !site.project.env_files.is_empty() {
        let name = string(&secret(site));
        out.put(format_args!("          envFrom:\n            - secretRef:\n                name: {name}\n                optional: true\n"));
    }
    if !text.is_empty() {
        out.put(format_args!("          env:\n{text}"));
    }
    out
}

fn probe(ready: &Ready, spec: &ReadySpec) -> String {
    let asks = match ready {
        Ready::Tcp(target) => {
            let Some((_, port)) = target.rsplit_once(':') else { return String::new() };
            format!("            tcpSocket:\n              port: {port}\n")
        }
        Ready::Http(url) => {
            let Some((port, path)) = Ready::port_and_path(url) else { return String::new() };
            format!("            httpGet:\n              path: {}\n              port: {port}\n", string(&path))
        }
        Ready::Exec(_) | Ready::File(_) => {
            let command = ready.as_command().unwrap_or_default();
            let words = ["/bin/sh".to_owned(), "-c".to_owned(), command];
            format!("            exec:\n              command: {}\n", strings(&words))
        }
        Ready::Log(_) | Ready::Notify => return String::new(),
    };
    let every = spec.every.as_secs().max(1);
    let mut text = format!("          readinessProbe:\n{asks}            periodSeconds: {every}\n");
    if spec.successes > 1 {
        text.put(format_args!("            successThreshold: {}\n", spec.successes));
    }
    text
}

fn service(site: &Site<'_>, unit: &Unit<'_>, labels: &Labels) -> Option<String> {
    if unit.ports.is_empty() {
        return None;
    }
    let name = string(labels.get(unit.name()));
    let mut text = format!("apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n{}", meta(site, &name, "  "));
    text.put(format_args!("spec:\n  selector:\n    app.kubernetes.io/name: {name}\n  ports:\n"));
    for (variable, port) in &unit.ports {
        text.put(format_args!("    - name: {}\n      port: {port}\n", string(&label(variable))));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_would_fill_in_stays_as_it_is() {
        assert_eq!(escaped("$(date) $HOME $$ $$$(x) $"), "$$(date) $HOME $$$ $$$$$$(x) $");
    }

    #[test]
    fn names_are_those_of_dns() {
        assert_eq!(label("My_Shop."), "my-shop");
    }
}
