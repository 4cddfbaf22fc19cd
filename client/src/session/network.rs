use leptos::prelude::*;

use crate::platform::events::Listener;
use crate::platform::page;

/// Whether the device has a network, as far as the browser knows; from the context.
#[derive(Clone, Copy)]
pub(crate) struct Network {
    /// Follows what the browser says.
    pub(crate) online: RwSignal<bool>,
    _listeners: StoredValue<[Listener; 2], LocalStorage>,
}

impl Network {
    /// Listens for as long as the reactive owner lives.
    pub(crate) fn new() -> Self {
        let online = RwSignal::new(page::is_online());
        let listeners = page::on_network(move |is_online| {
            online.try_set(is_online);
        });
        Self { online, _listeners: StoredValue::new_local(listeners) }
    }
}
