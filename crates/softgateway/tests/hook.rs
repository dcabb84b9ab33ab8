//! What the gateway role is told of a line's hook: RFC 3660 section 2.4 (L/hd, L/hu, L/hf), RFC 3435 codes 401 and 402.

use strowger_media::TelephoneConfig;
use strowger_media::tone::TonePlan;
use strowger_mgcp::gateway::{
    EndpointIndex, EndpointKind, Hook, MediaCapabilities, MediaEvent, MediaPlane as _,
};
use strowger_sansio::{Duration, Rng, Time};
use strowger_softgateway::{CallerDisplay, Plane, PlaneConfig, QualityLimits};

const LINE: EndpointIndex = EndpointIndex(0);

fn plane() -> Plane {
    let config = PlaneConfig {
        quality: QualityLimits::default(),
        endpoints: vec![EndpointKind::AnalogueLine],
        tones: TonePlan::north_america(),
        capabilities: MediaCapabilities::default(),
        cname: "gateway@gw1.town".into(),
        trunks: std::collections::BTreeMap::new(),
        crossed: Vec::new(),
        display: CallerDisplay::default(),
        telephone: TelephoneConfig::default(),
    };
    let mut plane = Plane::new(config, Vec::new(), Duration::ZERO, Rng::from_number(1));
    plane.with_telephone(Time::ZERO, LINE, |telephone| telephone.lift(Time::ZERO));
    assert_eq!(reported(&mut plane), [MediaEvent::OffHook]);
    plane
}

fn reported(plane: &mut Plane) -> Vec<MediaEvent> {
    std::iter::from_fn(|| plane.poll_event()).map(|(_, event)| event).collect()
}

#[test]
fn a_line_is_on_hook_only_when_the_break_is_no_flash() {
    let mut plane = plane();
    let now = Time::from_secs(1);
    plane.with_telephone(now, LINE, |telephone| telephone.hang_up(now));
    assert_eq!(plane.hook(LINE), Hook::Off, "nothing has been reported yet");
    assert_eq!(reported(&mut plane), []);
    plane.handle_timeout(now + Duration::from_secs(2));
    assert_eq!(plane.hook(LINE), Hook::On);
    assert_eq!(reported(&mut plane), [MediaEvent::OnHook]);
}

#[test]
fn a_handset_that_is_lifted_again_at_once_was_never_down() {
    let mut plane = plane();
    let now = Time::from_secs(1);
    plane.with_telephone(now, LINE, |telephone| telephone.hang_up(now));
    let again = now + Duration::from_millis(10);
    plane.with_telephone(again, LINE, |telephone| telephone.lift(again));
    plane.handle_timeout(now + Duration::from_secs(2));
    assert_eq!(plane.hook(LINE), Hook::Off);
    assert_eq!(reported(&mut plane), [], "too short for a flash");
}

#[test]
fn during_a_flash_the_line_stays_off_hook() {
    let mut plane = plane();
    let now = Time::from_secs(1);
    plane.with_telephone(now, LINE, |telephone| {
        telephone.flash(now);
    });
    assert_eq!(plane.hook(LINE), Hook::Off);
    plane.handle_timeout(now + Duration::from_secs(1));
    plane.handle_timeout(now + Duration::from_secs(2));
    assert_eq!(plane.hook(LINE), Hook::Off);
    assert_eq!(reported(&mut plane), [MediaEvent::HookFlash]);
}
