//! tidy
use crate::workspace::Workspace;
use anyhow::Result;
pub(crate) fn check(_workspace: &Workspace) -> Result<()> {
    anyhow::bail!("not yet")
}
