//! A namespace of Temporal Cloud, and changes to it.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use private_ca::temporal::bundle::CaBundle;
use private_ca::temporal::filters::{CertificateFilter, FilterSet};
use private_ca::temporal::namespace::{AuthMethod, Difference, NamespaceState, Operation};
use serde_json::{Map, Value, json};

use super::temporal::{ca_list, ca_row};
use super::{Answer, Json, line, said, shell};

/// Everything about a namespace that is of mTLS.
pub(crate) fn namespace(namespace: &NamespaceState) -> Answer {
    let mtls = &namespace.mtls;
    let on = |is_on: bool| if is_on { "enabled" } else { "disabled" };
    let mut text = String::new();
    let _ = writeln!(text, "namespace: {} ({})", namespace.name, namespace.state);
    let _ = writeln!(text, "resource version: {}", namespace.resource_version);
    if let Some(operation) = &namespace.operation {
        let _ = writeln!(text, "operation: {operation}");
    }
    let _ = writeln!(text, "region: {}", namespace.active_region);
    let endpoints = &namespace.endpoints;
    let ways = [
        ("mTLS", mtls.enabled, &endpoints.mtls),
        ("API keys", namespace.api_key_enabled, &endpoints.api_key),
    ];
    for (way, is_on, address) in ways {
        let at = if address.is_empty() { String::new() } else { format!(", at {address}") };
        let _ = writeln!(text, "{way}: {}{at}", on(is_on));
    }
    let _ = writeln!(text, "CA certificates: {}", mtls.bundle.certificates().len());
    for certificate in mtls.bundle.certificates() {
        let _ = writeln!(text, "  {}", ca_row(certificate));
    }
    let _ = match mtls.filters.is_empty() {
        true => writeln!(text, "filters: none, so every client of these CAs is admitted"),
        false => writeln!(text, "filters: {}", mtls.filters.filters().len()),
    };
    for filter in mtls.filters.filters() {
        let _ = writeln!(text, "  {}", line(&filter.to_string()));
    }
    said(
        text,
        json!({
            "namespace": namespace.name,
            "state": namespace.state,
            "resource_version": namespace.resource_version,
            "operation": namespace.operation,
            "active_region": namespace.active_region,
            "auth_method": namespace.auth_method().name(),
            "mtls": {
                "enabled": mtls.enabled,
                "address": endpoints.mtls,
                "certificates": ca_list(&mtls.bundle),
                "filters": filters_json(mtls.filters.filters()),
            },
            "api_key": { "enabled": namespace.api_key_enabled, "address": endpoints.api_key },
            "web_address": endpoints.web,
        }),
    )
}

/// How clients sign in, in one word.
pub(crate) fn auth_method(namespace: &NamespaceState) -> Answer {
    let method = namespace.auth_method().name();
    said(format!("{method}\n"), json!({ "namespace": namespace.name, "auth_method": method }))
}

/// Filters as a file of tcld's, in either form of output.
pub(crate) fn filters(filters: &FilterSet) -> Answer {
    said(filters.to_json(), json!({ "filters": filters_json(filters.filters()) }))
}

/// An operation that has come to its end.
pub(crate) fn operation(operation: &Operation) -> Answer {
    let json = operation_json(operation);
    said(format!("the operation {} is {}\n", operation.id, operation.state), json)
}

/// Nothing would change, which is a mistake unless it was allowed for.
pub(crate) fn unchanged(name: &str, is_allowed: bool) -> Answer {
    let advice = if is_allowed { "" } else { " (with --idempotent this is no mistake)" };
    let text = format!("{name} is so already: nothing was sent{advice}\n");
    Answer {
        status: u8::from(!is_allowed),
        ..said(text, json!({ "namespace": name, "changed": false }))
    }
}

/// A change that was accepted, or that was only shown, or that a person did not want.
pub(crate) fn namespace_change(
    name: &str,
    difference: &Difference,
    operation: Option<&Operation>,
    is_dry_run: bool,
) -> Answer {
    let mut text = difference_text(difference);
    let _ = match operation {
        Some(operation) => {
            writeln!(text, "{name}: the operation {} is {}", operation.id, operation.state)
        }
        None => writeln!(text, "nothing was sent"),
    };
    let json = change_json(name, difference, operation);
    Answer { status: u8::from(operation.is_none() && !is_dry_run), ..said(text, json) }
}

/// And the bundle lets nobody in yet.
pub(crate) fn with_mtls_disabled(mut answer: Answer, name: &str, method: AuthMethod) -> Answer {
    let warning = format!(
        "mTLS is disabled, so the bundle lets nobody in yet: private-ca temporal namespace auth-method set {} {method}",
        shell(name)
    );
    let _ = writeln!(answer.text, "warning: {warning}");
    if let Json::Value(Value::Object(object)) = &mut answer.json {
        object.insert("warning".to_owned(), warning.into());
    }
    answer
}

/// A change that nobody could be asked about.
pub(crate) fn unconfirmed(name: &str, difference: &Difference) -> Answer {
    let text = format!(
        "{}nothing was sent: there is no terminal to ask on, and --yes is not given\n",
        difference_text(difference)
    );
    Answer { status: 1, ..said(text, change_json(name, difference, None)) }
}

/// Shows a change and asks whether to make it; nothing if there is no terminal.
pub(crate) fn confirm(name: &str, difference: &Difference) -> io::Result<Option<bool>> {
    let (input, mut screen) = (io::stdin(), io::stderr());
    if !input.is_terminal() || !screen.is_terminal() {
        return Ok(None);
    }
    write!(screen, "{}change {name}? [y/N] ", difference_text(difference))?;
    screen.flush()?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    Ok(Some(["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str())))
}

fn difference_text(difference: &Difference) -> String {
    let mut text = String::new();
    for certificate in &difference.bundle.added {
        let _ = writeln!(text, "+ {}", ca_row(certificate));
    }
    for certificate in &difference.bundle.removed {
        let _ = writeln!(text, "- {}", ca_row(certificate));
    }
    for filter in &difference.filters_added {
        let _ = writeln!(text, "+ filter: {}", line(&filter.to_string()));
    }
    for filter in &difference.filters_removed {
        let _ = writeln!(text, "- filter: {}", line(&filter.to_string()));
    }
    if let Some(enabled) = difference.enabled {
        let _ = writeln!(text, "{} mTLS", if enabled { "+" } else { "-" });
    }
    if let Some(enabled) = difference.api_key_enabled {
        let _ = writeln!(text, "{} API keys", if enabled { "+" } else { "-" });
    }
    text
}

fn change_json(name: &str, difference: &Difference, operation: Option<&Operation>) -> Value {
    json!({
        "namespace": name,
        "changed": operation.is_some(),
        "added": ca_list(&CaBundle::of(&difference.bundle.added)),
        "removed": ca_list(&CaBundle::of(&difference.bundle.removed)),
        "filters_added": filters_json(&difference.filters_added),
        "filters_removed": filters_json(&difference.filters_removed),
        "mtls_enabled": difference.enabled,
        "api_key_enabled": difference.api_key_enabled,
        "operation": operation.map(operation_json),
    })
}

fn operation_json(operation: &Operation) -> Value {
    json!({ "id": operation.id, "state": operation.state.to_string() })
}

fn filters_json(filters: &[CertificateFilter]) -> Value {
    let object = |filter: &CertificateFilter| -> Value {
        let fields = filter.fields().map(|(field, value)| (field.name().to_owned(), value.into()));
        Value::Object(fields.collect::<Map<_, _>>())
    };
    filters.iter().map(object).collect()
}
