//! A limit on the processor for the run and all its servers: a control group of one's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How much of one processor all of them have together, in microseconds of each period.
const QUOTA: u32 = 60_000;
/// See above.
const PERIOD: u32 = 100_000;
/// Where systems mount control groups: the second version, and the first one's for processors.
const UNIFIED: &str = "/sys/fs/cgroup";
const FIRST: [&str; 2] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"];

/// A control group with a limit. Dropping it removes it, which the kernel allows once nobody is in it.
#[derive(Debug)]
pub(super) struct Quota(PathBuf);

impl Quota {
    /// Makes a group for the runs of this process. What is missing for it stands in the error.
    pub(super) fn make() -> Result<Self, String> {
        let name = format!("leaseproof-soak-{}", std::process::id());
        let root = Path::new(UNIFIED);
        if root.join("cgroup.controllers").exists() {
            let controllers = fs::read_to_string(root.join("cgroup.subtree_control")).unwrap_or_default();
            if !controllers.split_whitespace().any(|controller| controller == "cpu") {
                return Err(format!("{UNIFIED}/cgroup.subtree_control does not hand the cpu controller down"));
            }
            return Self::with(root.join(name), &[("cpu.max", format!("{QUOTA} {PERIOD}"))]);
        }
        let first = FIRST.iter().map(Path::new).find(|root| root.join("cpu.cfs_quota_us").exists());
        let Some(root) = first else { return Err(format!("no control groups for processors below {UNIFIED}")) };
        let settings = [("cpu.cfs_period_us", PERIOD.to_string()), ("cpu.cfs_quota_us", QUOTA.to_string())];
        Self::with(root.join(name), &settings)
    }

    fn with(folder: PathBuf, settings: &[(&str, String)]) -> Result<Self, String> {
        let failed = |path: &Path, why: &io::Error| format!("cannot write {}: {why}; it takes root", path.display());
        fs::create_dir(&folder).map_err(|why| failed(&folder, &why))?;
        let group = Self(folder);
        for (name, value) in settings {
            let file = group.0.join(name);
            fs::write(&file, value).map_err(|why| failed(&file, &why))?;
        }
        Ok(group)
    }

    /// Puts a process in it, with all that it will start.
    pub(super) fn hold(&self, pid: i32) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), pid.to_string())
    }

    /// The limit in words.
    pub(super) fn words() -> String {
        format!("a limit of {} % of one processor for leaseproof and all its servers", 100 * QUOTA / PERIOD)
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // A group in which somebody is left stays, empty of us, until the machine starts anew.
        let _ = fs::remove_dir(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_cannot_be_made_says_where_and_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let missing = place.path().join("nowhere").join("group");
        let why = Quota::with(missing, &[]).unwrap_err();
        assert!(why.contains("nowhere/group") && why.contains("root"), "{why}");
        let group = place.path().join("group");
        let why = Quota::with(group.clone(), &[("no/such/setting", String::new())]).unwrap_err();
        assert!(why.contains("no/such/setting") && !group.exists(), "{why}");
    }
}
