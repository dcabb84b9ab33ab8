//! The codecs of Megaco beside those of Erlang/OTP: processor time of a message decoded and encoded, in each form.
//!
//! Both work in turn over the same messages, each on one thread, for several rounds of which the medians are printed. Erlang's
//! scanner of text is the one in C. `cargo bench -p strowger-benches --bench megaco` takes the messages of a call, which are below;
//! with the path of a file behind `--` it takes those of the file: rows of a name, a version and the message as pretty text,
//! compact text and BER in hexadecimal digits. Without `erlang-megaco` only ours is measured.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use strowger_benches::{Processor, median};
use strowger_megaco::binary::{self, ValueForm};
use strowger_megaco::message::Message;
use strowger_megaco::text::{self, Layout};

/// Rounds of each measurement; the median counts.
const ROUNDS: usize = 5;
/// Messages of one of our rounds, about.
const OURS: usize = 400_000;
/// Messages of one of Erlang's rounds, about.
const THEIRS: usize = 40_000;
const FORMS: [&str; 3] = ["pretty", "compact", "ber"];

/// The messages of a call: registration, request for off-hook, dial tone and digits, connection, answer, release.
const CALL: [&str; 14] = [
    "!/1 <gw1.town>:2944 T=1{C=-{SC=ROOT{SV{MT=RS,RE=\"901 Cold Boot\",V=3}}}}",
    "!/1 <town>:2944 P=1{C=-{SC=ROOT{SV{V=3}}}}",
    "!/3 <town>:2944 T=2{C=-{MF=00000001/00000010/00000011{E=1{al/of{strict=state}},M{O{MO=IN}}}}}",
    "!/3 <gw1.town>:2944 P=2{C=-{MF=00000001/00000010/00000011}}",
    "!/3 <gw1.town>:2944 T=3{C=-{N=00000001/00000010/00000011{OE=1{20261129T14010000:al/of{init=False}}}}}",
    "!/3 <town>:2944 P=3{C=-{N=00000001/00000010/00000011}}",
    "!/3 <town>:2944 T=4{C=-{MF=00000001/00000010/00000011{E=2{al/on{strict=state},dd/ce{DM=plan1}},SG{cg/dt},DM=plan1{(2xxx|9x.T)}}}}",
    "!/3 <gw1.town>:2944 T=5{C=-{N=00000001/00000010/00000011{OE=2{20261129T14010400:dd/ce{ds=\"2002\",Meth=UM}}}}}",
    "!/3 <town>:2944 T=6{C=${A=00000001/00000010/00000011{M{ST=1{O{MO=SR}}}},A=${M{ST=1{O{MO=RC,RV=ON},L{\nv=0\nc=IN IP4 $\n\
     m=audio $ RTP/AVP 0 8\na=ptime:20\n}}}}}}",
    "!/3 <gw1.town>:2944 P=6{C=17{A=00000001/00000010/00000011,A=00000010/00000000/00000001{M{ST=1{L{\nv=0\no=- 0 0 IN IP4 127.0.0.9\ns=-\nc=IN IP4 127.0.0.9\nt=0 0\n\
     m=audio 16384 RTP/AVP 0\na=ptime:20\n}}}}}}",
    "!/3 <town>:2944 T=7{C=17{MF=00000010/00000000/00000001{M{ST=1{O{MO=SR},R{\nv=0\no=- 0 0 IN IP4 127.0.0.10\ns=-\nc=IN IP4 127.0.0.10\nt=0 0\n\
     m=audio 16400 RTP/AVP 0\na=ptime:20\n}}}}}}",
    "!/3 <town>:2944 T=8{C=17{S=*{AT{SA}}}}",
    "!/3 <gw1.town>:2944 P=8{C=17{S=00000001/00000010/00000011,S=00000010/00000000/00000001{SA{rtp/ps=1500,rtp/pr=1498,rtp/pl=0,rtp/jit=3,rtp/delay=9,nt/os=240000,\
     nt/or=239680,nt/dur=30000}}}}",
    "!/3 <gw1.town>:2944 P=9{C=17{ER=430{\"00000010/00000000/00000010\"}}}",
];

/// A message in the three forms.
struct Row {
    name: String,
    forms: [Vec<u8>; 3],
}

/// What a form's codec needs to know.
struct Codec {
    text: text::Options,
    binary: binary::Options,
}

impl Codec {
    /// As the peer has it: values are raw, and digit maps with names have numbers.
    fn new() -> Self {
        let digit_maps = vec![("dialplan00".to_owned(), 0), ("plan1".to_owned(), 1)];
        let binary = binary::Options { values: ValueForm::Raw, digit_maps, ..binary::Options::default() };
        Self { text: text::Options::DEFAULT, binary }
    }

    fn decode<'a>(&'a self, form: usize, bytes: &'a [u8]) -> io::Result<Message<'a>> {
        let read = match form {
            2 => binary::decode(bytes, &self.binary),
            _ => text::decode(bytes, &self.text),
        };
        read.map_err(|error| io::Error::other(format!("{error}: {}", bytes.escape_ascii())))
    }

    fn encode(&self, form: usize, message: &Message<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        let written = match form {
            0 => text::encode(message, Layout::Pretty, out),
            1 => text::encode(message, Layout::Compact, out),
            _ => binary::encode(message, &self.binary, out),
        };
        written.map_err(io::Error::other)
    }

    /// The messages of the call that is above.
    fn call(&self) -> io::Result<Vec<Row>> {
        let row = |(place, text): (usize, &&str)| {
            let message = self.decode(1, text.as_bytes())?;
            let mut forms = [const { Vec::new() }; 3];
            for (form, out) in forms.iter_mut().enumerate() {
                self.encode(form, &message, out)?;
            }
            Ok(Row { name: format!("call{place}"), forms })
        };
        CALL.iter().enumerate().map(row).collect()
    }

    /// The messages of a file.
    fn file(path: &Path) -> io::Result<Vec<Row>> {
        let text = std::fs::read_to_string(path)?;
        let rows = text.lines().filter(|row| !row.starts_with('#'));
        let row = |row: &str| {
            let mut cells = row.split('\t');
            let name = cells.next().unwrap_or_default().to_owned();
            let mut cells = cells.skip(1).map(octets);
            let forms = std::array::from_fn(|_| cells.next().flatten().unwrap_or_default());
            Row { name, forms }
        };
        Ok(rows.map(row).collect())
    }
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

fn digits(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut digits, octet| {
        let _ = write!(digits, "{octet:02x}");
        digits
    })
}

/// Erlang, which does what it is told.
struct Erlang {
    child: Child,
    orders: ChildStdin,
    words: BufReader<ChildStdout>,
    /// How many messages it reads and writes in each form.
    counts: Vec<usize>,
}

impl Drop for Erlang {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Erlang {
    fn start(rows: &[Row]) -> io::Result<Option<Self>> {
        let ask = "case code:lib_dir(megaco) of {error, _} -> halt(1); _ -> halt(0) end.";
        let answer = Command::new("erl").args(["-noshell", "-eval", ask]).output();
        if !answer.is_ok_and(|answer| answer.status.success()) {
            return Ok(None);
        }
        let mut file = tempfile::NamedTempFile::new()?;
        let lines = rows.iter().map(|row| {
            let [pretty, compact, ber] = row.forms.each_ref().map(|form| digits(form));
            format!("{}\t0\t{pretty}\t{compact}\t{ber}", row.name)
        });
        file.write_all(lines.collect::<Vec<_>>().join("\n").as_bytes())?;
        let mut child = Command::new("escript")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/megaco/peer.escript"))
            .arg(file.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(orders), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let mut erlang = Self { child, orders, words: BufReader::new(output), counts: Vec::new() };
        let ready = erlang.line()?;
        erlang.counts = ready.split(' ').filter_map(|word| word.parse().ok()).collect();
        if erlang.counts.len() == FORMS.len() * 2 {
            Ok(Some(erlang))
        } else {
            Err(io::Error::other(format!("Erlang says {ready}")))
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.words.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Microseconds of a message.
    fn work(&mut self, form: usize, what: What) -> io::Result<f64> {
        let count = self.counts.get(form * 2 + what as usize).copied().unwrap_or_default().max(1);
        let passes = (THEIRS / count).max(1);
        let processor = Processor::of(self.child.id());
        let before = processor.used();
        writeln!(self.orders, "{} {} {passes}", FORMS[form], what.word())?;
        if self.line()? != "done" {
            return Err(io::Error::other("Erlang has ended"));
        }
        Ok(each(processor.used().saturating_sub(before), passes * count))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Decode,
    Encode,
}

impl What {
    const fn word(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Encode => "encode",
        }
    }
}

fn each(used: Duration, count: usize) -> f64 {
    used.as_secs_f64() * 1e6 / count as f64
}

/// What this thread has used of a processor.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Microseconds of a message, by our codec.
fn ours(codec: &Codec, rows: &[Row], form: usize, what: What) -> io::Result<f64> {
    let messages = rows.iter().map(|row| codec.decode(form, &row.forms[form]));
    let messages: Vec<_> = messages.collect::<io::Result<_>>()?;
    let passes = (OURS / rows.len()).max(1);
    let mut out = Vec::with_capacity(65_536);
    let before = used();
    for _ in 0..passes {
        match what {
            What::Decode => {
                for row in rows {
                    black_box(codec.decode(form, black_box(&row.forms[form]))?);
                }
            }
            What::Encode => {
                for message in &messages {
                    codec.encode(form, black_box(message), &mut out)?;
                    black_box(&mut out);
                }
            }
        }
    }
    Ok(each(used().saturating_sub(before), passes * rows.len()))
}

fn main() -> io::Result<()> {
    let codec = Codec::new();
    let path = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let rows = path.as_ref().map_or_else(|| codec.call(), |path| Codec::file(Path::new(path)))?;
    let mut erlang = Erlang::start(&rows)?;
    println!("processor time of a message, median of {ROUNDS} rounds over {} messages", rows.len());
    for what in [What::Decode, What::Encode] {
        for (form, name) in FORMS.iter().enumerate() {
            let (mut own, mut peer) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                own.push(ours(&codec, &rows, form, what)?);
                if let Some(erlang) = &mut erlang {
                    peer.push(erlang.work(form, what)?);
                }
            }
            let average = rows.iter().map(|row| row.forms[form].len()).sum::<usize>() / rows.len();
            let own = median(own);
            print!("{} {name:7}  {average:4} octets  strowger {own:6.3} us", what.word());
            match &erlang {
                Some(erlang) => {
                    let (peer, count) = (median(peer), erlang.counts[form * 2 + what as usize]);
                    println!("  Erlang {peer:6.3} us  ratio {:.3}  ({count} messages)", own / peer);
                }
                None => println!("  (erlang-megaco is not installed)"),
            }
        }
    }
    Ok(())
}
