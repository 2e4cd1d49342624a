//! rayon's answer to the scheduler's rows: `join` for fib, a parallel iterator over the ten
//! children of a node of skynet, `scope` for a single task, a pool as wide as there are workers.
//! The thread that asks waits beside the pool.

mod participant;

use participant::*;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (first, second) = rayon::join(|| fib(n - 1), || fib(n - 2));
    first + second
}

fn skynet(number: u64, leaves: u64) -> u64 {
    if leaves == 1 {
        return number;
    }
    (0..10u32)
        .into_par_iter()
        .with_max_len(1)
        .map(|i| skynet(number + u64::from(i) * (leaves / 10), leaves / 10))
        .sum()
}

fn skynet_of(pool: &ThreadPool, count: u64, leaves: u64) {
    pool.install(|| {
        for _ in 0..count {
            assert_eq!(skynet(0, opaque(leaves)), leaves * (leaves - 1) / 2);
        }
    });
}

fn spawn_await(count: u64) {
    let mut sum = 0;
    for i in 0..count {
        let mut answer = 0;
        rayon::scope(|scope| scope.spawn(|_| answer = trivial(i)));
        sum += answer;
    }
    sink(sum);
}

fn inject(pool: &ThreadPool, count: u64) {
    for _ in 0..count {
        let left = Arc::new(AtomicU64::new(INJECTED));
        let (done, all_done) = channel();
        for i in 0..INJECTED {
            let (left, done) = (left.clone(), done.clone());
            pool.spawn(move || {
                trivial(i);
                if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    done.send(()).unwrap();
                }
            });
        }
        all_done.recv().unwrap();
    }
}

fn hidden_run(pool: &ThreadPool) -> f64 {
    let steps = compute_steps(HIDDEN_NS);
    let one = || {
        let mut took = Duration::ZERO;
        spawn_await(HIDDEN_CHAIN);
        let published = Instant::now();
        rayon::scope(|scope| {
            scope.spawn(|_| took = published.elapsed());
            compute(steps);
        });
        took.as_nanos() as f64 / 1e3
    };
    median(pool.install(|| (0..HIDDEN_RUNS).map(|_| one()).collect()))
}

fn hidden_leaf(pool: &ThreadPool) -> f64 {
    let steps = compute_steps(LEAF_NS);
    let short_steps = (steps as f64 * LEAF_SHORT_NS / LEAF_NS) as u64;
    let one = || {
        fib(opaque(FIB_LOAD));
        let started = Instant::now();
        rayon::join(
            || rayon::join(|| compute(steps), || compute(steps)),
            || compute(short_steps),
        );
        started.elapsed().as_nanos() as f64 / (LEAF_SHORT_NS + LEAF_NS)
    };
    median(pool.install(|| (0..LEAF_RUNS).map(|_| one()).collect()))
}

fn idle_cpu(pool: &ThreadPool) -> f64 {
    pool.install(|| {
        let started = Instant::now();
        while started.elapsed() < LOAD {
            fib(opaque(FIB_LOAD));
        }
    });
    idle_cpu_us()
}

fn main() {
    let mut cases = Vec::new();
    if workers() > 0 {
        let pool = Rc::new(
            ThreadPoolBuilder::new()
                .num_threads(workers())
                .build()
                .unwrap(),
        );
        let (p1, p2, p3, p4, p5, p6, p7, p8) = (
            pool.clone(),
            pool.clone(),
            pool.clone(),
            pool.clone(),
            pool.clone(),
            pool.clone(),
            pool.clone(),
            pool,
        );
        let steps = |run: Box<dyn Fn(u64)>| Run::Steps(run);
        cases = vec![
            Case::by_workers(
                "spawn_await",
                1,
                steps(Box::new(move |count| p1.install(|| spawn_await(count)))),
            ),
            Case::by_workers(
                "fork_join_fib",
                FIB_CALLS,
                steps(Box::new(move |count| {
                    p2.install(|| {
                        for _ in 0..count {
                            assert_eq!(fib(opaque(FIB)), FIB_RESULT);
                        }
                    })
                })),
            ),
            Case::by_workers(
                "skynet",
                SKYNET_TASKS,
                steps(Box::new(move |count| skynet_of(&p3, count, SKYNET_LEAVES))),
            ),
            Case::by_workers(
                "inject",
                INJECTED,
                steps(Box::new(move |count| inject(&p4, count))),
            ),
            Case::by_workers(
                "hidden_run",
                1,
                Run::Alone(Box::new(move || hidden_run(&p7))),
            ),
            Case::by_workers(
                "hidden_leaf",
                1,
                Run::Alone(Box::new(move || hidden_leaf(&p8))),
            ),
            Case::by_workers("idle_cpu", 1, Run::Alone(Box::new(move || idle_cpu(&p5)))),
            Case::new(
                "scale",
                1,
                Run::Scale(Box::new(move |count, leaves| skynet_of(&p6, count, leaves))),
            ),
        ];
    }
    participant("rayon", cases);
}
