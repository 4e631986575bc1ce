//! Methods that programs of the user's serve (`[rpcinterface.NAME]`): the second source of methods, beside the table. A namespace is
//! known from the config, its methods from what the program has said of itself.

use std::sync::Arc;

use super::fault::{FAILED, Fault, INCORRECT_PARAMETERS, SHUTDOWN_STATE, UNKNOWN_METHOD};
use super::method::{Outcome, View};
use crate::codec::extension::{
    CallError, INVALID_PARAMS, METHOD_NOT_FOUND, MethodDescription, ParamDescription, RESERVED, Type,
};
use crate::codec::xmlrpc::{Call, Value};

/// The namespaces of the project, and what each has said it serves.
fn served<'a>(view: &View<'a>) -> impl Iterator<Item = (&'a str, Arc<[MethodDescription]>)> {
    let lookup = view.lookup;
    let extensions = view.project.programs.iter().filter_map(|program| program.extras.role.as_extension());
    extensions.map(move |extension| {
        (extension.namespace.as_str(), lookup.methods_of(&extension.namespace).unwrap_or_default())
    })
}

/// The whole names of all methods.
pub(super) fn names(view: &View<'_>) -> Vec<String> {
    let names = |(namespace, methods): (&str, Arc<[MethodDescription]>)| {
        methods.iter().map(|method| format!("{namespace}.{}", method.name)).collect::<Vec<_>>()
    };
    served(view).flat_map(names).collect()
}

/// Looks a method up by its whole name.
pub(super) fn find(view: &View<'_>, name: &str) -> Option<MethodDescription> {
    let (namespace, method) = name.split_once('.')?;
    let (_, methods) = served(view).find(|(known, _)| *known == namespace)?;
    methods.iter().find(|known| known.name == method).cloned()
}

/// Decides what a call means that the table does not have.
pub(super) fn dispatch(view: &View<'_>, call: &Call) -> Result<Outcome, Fault> {
    let unknown = || Fault::plain(UNKNOWN_METHOD);
    let (namespace, _) = call.method.split_once('.').ok_or_else(unknown)?;
    let (_, methods) = served(view).find(|(known, _)| *known == namespace).ok_or_else(unknown)?;
    if methods.is_empty() && view.lookup.methods_of(namespace).is_none() {
        return Err(Fault::new(FAILED, format_args!("{}: {}", call.method, CallError::NotRunning)));
    }
    let method = find(view, &call.method).ok_or_else(unknown)?;
    check(&method, &call.params)
        .map_err(|()| Fault::new(INCORRECT_PARAMETERS, format_args!("usage: {}{}", call.method, method.usage())))?;
    if view.snapshot.is_shutting_down {
        return Err(Fault::plain(SHUTDOWN_STATE));
    }
    let namespace = namespace.to_owned();
    Ok(Outcome::Extension { namespace, method: method.name, params: call.params.clone() })
}

/// Whether these arguments fit.
fn check(method: &MethodDescription, arguments: &[Value]) -> Result<(), ()> {
    let Some(params) = &method.params else { return Ok(()) };
    let fits = |(at, param): (usize, &ParamDescription)| match arguments.get(at) {
        None | Some(Value::Nil) => param.is_optional || (arguments.len() > at && param.kind == Type::Any),
        Some(value) => is_of(param.kind, value),
    };
    let all_fit = arguments.len() <= params.len() && params.iter().enumerate().all(fits);
    if all_fit { Ok(()) } else { Err(()) }
}

fn is_of(kind: Type, value: &Value) -> bool {
    match kind {
        Type::Any => true,
        Type::String => value.as_str().is_some() || matches!(value, Value::DateTime(_)),
        Type::Int => value.as_int().is_some(),
        Type::Double => value.as_int().is_some() || matches!(value, Value::Double(_)),
        Type::Boolean => value.as_bool().is_some(),
        Type::Array => value.as_array().is_some(),
        Type::Struct => matches!(value, Value::Struct(_)),
    }
}

/// The fault for a call that got no answer. JSON-RPC's own codes become supervisord's; a code of the extension's own stays as it is.
pub fn fault(namespace: &str, method: &str, error: CallError) -> Fault {
    let name = format_args!("{namespace}.{method}");
    match error {
        CallError::Refused { code: METHOD_NOT_FOUND, message } => Fault::new(UNKNOWN_METHOD, message),
        CallError::Refused { code: INVALID_PARAMS, message } => Fault::new(INCORRECT_PARAMETERS, message),
        CallError::Refused { code, message } => match i32::try_from(code) {
            Ok(own) if !RESERVED.contains(&code) => Fault { code: own, text: message },
            Ok(_) | Err(_) => Fault::new(FAILED, format_args!("{name}: {message}")),
        },
        error @ (CallError::NotRunning | CallError::TimedOut(_) | CallError::Busy) => {
            Fault::new(FAILED, format_args!("{name}: {error}"))
        }
    }
}
