// The rows of the scheduler: GOMAXPROCS as asked for. A goroutine and a channel for each child.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync/atomic"
	"time"
)

// The same work in every language; participant.h has the words to it.
const (
	fibN         = 27
	fibResult    = 196418
	fibCalls     = 635621
	fibLoad      = 20
	skynetLeaves = 1_000_000
	skynetTasks  = 1_111_111
	injected     = 10_000
	pauseTime    = time.Millisecond
	loadTime     = time.Second
	idleTime     = time.Second
	workersBatch = 20 * time.Millisecond
	workersSpent = 300 * time.Millisecond
	workersLeast = 3

	stageTime   = time.Millisecond
	stageItems  = 50
	stageRuns   = 5
	hiddenChain = 2000
	hiddenTime  = 2 * time.Millisecond
	hiddenRuns  = 51
	leafShort   = time.Millisecond
	leafTime    = 5 * time.Millisecond
	leafRuns    = 15
)

func workers() int {
	count, err := strconv.Atoi(os.Getenv("BENCH_WORKERS"))
	if err != nil {
		return 0
	}
	return count
}

//go:noinline
func trivial(key int64) int64 {
	return key + 1
}

func must(good bool, what string) {
	if !good {
		panic(what)
	}
}

func spawnAwait(count int64) {
	var sum int64
	for i := int64(0); i < count; i++ {
		result := make(chan int64, 1)
		go func(key int64) { result <- trivial(key) }(i)
		sum += <-result
	}
	sink = sum
}

// The one child is a goroutine, the other is called in place.
func fib(n int64) int64 {
	if n < 2 {
		return n
	}
	first := make(chan int64, 1)
	go func() { first <- fib(n - 1) }()
	second := fib(n - 2)
	return <-first + second
}

func forkJoinFib(count int64) {
	for i := int64(0); i < count; i++ {
		must(fib(fibN) == fibResult, "fib")
	}
}

func skynet(out chan<- int64, number, leaves int64) {
	if leaves == 1 {
		out <- number
		return
	}
	sums := make(chan int64, 10)
	for i := int64(0); i < 10; i++ {
		go skynet(sums, number+i*(leaves/10), leaves/10)
	}
	var sum int64
	for i := 0; i < 10; i++ {
		sum += <-sums
	}
	out <- sum
}

func skynetOf(count, leaves int64) {
	for i := int64(0); i < count; i++ {
		result := make(chan int64, 1)
		skynet(result, 0, leaves)
		must(<-result == leaves*(leaves-1)/2, "skynet")
	}
}

// Each side is bound to a thread of its own, so that each way really crosses.
func roundTripCross(count int64) {
	ping, pong := make(chan int64), make(chan int64)
	go func() {
		runtime.LockOSThread()
		for value := range ping {
			pong <- value
		}
		close(pong)
	}()
	runtime.LockOSThread()
	for i := int64(0); i < count; i++ {
		ping <- i
		<-pong
	}
	close(ping)
	<-pong
	runtime.UnlockOSThread()
}

// Go has no external threads except those of C; a goroutine that is bound to its thread comes close.
func inject(count int64) {
	runtime.LockOSThread()
	for i := int64(0); i < count; i++ {
		left := int64(injected)
		done := make(chan struct{})
		for job := int64(0); job < injected; job++ {
			go func(key int64) {
				trivial(key)
				if atomic.AddInt64(&left, -1) == 0 {
					close(done)
				}
			}(job)
		}
		<-done
	}
	runtime.UnlockOSThread()
}

// From before the send to the first line after the receive.
func wakeLatency(count int64) float64 {
	var sum, woke int64
	base := time.Now()
	bell := make(chan struct{})
	go func() {
		for range bell {
			atomic.StoreInt64(&woke, int64(time.Since(base)))
		}
	}()
	for i := int64(0); i < count; i++ {
		atomic.StoreInt64(&woke, 0)
		for started := time.Now(); time.Since(started) < pauseTime; {
		}
		rang := int64(time.Since(base))
		bell <- struct{}{}
		var now int64
		for now == 0 {
			now = atomic.LoadInt64(&woke)
		}
		sum += now - rang
	}
	close(bell)
	return float64(sum)
}

// Microseconds of CPU time in a second without work.
func idleCPU(int64) float64 {
	for started := time.Now(); time.Since(started) < loadTime; {
		fib(fibLoad)
	}
	before := cpuNs()
	time.Sleep(idleTime)
	return float64(cpuNs()-before) / 1e3
}

// Computes; the words to it are in compute.h.
//
//go:noinline
func compute(steps uint64) uint64 {
	x := steps
	for i := uint64(0); i < steps; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

// How many steps take so long on a CPU that does nothing else.
func computeSteps(wanted time.Duration) uint64 {
	const piece = 400_000
	least := time.Hour
	for i := 0; i < 20; i++ {
		started := time.Now()
		compute(piece)
		if took := time.Since(started); took < least {
			least = took
		}
	}
	return uint64(float64(wanted) * piece / float64(least))
}

func medianOf(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

func pipeline(steps uint64) {
	items, done := make(chan int), make(chan struct{})
	go func() {
		for range items {
			compute(steps)
		}
		close(done)
	}()
	for i := 0; i < stageItems; i++ {
		compute(steps)
		items <- i
	}
	close(items)
	<-done
}

func pipelineOverlap(int64) float64 {
	var ratios []float64
	for run := 0; run < stageRuns; run++ {
		steps := computeSteps(stageTime)
		started := time.Now()
		pipeline(steps)
		ratios = append(ratios, float64(time.Since(started))/((stageItems+1)*float64(stageTime)))
	}
	return medianOf(ratios)
}

func hiddenRun(int64) float64 {
	var tookUs []float64
	steps := computeSteps(hiddenTime)
	for run := 0; run < hiddenRuns; run++ {
		spawnAwait(hiddenChain)
		began := make(chan time.Duration, 1)
		published := time.Now()
		go func() { began <- time.Since(published) }()
		compute(steps)
		tookUs = append(tookUs, float64(<-began)/1e3)
	}
	return medianOf(tookUs)
}

func hiddenLeaf(int64) float64 {
	var ratios []float64
	steps := computeSteps(leafTime)
	shortSteps := uint64(float64(steps) * float64(leafShort) / float64(leafTime))
	for run := 0; run < leafRuns; run++ {
		fib(fibLoad)
		done := make(chan uint64, 2)
		started := time.Now()
		go func() { done <- compute(shortSteps) }()
		go func() { done <- compute(steps) }()
		compute(steps)
		<-done
		<-done
		ratios = append(ratios, float64(time.Since(started))/float64(leafShort+leafTime))
	}
	return medianOf(ratios)
}

func workerCases(count int) []*benchCase {
	suffix := "_" + strconv.Itoa(count)
	cases := []*benchCase{
		{bench: "spawn_await" + suffix, run: spawnAwait},
		{bench: "run_await" + suffix, run: spawnAwait},
		{bench: "fork_join_fib" + suffix, run: forkJoinFib, operations: fibCalls},
		{bench: "skynet" + suffix, operations: skynetTasks,
			run: func(count int64) { skynetOf(count, skynetLeaves) }},
		{bench: "suspend_resume" + suffix, run: suspendResume},
		{bench: "round_trip_source" + suffix, run: roundTripSource},
		{bench: "round_trip_cross", run: roundTripCross},
		{bench: "channel_1_1" + suffix, run: passing(channelCapacity, 1)},
		{bench: "channel_4_4" + suffix, run: passing(channelCapacity, channelSides), operations: channelSides},
		{bench: "channel_cap1" + suffix, run: passing(1, 1)},
		{bench: "channel_rendezvous" + suffix, run: passing(0, 1)},
		{bench: "channel_cross", run: passAcross},
		{bench: "select_2_ready" + suffix, run: selectReady},
		{bench: "select_2_waiting" + suffix, run: selectWaiting, operations: 2},
		{bench: "inject" + suffix, run: inject, operations: injected},
		{bench: "wake_latency" + suffix, timed: wakeLatency},
		{bench: "pipeline_overlap" + suffix, timed: pipelineOverlap, alone: true},
		{bench: "hidden_run" + suffix, timed: hiddenRun, alone: true},
		{bench: "hidden_leaf" + suffix, timed: hiddenLeaf, alone: true},
		{bench: "idle_cpu" + suffix, timed: idleCPU, alone: true},
		{bench: "scale", run: func(count int64) { skynetOf(count, scaleLeaves) }},
	}
	for _, c := range cases {
		c.long = true
	}
	return cases
}

var scaleLeaves int64

func answerScale(cases []*benchCase, leaves string) {
	var err error
	scaleLeaves, err = strconv.ParseInt(leaves, 10, 64)
	for _, c := range cases {
		if c.bench == "scale" && err == nil {
			c.count = 0
			ns, _, _ := c.measure()
			fmt.Printf("{\"bench\":\"scale\",\"who\":\"go\",\"unit\":\"ns\",\"batches\":[%s]}\n.\n", joined(ns))
			return
		}
	}
	fmt.Println("skip scale not offered")
}
