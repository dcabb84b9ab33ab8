//! Many endpoints are audited by one command (RFC 3624).

use strowger_mgcp::agent::{BulkAudit, BulkEntry, GatewayId};

use crate::stage::Stage;

fn ask(stage: &mut Stage, start: Option<&str>, tag: u32) -> crate::stage::Sent {
    let all = stage.endpoint(1, "aaln/*");
    stage.agent.audit_many(stage.now, GatewayId(1), &all, start.map(str::to_owned), tag);
    stage.collect();
    stage.one()
}

fn answered(answer: &str) -> Option<BulkAudit> {
    let mut stage = Stage::up(1);
    let command = ask(&mut stage, None, 1);
    stage.answers(1, &command, "200", answer);
    stage.completed(1).bulk
}

fn entry(local: &str, connections: u8, in_service: bool, signals: bool) -> BulkEntry {
    BulkEntry { local: local.to_owned(), connections, in_service, signals }
}

#[test]
fn the_question_names_what_is_asked_and_where_it_goes_on() {
    let mut stage = Stage::up(1);
    let command = ask(&mut stage, None, 1);
    assert_eq!(
        command.text,
        format!("AUEP {} aaln/*@gw1.town MGCP 1.0\r\nBA/F: BA/C, BA/S(S)\r\n", command.id())
    );
    let command = ask(&mut stage, Some("aaln/65"), 2);
    assert_eq!((command.field("BA/SE"), command.field("BA/F")), (Some("aaln/65"), Some("BA/C, BA/S(S)")));
}

#[test]
fn the_lists_of_an_answer_go_on_over_its_lines() {
    let expected = vec![
        entry("aaln/1", 0, true, false),
        entry("aaln/2", 11, true, true),
        entry("aaln/4", 255, true, false),
        entry("aaln/9", 0, false, false),
    ];
    let read = BulkAudit { entries: expected, next: None };
    for answer in [
        "BA/EL: aaln/[1-2,4], aaln/9\r\nBA/C: 0BZ0\r\nBA/S: FTFO\r\n",
        "ba/el: aaln/[1-2]\r\nba/c: 0b\r\nba/s: FT\r\nba/el: aaln/4\r\nba/el: aaln/9\r\nba/c: z\r\nba/c: 0\r\nba/s: fO\r\n",
        "BA/EL: aaln/[1-2], ba/el: aaln/4, ba/el: aaln/9\r\nBA/S: FTFO\r\nBA/C: 0BZ0\r\n",
    ] {
        assert_eq!(answered(answer).as_ref(), Some(&read), "{answer}");
    }
    let more = answered("BA/EL: aaln/1\r\nBA/C: 0\r\nBA/S: F\r\nBA/NE: aaln/2\r\n").unwrap();
    assert_eq!(more.next.as_deref(), Some("aaln/2"));
}

#[test]
fn lists_that_do_not_fit_together_are_no_answer() {
    for answer in [
        "",
        "Z: aaln/1@gw1.town\r\nZ: aaln/2@gw1.town\r\n",
        "BA/EL: aaln/[1-3]\r\nBA/C: 00\r\nBA/S: FFF\r\n",
        "BA/EL: aaln/[1-3]\r\nBA/C: 000\r\n",
        "BA/EL: aaln/[1-3]\r\nBA/C: 0G0\r\nBA/S: FFF\r\n",
        "BA/EL: aaln/[1-3]\r\nBA/C: 000\r\nBA/S: FxF\r\n",
        "BA/EL: a[1-65535]/b[1-65535]\r\nBA/C: 0\r\nBA/S: F\r\n",
    ] {
        assert_eq!(answered(answer), None, "{answer}");
    }
}
