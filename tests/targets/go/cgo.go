// SPDX-License-Identifier: ISC

// Beside memstats.go: makes it a program that C is linked into.
package main

// static int answer(void) { return 42; }
import "C"

func init() {
	if C.answer() != 42 {
		panic("cgo")
	}
}
