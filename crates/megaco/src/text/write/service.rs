//! Service changes as text.

use super::{Writer, Written};
use crate::error::EncodeError;
use crate::message::{
    Address, Method, NonStandard, Profile, ServiceChange, ServiceTarget, TimeStamp, Version,
};
use crate::package::Type;
use crate::token::Token;

impl Writer<'_> {
    pub(super) fn service_change(&mut self, change: &ServiceChange<'_>) -> Written {
        self.open();
        self.item_token(Token::Services);
        self.open();
        self.item_equal(Token::Method);
        match change.method {
            Method::Failover => self.token(Token::Failover),
            Method::Forced => self.token(Token::Forced),
            Method::Graceful => self.token(Token::Graceful),
            Method::Restart => self.token(Token::Restart),
            Method::Disconnected => self.token(Token::Disconnected),
            Method::HandOff => self.token(Token::HandOff),
            Method::Extension(extension) => self.raw(extension.as_str().as_bytes()),
        }
        self.service_parameters(change.target, change.version, change.profile, None);
        self.item_equal(Token::Reason);
        self.quoted(change.reason.as_str())?;
        self.item_number(Token::Delay, change.delay);
        self.service_parameters(None, None, None, change.time);
        match &change.non_standard {
            Some(NonStandard::Extension(extension, setting)) => {
                self.item();
                self.raw(extension.as_str().as_bytes());
                self.setting(setting, Type::None)?;
            }
            Some(NonStandard::Binary(_)) => {
                return Err(EncodeError::Form {
                    what: "non-standard data",
                    why: "text has extension parameters only",
                });
            }
            None => {}
        }
        if let Some(info) = &change.info {
            self.needs(Version::V2, "what changed, in a service change")?;
            self.audit_items(info)?;
        }
        if change.is_incomplete {
            self.needs(Version::V3, "an incomplete service change")?;
            self.item_token(Token::Incomplete);
        }
        self.close();
        self.close();
        Ok(())
    }

    pub(super) fn service_parameters(
        &mut self,
        target: Option<ServiceTarget<'_>>,
        version: Option<Version>,
        profile: Option<Profile<'_>>,
        time: Option<TimeStamp>,
    ) {
        match target {
            Some(ServiceTarget::Address(address)) => {
                self.item_equal(Token::ServiceChangeAddress);
                match address {
                    Address::Port(port) => self.number(port.into()),
                    Address::Mid(mid) => self.mid(&mid),
                }
            }
            Some(ServiceTarget::Mgc(mid)) => {
                self.item_equal(Token::MgcIdToTry);
                self.mid(&mid);
            }
            None => {}
        }
        self.item_number(Token::Version, version.map(|version| version.get().into()));
        if let Some(profile) = profile {
            self.item_equal(Token::Profile);
            self.raw(profile.name.as_str().as_bytes());
            self.raw(b"/");
            self.number(profile.version.get().into());
        }
        if let Some(time) = time {
            self.item();
            self.time(time);
        }
    }
}
