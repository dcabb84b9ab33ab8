//! What an MMSC is told: its name, where its messages are found, and how much of everything there may be.

use strowger_sansio::Duration;

use super::routes::Routes;

/// Settings and limits of the engine.
#[derive(Clone, Debug)]
pub struct MmscConfig {
    /// What stands behind `@` in message identifiers: one name in the network.
    pub name: String,
    /// What stands before the unguessable part of a content location, as `http://192.0.2.1:8190/`.
    pub base: String,
    /// How long a message is kept when its sender does not say.
    pub expiry: Duration,
    /// How long at most, whatever its sender says; deliveries may be deferred for as long.
    pub longest_expiry: Duration,
    /// How long at least: a message that expires before a handset can fetch it helps nobody.
    pub shortest_expiry: Duration,
    /// The pause before a notification is repeated; it doubles.
    pub retry_first: Duration,
    /// The longest such pause.
    pub retry_longest: Duration,
    /// How long it is remembered what became of a message, for reports of reading and repeated requests.
    pub remember: Duration,
    /// The most messages, those that are remembered among them.
    pub messages: usize,
    /// Octets of one message, body and headers.
    pub message_octets: usize,
    /// Recipients of one message.
    pub recipients: usize,
    /// Messages that wait for one subscriber.
    pub subscriber_messages: usize,
    /// Their octets.
    pub subscriber_octets: u64,
    /// Messages that one sender may submit in a minute, each recipient counted.
    pub sender_rate: u32,
    /// The most that come at once after a pause.
    pub sender_burst: u32,
    /// Reports that one subscriber gets in a minute; more wait. Reports tell strangers whether a handset lives and how quickly it
    /// takes what is sent to it, so they do not come as fast as someone can ask.
    pub report_rate: u32,
    /// Notifications and reports that are with the push gateway at one time.
    pub window: usize,
    /// Messages and reports that one application is handed at one time.
    pub lane_window: usize,
    /// The pause after an application did not take one; it doubles.
    pub lane_retry_first: Duration,
    /// The longest such pause.
    pub lane_retry_longest: Duration,
    /// Which addresses are not handsets.
    pub routes: Routes,
}

impl Default for MmscConfig {
    fn default() -> Self {
        Self {
            name: "mmsc".to_owned(),
            base: String::new(),
            // Networks keep messages for two days to two weeks.
            expiry: Duration::from_secs(3 * 86_400),
            longest_expiry: Duration::from_secs(14 * 86_400),
            shortest_expiry: Duration::from_secs(60),
            // A handset in coverage fetches within seconds; one that was switched off hears of it within an hour.
            retry_first: Duration::from_secs(60),
            retry_longest: Duration::from_secs(3600),
            remember: Duration::from_secs(7 * 86_400),
            messages: 200_000,
            // 300 kB is what handsets take everywhere; what is larger is for the operator to allow.
            message_octets: 1024 * 1024,
            recipients: 100,
            subscriber_messages: 200,
            subscriber_octets: 50 * 1024 * 1024,
            sender_rate: 60,
            sender_burst: 60,
            report_rate: 60,
            window: 256,
            // One that answers in a second gets eight a second, and none can hold up another.
            lane_window: 8,
            lane_retry_first: Duration::from_secs(5),
            lane_retry_longest: Duration::from_secs(600),
            routes: Routes::default(),
        }
    }
}
