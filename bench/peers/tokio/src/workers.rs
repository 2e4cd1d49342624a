//! The scheduler's rows: tokio's multi-threaded runtime with as many worker threads as asked for.
//! The measured functions run in spawned tasks, on the workers.

use crate::channels;
use crate::participant::*;
use crate::{round_trip_source, suspend_resume};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The one child is a task of its own, the other is awaited in place.
fn fib(n: u64) -> Boxed<u64> {
    Box::pin(async move {
        if n < 2 {
            return n;
        }
        let first = tokio::spawn(fib(n - 1));
        let second = fib(n - 2).await;
        first.await.unwrap() + second
    })
}

fn skynet(number: u64, leaves: u64) -> Boxed<u64> {
    Box::pin(async move {
        if leaves == 1 {
            return number;
        }
        let part = leaves / 10;
        let children: Vec<_> = (0..10)
            .map(|i| tokio::spawn(skynet(number + i * part, part)))
            .collect();
        let mut sum = 0;
        for child in children {
            sum += child.await.unwrap();
        }
        sum
    })
}

fn run_spawned<F>(runtime: &Runtime, body: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    runtime.block_on(async { tokio::spawn(body).await.unwrap() });
}

async fn spawn_await(count: u64) {
    let mut sum = 0;
    for i in 0..count {
        sum += tokio::spawn(async move { trivial(i) }).await.unwrap();
    }
    sink(sum);
}

async fn fork_join_fib(count: u64) {
    for _ in 0..count {
        assert_eq!(fib(opaque(FIB)).await, FIB_RESULT);
    }
}

async fn skynet_of(count: u64, leaves: u64) {
    for _ in 0..count {
        assert_eq!(skynet(0, opaque(leaves)).await, leaves * (leaves - 1) / 2);
    }
}

/// Two runtimes of one thread each, so that each way really crosses.
fn round_trip_cross(count: u64) {
    let (ping, mut pinged) = mpsc::channel::<u64>(1);
    let (pong, mut ponged) = mpsc::channel::<u64>(1);
    let other = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            while let Some(value) = pinged.recv().await {
                pong.send(value).await.unwrap();
            }
        });
    });
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        for i in 0..count {
            ping.send(i).await.unwrap();
            assert_eq!(ponged.recv().await, Some(i));
        }
    });
    other.join().unwrap();
}

fn inject(runtime: &Runtime, count: u64) {
    for _ in 0..count {
        let left = Arc::new(AtomicU64::new(INJECTED));
        let (done, all_done) = channel();
        for i in 0..INJECTED {
            let (left, done) = (left.clone(), done.clone());
            runtime.spawn(async move {
                trivial(i);
                if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    done.send(()).unwrap();
                }
            });
        }
        all_done.recv().unwrap();
    }
}

/// From before the send to the first line after the await.
fn wake_latency(runtime: &Runtime, count: u64) -> f64 {
    let base = Instant::now();
    let woke_ns = Arc::new(AtomicU64::new(0));
    let mut sum_ns = 0;
    for _ in 0..count {
        let (ring, heard) = oneshot::channel::<()>();
        let woke = woke_ns.clone();
        woke_ns.store(0, Ordering::SeqCst);
        runtime.spawn(async move {
            heard.await.unwrap();
            woke.store(base.elapsed().as_nanos() as u64, Ordering::SeqCst);
        });
        spin(PAUSE);
        let rang_ns = base.elapsed().as_nanos() as u64;
        ring.send(()).unwrap();
        let mut now = 0;
        while now == 0 {
            now = woke_ns.load(Ordering::SeqCst);
        }
        sum_ns += now - rang_ns;
    }
    sum_ns as f64
}

/// Two tasks hand over through a channel for one item; the second one says that it has it.
async fn pipeline(steps: u64) {
    let (items, mut incoming) = mpsc::channel::<u64>(1);
    let (taken, mut answers) = mpsc::channel::<()>(1);
    let second = tokio::spawn(async move {
        while let Some(item) = incoming.recv().await {
            taken.send(()).await.unwrap();
            sink(item);
            compute(steps);
        }
    });
    for i in 0..STAGE_ITEMS {
        compute(steps);
        if i > 0 {
            answers.recv().await.unwrap();
        }
        items.send(i).await.unwrap();
    }
    drop(items);
    second.await.unwrap();
}

fn pipeline_overlap(runtime: &Runtime) -> f64 {
    let one = || {
        let steps = compute_steps(STAGE_NS);
        let started = Instant::now();
        run_spawned(runtime, pipeline(steps));
        started.elapsed().as_nanos() as f64 / ((STAGE_ITEMS + 1) as f64 * STAGE_NS)
    };
    median((0..STAGE_RUNS).map(|_| one()).collect())
}

fn hidden_run(runtime: &Runtime) -> f64 {
    let steps = compute_steps(HIDDEN_NS);
    let (report, values) = channel();
    run_spawned(runtime, async move {
        for _ in 0..HIDDEN_RUNS {
            spawn_await(HIDDEN_CHAIN).await;
            let published = Instant::now();
            let other = tokio::spawn(async move { published.elapsed() });
            compute(steps);
            report
                .send(other.await.unwrap().as_nanos() as f64 / 1e3)
                .unwrap();
        }
    });
    median(values.iter().collect())
}

fn hidden_leaf(runtime: &Runtime) -> f64 {
    let steps = compute_steps(LEAF_NS);
    let short_steps = (steps as f64 * LEAF_SHORT_NS / LEAF_NS) as u64;
    let (report, values) = channel();
    run_spawned(runtime, async move {
        for _ in 0..LEAF_RUNS {
            fib(opaque(FIB_LOAD)).await;
            let started = Instant::now();
            let first = tokio::spawn(async move { compute(short_steps) });
            let second = tokio::spawn(async move { compute(steps) });
            compute(steps);
            second.await.unwrap();
            first.await.unwrap();
            report
                .send(started.elapsed().as_nanos() as f64 / (LEAF_SHORT_NS + LEAF_NS))
                .unwrap();
        }
    });
    median(values.iter().collect())
}

fn idle_cpu(runtime: &Runtime) -> f64 {
    run_spawned(runtime, async {
        let started = Instant::now();
        while started.elapsed() < LOAD {
            fib(opaque(FIB_LOAD)).await;
        }
    });
    idle_cpu_us()
}

fn steps<F, R>(runtime: &Arc<Runtime>, body: F) -> Run
where
    F: Fn(u64) -> R + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let runtime = runtime.clone();
    Run::Steps(Box::new(move |count| run_spawned(&runtime, body(count))))
}

pub fn answer() {
    let runtime = Arc::new(
        Builder::new_multi_thread()
            .worker_threads(workers())
            .enable_all()
            .build()
            .unwrap(),
    );
    let (r1, r2, r3, r4, r5, r6, r7) = (
        runtime.clone(),
        runtime.clone(),
        runtime.clone(),
        runtime.clone(),
        runtime.clone(),
        runtime.clone(),
        runtime.clone(),
    );
    let cases = vec![
        Case::by_workers("spawn_await", 1, steps(&runtime, spawn_await)),
        Case::by_workers("run_await", 1, steps(&runtime, spawn_await)),
        Case::by_workers("fork_join_fib", FIB_CALLS, steps(&runtime, fork_join_fib)),
        Case::by_workers(
            "skynet",
            SKYNET_TASKS,
            steps(&runtime, |count| skynet_of(count, SKYNET_LEAVES)),
        ),
        Case::by_workers("suspend_resume", 1, steps(&runtime, suspend_resume)),
        Case::by_workers("round_trip_source", 1, steps(&runtime, round_trip_source)),
        Case::new(
            "round_trip_cross",
            1,
            Run::Steps(Box::new(round_trip_cross)),
        ),
        Case::by_workers(
            "channel_1_1",
            1,
            steps(&runtime, |count| channels::pass(channels::CAPACITY, count)),
        ),
        Case::by_workers("channel_1_1_batch", 1, steps(&runtime, channels::pass_in_batches)),
        Case::by_workers("channel_cap1", 1, steps(&runtime, |count| channels::pass(1, count))),
        Case::new("channel_cross", 1, Run::Steps(Box::new(channels::cross))),
        Case::by_workers("select_2_ready", 1, steps(&runtime, channels::select_ready)),
        Case::by_workers("select_2_waiting", 2, steps(&runtime, channels::select_waiting)),
        Case::by_workers(
            "inject",
            INJECTED,
            Run::Steps(Box::new(move |count| inject(&r1, count))),
        ),
        Case::by_workers(
            "wake_latency",
            1,
            Run::Timed(Box::new(move |count| wake_latency(&r2, count))),
        ),
        Case::by_workers(
            "pipeline_overlap",
            1,
            Run::Alone(Box::new(move || pipeline_overlap(&r5))),
        ),
        Case::by_workers(
            "hidden_run",
            1,
            Run::Alone(Box::new(move || hidden_run(&r6))),
        ),
        Case::by_workers(
            "hidden_leaf",
            1,
            Run::Alone(Box::new(move || hidden_leaf(&r7))),
        ),
        Case::by_workers("idle_cpu", 1, Run::Alone(Box::new(move || idle_cpu(&r3)))),
        Case::new(
            "scale",
            1,
            Run::Scale(Box::new(move |count, leaves| {
                run_spawned(&r4, skynet_of(count, leaves))
            })),
        ),
    ];
    participant("tokio", cases);
}
