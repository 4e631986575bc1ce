//! `system.*`: what the table says of itself, and several calls in one.

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]

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

fn list_methods(_: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    let mut names: Vec<_> = methods().map(|method| method.name).collect();
    names.sort_unstable();
    Ok(Outcome::Value(Value::Array(names.into_iter().map(Value::from).collect())))
}

fn described(arguments: &[Value]) -> Result<&'static Method, Fault> {
    find(text(arguments, 0)).ok_or(Fault::plain(SIGNATURE_UNSUPPORTED))
}

fn method_help(_: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let method = described(arguments)?;
    Ok(Outcome::Value(format!("{}\n\n{}\n\n@return {}", method.usage(), method.doc, method.returns).into()))
}

fn method_signature(_: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let method = described(arguments)?;
    let types = std::iter::once(method.returns).chain(method.params.iter().map(|param| param.kind.as_str()));
    Ok(Outcome::Value(Value::Array(types.map(Value::from).collect())))
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
