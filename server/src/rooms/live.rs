//! A meeting with the lines to its people.

use std::collections::HashMap;

use sfu::{Admission, ConnectionId};
use shared::DisplayName;
use tokio::sync::mpsc;

use super::chronicle::Chronicle;
use super::controls::Controls;
use super::keeper::Unsaved;
use crate::meeting::{Meeting, Now, Output, Refusal, Told};

/// What a connection's task gets from its meeting.
#[derive(Debug, PartialEq)]
pub(crate) enum Delivery {
    /// Come in: join a shard.
    Admitted {
        /// Under this name.
        name: DisplayName,
        /// With this.
        admission: Admission,
    },
    /// Wait until somebody lets you in.
    Waiting,
    /// Something was not done.
    Refused(Refusal),
    /// Something to tell the client.
    Told(Told),
    /// You are kept out; the SFU's goodbye follows.
    Banned,
    /// Go: nobody lets you in.
    Dismissed {
        /// A host did not; false: the meeting is over.
        is_denied: bool,
        /// A sentence for the client.
        message: Option<String>,
    },
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Live {
    pub(super) meeting: Meeting,
    pub(super) lines: HashMap<ConnectionId, mpsc::Sender<Delivery>>,
    /// It was taken from the table and must not be used any more.
    pub(super) is_forgotten: bool,
    pub(super) unsaved: Unsaved,
}

impl Live {
    pub(super) fn new(meeting: Meeting) -> Self {
        Self { meeting, lines: HashMap::new(), is_forgotten: false, unsaved: Unsaved::default() }
    }

    /// For how many seconds nobody has been here.
    pub(super) fn idle_for(&self, now: Now) -> Option<u64> {
        let since_s = self.meeting.idle_since_s().filter(|_| self.lines.is_empty())?;
        Some(now.unix_s.saturating_sub(since_s).into())
    }

    /// Does what the meeting has decided.
    pub(super) fn carry_out(&mut self, controls: &Controls, chronicle: &Chronicle) {
        while let Some(output) = self.meeting.poll_output() {
            match output {
                Output::Admit { connection, name, admission } => {
                    self.deliver(connection, Delivery::Admitted { name, admission });
                }
                Output::Wait { connection } => self.deliver(connection, Delivery::Waiting),
                Output::Refuse { connection, refusal } => {
                    self.deliver(connection, Delivery::Refused(refusal));
                }
                Output::Tell { connection, told } => self.deliver(connection, Delivery::Told(told)),
                Output::Dismiss { connection, is_denied, message } => {
                    self.deliver(connection, Delivery::Dismissed { is_denied, message });
                }
                Output::Ban { connection } => self.deliver(connection, Delivery::Banned),
                Output::Control(control) => controls.send(control),
                Output::Save(change) => self.unsaved.note(change),
                Output::Happened(happening) => chronicle.record(self.meeting.room(), happening),
            }
        }
    }

    /// Whoever does not take what is theirs is too slow: the closed line tells their task.
    fn deliver(&mut self, connection: ConnectionId, delivery: Delivery) {
        if let Some(line) = self.lines.get(&connection)
            && line.try_send(delivery).is_err()
        {
            self.lines.remove(&connection);
        }
    }
}
