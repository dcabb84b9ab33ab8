//! What contradicts itself in the features of an inventory.

use std::collections::BTreeSet;

use crate::{Inventory, InventoryFault};

/// The faults, in the order of the lists. `numbers` are those of the lines.
pub(crate) fn check(inventory: &Inventory, numbers: &BTreeSet<&str>) -> Vec<InventoryFault> {
    let mut faults = Vec::new();
    let mut taken = numbers.clone();
    let mut classes = BTreeSet::new();
    for class in &inventory.classes {
        if !classes.insert(class.id.as_str()) {
            faults.push(InventoryFault::DuplicateClass(class.id.clone()));
        }
    }
    for (number, subscription) in &inventory.subscriptions {
        if !numbers.contains(number.as_str()) {
            faults.push(InventoryFault::UnknownNumber(number.clone()));
        }
        if let Some(class) = &subscription.class
            && !classes.contains(class.as_str())
        {
            faults.push(InventoryFault::UnknownClass(class.clone()));
        }
        let forwards = crate::feature::setting::Forward::ALL;
        if forwards.iter().any(|when| subscription.forward(*when) == Some(number)) {
            faults.push(InventoryFault::ForwardsToItself(number.clone()));
        }
        for (further, _) in &subscription.numbers {
            faults.extend((!taken.insert(further)).then(|| InventoryFault::DuplicateNumber(further.clone())));
        }
    }
    for group in &inventory.groups {
        if !taken.insert(&group.number) {
            faults.push(InventoryFault::DuplicateNumber(group.number.clone()));
        }
        if group.members.is_empty() {
            faults.push(InventoryFault::NoMember(group.number.clone()));
        }
        let unknown = group.members.iter().filter(|member| !numbers.contains(member.as_str()));
        faults.extend(unknown.map(|member| InventoryFault::UnknownNumber(member.clone())));
        if group.overflow.as_ref() == Some(&group.number) {
            faults.push(InventoryFault::ForwardsToItself(group.number.clone()));
        }
    }
    if let Some((one, other)) = inventory.codes.clash() {
        faults.push(InventoryFault::CodesClash(one, other));
    }
    faults
}
