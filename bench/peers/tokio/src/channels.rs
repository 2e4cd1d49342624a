//! The rows of channels: numbers that tasks pass to others. A receiver of tokio's `mpsc` is one, so
//! there is no row with four of them, and its capacity is 1 at least, so there is no rendezvous.

use crate::participant::*;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{channel, Receiver, Sender};

pub const CAPACITY: usize = 256;
const BATCH: usize = 64;

async fn send(count: u64, to: Sender<u64>) {
    for i in 0..count {
        to.send(i).await.unwrap();
    }
}

async fn receive(count: u64, mut from: Receiver<u64>) {
    let mut sum = 0;
    let mut received = 0;
    while let Some(element) = from.recv().await {
        sum += element;
        received += 1;
    }
    assert_eq!(received, count);
    sink(sum);
}

/// As `receive`, but takes what is there after each wait: this version has no `recv_many`.
async fn receive_all(count: u64, mut from: Receiver<u64>) {
    let mut sum = 0;
    let mut received = 0;
    while let Some(element) = from.recv().await {
        sum += element;
        received += 1;
        while let Ok(element) = from.try_recv() {
            sum += element;
            received += 1;
        }
    }
    assert_eq!(received, count);
    sink(sum);
}

pub async fn pass(capacity: usize, count: u64) {
    let (to, from) = channel(capacity);
    let sending = tokio::spawn(send(count, to));
    tokio::spawn(receive(count, from)).await.unwrap();
    sending.await.unwrap();
}

/// Sends by `try_send` what there is room for; each batch that finds none waits for one place.
pub async fn pass_in_batches(count: u64) {
    let (to, from) = channel(CAPACITY);
    let sending = tokio::spawn(async move {
        let mut i = 0;
        while i < count {
            let end = count.min(i + BATCH as u64);
            to.send(i).await.unwrap();
            i += 1;
            while i < end && to.try_send(i).is_ok() {
                i += 1;
            }
        }
    });
    tokio::spawn(receive_all(count, from)).await.unwrap();
    sending.await.unwrap();
}

/// Two runtimes of one thread each, so that each element really crosses.
pub fn cross(count: u64) {
    let (to, from) = channel(CAPACITY);
    let other = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(receive(count, from));
    });
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(send(count, to));
    other.join().unwrap();
}

/// Two channels, of which one is sent on in each turn.
struct Senders([Sender<u64>; 2]);
struct Receivers(Receiver<u64>, Receiver<u64>);

fn pair() -> (Senders, Receivers) {
    let (to_first, first) = channel(1);
    let (to_second, second) = channel(1);
    (Senders([to_first, to_second]), Receivers(first, second))
}

impl Senders {
    async fn send(&self, i: u64) {
        self.0[i as usize & 1].send(i).await.unwrap();
    }
}

impl Receivers {
    async fn select(&mut self) -> u64 {
        tokio::select! {
            Some(element) = self.0.recv() => element,
            Some(element) = self.1.recv() => element,
            else => panic!("both are closed"),
        }
    }
}

pub async fn select_ready(count: u64) {
    let (to, mut from) = pair();
    let mut sum = 0;
    for i in 0..count {
        to.send(i).await;
        sum += from.select().await;
    }
    sink(sum);
}

/// Two tasks answer each other: each select waits until the other one has sent.
pub async fn select_waiting(turns: u64) {
    let (there, mut from_there) = pair();
    let (back, mut from_back) = pair();
    let answering = tokio::spawn(async move {
        for i in 0..turns {
            from_there.select().await;
            back.send(i).await;
        }
    });
    let mut sum = 0;
    for i in 0..turns {
        there.send(i).await;
        sum += from_back.select().await;
    }
    sink(sum);
    answering.await.unwrap();
}
