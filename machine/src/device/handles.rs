//! Handles: the numbers by which drivers name what a device has opened for them.
//!
//! A handle is global to the machine: any driver may use it, and no number is used twice in a run.
//! What it names is released when the last driver that used the handle ends or begins anew.

use super::CallerId;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The resources that have a handle, and the drivers that used them.
///
/// Lock order: a resource may take the table's lock while its own is held, never the other way
/// round. Hence no method of the table calls a resource.
pub(super) struct HandleTable<T>(Mutex<TableState<T>>);

struct TableState<T> {
    resources: HashMap<u64, UsedResource<T>>,
    /// The handles that each driver has used and that still name a resource.
    used_by: HashMap<CallerId, HashSet<u64>>,
    next_handle: u64,
}

struct UsedResource<T> {
    resource: Arc<T>,
    users: HashSet<CallerId>,
}

impl<T> Default for HandleTable<T> {
    fn default() -> HandleTable<T> {
        HandleTable(Mutex::new(TableState {
            resources: HashMap::new(),
            used_by: HashMap::new(),
            next_handle: 0,
        }))
    }
}

impl<T> HandleTable<T> {
    /// Gives a resource the next handle, from 0, and `user` as its first user.
    pub(super) fn insert(&self, resource: Arc<T>, user: CallerId) -> u64 {
        let state = &mut *self.0.lock();
        let handle = state.next_handle;
        state.next_handle += 1;
        let users = HashSet::from([user]);
        state.resources.insert(handle, UsedResource { resource, users });
        state.used_by.entry(user).or_default().insert(handle);
        handle
    }

    /// The resource with this handle, which `user` uses now.
    pub(super) fn find(&self, handle: u64, user: CallerId) -> Option<Arc<T>> {
        let state = &mut *self.0.lock();
        let used = state.resources.get_mut(&handle)?;
        if used.users.insert(user) {
            state.used_by.entry(user).or_default().insert(handle);
        }
        Some(Arc::clone(&used.resource))
    }

    /// Removes the resource with this handle.
    pub(super) fn remove(&self, handle: u64) -> Option<Arc<T>> {
        let state = &mut *self.0.lock();
        let UsedResource { resource, users } = state.resources.remove(&handle)?;
        for user in users {
            state.forget(user, handle);
        }
        Some(resource)
    }

    /// Removes `user` from the users, and returns the resources that have none any more, which are
    /// removed.
    pub(super) fn release(&self, user: CallerId) -> Vec<Arc<T>> {
        let state = &mut *self.0.lock();
        let mut unused = Vec::new();
        for handle in state.used_by.remove(&user).unwrap_or_default() {
            if let Some(used) = state.resources.get_mut(&handle) {
                used.users.remove(&user);
                if used.users.is_empty() {
                    unused.extend(state.resources.remove(&handle).map(|used| used.resource));
                }
            }
        }
        unused
    }

    /// Removes all resources.
    pub(super) fn clear(&self) -> Vec<Arc<T>> {
        let state = &mut *self.0.lock();
        state.used_by.clear();
        state.resources.drain().map(|(_, used)| used.resource).collect()
    }
}

impl<T> TableState<T> {
    fn forget(&mut self, user: CallerId, handle: u64) {
        if let Some(handles) = self.used_by.get_mut(&user) {
            handles.remove(&handle);
            if handles.is_empty() {
                self.used_by.remove(&user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_released_by_its_last_user() {
        let table = HandleTable::default();
        let (first, second) = (CallerId(1), CallerId(2));
        assert_eq!(table.insert(Arc::new("a"), first), 0);
        assert_eq!(table.insert(Arc::new("b"), first), 1);
        assert_eq!(table.find(1, second).as_deref(), Some(&"b"));
        assert_eq!(table.find(2, second), None);
        assert_eq!(table.release(first), [Arc::new("a")]);
        assert_eq!(table.find(0, second), None);
        assert_eq!(table.release(second), [Arc::new("b")]);
        assert_eq!(table.insert(Arc::new("c"), second), 2, "no handle is used twice");
        assert_eq!(table.remove(2).as_deref(), Some(&"c"));
        assert!(table.remove(2).is_none() && table.release(second).is_empty());
    }
}
