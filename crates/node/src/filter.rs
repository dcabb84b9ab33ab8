//! What the kernel refuses in front of a socket that is flooded, so that it wakes nobody: a classic BPF program (Linux's
//! `SO_ATTACH_FILTER`).
//!
//! There is none while nothing floods, and it is never what decides: it takes away most of what would be refused behind it, by the
//! address ([`crate::admission`]) or by the share of a gateway, and lets some of it through, by which it is known how
//! much there is and when it is over. Strangers are thinned out by [`THINNED`]; a gateway that sends more than its share to about
//! its share, at random, as a network loses that is asked for too much.
//!
//! Limits: IPv4; IPv6 passes. Of more listed hosts than [`MOST_RANGES`] neighbours are taken together, so that strangers between
//! them pass as well. Elsewhere than on Linux there is no filter.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use strowger_sansio::Time;

/// How long is counted before it is judged …
const WINDOW: Duration = Duration::from_millis(250);
/// … unless so many that are to be refused come before. At 100,000 a second that is 5 ms.
const MANY: u32 = 500;
/// Strangers' datagrams a second above which they are thinned out, and below half of which they are not any more: they then cost 0.2 % of
/// a processor.
const BEARABLE: u64 = 2_000;
/// Of so many datagrams of strangers one passes.
const THINNED: u32 = 256;
/// Gateways that are thinned out at a time.
const MOST_SOURCES: usize = 16;
/// Ranges of listed hosts: the program has some six instructions for each and may have 4096.
pub(crate) const MOST_RANGES: usize = 512;

/// A filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Whether strangers are thinned out.
    pub(crate) strangers: bool,
    /// Gateways that are, and how much of theirs passes, of 2^32.
    pub(crate) sources: BTreeMap<SocketAddrV4, u32>,
}

impl Filter {
    pub(crate) fn is_open(&self) -> bool {
        !self.strangers && self.sources.is_empty()
    }
}

/// What came of a source in the present window.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    served: u32,
    dropped: u32,
}

/// Counts what is refused, and says which filter there should be.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Datagrams a second that one gateway may send.
    share: u32,
    since: Time,
    strangers: u32,
    dropped: u32,
    heard: BTreeMap<SocketAddrV4, Heard>,
    filter: Filter,
}

impl Guard {
    pub(crate) fn new(now: Time, share: u32) -> Self {
        let filter = Filter::default();
        Self { share, since: now, strangers: 0, dropped: 0, heard: BTreeMap::new(), filter }
    }

    /// A datagram of a listed source was taken.
    pub(crate) fn served(&mut self, from: SocketAddr) {
        // Only of those who have sent too much it matters.
        if self.filter.sources.is_empty() && self.heard.is_empty() {
            return;
        }
        if let SocketAddr::V4(from) = from
            && let Some(heard) = self.heard.get_mut(&from)
        {
            heard.served += 1;
        }
    }

    /// A datagram of a listed source was one too many.
    pub(crate) fn dropped(&mut self, from: SocketAddr) {
        self.dropped += 1;
        if let SocketAddr::V4(from) = from
            && (self.heard.len() < MOST_SOURCES || self.heard.contains_key(&from))
        {
            self.heard.entry(from).or_default().dropped += 1;
        }
    }

    /// A datagram came from somebody who is not listed.
    pub(crate) fn stranger(&mut self) {
        self.strangers += 1;
    }

    /// When [`Self::judge`] wants to be asked though nothing comes: a filter ends by itself.
    pub(crate) fn due(&self) -> Option<Time> {
        (!self.filter.is_open()).then(|| self.since + WINDOW)
    }

    /// The filter that there is.
    pub(crate) const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The filter that is to be from now on, if it is to be another. To be asked after each batch.
    pub(crate) fn judge(&mut self, now: Time) -> Option<&Filter> {
        let took = now.since(self.since);
        let has_many = self.strangers >= MANY || self.dropped >= MANY;
        if took < WINDOW && !has_many {
            return None;
        }
        let a_second = |count: u64| {
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
            count.saturating_mul(1_000_000) / micros
        };
        let mut next = Filter::default();
        let one_of = if self.filter.strangers { THINNED } else { 1 };
        let strangers = a_second(u64::from(self.strangers) * u64::from(one_of));
        next.strangers = strangers > if self.filter.strangers { BEARABLE / 2 } else { BEARABLE };
        let share = u64::from(self.share);
        for (source, heard) in &self.heard {
            let passed = self.filter.sources.get(source).copied();
            // What comes at once in the beginning, as a burst, is no flood yet.
            if passed.is_none() && heard.dropped < MANY / 4 {
                continue;
            }
            let part = passed.map_or(1 << 32, u64::from).max(1);
            // Before it is thinned out it has used its share.
            let served = if passed.is_some() { a_second(heard.served.into()) } else { share };
            let came = served + a_second(heard.dropped.into());
            let sent = u64::try_from((u128::from(came) << 32) / u128::from(part)).unwrap_or(u64::MAX);
            if sent <= share || next.sources.len() >= MOST_SOURCES {
                continue;
            }
            let wanted = u32::try_from((share << 32) / sent).unwrap_or(u32::MAX).max(1);
            // What is nearly right stays: to set a filter costs more than a few datagrams.
            let is_near = |old: &u32| old.abs_diff(wanted) < wanted / 4;
            next.sources.insert(*source, passed.filter(is_near).unwrap_or(wanted));
        }
        (self.since, self.strangers, self.dropped) = (now, 0, 0);
        self.heard = next.sources.keys().map(|source| (*source, Heard::default())).collect();
        if next == self.filter {
            return None;
        }
        self.filter = next;
        Some(&self.filter)
    }
}

/// Hosts as ranges of addresses in their order: neighbours are taken together until there are `most` at most.
pub(crate) fn ranges(hosts: impl IntoIterator<Item = IpAddr>, most: usize) -> Vec<(u32, u32)> {
    let hosts = hosts.into_iter().filter_map(|host| match host.to_canonical() {
        IpAddr::V4(host) => Some(u32::from(host)),
        IpAddr::V6(_) => None,
    });
    let mut hosts: Vec<u32> = hosts.collect();
    hosts.sort_unstable();
    hosts.dedup();
    let mut gaps: Vec<u32> =
        hosts.iter().zip(hosts.iter().skip(1)).map(|(one, next)| next - one).filter(|gap| *gap > 1).collect();
    gaps.sort_unstable();
    // The widest gaps stay between ranges.
    let closed = gaps.len().checked_sub(most.max(1)).and_then(|last| gaps.get(last)).copied().unwrap_or(1);
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for host in hosts {
        match ranges.last_mut() {
            Some((_, last)) if host - *last <= closed => *last = host,
            _ => ranges.push((host, host)),
        }
    }
    ranges
}

/// An instruction of classic BPF: code, jumps, operand.
pub(crate) type Instruction = (u16, u8, u8, u32);

// linux/filter.h and linux/bpf_common.h.
const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_NOT_LESS: u16 = 0x35;
const RETURN: u16 = 0x06;
const ALL: Instruction = (RETURN, 0, 0, u32::MAX);
const NOTHING: Instruction = (RETURN, 0, 0, 0);
/// Offsets from the network header (`SKF_NET_OFF`); offsets without it begin at the UDP header.
const NETWORK: u32 = (-0x10_0000_i32).cast_unsigned();
/// `SKF_AD_OFF + SKF_AD_RANDOM`: a random word.
const RANDOM: u32 = (-0x1000_i32 + 56).cast_unsigned();
const SOURCE: Instruction = (LOAD_WORD, 0, 0, NETWORK + 12);

/// The program of a filter, with these ranges of listed hosts.
pub(crate) fn program(filter: &Filter, listed: &[(u32, u32)]) -> Vec<Instruction> {
    let mut program =
        vec![(LOAD_BYTE, 0, 0, NETWORK), (AND, 0, 0, 0xf0), (IF_EQUAL, 1, 0, 0x40), ALL, SOURCE];
    for (source, part) in &filter.sources {
        program.extend([
            (IF_EQUAL, 0, 7, u32::from(*source.ip())),
            (LOAD_HALF, 0, 0, 0),
            (IF_EQUAL, 0, 4, u32::from(source.port())),
            (LOAD_WORD, 0, 0, RANDOM),
            (IF_NOT_LESS, 0, 1, *part),
            NOTHING,
            ALL,
            SOURCE,
        ]);
    }
    if !filter.strangers {
        program.push(ALL);
        return program;
    }
    let mut misses = Vec::new();
    search(&mut program, &mut misses, listed);
    let miss = program.len();
    for place in misses {
        land(&mut program, place, miss);
    }
    program.extend([(LOAD_WORD, 0, 0, RANDOM), (IF_NOT_LESS, 1, 0, u32::MAX / THINNED), ALL, NOTHING]);
    program
}

/// Searches ranges by halves; `misses` are the jumps to be led to where an address goes that is in none.
fn search(program: &mut Vec<Instruction>, misses: &mut Vec<usize>, ranges: &[(u32, u32)]) {
    let (left, right) = ranges.split_at(ranges.len() / 2);
    match (left, right) {
        (_, []) => {
            misses.push(program.len());
            program.push((JUMP, 0, 0, 0));
        }
        ([], [(first, last), ..]) => {
            program.extend([(IF_NOT_LESS, 0, 2, *first), (IF_GREATER, 1, 0, *last), ALL]);
            misses.push(program.len());
            program.push((JUMP, 0, 0, 0));
        }
        (left, [(first, _), ..]) => {
            program.extend([(IF_NOT_LESS, 0, 1, *first), (JUMP, 0, 0, 0)]);
            let over = program.len() - 1;
            search(program, misses, left);
            let target = program.len();
            land(program, over, target);
            search(program, misses, right);
        }
    }
}

/// Leads a jump.
fn land(program: &mut [Instruction], from: usize, to: usize) {
    if let (Some(jump), Ok(length)) = (program.get_mut(from), u32::try_from(to - from - 1)) {
        jump.3 = length;
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::os::fd::AsFd;

    use socket2::{SockFilter, SockRef};

    use super::Instruction;

    /// Sets a program in the place of the one before; none lets everything pass.
    pub(crate) fn set(socket: &impl AsFd, program: Option<&[Instruction]>) -> io::Result<()> {
        let socket = SockRef::from(socket);
        let Some(program) = program else { return socket.detach_filter() };
        let program: Vec<_> = program
            .iter()
            .map(|(code, yes, no, operand)| SockFilter::new(*code, *yes, *no, *operand))
            .collect();
        socket.attach_filter(&program)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    use super::Instruction;

    pub(crate) fn set<S>(_: &S, _: Option<&[Instruction]>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(crate) use system::set;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const START: Time = Time::from_secs(100);
    const SHARE: u32 = 10_000;

    fn mad() -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 2427)
    }

    fn host(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Whether a datagram passes, and how much of those like it: what the kernel does with a program, for an IPv4 source.
    fn passes(program: &[Instruction], source: SocketAddrV4) -> f64 {
        let (mut place, mut word) = (0, 0_u32);
        for _ in 0..program.len() {
            let (code, yes, no, operand) = program[place];
            place += 1;
            let mut branch = |is: bool| place += usize::from(if is { yes } else { no });
            match (code, operand) {
                (LOAD_BYTE, NETWORK) => word = 0x45,
                (LOAD_WORD, RANDOM) => {
                    let (IF_NOT_LESS, _, _, part) = program[place] else {
                        panic!("a random word is compared")
                    };
                    return f64::from(part) / f64::from(u32::MAX);
                }
                (LOAD_WORD, _) => word = u32::from(*source.ip()),
                (LOAD_HALF, 0) => word = source.port().into(),
                (AND, mask) => word &= mask,
                (JUMP, length) => place += length as usize,
                (IF_EQUAL, value) => branch(word == value),
                (IF_GREATER, value) => branch(word > value),
                (IF_NOT_LESS, value) => branch(word >= value),
                (RETURN, length) => return if length == 0 { 0.0 } else { 1.0 },
                other => panic!("{other:?}"),
            }
        }
        panic!("it does not end");
    }

    #[test]
    fn listed_hosts_pass_and_few_of_the_strangers_do_however_many_are_listed() {
        let filter = Filter { strangers: true, ..Filter::default() };
        for count in [0, 1, 2, 3, 7, 100, 512] {
            let listed: Vec<_> =
                (0..count).map(|place| IpAddr::from(Ipv4Addr::from(0x0a00_0000 + place * 4))).collect();
            let program = program(&filter, &ranges(listed, MOST_RANGES));
            assert!(program.len() <= 4096, "{}", program.len());
            for place in 0..count * 4 + 8 {
                let source = SocketAddrV4::new(Ipv4Addr::from(0x0a00_0000 - 2 + place), 2427);
                let is_listed = u32::from(*source.ip())
                    .checked_sub(0x0a00_0000)
                    .is_some_and(|past| past % 4 == 0 && past / 4 < count);
                let part = passes(&program, source);
                assert!(if is_listed { part == 1.0 } else { part < 0.005 }, "{count} {source} {part}");
            }
        }
    }

    #[test]
    fn hosts_that_are_too_many_are_taken_together_where_they_are_nearest() {
        let hosts =
            ["192.0.2.1", "192.0.2.2", "192.0.2.9", "198.51.100.7", "::ffff:198.51.100.8", "2001:db8::1"];
        let hosts = || hosts.iter().map(|text| host(text));
        let whole = |text: &str| u32::from(text.parse::<Ipv4Addr>().unwrap());
        let first = (whole("192.0.2.1"), whole("192.0.2.2"));
        let last = (whole("198.51.100.7"), whole("198.51.100.8"));
        assert_eq!(ranges(hosts(), 9), [first, (whole("192.0.2.9"), whole("192.0.2.9")), last]);
        assert_eq!(ranges(hosts(), 2), [(whole("192.0.2.1"), whole("192.0.2.9")), last]);
        let many = (0..5000_u32).map(|place| IpAddr::from(Ipv4Addr::from(place * place)));
        assert!(ranges(many, MOST_RANGES).len() <= MOST_RANGES + 1);
    }

    #[test]
    fn strangers_are_thinned_out_while_they_flood_and_not_before_or_after() {
        let mut guard = Guard::new(START, SHARE);
        let mut now = START;
        let mut pass = |guard: &mut Guard, millis: u64, strangers: u32| {
            (0..strangers).for_each(|_| guard.stranger());
            now += Duration::from_millis(millis);
            guard.judge(now).map(|filter| filter.strangers)
        };
        assert_eq!(pass(&mut guard, 250, 400), None, "a few are borne");
        assert_eq!(pass(&mut guard, 5, 500), Some(true), "within 5 ms at 100,000 a second");
        assert_eq!(pass(&mut guard, 250, 98), None, "it goes on");
        assert_eq!(pass(&mut guard, 250, 2), None, "2,048 a second still");
        assert_eq!(pass(&mut guard, 250, 0), Some(false));
        assert_eq!(pass(&mut guard, 250, 400), None);
    }

    #[test]
    fn a_gateway_gone_mad_is_thinned_out_to_its_share() {
        let mut guard = Guard::new(START, SHARE);
        let from = SocketAddr::V4(mad());
        (0..MANY).for_each(|_| guard.dropped(from));
        // 500 too many in 5 ms, and nothing that was served.
        let filter = guard.judge(START + Duration::from_millis(5)).unwrap().clone();
        let part = f64::from(filter.sources[&mad()]) / f64::from(u32::MAX);
        assert!((0.09..0.11).contains(&part), "{part}");
        let other = SocketAddrV4::new(*mad().ip(), 2428);
        let program = program(&filter, &[]);
        assert!((passes(&program, mad()) - part).abs() < 1e-6);
        assert_eq!(guard.due(), Some(START + Duration::from_millis(255)));
        assert_eq!(passes(&program, other), 1.0, "another gateway of the same host");
        // It goes on as before: a part passes, and nothing changes.
        (0..2_400).for_each(|_| guard.served(from));
        (0..120).for_each(|_| guard.dropped(from));
        assert_eq!(guard.judge(START + Duration::from_millis(255)), None);
        // It has come to its senses.
        (0..20).for_each(|_| guard.served(from));
        assert!(guard.judge(START + Duration::from_millis(505)).unwrap().is_open());
        guard.served(from);
        assert_eq!(guard.judge(START + Duration::from_millis(755)), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_does_what_the_program_says() {
        use std::net::UdpSocket;

        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.set_nonblocking(true).unwrap();
        let to = receiver.local_addr().unwrap();
        let send = |host: &str, count: usize| {
            let sender = UdpSocket::bind((host, 0)).unwrap();
            for _ in 0..count {
                sender.send_to(b"NTFY", to).unwrap();
            }
            let SocketAddr::V4(from) = sender.local_addr().unwrap() else { panic!("IPv4") };
            let heard = std::iter::from_fn(|| receiver.recv_from(&mut [0; 16]).ok());
            (heard.count(), from)
        };
        let listed = ranges([host("127.0.0.5"), host("127.0.0.9")], MOST_RANGES);
        let strangers = Filter { strangers: true, ..Filter::default() };
        set(&receiver, Some(&program(&strangers, &listed))).unwrap();
        assert_eq!(send("127.0.0.5", 100).0, 100);
        assert_eq!(send("127.0.0.9", 100).0, 100);
        // One of 256 passes: more than 30 of 2000 would be a miracle.
        let passed = (0..20).map(|_| send("127.0.0.6", 100).0).sum::<usize>();
        assert!(passed < 30, "{passed}");
        set(&receiver, None).unwrap();
        assert_eq!(send("127.0.0.6", 100).0, 100);
        let sender = UdpSocket::bind("127.0.0.7:0").unwrap();
        let SocketAddr::V4(from) = sender.local_addr().unwrap() else { panic!("IPv4") };
        let thinned = Filter { sources: BTreeMap::from([(from, 0)]), ..strangers };
        set(&receiver, Some(&program(&thinned, &ranges([host("127.0.0.7")], 1)))).unwrap();
        sender.send_to(b"NTFY", to).unwrap();
        assert!(receiver.recv_from(&mut [0; 16]).is_err(), "nothing of this port passes");
        assert_eq!(send("127.0.0.7", 10).0, 10, "and of another one all");
    }
}
