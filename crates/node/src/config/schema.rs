//! The keys of a configuration, as data: the reader checks against it, and errors quote it.

/// One key of a table.
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// How it is written, quoted in errors.
    pub(super) example: &'static str,
    /// What it is for, when the key is known but its subject comes with a later version.
    pub(super) later: Option<&'static str>,
}

/// One table of the file.
pub(super) struct Section {
    /// How the table is written.
    pub(super) title: &'static str,
    /// Its keys, in the order of the manual.
    pub(super) keys: &'static [Key],
}

impl Section {
    /// The known key that is closest to `wrong`, if one is close enough to be meant.
    pub(super) fn nearest(&self, wrong: &str) -> Option<&'static str> {
        nearest(wrong, self.keys.iter().map(|key| key.name))
    }

    /// The key that `written` is, or was meant to be.
    pub(super) fn meant(&self, written: &str) -> Option<&'static str> {
        let own = self.keys.iter().map(|key| key.name).find(|name| *name == written);
        own.or_else(|| self.nearest(written))
    }

    /// The names of the keys that can be used now.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.keys.iter().filter(|key| key.later.is_none()).map(|key| key.name).collect();
        names.join(", ")
    }
}

/// The name among `known` that is closest to `wrong`, if one is close enough to be meant.
pub(super) fn nearest<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wrong: String = wrong.chars().take(64).collect::<String>().to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min()
        .map(|(_, name)| name)
}

const fn key(name: &'static str, example: &'static str) -> Key {
    Key { name, example, later: None }
}

const fn later(name: &'static str, what: &'static str) -> Key {
    Key { name, example: "", later: Some(what) }
}

pub(super) static ROOT: Section = Section {
    title: "the file",
    keys: &[
        key("exchange", "[exchange]"),
        key("listen", "[listen]"),
        key("tls", "[tls]"),
        key("dns", "[dns]"),
        key("store", "[store]"),
        key("records", "[records]"),
        key("capture", "[capture]"),
        key("limits", "[limits]"),
        key("gateway", "[[gateway]]"),
        key("line", "[[line]]"),
        key("route", "[[route]]"),
        key("timers", "[timers]"),
        key("features", "[features]"),
        key("class", "[[class]]"),
        key("group", "[[group]]"),
        key("push", "[push]"),
        key("smsc", "[[smsc]]"),
        key("push_user", "[[push_user]]"),
        key("mmsc", "[mmsc]"),
        key("subscriber", "[[subscriber]]"),
        key("application", "[[application]]"),
        key("mmsc_peer", "[[mmsc_peer]]"),
        key("trunk", "[[trunk]]"),
        key("trunk_group", "[[trunk_group]]"),
    ],
};

pub(super) static EXCHANGE: Section = Section {
    title: "[exchange]",
    keys: &[
        key("name", "name = \"town\""),
        key("country", "country = \"us\""),
        key("media", "media = \"direct\" or media = \"relay:GATEWAY\""),
        key("codecs", "codecs = [\"g722\", \"pcmu\"]"),
        key("agent", "agent = \"192.0.2.1:2727\""),
        key("digest", "digest = [\"sha-256\", \"md5\"]"),
        key("open", "open = true"),
    ],
};

pub(super) static LISTEN: Section = Section {
    title: "[listen]",
    keys: &[
        key("mgcp", "mgcp = \"127.0.0.1:2727\""),
        key("console", "console = \"127.0.0.1:8088\""),
        key("megaco_text", "megaco_text = \"127.0.0.1:2944\""),
        key("megaco_binary", "megaco_binary = \"127.0.0.1:2945\""),
        key("sip", "sip = \"127.0.0.1:5060\""),
        key("sips", "sips = \"127.0.0.1:5061\""),
        key("busy_poll", "busy_poll = 50"),
    ],
};

pub(super) static TLS: Section = Section {
    title: "[tls]",
    keys: &[
        key("certificate", "certificate = \"town.pem\""),
        key("key", "key = \"town.key\""),
        key("ca", "ca = \"peers-ca.pem\""),
    ],
};

pub(super) static DNS: Section =
    Section { title: "[dns]", keys: &[key("servers", "servers = [\"192.0.2.53\"]")] };

pub(super) static STORE: Section = Section {
    title: "[store]",
    keys: &[
        key("kind", "kind = \"embedded\" or kind = \"memory\""),
        key("path", "path = \"town.redb\""),
        later("endpoints", "stores shared by several nodes (etcd)"),
    ],
};

pub(super) static RECORDS: Section =
    Section { title: "[records]", keys: &[key("cdr", "cdr = \"town.cdr.jsonl\"")] };

pub(super) static CAPTURE: Section = Section {
    title: "[capture]",
    keys: &[key("path", "path = \"town.pcapng\""), key("max_mb", "max_mb = 64"), key("files", "files = 4")],
};

pub(super) static LIMITS: Section = Section {
    title: "[limits]",
    keys: &[
        key("gateway_rate", "gateway_rate = 5000"),
        key("gateway_burst", "gateway_burst = 2500"),
        key("peer_rate", "peer_rate = 10000"),
        key("peer_burst", "peer_burst = 5000"),
    ],
};

pub(super) static TIMERS: Section = Section {
    title: "[timers]",
    keys: &[
        key("first_digit", "first_digit = 16"),
        key("dialling", "dialling = 120"),
        key("setup", "setup = 30"),
        key("ringing", "ringing = 180"),
        key("transfer", "transfer = 60"),
        key("returning", "returning = 120"),
        key("busy_tone", "busy_tone = 30"),
        key("failure_tone", "failure_tone = 30"),
        key("howler", "howler = 60"),
        key("record", "record = 10"),
        key("retry", "retry = 30"),
        key("probe", "probe = 15"),
    ],
};

pub(super) static GATEWAY: Section = Section {
    title: "[[gateway]]",
    keys: &[
        key("id", "id = \"gw1\""),
        key("protocol", "protocol = \"mgcp\" or protocol = \"megaco\""),
        key("address", "address = \"127.0.0.9:2427\""),
        key("domain", "domain = \"gw1.town\""),
        key("dialect", "dialect = \"auto\""),
        key("mid", "mid = \"<gw1.town>\""),
        key("transport", "transport = \"udp\" or transport = \"tcp\""),
        key("encoding", "encoding = \"compact\", \"pretty\" or \"binary\""),
        key("names", "names = \"8:aaln,rtp,ds/24:number\""),
        key("profiles", "profiles = [\"ResGW/1\"]"),
        key("empty_signals", "empty_signals = \"braces\" or empty_signals = \"token\""),
        key("media", "media = [\"127.0.0.9\"]"),
        key("relay", "relay = \"relay/$\""),
        key("codecs", "codecs = [\"g722\", \"pcmu\"]"),
    ],
};

pub(super) static LINE: Section = Section {
    title: "[[line]]",
    keys: &[
        key("number", "number = \"2001\""),
        key("gateway", "gateway = \"gw1\""),
        key("endpoint", "endpoint = \"aaln/1\""),
        key("name", "name = \"A. Subscriber\""),
        key("codecs", "codecs = [\"g722\", \"pcmu\"]"),
        key("features", "features = { call_waiting = true }"),
        key("sip", "sip = { user = \"2003\", password = \"secret\" }"),
    ],
};

pub(super) static LINE_SIP: Section = Section {
    title: "sip of a [[line]]",
    keys: &[
        key("user", "user = \"2003\""),
        key("password", "password = \"secret\""),
        key("media", "media = [\"192.0.2.40\"]"),
        key("notify", "notify = \"unsolicited\""),
        key("dtmf", "dtmf = \"info\""),
    ],
};

pub(super) static LINE_FEATURES: Section = Section {
    title: "features of a [[line]]",
    keys: &[
        key("hold", "hold = false"),
        key("transfer", "transfer = false"),
        key("three_way", "three_way = false"),
        key("call_waiting", "call_waiting = true"),
        key("forward_always", "forward_always = \"2005\""),
        key("forward_busy", "forward_busy = \"2005\""),
        key("forward_no_answer", "forward_no_answer = \"2005\""),
        key("no_answer", "no_answer = 20"),
        key("do_not_disturb", "do_not_disturb = true"),
        key("message_waiting", "message_waiting = true"),
        key("reject_anonymous", "reject_anonymous = true"),
        key("withhold_number", "withhold_number = true"),
        key("speed_dial", "speed_dial = { 2 = \"2004\", 20 = \"5550100\" }"),
        key("class", "class = \"local\""),
        key("hot_line", "hot_line = \"2004\""),
        key("hot_line_after", "hot_line_after = 5"),
        key("numbers", "numbers = { 2014 = \"r2\" }"),
        key("rings", "rings = { 2001 = \"r1\" }"),
    ],
};

pub(super) static CODES: Section = Section {
    title: "[features.codes]",
    keys: &[
        key("forward_always_on", "forward_always_on = \"*72\""),
        key("forward_always_off", "forward_always_off = \"*73\""),
        key("forward_always_query", "forward_always_query = \"*#21#\""),
        key("forward_busy_on", "forward_busy_on = \"*90\""),
        key("forward_busy_off", "forward_busy_off = \"*91\""),
        key("forward_busy_query", "forward_busy_query = \"*#67#\""),
        key("forward_no_answer_on", "forward_no_answer_on = \"*92\""),
        key("forward_no_answer_off", "forward_no_answer_off = \"*93\""),
        key("forward_no_answer_query", "forward_no_answer_query = \"*#61#\""),
        key("call_waiting_on", "call_waiting_on = \"*43#\""),
        key("call_waiting_off", "call_waiting_off = \"#43#\""),
        key("call_waiting_query", "call_waiting_query = \"*#43#\""),
        key("do_not_disturb_on", "do_not_disturb_on = \"*78\""),
        key("do_not_disturb_off", "do_not_disturb_off = \"*79\""),
        key("do_not_disturb_query", "do_not_disturb_query = \"*#26#\""),
        key("reject_anonymous_on", "reject_anonymous_on = \"*77\""),
        key("reject_anonymous_off", "reject_anonymous_off = \"*87\""),
        key("reject_anonymous_query", "reject_anonymous_query = \"*#77#\""),
        key("withhold_number", "withhold_number = \"*67\""),
        key("show_number", "show_number = \"*82\""),
        key("call_return", "call_return = \"*69\""),
        key("redial", "redial = \"*66\""),
        key("speed_dial_1_set", "speed_dial_1_set = \"*74\""),
        key("speed_dial_2_set", "speed_dial_2_set = \"*75\""),
        key("speed_dial_1", "speed_dial_1 = \"S#\""),
        key("speed_dial_2", "speed_dial_2 = \"SS#\""),
    ],
};

pub(super) static CLASS: Section = Section {
    title: "[[class]]",
    keys: &[
        key("id", "id = \"local\""),
        key("outgoing", "outgoing = false"),
        key("incoming", "incoming = false"),
        key("priority", "priority = true"),
        key("allowed", "allowed = [\"2\"]"),
        key("barred", "barred = [\"1900\"]"),
    ],
};

pub(super) static GROUP: Section = Section {
    title: "[[group]]",
    keys: &[
        key("number", "number = \"2100\""),
        key("members", "members = [\"2001\", \"2002\"]"),
        key("order", "order = \"linear\", \"circular\" or \"least-used\""),
        key("ring", "ring = 20"),
        key("overflow", "overflow = \"2009\""),
    ],
};

pub(super) static FEATURES: Section = Section {
    title: "[features]",
    keys: &[
        key("blind_transfer", "blind_transfer = \"*98\""),
        key("cancel_call_waiting", "cancel_call_waiting = \"*70\""),
        key("controller_leaves", "controller_leaves = \"end\" or controller_leaves = \"join\""),
        key("flash", "flash = \"hook\" or flash = \"digit\""),
        key("recall_ring", "recall_ring = \"r4\""),
        key("emergency", "emergency = [\"911\"]"),
        key("diversions", "diversions = 5"),
        key("codes", "[features.codes]"),
    ],
};

pub(super) static ROUTE: Section = Section {
    title: "[[route]]",
    keys: &[
        key("prefix", "prefix = \"9\""),
        key("strip", "strip = 1"),
        key("add", "add = \"1212\""),
        key("length", "length = 11 or length = [7, 15]"),
        key("to", "to = [\"lines\"]"),
    ],
};

pub(super) static TRUNK: Section = Section {
    title: "[[trunk]]",
    keys: &[
        key("id", "id = \"carrier\""),
        key("sip", "sip = { address = \"192.0.2.20:5060\" }"),
        key(
            "circuits",
            "circuits = { gateway = \"gw1\", endpoints = [\"ds/ds1-1/1-24\"], signalling = \"mf\" }",
        ),
        key("channels", "channels = 100"),
        key("transit", "transit = true"),
        key("group", "group = \"carriers\""),
        key("priority", "priority = 1"),
        key("weight", "weight = 1"),
    ],
};

pub(super) static TRUNK_GROUP: Section = Section {
    title: "[[trunk_group]]",
    keys: &[key("id", "id = \"carriers\""), key("channels", "channels = 60")],
};

pub(super) static TRUNK_CIRCUITS: Section = Section {
    title: "circuits of a [[trunk]]",
    keys: &[
        key("gateway", "gateway = \"gw1\""),
        key("endpoints", "endpoints = [\"ds/ds1-1/1-24\"]"),
        key("signalling", "signalling = \"mf\", \"dtmf\" or \"none\""),
        key("first", "first = 1"),
    ],
};

pub(super) static TRUNK_SIP: Section = Section {
    title: "sip of a [[trunk]]",
    keys: &[
        key("address", "address = \"192.0.2.20:5060\" or address = \"sip.carrier.example\""),
        key("transport", "transport = \"udp\", \"tcp\" or \"tls\""),
        key("ca", "ca = \"carrier-ca.pem\""),
        key("tls_name", "tls_name = \"sip.carrier.example\""),
        key("client_certificate", "client_certificate = false"),
        key("sips", "sips = true"),
        key("certificate", "certificate = \"town.pem\""),
        key("key", "key = \"town.key\""),
        key("domain", "domain = \"carrier.example\""),
        key("user", "user = \"town\""),
        key("password", "password = \"secret\""),
        key("sources", "sources = [\"192.0.2.21\"]"),
        key("media", "media = [\"192.0.2.22\"]"),
        key("probe", "probe = 30"),
        key("trusted", "trusted = true"),
        key("register", "register = true"),
        key("redirect", "redirect = \"own\""),
        key("refer", "refer = false"),
        key("transfer", "transfer = \"refer\""),
        key("dtmf", "dtmf = \"info\""),
    ],
};

pub(super) static PUSH: Section = Section {
    title: "[push]",
    keys: &[
        key("name", "name = \"ppg.town\""),
        key("listen", "listen = \"127.0.0.1:8089\""),
        key("udp", "udp = \"127.0.0.1:9200\""),
        key("networks", "networks = [\"10.0.0.0/8\"]"),
        key("store", "store = \"push.redb\""),
        key("lifetime", "lifetime = 259200"),
        key("longest_lifetime", "longest_lifetime = 1209600"),
        key("remember", "remember = 86400"),
        key("retry", "retry = 5"),
        key("retry_longest", "retry_longest = 600"),
        key("rate", "rate = 1000"),
        key("messages", "messages = 200000"),
        key("report_to", "report_to = [\"10.0.0.7\"]"),
        key("report_ca", "report_ca = \"ca.pem\""),
        key("network_types", "network_types = [\"GSM\"]"),
        key("aliases", "aliases = { ann = \"+15550100\" }"),
    ],
};

pub(super) static SMSC: Section = Section {
    title: "[[smsc]]",
    keys: &[
        key("id", "id = \"carrier\""),
        key("address", "address = \"192.0.2.5:2775\""),
        key("tls", "tls = true"),
        key("ca", "ca = \"carrier-ca.pem\""),
        key("tls_name", "tls_name = \"smsc.example\""),
        key("system_id", "system_id = \"town\""),
        key("password", "password = \"secret\""),
        key("system_type", "system_type = \"PPG\""),
        key("version", "version = \"3.4\" or version = \"5.0\""),
        key("bind", "bind = \"transceiver\" or bind = \"pair\""),
        key("links", "links = 2"),
        key("window", "window = 100"),
        key("timeout", "timeout = 10"),
        key("enquire", "enquire = 30"),
        key("prefixes", "prefixes = [\"+1555\"]"),
        key("source", "source = \"2948\""),
        key("service_type", "service_type = \"WAP\""),
        key("segments", "segments = \"header\", \"payload\", \"data\" or \"parameters\""),
        key("wide_reference", "wide_reference = true"),
        key("receipts", "receipts = false"),
        key("message_ids", "message_ids = \"auto\", \"same\", \"hex-decimal\" or \"decimal-hex\""),
    ],
};

pub(super) static PUSH_USER: Section = Section {
    title: "[[push_user]]",
    keys: &[
        key("name", "name = \"mmsc\""),
        key("password", "password = \"secret\""),
        key("networks", "networks = [\"127.0.0.1\"]"),
        key("trusted", "trusted = true"),
        key("rate", "rate = 1000"),
    ],
};

pub(super) static MMSC: Section = Section {
    title: "[mmsc]",
    keys: &[
        key("name", "name = \"mmsc.town\""),
        key("listen", "listen = \"127.0.0.1:8190\""),
        key("base", "base = \"http://192.0.2.1:8190/\""),
        key("applications", "applications = \"127.0.0.1:8191\""),
        key("mail", "mail = \"127.0.0.1:2525\""),
        key("mail_domain", "mail_domain = \"mms.town\""),
        key("mail_sources", "mail_sources = [\"10.0.0.25\"]"),
        key("smarthost", "smarthost = \"10.0.0.25:25\""),
        key("store", "store = \"mmsc\""),
        key("proxies", "proxies = [\"192.0.2.7\"]"),
        key("header", "header = \"X-MSISDN\""),
        key("lifetime", "lifetime = 259200"),
        key("longest_lifetime", "longest_lifetime = 1209600"),
        key("shortest_lifetime", "shortest_lifetime = 60"),
        key("remember", "remember = 604800"),
        key("retry", "retry = 60"),
        key("retry_longest", "retry_longest = 3600"),
        key("largest", "largest = 1048576"),
        key("recipients", "recipients = 100"),
        key("messages", "messages = 200000"),
        key("subscriber_messages", "subscriber_messages = 200"),
        key("subscriber_octets", "subscriber_octets = 52428800"),
        key("rate", "rate = 60"),
        key("burst", "burst = 60"),
        key("report_rate", "report_rate = 60"),
        key("connections", "connections = 1000"),
        key("patience", "patience = 30"),
    ],
};

pub(super) static SUBSCRIBER: Section = Section {
    title: "[[subscriber]]",
    keys: &[
        key("number", "number = \"+15550100\""),
        key("networks", "networks = [\"10.0.0.7\"]"),
        key("push", "push = \"10.0.0.7:2948\""),
    ],
};

pub(super) static APPLICATION: Section = Section {
    title: "[[application]]",
    keys: &[
        key("name", "name = \"news\""),
        key("password", "password = \"secret\""),
        key("networks", "networks = [\"127.0.0.1\"]"),
        key("numbers", "numbers = [\"8000\"]"),
        key("senders", "senders = [\"+15550100\"]"),
        key("recipients", "recipients = [\"+1555\"]"),
        key("rate", "rate = 600"),
        key("burst", "burst = 100"),
        key("url", "url = \"http://127.0.0.1:9000/mms\""),
        key("interface", "interface = \"mm7\" or interface = \"json\""),
        key("version", "version = \"6.8.0\""),
        key("vaspid", "vaspid = \"provider\""),
        key("vasid", "vasid = \"news\""),
    ],
};

pub(super) static MMSC_PEER: Section = Section {
    title: "[[mmsc_peer]]",
    keys: &[
        key("name", "name = \"other\""),
        key("domain", "domain = \"mmsc.other.example\""),
        key("address", "address = \"192.0.2.9:25\""),
        key("networks", "networks = [\"192.0.2.9\"]"),
        key("prefixes", "prefixes = [\"+1556\"]"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_key_and_nonsense_finds_none() {
        assert_eq!(GATEWAY.nearest("adress"), Some("address"));
        assert_eq!(GATEWAY.nearest("Domain"), Some("domain"));
        assert_eq!(LINE.nearest("nubmer"), Some("number"));
        assert_eq!(LISTEN.nearest("megaco-text"), Some("megaco_text"));
        assert_eq!(ROOT.nearest("quux"), None);
    }

    #[test]
    fn the_manual_has_every_key_under_its_table() {
        let manual = include_str!("../../../../docs/manual/configuration.md");
        let sections = [
            &EXCHANGE,
            &LISTEN,
            &TLS,
            &DNS,
            &STORE,
            &RECORDS,
            &CAPTURE,
            &LIMITS,
            &FEATURES,
            &CODES,
            &TIMERS,
            &GATEWAY,
            &LINE,
            &LINE_SIP,
            &LINE_FEATURES,
            &CLASS,
            &GROUP,
            &ROUTE,
            &PUSH,
            &SMSC,
            &PUSH_USER,
            &MMSC,
            &SUBSCRIBER,
            &APPLICATION,
            &MMSC_PEER,
        ];
        for section in sections {
            let (_, rest) = manual.split_once(&format!("\n## `{}`\n", section.title)).unwrap();
            let part = rest.split("\n## ").next().unwrap();
            for key in section.keys {
                let row = part.contains(&format!("\n| `{}` |", key.name));
                assert_eq!(row, key.later.is_none(), "{} in {}", key.name, section.title);
            }
        }
    }
}
