// The rows of channels: numbers that goroutines pass to others.
package main

import (
	"runtime"
	"sync"
)

const (
	channelCapacity = 256
	channelSides    = 4
)

// As many senders as receivers, each of which passes `share` elements.
func passElements(capacity int, sides int, share int64) {
	between := make(chan int64, capacity)
	var ends sync.WaitGroup
	for side := 0; side < sides; side++ {
		ends.Add(2)
		go func() {
			for i := int64(0); i < share; i++ {
				between <- i
			}
			ends.Done()
		}()
		go func() {
			for i := int64(0); i < share; i++ {
				<-between
			}
			ends.Done()
		}()
	}
	ends.Wait()
}

func passing(capacity int, sides int) func(int64) {
	return func(share int64) { passElements(capacity, sides, share) }
}

// Each side is bound to a thread of its own, so that each element really crosses.
func passAcross(count int64) {
	between := make(chan int64, channelCapacity)
	go func() {
		runtime.LockOSThread()
		for i := int64(0); i < count; i++ {
			between <- i
		}
		close(between)
	}()
	runtime.LockOSThread()
	for range between {
	}
	runtime.UnlockOSThread()
}

// Two channels, of which one is sent on in each turn.
type pair [2]chan int64

func makePair() pair {
	return pair{make(chan int64, 1), make(chan int64, 1)}
}

func (p *pair) selectFrom() int64 {
	select {
	case element := <-p[0]:
		return element
	case element := <-p[1]:
		return element
	}
}

func selectReady(count int64) {
	from := makePair()
	for i := int64(0); i < count; i++ {
		from[i&1] <- i
		from.selectFrom()
	}
}

// Two goroutines answer each other: each select waits until the other one has sent.
func selectWaiting(turns int64) {
	there, back := makePair(), makePair()
	var ended sync.WaitGroup
	ended.Add(1)
	go func() {
		for i := int64(0); i < turns; i++ {
			there.selectFrom()
			back[i&1] <- i
		}
		ended.Done()
	}()
	for i := int64(0); i < turns; i++ {
		there[i&1] <- i
		back.selectFrom()
	}
	ended.Wait()
}
