// SPDX-License-Identifier: ISC

// A plugin: see plugin.go.
package main

var held [][]byte

// Hold allocates so many blocks.
func Hold(n int) {
	for i := 0; i < n; i++ {
		held = append(held, make([]byte, 1000))
	}
}

func main() {}
