//! Slow clients cost only their own threads.

use tests::WebConnection;

const SLOW_CLIENTS: usize = 1000;
const REQUESTS: usize = 200;

/// A thousand clients send their requests byte by byte, or stop in the middle, and a client beside
/// them gets its answers. In the end the slow ones get theirs.
#[test]
fn slow_clients_do_not_stop_others() {
    let (_pallas, machine) = crate::server_with("tabIns %start 3600 defaultLimits");
    let mut slow: Vec<WebConnection> = (0..SLOW_CLIENTS).map(|_| machine.connect()).collect();
    let request = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nslow";
    let mut fast = machine.connect();
    for turn in 0..REQUESTS {
        // In each turn a fifth of the slow clients sends one byte more, as long as they have some.
        if let Some(byte) = request.get(turn / 5) {
            slow.iter_mut().skip(turn % 5).step_by(5).for_each(|client| client.send(&[*byte]));
        }
        fast.send(b"GET /echo/fast HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(fast.response("GET").expect("a response").text(), "fast");
    }
    let sent = REQUESTS / 5;
    for client in &mut slow {
        client.send(&request[sent.min(request.len())..]);
    }
    for client in &mut slow {
        assert_eq!(client.response("POST").expect("a response").text(), "slow");
    }
}

/// A client that asks for much and reads nothing does not stop others.
#[test]
fn clients_that_do_not_read_do_not_stop_others() {
    let (_pallas, machine) = crate::server();
    let mut deaf: Vec<WebConnection> = (0..20).map(|_| machine.connect()).collect();
    for client in &mut deaf {
        for _ in 0..50 {
            client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        }
    }
    for _ in 0..REQUESTS {
        assert_eq!(machine.request("GET", "/echo/fast", b"").text(), "fast");
    }
    for client in &mut deaf {
        assert_eq!(client.response("GET").expect("a response").body.len(), 300_000);
    }
}

/// The server answers reads while an update has no end, although it has sent the update's input.
#[test]
fn an_update_without_an_end_does_not_stop_reads() {
    let (_pallas, machine) = crate::server();
    assert_eq!(machine.request("PUT", "/state", b"before").status, 200);
    let mut endless = machine.connect();
    endless.send(b"PUT /state HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n~");
    // The update begins during the first ones.
    for _ in 0..100 {
        assert_eq!(machine.request("GET", "/state", b"").text(), "before");
    }
}
