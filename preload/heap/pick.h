/* SPDX-License-Identifier: ISC */
/*
 * Which allocations are looked at, and what one of them stands for: a Poisson process over bytes.
 *
 * Every byte is picked with the same small probability, by itself. A block of s bytes is sampled where
 * one of its bytes is picked: with p = 1 - exp(-s / interval). It then stands for 1/p blocks and s/p
 * bytes, so that sums of any kind are right in the mean; the weights are made sample by sample, before
 * anything is summed, for a mean size would not do (golang/go#26618).
 */
#ifndef MSTAT_PRELOAD_HEAP_PICK_H
#define MSTAT_PRELOAD_HEAP_PICK_H

#include <stdint.h>

#include "core/heapwire.h"

/* An interval of 1 picks every byte: each block is sampled, and stands for itself. */
#define PICK_ALL 1u

/* A seed that no other thread has, and no other run. Never 0. */
uint64_t pick_seed(const void *own);

/* Bytes until the next picked one: exponential, of mean interval; 0 of PICK_ALL. Advances *seed. */
int64_t pick_gap(uint64_t *seed, uint64_t interval);

/* What a sampled block of size bytes (not 0) stands for, all of it live. */
struct heapwire_sums pick_weight(uint64_t size, uint64_t interval);

#endif
