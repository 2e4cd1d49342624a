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
