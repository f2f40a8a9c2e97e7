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
const FIRST: [&str; 2] = ["cpu", "cpu,cpuacct"];

/// A control group with a limit. Dropping it removes it, which the kernel allows once nobody is in it.
#[derive(Debug)]
pub(super) struct Quota(PathBuf);

impl Quota {
    /// Makes a group for the runs of this process. What is missing for it stands in the error.
    pub(super) fn make() -> Result<Self, String> {
        Self::below(Path::new(UNIFIED), &format!("leaseproof-soak-{}", std::process::id()))
    }

    /// Makes one below the folder in which control groups are mounted: of the second version, when that is what is mounted there,
    /// and else of the first, which has a folder for processors in it.
    fn below(root: &Path, name: &str) -> Result<Self, String> {
        if root.join("cgroup.controllers").exists() {
            let handed_down = root.join("cgroup.subtree_control");
            let controllers = fs::read_to_string(&handed_down).unwrap_or_default();
            if !controllers.split_whitespace().any(|controller| controller == "cpu") {
                return Err(format!("{} does not hand the cpu controller down", handed_down.display()));
            }
            return Self::with(root.join(name), &[("cpu.max", format!("{QUOTA} {PERIOD}"))]);
        }
        let first = FIRST.iter().map(|folder| root.join(folder)).find(|root| root.join("cpu.cfs_quota_us").exists());
        let Some(root) = first else {
            return Err(format!("no control groups for processors below {}", root.display()));
        };
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

    fn written(file: &Path) -> String {
        fs::read_to_string(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
    }

    /// A folder laid out as the kernel's: what is written there is what counts, the limit itself is the kernel's.
    #[test]
    fn where_the_second_version_is_mounted_the_limit_is_written_as_it_has_it() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpuset cpu io memory pids\n").unwrap();
        fs::write(root.path().join("cgroup.subtree_control"), "cpu memory pids\n").unwrap();
        let group = Quota::below(root.path(), "group").unwrap();
        assert_eq!(written(&root.path().join("group/cpu.max")), "60000 100000");
        group.hold(4711).unwrap();
        assert_eq!(written(&root.path().join("group/cgroup.procs")), "4711");
    }

    #[test]
    fn a_second_version_that_hands_no_processor_down_is_told() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpuset cpu\n").unwrap();
        for handed_down in ["cpuset memory\n", ""] {
            fs::write(root.path().join("cgroup.subtree_control"), handed_down).unwrap();
            let why = Quota::below(root.path(), "group").unwrap_err();
            assert!(why.contains("subtree_control does not hand the cpu controller down"), "{why}");
        }
        assert!(!root.path().join("group").exists());
    }

    #[test]
    fn where_the_first_version_is_mounted_the_limit_is_written_as_that_has_it() {
        for folder in FIRST {
            let root = tempfile::tempdir().unwrap();
            // Beside it the second one may be mounted too, without the processors.
            fs::create_dir_all(root.path().join("unified")).unwrap();
            fs::write(root.path().join("unified/cgroup.controllers"), "hugetlb\n").unwrap();
            fs::create_dir_all(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join("cpu.cfs_quota_us"), "-1\n").unwrap();
            let _group = Quota::below(root.path(), "group").unwrap();
            let group = root.path().join(folder).join("group");
            assert_eq!(written(&group.join("cpu.cfs_period_us")), "100000");
            assert_eq!(written(&group.join("cpu.cfs_quota_us")), "60000");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(Quota::below(empty.path(), "group").unwrap_err().contains("no control groups for processors"));
    }
}
