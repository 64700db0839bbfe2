//! Configurations of a given size, in memory: what the benches of this crate and of the engine's core read.

#![allow(dead_code, reason = "each bench takes the shapes that say something about it")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Component, Path, PathBuf};

use terrarium_lang::expr::Files;

/// Resources of one student of a course.
const PER_STUDENT: u64 = 12;

/// What one student gets: 12 resources that refer to each other as in a lab project.
const STUDENT: &str = include_str!("student.tf");

/// How a configuration grows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// One block per resource, without references.
    Flat,
    /// One call of the student's module with `for_each` over a roster.
    Course,
    /// One call of the student's module per student, each written out.
    Calls,
}

impl Shape {
    /// Returns its name in the benches' results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Course => "course",
            Self::Calls => "calls",
        }
    }

    /// Writes a configuration of about so many resources into the directory `.`.
    pub(crate) fn files(self, resources: u64) -> MemoryFiles {
        let students = (resources / PER_STUDENT).max(1);
        let files = match self {
            Self::Flat => vec![("main.tf", flat(resources))],
            Self::Course => vec![
                ("main.tf", COURSE.to_owned()),
                ("roster.csv", roster(students)),
                ("modules/student/main.tf", STUDENT.to_owned()),
            ],
            Self::Calls => {
                vec![("main.tf", calls(students)), ("modules/student/main.tf", STUDENT.to_owned())]
            }
        };
        MemoryFiles(files.into_iter().map(|(path, text)| (path.into(), text)).collect())
    }
}

/// Files that were never on a disk.
pub(crate) struct MemoryFiles(BTreeMap<PathBuf, String>);

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let text = self.0.get(&relative(path)).ok_or(io::ErrorKind::NotFound)?;
        Ok(text.clone().into_bytes())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, bool)>> {
        let dir = relative(dir);
        let inside = self.0.keys().filter(|path| path.parent() == Some(&dir));
        let names = inside.filter_map(|path| path.file_name());
        Ok(names.map(|name| (name.to_string_lossy().into_owned(), false)).collect())
    }

    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(&relative(path))
    }
}

fn relative(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

fn flat(resources: u64) -> String {
    let mut text = String::new();
    for at in 0..resources {
        let _ = writeln!(
            text,
            "resource \"terraform_data\" \"r{at:05}\" {{\n  input = {{\n    name  = \"node-{at:05}\"\n    \
             index = {at}\n  }}\n}}\n"
        );
    }
    text.push_str("output \"first\" {\n  value = terraform_data.r00000.output.name\n}\n");
    text
}

const COURSE: &str = r#"locals {
  roster = { for row in csvdecode(file("${path.module}/roster.csv")) : row.login => row }
}

module "student" {
  source   = "./modules/student"
  for_each = local.roster
  course   = "networks"
  student  = { login = each.key, index = each.value.index, gpu = each.value.gpu }
}

output "addresses" {
  value = { for login, student in module.student : login => student.address }
}
"#;

fn roster(students: u64) -> String {
    let mut text = String::from("login,index,gpu\n");
    for at in 0..students {
        let _ = writeln!(text, "s{at:05},{at},{}", at % 7 == 0);
    }
    text
}

fn calls(students: u64) -> String {
    let mut text = String::new();
    for at in 0..students {
        let _ = writeln!(
            text,
            "module \"s{at:05}\" {{\n  source  = \"./modules/student\"\n  course  = \"networks\"\n  \
             student = {{ login = \"s{at:05}\", index = {at} }}\n}}\n"
        );
    }
    text.push_str("output \"first\" {\n  value = module.s00000.address\n}\n");
    text
}
