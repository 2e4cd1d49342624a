//! tokio's answer to the rows of I/O: a task for each connection.

use std::io::BufRead;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

const BLOCK: usize = 65536;
const LIMIT: Duration = Duration::from_secs(30);
const COMPUTE: Duration = Duration::from_millis(5);
const PAUSE: Duration = Duration::from_millis(1);
const WAKES: usize = 200;
const CANCELS: u32 = 20_000;

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0u8; 4096];
    loop {
        let size = stream.read(&mut buffer).await?;
        if size == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..size]).await?;
    }
}

async fn echo_with_deadline(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0u8; 4096];
    loop {
        let request = async {
            let size = stream.read(&mut buffer).await?;
            stream.write_all(&buffer[..size]).await?;
            Ok::<usize, std::io::Error>(size)
        };
        if tokio::time::timeout(LIMIT, request).await?? == 0 {
            return Ok(());
        }
    }
}

async fn echo_within(stream: TcpStream, until: tokio::time::Instant) -> std::io::Result<()> {
    tokio::time::timeout_at(until, echo(stream)).await?
}

/// Waits without a buffer, so that a silent connection holds none.
async fn echo_idle(mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        stream.readable().await?;
        let size = echo_ready(&mut stream).await?;
        if size == Some(0) {
            return Ok(());
        }
    }
}

async fn echo_ready(stream: &mut TcpStream) -> std::io::Result<Option<usize>> {
    let (bytes, size) = {
        let mut buffer = [0u8; 4096];
        let size = match stream.try_read(&mut buffer) {
            Ok(size) => size,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        (buffer[..size].to_vec(), size)
    };
    stream.write_all(&bytes).await?;
    Ok(Some(size))
}

async fn lines(mut stream: TcpStream) -> std::io::Result<()> {
    let (input, output) = stream.split();
    let (mut reader, mut writer) = (BufReader::new(input), BufWriter::new(output));
    let mut line = Vec::with_capacity(256);
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        writer.write_all(&line).await?;
        if reader.buffer().is_empty() {
            writer.flush().await?;
        }
    }
}

async fn sink(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0u8; BLOCK];
    let mut taken = 0;
    loop {
        let size = stream.read(&mut buffer).await?;
        if size == 0 {
            return Ok(());
        }
        taken += size;
        let blocks = taken / BLOCK;
        taken %= BLOCK;
        if blocks > 0 {
            stream.write_all(&buffer[..blocks]).await?;
        }
    }
}

async fn compute() {
    loop {
        let started = Instant::now();
        while started.elapsed() < COMPUTE {
            std::hint::spin_loop();
        }
        tokio::task::yield_now().await;
    }
}

async fn serve(mode: String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    println!("port {}", listener.local_addr().expect("address").port());
    if mode == "mixed" {
        tokio::spawn(compute());
    }
    let until = tokio::time::Instant::now() + Duration::from_secs(3600);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        match mode.as_str() {
            "lines" => drop(tokio::spawn(lines(stream))),
            "sink" => drop(tokio::spawn(sink(stream))),
            "idle" => drop(tokio::spawn(echo_idle(stream))),
            "deadline" => drop(tokio::spawn(echo_with_deadline(stream))),
            "shared" => drop(tokio::spawn(echo_within(stream, until))),
            _ => drop(tokio::spawn(echo(stream))),
        }
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = listener.local_addr().expect("address");
    let client = TcpStream::connect(address).await.expect("connect");
    let (server, _) = listener.accept().await.expect("accept");
    (client, server)
}

/// From before the send, by a thread that is no worker, to the first line after the receive.
fn measure_wake(runtime: &Runtime) -> f64 {
    let mut values = Vec::with_capacity(WAKES);
    let base = Instant::now();
    let reader = runtime.spawn(async {
        let (mut quiet, _other) = pair().await;
        let mut buffer = [0u8; 1];
        let _ = quiet.read(&mut buffer).await;
    });
    let (woken, wait) = std::sync::mpsc::channel();
    for _ in 0..WAKES {
        let (sender, receiver) = oneshot::channel();
        let woken = woken.clone();
        runtime.spawn(async move {
            let _: Result<(), _> = receiver.await;
            let _ = woken.send(base.elapsed().as_nanos());
        });
        std::thread::sleep(PAUSE);
        let rang = base.elapsed().as_nanos();
        let _ = sender.send(());
        values.push(wait.recv().expect("a wake") - rang);
    }
    reader.abort();
    values.sort_unstable();
    values[WAKES / 2] as f64 / 1e3
}

/// A read begins to wait, and a branch that is ready drops it.
fn measure_cancel(runtime: &Runtime) -> f64 {
    runtime.block_on(async {
        let (mut quiet, _other) = pair().await;
        let mut buffer = [0u8; 64];
        let started = Instant::now();
        for _ in 0..CANCELS {
            let read = quiet.read(&mut buffer);
            let cancelled = tokio::task::yield_now();
            tokio::pin!(read, cancelled);
            std::future::poll_fn(|context| {
                if read.as_mut().poll(context).is_ready() {
                    panic!("something came");
                }
                cancelled.as_mut().poll(context)
            })
            .await;
        }
        started.elapsed().as_nanos() as f64 / f64::from(CANCELS)
    })
}

use std::future::Future;

fn answer(measure: impl Fn() -> f64) {
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            return;
        }
        println!("value {:.3}", measure());
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let workers: usize = arguments
        .get(2)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let mode = arguments.get(1).cloned().unwrap_or_default();
    let runtime = if workers > 1 {
        Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
    } else {
        Builder::new_current_thread().enable_all().build()
    }
    .expect("runtime");
    match mode.as_str() {
        "echo" | "idle" | "accept" | "shared" | "deadline" | "lines" | "sink" => {
            runtime.block_on(serve(mode))
        }
        // On a worker: the thread of block_on is none.
        "mixed" => runtime.block_on(async { drop(tokio::spawn(serve(mode)).await) }),
        "wake" => answer(|| measure_wake(&runtime)),
        "cancel_read" => answer(|| measure_cancel(&runtime)),
        _ => println!("not offered"),
    }
}
