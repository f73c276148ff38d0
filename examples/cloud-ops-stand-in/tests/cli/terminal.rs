//! The question on a terminal: a pseudo-terminal of Python's, on which somebody answers.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use private_ca::file::Existing;
use private_ca::temporal::bundle::CaBundle;
use private_ca::temporal::rotation::Rotation;
use private_ca::{CertificateChain, LocalCa, Timestamp};

use super::{KEY, NAME, Setting, leaf, program};

/// Runs a program on a pseudo-terminal. When it is asked, it makes the file ASKED, waits for the file ANSWER, and
/// types what is in it. Everything that the terminal shows goes to standard output.
const TERMINAL: &str = r"
import os, pty, select, sys, time
asked, answer = sys.argv[1:3]
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[3], sys.argv[3:])
shown, is_asked, deadline = b'', False, time.monotonic() + 60
try:
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.02)[0]:
            if b'[y/N] ' in shown and not is_asked:
                open(asked, 'w').close()
                while not os.path.exists(answer) and time.monotonic() < deadline:
                    time.sleep(0.01)
                with open(answer, 'rb') as typed:
                    os.write(terminal, typed.read())
                is_asked = True
            continue
        part = os.read(terminal, 4096)
        if not part:
            break
        shown += part
    else:
        os.kill(child, 9)
except OSError:
    pass
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";

/// Runs a verb, and types an answer when it asks; meanwhile something else may happen. The status, and what
/// the terminal showed.
async fn answered(
    setting: &Setting,
    arguments: &[&str],
    answer: &str,
    meanwhile: impl AsyncFnOnce(),
) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let (asked, answer_file) = (folder.path().join("asked"), folder.path().join("answer"));
    let mut command = Command::new("python3");
    command.args(["-c", TERMINAL]).args([&asked, &answer_file]).arg(program());
    command.args(["temporal", "namespace"]).args(arguments);
    command.args(["--plaintext", "--address", &setting.stand_in.address().to_string()]);
    command.stdin(Stdio::null()).env("TEMPORAL_CLOUD_API_KEY", KEY);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    wait_for(&asked).await;
    meanwhile().await;
    // Whole or not at all: it is read as soon as it is there.
    let half = folder.path().join("half");
    std::fs::write(&half, answer).unwrap();
    std::fs::rename(&half, &answer_file).unwrap();
    let output = run.await.unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.contains(KEY), "{shown}");
    (output.status.code(), shown.replace("\r\n", "\n"))
}

async fn wait_for(file: &Path) {
    let start = Instant::now();
    while !file.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing was asked");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_agrees_changes_the_namespace_and_any_other_answer_does_not() {
    let setting = Setting::new().await;
    let (_, path) = setting.ca("ca.pem");
    let add = ["bundle", "add", NAME, &path];
    // The last is the end of the input, as by Ctrl-D.
    for answer in ["n\n", "N\n", "\n", "no\n", "yess\n", "yes please\n", "\x04"] {
        let (status, shown) = answered(&setting, &add, answer, async || {}).await;
        assert_eq!(status, Some(1), "{answer:?}: {shown}");
        assert!(shown.contains(&format!("change {NAME}? [y/N] ")), "{shown}");
        assert!(
            shown.starts_with("+ ") && shown.contains("nothing was sent"),
            "{answer:?}: {shown}"
        );
    }
    assert_eq!(setting.updates(), 0);
    for (answer, verb) in [("y\n", "add"), ("YES\n", "remove"), (" Yes \n", "add")] {
        let change = ["bundle", verb, NAME, &path];
        let (status, shown) = answered(&setting, &change, answer, async || {}).await;
        assert_eq!(status, Some(0), "{answer:?}: {shown}");
        assert!(shown.contains("is fulfilled"), "{answer:?}: {shown}");
    }
    assert_eq!(setting.updates(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_agreed_to_is_what_is_done_or_nothing() {
    let setting = Setting::new().await;
    let ((_, one), (_, two), (_, three)) =
        (setting.ca("one.pem"), setting.ca("two.pem"), setting.ca("three.pem"));
    setting.run(0, &["bundle", "add", NAME, &one, "--yes"]).await;
    // While the question stands, somebody else adds a CA, which the answer would now remove.
    let replace = ["bundle", "replace", NAME, &two];
    let add = ["bundle", "add", NAME, &three, "--yes"];
    let (status, shown) = answered(&setting, &replace, "y\n", async || {
        setting.run(0, &add).await;
    })
    .await;
    assert_eq!(status, Some(1), "{shown}");
    assert!(shown.contains("changed by somebody else after the change was shown"), "{shown}");
    assert_eq!(setting.updates(), 2);
    // What somebody else did that has no part in it does not matter.
    let text = setting.run(0, &["bundle", "list", NAME]).await;
    assert_eq!(text.lines().count(), 2, "{text}");
    let remove_three = ["bundle", "remove", NAME, &three, "--yes"];
    let add_two = ["bundle", "add", NAME, &two];
    let (status, shown) = answered(&setting, &add_two, "y\n", async || {
        setting.run(0, &remove_three).await;
    })
    .await;
    assert_eq!(status, Some(0), "{shown}");
    assert_eq!(setting.updates(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_yes_nobody_is_asked_on_a_terminal_either_and_a_dry_run_asks_nothing() {
    let setting = Setting::new().await;
    let (_, path) = setting.ca("ca.pem");
    for (flag, updates) in [("--dry-run", 0), ("--yes", 1)] {
        let mut command = Command::new("python3");
        let nowhere = setting.folder.path().join("nowhere");
        command.args(["-c", TERMINAL]).args([&nowhere, &nowhere]).arg(program());
        command.args(["temporal", "namespace", "bundle", "add", NAME, &path, flag]);
        command.args(["--plaintext", "--address", &setting.stand_in.address().to_string()]);
        command.stdin(Stdio::null()).env("TEMPORAL_CLOUD_API_KEY", KEY);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{shown}");
        assert!(!shown.contains("[y/N]") && !nowhere.exists(), "{shown}");
        assert_eq!(setting.updates(), updates);
    }
}

/// A certificate that the old CA issues in the midst is noted while the removal of that CA waits for an answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_noted_in_a_plan_while_the_question_stands_counts() {
    let setting = Setting::new().await;
    let (old, new) = (LocalCa::in_memory().unwrap(), LocalCa::in_memory().unwrap());
    let (old_ca, new_ca) = (old.chain().certificates(), new.chain().certificates());
    let path = setting.file("old.pem", &old.chain().to_pem());
    let both = setting.file("new.pem", &new.chain().to_pem());
    setting.run(0, &["bundle", "add", NAME, &path, &both, "--yes"]).await;
    let chain = async |ca| CertificateChain::from_pem_or_der(leaf(ca).await.as_bytes()).unwrap();
    let now = Timestamp::now();
    let bundle = CaBundle::of(old_ca);
    let rotation = Rotation::plan(&bundle, old_ca, new_ca).unwrap();
    let mut rotation = rotation.with_worker("mail", &chain(&old).await, now).unwrap();
    rotation.issued("mail", &chain(&new).await, now).unwrap();
    rotation.confirmed("mail", now).unwrap();
    rotation.retired("mail", now).unwrap();
    let plan = setting.folder.path().join("plan.json");
    rotation.save(&plan, Existing::Keep).unwrap();
    let renewed = chain(&old).await;
    let plan_path = plan.to_str().unwrap().to_owned();
    let remove = ["rotation", "remove-old-ca", NAME, "--plan", &plan_path];
    let (status, shown) = answered(&setting, &remove, "y\n", async || {
        rotation.renewed("mail", &renewed, Timestamp::now()).unwrap();
        rotation.save(&plan, Existing::Replace).unwrap();
    })
    .await;
    assert_eq!(status, Some(1), "{shown}");
    assert!(shown.contains("it is too early"), "{shown}");
    assert_eq!(setting.updates(), 1);
}
