//! A stand-in for AWS on a loopback port, the one that the tests use: AWS Private CA, ACM, and as much
//! of Route 53 as ACM needs. It forgets everything when it ends. To try the command line on it:
//!
//! ```sh
//! cargo run --example aws-stand-in --features aws
//! ```
//!
//! and in another terminal what it prints. No call leaves this machine.

#[path = "../tests/support/aws.rs"]
mod aws;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let stand_in = aws::StandIn::start().await;
    let url = stand_in.endpoint_url();
    let region = aws::REGION;
    #[allow(clippy::print_stdout, reason = "it is what the example is for")]
    {
        println!(
            "A stand-in for AWS listens at {url} until you press Ctrl-C.\n\n\
             export AWS_ACCESS_KEY_ID=stand-in AWS_SECRET_ACCESS_KEY=stand-in AWS_REGION={region} AWS_ENDPOINT_URL={url}\n\
             private-ca ca create --backend aws --subject \"O=Acme,CN=Acme Root\""
        );
    }
    std::future::pending::<()>().await;
}
