//! What tshark says of a capture of the exchange's.

use std::path::Path;
use std::process::Command;

/// Every message of SIP in `town.pcapng` is one to tshark, and none is malformed; these requests are among them.
pub(crate) fn check_sip(folder: &Path, requests: &[&str]) {
    if !super::has_peer("tshark", "tshark") {
        return;
    }
    let file = folder.join("town.pcapng");
    let fields = |filter: &str, field: &str| {
        let output = Command::new("tshark")
            .arg("-r")
            .arg(&file)
            .args(["-Y", filter, "-T", "fields", "-e", field])
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let wrong = "udp.port == 5060 && (!sip || _ws.malformed || _ws.expert.severity >= 8388608)";
    assert_eq!(fields(wrong, "frame.number"), "");
    let seen = fields("sip.Method", "sip.Method");
    for request in requests {
        assert!(seen.lines().any(|line| line == *request), "no {request} in {seen}");
    }
}
