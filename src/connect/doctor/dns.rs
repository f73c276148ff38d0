//! The addresses of the host.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};

use super::{Cause, Course, Doctor, Finding};

pub(super) async fn examine(course: &mut Course<'_>, finding: &mut Finding) -> Result<(), Cause> {
    let doctor = course.doctor;
    if let Ok(address) = doctor.host.parse::<IpAddr>() {
        finding.saw("address", format!("{address}, given as it is"));
        course.addresses = vec![address];
        return Ok(());
    }
    let failed = |reason: String| Cause::ResolverFails { host: doctor.host.clone(), reason };
    let resolver = resolver(doctor).map_err(|error| failed(error.to_string()))?;
    // The name is whole: what the system would add to a short one is not Temporal's.
    let name = match doctor.host.contains('.') {
        true => format!("{}.", doctor.host.trim_end_matches('.')),
        false => doctor.host.clone(),
    };
    let (mut answer, mut aliases) = (None, Vec::new());
    for kind in [RecordType::A, RecordType::AAAA] {
        let asked = resolver.lookup(name.as_str(), kind);
        // The resolver asks again by itself, and each time waits this long.
        let patience = doctor.patience.saturating_mul(3);
        let looked_up = match tokio::time::timeout(patience, asked).await {
            Ok(looked_up) => looked_up,
            Err(_) => Err(NetError::Timeout),
        };
        match looked_up {
            Ok(lookup) => {
                for record in lookup.answers() {
                    match &record.data {
                        RData::CNAME(target) => aliases.push(target.0.to_utf8()),
                        RData::A(address) => course.addresses.push(IpAddr::V4(address.0)),
                        RData::AAAA(address) => course.addresses.push(IpAddr::V6(address.0)),
                        _ => {}
                    }
                }
            }
            Err(error) => {
                answer.get_or_insert(error);
            }
        }
    }
    // Either kind of address is reached by the same ones.
    let mut known = HashSet::new();
    aliases.retain(|alias| known.insert(alias.clone()));
    finding.saw_some("alias", &aliases);
    finding.saw_some("address", &course.addresses);
    if !course.addresses.is_empty() {
        return Ok(());
    }
    let host = doctor.host.clone();
    Err(match answer {
        Some(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
            ResponseCode::NXDomain => Cause::NoSuchName { host },
            _ => Cause::NoAddress { host },
        },
        None => Cause::NoAddress { host },
        Some(error) => failed(error.to_string()),
    })
}

/// The system's resolver, or the one that was named.
fn resolver(doctor: &Doctor) -> Result<TokioResolver, NetError> {
    let mut builder = match doctor.resolver {
        None => TokioResolver::builder_tokio()?,
        Some(server) => {
            let config = ResolverConfig::from_name_servers(vec![name_server(server)]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    options.timeout = doctor.patience;
    options.attempts = 2;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Always;
    builder.build()
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let on_port = |mut connection: ConnectionConfig| {
        connection.port = server.port();
        connection
    };
    let connections = vec![on_port(ConnectionConfig::udp()), on_port(ConnectionConfig::tcp())];
    NameServerConfig::new(server.ip(), true, connections)
}
