//! A testbed in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;

use crate::Terrarium;

/// `terrarium testbed serve`, ended when dropped.
pub struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Serves a world file on a loopback port. `rate` is seconds of the world per second; `settings` is
    /// JSON.
    ///
    /// # Panics
    /// Where the server does not start.
    #[expect(clippy::expect_used, reason = "a test that can't be set up has failed")]
    pub fn start(dir: &Path, rate: &str, settings: &str) -> Self {
        let world = dir.join(".terrarium").join("testbed.db");
        let world = world.display().to_string();
        let args = ["testbed", "serve", "-world", &world, "-rate", rate, "-settings", settings];
        let mut process = Terrarium::plain(dir).spawn(&args);
        let stderr = process.stderr.take().expect("a pipe");
        let mut lines = BufReader::new(stderr).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let rest = line.split_once("http://")?.1;
                Some(rest.split_whitespace().next()?.trim_end_matches(['.', '/']).to_owned())
            })
            .expect("the address of the server");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes settings of the world.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub fn set(&self, settings: &str) {
        let answer = self.request("PUT", "/testbed/settings", settings);
        assert!(answer.contains(" 200 "), "{answer}");
    }

    /// Returns the body of a GET.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub fn get(&self, path: &str) -> String {
        let answer = self.request("GET", path, "");
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    /// Sends a DELETE.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub fn delete(&self, path: &str) {
        let answer = self.request("DELETE", path, "");
        assert!(answer.contains(" 200 "), "{answer}");
    }

    #[expect(clippy::expect_used, reason = "a test whose server is gone has failed")]
    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the server");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a request");
        stream.write_all(body.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
