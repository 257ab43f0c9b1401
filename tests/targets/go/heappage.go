// SPDX-License-Identifier: ISC

// Prints what the heap page of net/http/pprof ends with, then waits for the end of its standard input; or, with
// an argument, decodes a runtime.MemStats that is there, and prints some of it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
)

var held []byte

func main() {
	if len(os.Args) > 1 {
		var stats runtime.MemStats
		if err := json.NewDecoder(os.Stdin).Decode(&stats); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		var mallocs uint64
		for _, class := range stats.BySize {
			mallocs += class.Mallocs
		}
		fmt.Println(stats.HeapAlloc > 1<<20, stats.NumGC > 2, stats.PauseNs[0] > 0, stats.EnableGC,
			mallocs > 100 && mallocs <= stats.Mallocs, stats.BySize[60].Size, stats.Sys-stats.HeapReleased)
		return
	}
	held = make([]byte, 1<<20)
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	pprof.Lookup("heap").WriteTo(os.Stdout, 1)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	fmt.Println(len(held))
}
