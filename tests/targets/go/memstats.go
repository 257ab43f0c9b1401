// SPDX-License-Identifier: ISC

// A program whose runtime is read from outside, and which says what it thinks of itself: for each byte on its
// standard input it does something, and answers with lines that end with a line "." . It allocates nothing for
// asking and answering, so that both see the same.
package main

import (
	"math"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

var (
	stats runtime.MemStats
	line  [16384]byte
	text  = line[:0]
	held  [][]byte
	small []*int32
	stop  = make(chan bool)
	sink  []byte
	reads bool
)

func say(name string, value uint64) {
	text = append(text, name...)
	text = append(text, ' ')
	text = strconv.AppendUint(text, value, 10)
	text = append(text, '\n')
}

// One number for many, the order being part of it.
func mix(sum, value uint64) uint64 { return sum*31 + value }

func answer() {
	runtime.ReadMemStats(&stats)
	s := &stats
	say("Alloc", s.Alloc)
	say("TotalAlloc", s.TotalAlloc)
	say("Sys", s.Sys)
	say("Lookups", s.Lookups)
	say("Mallocs", s.Mallocs)
	say("Frees", s.Frees)
	say("HeapAlloc", s.HeapAlloc)
	say("HeapSys", s.HeapSys)
	say("HeapIdle", s.HeapIdle)
	say("HeapInuse", s.HeapInuse)
	say("HeapReleased", s.HeapReleased)
	say("HeapObjects", s.HeapObjects)
	say("StackInuse", s.StackInuse)
	say("StackSys", s.StackSys)
	say("MSpanInuse", s.MSpanInuse)
	say("MSpanSys", s.MSpanSys)
	say("MCacheInuse", s.MCacheInuse)
	say("MCacheSys", s.MCacheSys)
	say("BuckHashSys", s.BuckHashSys)
	say("GCSys", s.GCSys)
	say("OtherSys", s.OtherSys)
	say("NextGC", s.NextGC)
	say("LastGC", s.LastGC)
	say("PauseTotalNs", s.PauseTotalNs)
	var ns, end, sizes, mallocs, frees uint64
	for i := range s.PauseNs {
		ns, end = mix(ns, s.PauseNs[i]), mix(end, s.PauseEnd[i])
	}
	for i := range s.BySize {
		sizes = mix(sizes, uint64(s.BySize[i].Size))
		mallocs = mix(mallocs, s.BySize[i].Mallocs)
		frees = mix(frees, s.BySize[i].Frees)
	}
	say("PauseNs", ns)
	say("PauseEnd", end)
	say("NumGC", uint64(s.NumGC))
	say("NumForcedGC", uint64(s.NumForcedGC))
	say("GCCPUFraction", math.Float64bits(s.GCCPUFraction))
	say("NumGoroutine", uint64(runtime.NumGoroutine()))
	say("BySizeSize", sizes)
	say("BySizeMallocs", mallocs)
	say("BySizeFrees", frees)
}

// Objects of many sizes, half of which are garbage at once.
func allocate() {
	for i := 0; i < 2000; i++ {
		piece := make([]byte, 1+i*i%40000)
		n := new(int32)
		if i%2 == 0 {
			held = append(held, piece)
			small = append(small, n)
		}
	}
	if len(held) > 6000 {
		held, small = nil, nil
	}
}

func park(n int) {
	for i := 0; i < n; i++ {
		go func() { <-stop }()
	}
}

// Reads itself 100 times a second, until it shall not any more.
func readAgain() {
	var again runtime.MemStats
	for reads {
		time.Sleep(10 * time.Millisecond)
		runtime.ReadMemStats(&again)
	}
}

// Allocates for ever.
func hurry() {
	for i := 0; ; i++ {
		sink = make([]byte, 16+i%4096)
	}
}

func main() {
	var command [1]byte
	for {
		if len(text) > 0 {
			text = append(text, ".\n"...)
			syscall.Write(1, text)
		}
		text = line[:0]
		n, err := syscall.Read(0, command[:])
		if n != 1 || err != nil {
			os.Exit(0)
		}
		say("did", uint64(command[0]))
		switch command[0] {
		case 'm':
			text = line[:0]
			answer()
		case 'a':
			allocate()
		case 's':
			// Few: they stay in the processor's cache, and begin no collection.
			for i := 0; i < 50; i++ {
				sink = make([]byte, 48)
			}
		case 'c':
			runtime.GC()
		case 'g':
			park(50)
		case 'e':
			for i := 0; i < 25; i++ {
				stop <- true
			}
		case 'r':
			reads = !reads
			if reads {
				go readAgain()
			}
		case 'h':
			for i := 0; i < runtime.GOMAXPROCS(0); i++ {
				go hurry()
			}
		}
	}
}
