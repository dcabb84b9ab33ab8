//! Classes of service: what a line may call, and whether it may be called.

/// A class of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceClass {
    /// The name that subscriptions use.
    pub id: String,
    /// Whether the line may call anybody but emergency numbers.
    pub outgoing: bool,
    /// Whether the line may be called.
    pub incoming: bool,
    /// Whether its calls go before those of others where a gateway has too much to do.
    pub priority: bool,
    /// Beginnings of the numbers that may be called; when empty, all that are not barred.
    pub allowed: Vec<String>,
    /// Beginnings of the numbers that may not.
    pub barred: Vec<String>,
}

impl ServiceClass {
    /// A class without restrictions.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            outgoing: true,
            incoming: true,
            priority: false,
            allowed: Vec::new(),
            barred: Vec::new(),
        }
    }

    /// Whether a line of this class may call a number, of which these are the forms: as it is dialled, and, if it
    /// has one, the E.164 form. Of the beginnings that fit the longest counts; a tie is barred.
    #[must_use]
    pub fn permits(&self, forms: &[&str]) -> bool {
        let longest = |list: &[String]| {
            let fits = |beginning: &&String| forms.iter().any(|form| form.starts_with(beginning.as_str()));
            list.iter().filter(fits).map(String::len).max()
        };
        if !self.outgoing {
            return false;
        }
        match (longest(&self.allowed), longest(&self.barred)) {
            (Some(allowed), Some(barred)) => allowed > barred,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.allowed.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(allowed: &[&str], barred: &[&str]) -> ServiceClass {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ServiceClass { allowed: list(allowed), barred: list(barred), ..ServiceClass::new("local") }
    }

    #[test]
    fn the_longest_beginning_decides() {
        let class = class(&["2", "1800"], &["1", "29", "+44"]);
        for permitted in ["2001", "18005550100"] {
            assert!(class.permits(&[permitted]), "{permitted}");
        }
        for barred in ["2900", "12025550100", "3001"] {
            assert!(!class.permits(&[barred]), "{barred}");
        }
        assert!(!class.permits(&["01144555", "+44555"]), "by its E.164 form");
    }

    #[test]
    fn without_a_list_of_what_is_allowed_the_rest_is() {
        let class = class(&[], &["1900"]);
        assert!(class.permits(&["2001"]) && class.permits(&["12025550100"]));
        assert!(!class.permits(&["19005550100"]));
        assert!(!super::ServiceClass { outgoing: false, ..class }.permits(&["2001"]));
    }
}
