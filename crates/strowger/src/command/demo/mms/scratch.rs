//! A folder for what the demo keeps on disk, which is gone with it.

use std::path::{Path, PathBuf};

/// A folder of its own.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it where the system has its temporary files.
    pub(super) fn make() -> Result<Self, String> {
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(|error| error.to_string())?;
        let path = std::env::temp_dir().join(format!("strowger-demo-{:032x}", u128::from_be_bytes(name)));
        // Not through a folder or link that somebody has put there.
        std::fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
