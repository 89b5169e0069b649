//! A TCP proxy between callers and a node that can stop either way: replies that are lost, calls that never arrive.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Forwards `listen` to `target` until dropped.
pub struct Proxy {
    swallow: Arc<AtomicBool>,
    swallow_calls: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    overheard: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    /// Begins to listen.
    pub fn start(listen: &str, target: &str) -> Self {
        let listener =
            TcpListener::bind(listen).unwrap_or_else(|error| panic!("the proxy cannot listen on {listen}: {error}"));
        let swallow = Arc::new(AtomicBool::new(false));
        let swallow_calls = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(Mutex::new(Vec::new()));
        let overheard = Arc::new(Mutex::new(Vec::new()));
        let proxy = Self {
            swallow: Arc::clone(&swallow),
            swallow_calls: Arc::clone(&swallow_calls),
            connections: Arc::clone(&connections),
            overheard: Arc::clone(&overheard),
        };
        let target = target.to_owned();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&target) else { continue };
                let mut open = connections.lock().expect("no thread panics with the list");
                for stream in [&client, &server] {
                    open.push(stream.try_clone().expect("a socket can be cloned"));
                }
                let clone = |stream: &TcpStream| stream.try_clone().expect("a socket can be cloned");
                let (to_server, from_server) = ((clone(&client), clone(&server)), (server, client));
                let (swallow_calls, heard) = (Arc::clone(&swallow_calls), Arc::clone(&overheard));
                thread::spawn(move || pump(to_server.0, to_server.1, &swallow_calls, &heard));
                let (swallow, heard) = (Arc::clone(&swallow), Arc::clone(&overheard));
                thread::spawn(move || pump(from_server.0, from_server.1, &swallow, &heard));
            }
        });
        proxy
    }

    /// From now on nothing that the node says reaches a client.
    pub fn swallow_replies(&self) {
        self.swallow.store(true, Ordering::SeqCst);
    }

    /// From now on nothing that a caller says reaches the node.
    pub fn swallow_calls(&self) {
        self.swallow_calls.store(true, Ordering::SeqCst);
    }

    /// All bytes that passed so far, of all connections and both directions.
    pub fn overheard(&self) -> Vec<u8> {
        self.overheard.lock().expect("no thread panics with the list").clone()
    }

    /// Cuts every connection; new ones work in both directions.
    pub fn cut_and_heal(&self) {
        self.swallow.store(false, Ordering::SeqCst);
        self.swallow_calls.store(false, Ordering::SeqCst);
        for stream in self.connections.lock().expect("no thread panics with the list").drain(..) {
            // It may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, swallow: &AtomicBool, overheard: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        overheard.lock().expect("no thread panics with the list").extend_from_slice(&buffer[..count]);
        let lost = swallow.load(Ordering::SeqCst);
        if !lost && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
