//! What was seen last of a state: it is read again only where its head moved.

use std::sync::Arc;

use terrarium_state::{Fence, Head, State, Store};

use crate::error::DriveError;

/// A state, and how far it was when it was read.
#[derive(Clone, Debug)]
pub struct LastSeen {
    /// How far it was.
    pub head: Head,
    /// The state.
    pub state: Arc<State>,
}

impl LastSeen {
    /// Reads a state.
    pub(crate) async fn read(store: &dyn Store) -> Result<Self, DriveError> {
        // The head comes first: a state that moves in between is read once too often, never too seldom.
        let head = store.head().await?;
        Ok(Self { head, state: Arc::new(store.load().await?) })
    }

    /// Reads the state again where its head moved and it can be read; whoever acts on it takes the lock first, and sees
    /// what is wrong with it.
    pub(crate) async fn again(self, store: &dyn Store) -> Self {
        match self.is_current(store).await {
            Ok(false) => Self::read(store).await.unwrap_or(self),
            Ok(true) | Err(_) => self,
        }
    }

    /// Returns whether nobody has written since, or held the lock.
    pub(crate) async fn is_current(&self, store: &dyn Store) -> Result<bool, DriveError> {
        Ok(store.head().await? == self.head)
    }

    /// Returns the state, for the holder of a lock that nobody held in between: its own epoch is the one that follows.
    pub fn under(&self, fence: &Fence, head: &Head) -> Option<Arc<State>> {
        let follows = fence.epoch == self.head.epoch + 1 && head.epoch == fence.epoch;
        let head = Head { epoch: self.head.epoch, ..head.clone() };
        (follows && head == self.head).then(|| self.state.clone())
    }
}
