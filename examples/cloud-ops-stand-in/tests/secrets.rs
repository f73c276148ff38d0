//! Where the API key is not. This has a process to itself: it listens to every log there is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_ca::temporal::namespace::{ApiKey, CloudOps, CloudOpsError, CloudOpsOptions};
use private_ca_cloud_ops_stand_in::{Faults, StandIn};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const KEY: &str = "tmprl_secret_4f1c09ab";

/// Everything that anybody logs, at every level.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0, "{field} = {value:?}").unwrap();
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        writeln!(text, "[{}]", event.metadata().target()).unwrap();
        event.record(&mut Line(&mut text));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn the_api_key_is_in_no_log_error_or_debug() {
    let listener = Listener::default();
    tracing::subscriber::set_global_default(listener.clone()).unwrap();
    // The server has another key, so that the client's is in this process for the client alone.
    let stand_in = StandIn::start("another").await.unwrap();
    // A careless server repeats what it was given.
    let faults = Faults { echo: format!(": you gave {KEY}"), ..Faults::default() };
    stand_in.set_faults(faults);
    let mut options = CloudOpsOptions::default();
    options.address = stand_in.address().to_string();
    options.plaintext = true;
    options.pause = Duration::from_millis(1);
    let key = ApiKey::new(KEY).unwrap();
    assert!(!format!("{key:?}").contains(KEY));
    let cloud = CloudOps::with_options(key, options).unwrap();
    assert!(!format!("{cloud:?}").contains(KEY));
    let error = cloud.namespace("hello.a1b2c").await.unwrap_err();
    assert!(matches!(error, CloudOpsError::Unauthenticated { .. }), "{error:?}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(KEY), "{shown}");
    assert!(shown.contains("you gave [the API key]"), "{shown}");
    let logged = listener.0.lock().unwrap();
    assert!(logged.contains("[h2::"), "nothing of HTTP/2 was heard: {logged}");
    // The server's own logs decode its refusal, which names the key: look at what the client sends.
    let client = logged.replace(&format!("you gave {KEY}"), "");
    assert!(!client.contains(KEY), "{client}");
}

#[test]
fn a_key_is_read_from_a_file_without_its_newline_and_nonsense_is_refused() {
    let folder = std::env::temp_dir().join(format!("private-ca-key-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("key");
    std::fs::write(&path, format!("{KEY}\r\n")).unwrap();
    ApiKey::from_file(&path).unwrap();
    for nonsense in ["", " \n", "two words", "a\nb", "kéy"] {
        std::fs::write(&path, nonsense).unwrap();
        let error = ApiKey::from_file(&path).unwrap_err();
        assert!(matches!(error, CloudOpsError::InvalidApiKey), "{nonsense:?}: {error:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let error = ApiKey::from_file(&path).unwrap_err();
    assert!(matches!(error, CloudOpsError::File(_)), "{error:?}");
}
