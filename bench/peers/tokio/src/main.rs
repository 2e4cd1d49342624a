//! Rust's answer to each case, with tokio's single-threaded runtime and its drivers enabled, as
//! `#[tokio::main(flavor = "current_thread")]` gives it. All cases run in a spawned task. The rows of
//! the scheduler are in workers.rs.

mod channels;
mod participant;
mod workers;

use participant::{allocations, cpu_ns, opaque, sink};
use std::future::Future;
use std::io::{BufRead, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::{unconstrained, yield_now};
use tokio::time::{sleep, Sleep};

const BATCHES: usize = 25;
const BATCH_MIN_NS: f64 = 2e6;
const BATCH_AIM_NS: f64 = 2.5e6;
const COUNTED: u64 = 2000;
const DEPTH: u64 = 1000;
const LIVE_COUNT: usize = 100_000;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

struct Case {
    bench: &'static str,
    operations: u64,
    live: bool,
    run: fn(u64) -> Boxed<()>,
    count: u64,
}

/// The body of `get_ready`: one real call an await, as in the other languages.
#[inline(never)]
fn answer(key: u64) -> u64 {
    opaque(key) + 1
}

async fn get_ready(key: u64) -> u64 {
    answer(key)
}

#[inline(never)]
fn get_through_frame(key: u64) -> Boxed<u64> {
    Box::pin(async move { get_ready(opaque(key)).await })
}

#[inline(never)]
fn get_after_yield(key: u64) -> Boxed<u64> {
    Box::pin(async move {
        yield_now().await;
        key + 1
    })
}

#[inline(never)]
fn get_deep(levels: u64) -> Boxed<u64> {
    Box::pin(async move {
        if levels == 1 {
            yield_now().await;
            return 1;
        }
        get_deep(levels - 1).await + 1
    })
}

fn ready_await(count: u64) -> Boxed<()> {
    Box::pin(async move {
        let mut sum = 0;
        for i in 0..count {
            sum += get_ready(i).await;
        }
        sink(sum);
    })
}

fn frame_sync(count: u64) -> Boxed<()> {
    Box::pin(async move {
        let mut sum = 0;
        for i in 0..count {
            sum += get_through_frame(i).await;
        }
        sink(sum);
    })
}

fn suspend_resume(count: u64) -> Boxed<()> {
    Box::pin(async move {
        let mut sum = 0;
        for i in 0..count {
            sum += get_after_yield(i).await;
        }
        sink(sum);
    })
}

fn await_depth(count: u64) -> Boxed<()> {
    Box::pin(async move {
        for _ in 0..count {
            assert_eq!(get_deep(opaque(DEPTH)).await, DEPTH);
        }
    })
}

async fn take_turns(count: u64) {
    for _ in 0..count {
        yield_now().await;
    }
}

fn round_trip(count: u64) -> Boxed<()> {
    Box::pin(async move {
        let other = tokio::spawn(take_turns(count));
        take_turns(count).await;
        other.await.unwrap();
    })
}

fn round_trip_source(count: u64) -> Boxed<()> {
    Box::pin(async move {
        let ping = Arc::new(Notify::new());
        let pong = Arc::new(Notify::new());
        let other = tokio::spawn({
            let (ping, pong) = (ping.clone(), pong.clone());
            async move {
                for _ in 0..count {
                    ping.notified().await;
                    pong.notify_one();
                }
            }
        });
        for _ in 0..count {
            ping.notify_one();
            pong.notified().await;
        }
        other.await.unwrap();
    })
}

fn next_delay(state: &mut u32) -> Duration {
    let mut x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    Duration::from_millis(10_000 + u64::from(x & 0xffff))
}

/// A sleep is in the wheel from its first poll until it is dropped.
struct PollOnce<'a>(Pin<&'a mut Sleep>);

impl Future for PollOnce<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        assert!(self.0.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }
}

/// Unconstrained: after 128 polls a task's budget is spent and a sleep would not reach the wheel.
fn insert_cancel(count: u64) -> Boxed<()> {
    Box::pin(unconstrained(async move {
        let mut random = 7;
        for _ in 0..count {
            let timer = sleep(next_delay(&mut random));
            tokio::pin!(timer);
            PollOnce(timer).await;
        }
    }))
}

async fn start_live() -> Vec<Pin<Box<Sleep>>> {
    let mut random = 1;
    let mut live = Vec::with_capacity(LIVE_COUNT);
    for _ in 0..LIVE_COUNT {
        let mut timer = Box::pin(sleep(next_delay(&mut random)));
        PollOnce(timer.as_mut()).await;
        live.push(timer);
    }
    live
}

fn run_spawned(runtime: &Runtime, body: Boxed<()>) {
    runtime.block_on(async { tokio::spawn(body).await.unwrap() });
}

impl Case {
    fn batch_ns(&self, runtime: &Runtime) -> f64 {
        let started = Instant::now();
        run_spawned(runtime, (self.run)(self.count));
        started.elapsed().as_nanos() as f64
    }

    /// Finds how many steps a batch takes; once that is known, it only warms up.
    fn calibrate(&mut self, runtime: &Runtime) {
        loop {
            let elapsed = self.batch_ns(runtime);
            if elapsed >= BATCH_MIN_NS {
                return;
            }
            if elapsed < BATCH_AIM_NS / 16.0 {
                self.count *= 8;
            } else {
                self.count = (self.count as f64 * BATCH_AIM_NS / elapsed) as u64 + 1;
            }
        }
    }

    /// Time an operation in each batch.
    fn measure(&mut self, runtime: &Runtime) -> [f64; BATCHES] {
        let live = self
            .live
            .then(|| runtime.block_on(unconstrained(start_live())));
        self.calibrate(runtime);
        let operations = (self.count * self.operations) as f64;
        let batches = [(); BATCHES].map(|()| self.batch_ns(runtime) / operations);
        drop(live);
        batches
    }

    /// Allocations and bytes an operation: a run of 2n steps less a run of n.
    fn count_allocations(&self, runtime: &Runtime) -> Option<(f64, f64)> {
        let live = self
            .live
            .then(|| runtime.block_on(unconstrained(start_live())));
        let steps = COUNTED / self.operations + 1;
        let mut seen = Vec::new();
        run_spawned(runtime, (self.run)(2 * steps));
        seen.push(allocations()?);
        run_spawned(runtime, (self.run)(steps));
        seen.push(allocations()?);
        run_spawned(runtime, (self.run)(2 * steps));
        seen.push(allocations()?);
        drop(live);
        let per = |a: u64, b: u64, c: u64| {
            ((c - b) as f64 - (b - a) as f64) / (steps * self.operations) as f64
        };
        Some((
            per(seen[0].0, seen[1].0, seen[2].0),
            per(seen[0].1, seen[1].1, seen[2].1),
        ))
    }
}

fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}

/// All are asleep when each has been polled up to its sleep.
fn sleepers(runtime: &Runtime, count: u64, ms: u64) {
    static ASLEEP: AtomicU64 = AtomicU64::new(0);
    static AWAKE: AtomicU64 = AtomicU64::new(0);
    let before = allocations();
    runtime.block_on(async move {
        let all_done = Arc::new(Notify::new());
        let started = Instant::now();
        for _ in 0..count {
            let all_done = all_done.clone();
            tokio::spawn(async move {
                ASLEEP.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(ms)).await;
                if AWAKE.fetch_add(1, Ordering::Relaxed) + 1 == count {
                    all_done.notify_one();
                }
            });
        }
        while ASLEEP.load(Ordering::Relaxed) < count {
            yield_now().await;
        }
        let create = started.elapsed();
        let early = u64::from(AWAKE.load(Ordering::Relaxed) > 0);
        let cpu = cpu_ns();
        all_done.notified().await;
        let fire = cpu_ns() - cpu;
        let total = match (before, allocations()) {
            (Some(before), Some(after)) => (after.0 - before.0, after.1 - before.1),
            _ => (0, 0),
        };
        println!(
            "{{\"bench\":\"sleepers\",\"who\":\"tokio\",\"early\":{},\"peak_bytes\":{},\
             \"create_ns\":{},\"fire_ns\":{},\"total_allocs\":{},\"total_bytes\":{}}}\n.",
            early,
            peak_bytes(),
            create.as_nanos(),
            fire,
            total.0,
            total.1
        );
    });
}

fn answer_line(runtime: &Runtime, cases: &mut [Case], line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words == ["list"] {
        for case in cases {
            println!("{} tokio", case.bench);
        }
        println!("sleepers tokio\n.");
        return;
    }
    if words.len() != 2 || (words[0] != "run" && words[0] != "count") {
        println!("skip - unknown command");
        return;
    }
    let case = match cases.iter_mut().find(|case| case.bench == words[1]) {
        Some(case) => case,
        None => {
            println!("skip {} not offered", words[1]);
            return;
        }
    };
    if words[0] == "run" {
        let batches = case.measure(runtime).map(|ns| format!("{ns:.4}"));
        println!(
            "{{\"bench\":\"{}\",\"who\":\"tokio\",\"unit\":\"ns\",\"batches\":[{}]}}",
            case.bench,
            batches.join(",")
        );
    } else if let Some((allocs, bytes)) = case.count_allocations(runtime) {
        println!(
            "{{\"bench\":\"{}\",\"who\":\"tokio\",\"allocs\":{:.3},\"bytes\":{:.1}}}",
            case.bench, allocs, bytes
        );
    }
    println!(".");
}

fn main() {
    if participant::workers() > 0 {
        workers::answer();
        return;
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() > 1 {
        let numbers: Vec<u64> = arguments
            .iter()
            .skip(4)
            .filter_map(|text| text.parse().ok())
            .collect();
        if arguments.len() == 6
            && arguments[1..4] == ["once", "sleepers", "tokio"]
            && numbers.len() == 2
            && numbers[0] > 0
        {
            sleepers(&runtime, numbers[0], numbers[1]);
            return;
        }
        eprintln!("usage: tokio once sleepers tokio <count> <ms>");
        std::process::exit(2);
    }
    let case = |bench, run| Case {
        bench,
        operations: 1,
        live: false,
        run,
        count: 1,
    };
    let mut cases = [
        case("ready_await", ready_await),
        case("frame_sync", frame_sync),
        case("suspend_resume", suspend_resume),
        case("round_trip", round_trip),
        case("round_trip_source", round_trip_source),
        case("timers", insert_cancel),
        Case {
            live: true,
            ..case("timers_100k", insert_cancel)
        },
        Case {
            operations: DEPTH,
            ..case("await_depth", await_depth)
        },
    ];
    let input = std::io::stdin();
    for line in input.lock().lines() {
        answer_line(&runtime, &mut cases, &line.unwrap_or_default());
        std::io::stdout().flush().unwrap();
    }
}
