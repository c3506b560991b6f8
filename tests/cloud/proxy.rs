//! A proxy that passes everything through, and cuts one connection where it is told to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Where an exchange is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Before the server has heard of it.
    Before,
    /// Once the server has answered, and before its answer is heard.
    After,
}

/// An HTTP proxy (`CONNECT`). An exchange begins whenever the client speaks after the server has.
pub(crate) struct Proxy {
    pub(crate) url: String,
    plan: Arc<Plan>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Plan {
    cut: Mutex<Option<(usize, Cut)>>,
    exchanges: AtomicUsize,
    was_cut: AtomicBool,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let plan = Arc::<Plan>::default();
        let shared = Arc::clone(&plan);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let plan = Arc::clone(&shared);
                // A connection that ends badly is what this is for.
                tokio::spawn(async move { drop(pass(client, &plan).await) });
            }
        });
        Self { url, plan, accepting }
    }

    /// Cuts the exchange of that number, counted from 1 and from now on; none for 0.
    pub(crate) fn cut(&self, exchange: usize, cut: Cut) {
        *self.plan.cut.lock().unwrap() = Some((exchange, cut));
        self.plan.exchanges.store(0, Ordering::SeqCst);
        self.plan.was_cut.store(false, Ordering::SeqCst);
    }

    /// Whether it came to the one that was to be cut.
    pub(crate) fn has_cut(&self) -> bool {
        self.plan.was_cut.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One connection, until it ends or is cut.
async fn pass(mut client: TcpStream, plan: &Plan) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let mut server = TcpStream::connect(target).await?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let (mut asked, mut answered) = (vec![0; 16384], vec![0; 16384]);
    let (mut servers_turn, mut cut) = (false, None);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let read = read?;
                if !std::mem::replace(&mut servers_turn, true) {
                    let exchange = plan.exchanges.fetch_add(1, Ordering::SeqCst) + 1;
                    cut = plan.cut.lock().unwrap().filter(|(at, _)| *at == exchange).map(|(_, cut)| cut);
                }
                if cut.is_some() {
                    plan.was_cut.store(true, Ordering::SeqCst);
                }
                if read == 0 || cut == Some(Cut::Before) {
                    return Ok(());
                }
                server.write_all(&asked[..read]).await?;
            }
            read = server.read(&mut answered) => {
                let read = read?;
                servers_turn = false;
                if read == 0 || cut.is_some() {
                    return Ok(());
                }
                client.write_all(&answered[..read]).await?;
            }
        }
    }
}
