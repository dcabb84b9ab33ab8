//! What gateways speak: MGCP, or Megaco in one of its versions, forms and transports.

use std::fmt;

use strowger_exchange::{MegacoEncoding, MegacoTransport};
use strowger_megaco::message::Version;
use strowger_sansio::Rng;

/// What a gateway speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// RFC 3435.
    Mgcp,
    /// RFC 3525.
    Megaco(Megaco),
}

/// How a gateway speaks Megaco.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Megaco {
    /// What carries it.
    pub transport: MegacoTransport,
    /// In which form.
    pub encoding: MegacoEncoding,
    /// The version that it offers.
    pub version: Version,
}

const ENCODINGS: [MegacoEncoding; 3] =
    [MegacoEncoding::Compact, MegacoEncoding::Pretty, MegacoEncoding::Binary];
const VERSIONS: [Version; 3] = [Version::V1, Version::V2, Version::V3];

impl Megaco {
    fn draw(rng: &mut Rng) -> Self {
        Self {
            transport: if rng.chance(0.4) { MegacoTransport::Tcp } else { MegacoTransport::Udp },
            encoding: rng.pick(&ENCODINGS).copied().unwrap_or_default(),
            version: rng.pick(&VERSIONS).copied().unwrap_or(Version::V1),
        }
    }
}

/// Draws what the gateways of a seed speak: most speak Megaco, one of them in any case.
pub(crate) fn draw(seed: u64, tongues: &mut [Tongue]) {
    let mut rng = Rng::from_number(seed ^ 0x4832_3438);
    let certain = rng.below(tongues.len() as u64);
    for (place, tongue) in (0..).zip(tongues) {
        let drawn = Tongue::Megaco(Megaco::draw(&mut rng));
        if rng.chance(0.6) || place == certain {
            *tongue = drawn;
        }
    }
}

impl fmt::Display for Tongue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Megaco(Megaco { transport, encoding, version }) = self else { return f.write_str("MGCP") };
        let encoding = match encoding {
            MegacoEncoding::Compact => "compact",
            MegacoEncoding::Pretty => "pretty",
            MegacoEncoding::Binary => "binary",
        };
        let transport = match transport {
            MegacoTransport::Udp => "UDP",
            MegacoTransport::Tcp => "TCP",
        };
        write!(f, "{encoding} Megaco {} over {transport}", version.get())
    }
}
