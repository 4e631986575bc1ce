//! `system.*`: what the table says of itself, and several calls in one.

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]

use super::extension;
use super::fault::{Fault, INCORRECT_PARAMETERS, SIGNATURE_UNSUPPORTED};
use super::method::{Kind, Method, Outcome, View, required, text};
use super::{find, methods};
use crate::codec::xmlrpc::{Call, Value};

/// The family's rows.
pub(super) const METHODS: &[Method] = &[
    Method::new("system.listMethods", &[], "array", "Lists the names of all methods, sorted.", list_methods).while_ending(),
    Method::new(
        "system.methodHelp",
        &[required("name", Kind::String)],
        "string",
        "Tells what a method does and takes.",
        method_help,
    )
    .while_ending(),
    Method::new(
        "system.methodSignature",
        &[required("name", Kind::String)],
        "array",
        "Lists the type of a method's answer, then those of its parameters.",
        method_signature,
    )
    .while_ending(),
    Method::new(
        "system.multicall",
        &[required("calls", Kind::Array)],
        "array",
        "Makes several calls in order, each a struct of methodName and params. The answer holds one entry for each: its bare value, \
         or a struct of faultCode and faultString.",
        multicall,
    )
    .while_ending(),
];

fn list_methods(view: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    let mut names: Vec<String> = methods().map(|method| method.name.to_owned()).collect();
    names.extend(extension::names(view));
    names.sort_unstable();
    Ok(Outcome::Value(Value::Array(names.into_iter().map(Value::from).collect())))
}

/// What is told of a method, whoever serves it.
struct Described {
    usage: String,
    doc: String,
    /// The type of its answer, then those of its parameters.
    types: Vec<&'static str>,
}

fn described(view: &View<'_>, arguments: &[Value]) -> Result<Described, Fault> {
    let name = text(arguments, 0);
    if let Some(method) = find(name) {
        let params = method.params.iter().map(|param| param.kind.as_str());
        let types = std::iter::once(method.returns).chain(params).collect();
        return Ok(Described { usage: method.usage(), doc: method.doc.to_owned(), types });
    }
    let method = extension::find(view, name).ok_or(Fault::plain(SIGNATURE_UNSUPPORTED))?;
    let params = method.params.iter().flatten().map(|param| param.kind.as_str());
    let types = std::iter::once(method.returns.as_str()).chain(params).collect();
    Ok(Described { usage: format!("{name}{}", method.usage()), doc: method.help, types })
}

fn method_help(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let Described { usage, doc, types } = described(view, arguments)?;
    Ok(Outcome::Value(format!("{usage}\n\n{doc}\n\n@return {}", types[0]).into()))
}

fn method_signature(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let types = described(view, arguments)?.types;
    Ok(Outcome::Value(Value::Array(types.into_iter().map(Value::from).collect())))
}

fn multicall(_: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let calls = arguments.first().and_then(Value::as_array).unwrap_or_default();
    Ok(Outcome::Calls(calls.iter().map(single_call).collect()))
}

/// Reads one entry, with the two refusals of supervisor's `xmlrpc.py` `multicall`.
fn single_call(entry: &Value) -> Result<Call, Fault> {
    let refused = |why: &str| Err(Fault::new(INCORRECT_PARAMETERS, why));
    match entry.get("methodName").and_then(Value::as_str) {
        None => refused("No methodName"),
        Some("system.multicall") => refused("Recursive system.multicall forbidden"),
        Some(name) => {
            let params = entry.get("params").and_then(Value::as_array).unwrap_or_default().to_vec();
            Ok(Call { method: name.to_owned(), params })
        }
    }
}
