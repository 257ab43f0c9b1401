/* SPDX-License-Identifier: ISC */
#include "preload/heap/pick.h"

#define LN2   0.69314718055994530942
#define LOG2E 1.44269504088896340736
#define SQRT2 1.41421356237309504880

/* Divisions that wait for one another would take most of the time. */
static const double inverse[] = {0,	   1,	     1.0 / 2,  1.0 / 3,	 1.0 / 4,  1.0 / 5,
				 1.0 / 6,  1.0 / 7,  1.0 / 8,  1.0 / 9,	 1.0 / 10, 1.0 / 11,
				 1.0 / 12, 1.0 / 13, 1.0 / 14, 1.0 / 15, 1.0 / 16, 1.0 / 17};

/* splitmix64: passes BigCrush, and any state will do. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* No system call: a filter of the program's own might forbid it. */
static uint64_t cycles(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	uint64_t v;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
#endif
}

uint64_t pick_seed(const void *own)
{
	static uint64_t threads;
	uint64_t seed = cycles() ^ (uint64_t)(uintptr_t)own << 20 ^
			__atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED) << 48;

	/* Seeds that are multiples of the generator's step apart would be the same sequence, shifted. */
	seed = next_random(&seed);
	return seed ? seed : 1;
}

/* x = mantissa * 2^power, the mantissa from 1 up to 2. x is normal. */
static double split(double x, int *ret_power)
{
	union {
		double d;
		uint64_t u;
	} v = {x};

	*ret_power = (int)(v.u >> 52 & 0x7ff) - 1023;
	v.u = (v.u & 0x000fffffffffffffu) | (uint64_t)1023 << 52;
	return v.d;
}

/* Of a normal x > 0, within 1e-14: 2 artanh((m - 1) / (m + 1)). libm is not ours to call. */
static double logarithm(double x)
{
	int power;
	double m = split(x, &power);
	double t, square, sum = 0;

	if (m > SQRT2) {
		m /= 2;
		power++;
	}
	t = (m - 1) / (m + 1);
	square = t * t;
	for (int n = 17; n >= 1; n -= 2)
		sum = sum * square + inverse[n];
	return 2 * t * sum + power * LN2;
}

/* exp(-x) of x from 0 to 700. */
static double decay(double x)
{
	int power = (int)(x * LOG2E);
	double rest = x - power * LN2;
	double sum = 1;
	union {
		uint64_t u;
		double d;
	} scale = {(uint64_t)(1023 - power) << 52};

	for (int n = 14; n >= 1; n--)
		sum = 1 - rest * inverse[n] * sum;
	return sum * scale.d;
}

int64_t pick_gap(uint64_t *seed, uint64_t interval)
{
	/* From (0, 1]: a gap of 36 intervals is the longest there is. */
	double u = (double)((next_random(seed) >> 11) + 1) * (1.0 / 9007199254740992.0);

	return interval == PICK_ALL ? 0 : (int64_t)(-logarithm(u) * (double)interval);
}

/* 1 - exp(-x), also where that is nearly x. */
static double probability(double x)
{
	double sum = 1;

	if (x >= 0.01)
		return x < 40 ? 1 - decay(x) : 1;
	for (int n = 6; n >= 2; n--)
		sum = 1 - x * inverse[n] * sum;
	return x * sum;
}

struct heapwire_sums pick_weight(uint64_t size, uint64_t interval)
{
	double x = (double)size / (double)interval;
	double p = interval == PICK_ALL ? 1 : probability(x);
	double blocks = 1 / p;
	double weight = x * blocks;
	struct heapwire_sums ret = {
		.blocks = (int64_t)(HEAPWIRE_BLOCK * blocks + 0.5),
		.bytes = p == 1 ? (int64_t)size : (int64_t)((double)size * blocks + 0.5),
		.live_variance = (int64_t)(weight * weight * (1 - p) * HEAPWIRE_VARIANCE + 0.5),
	};

	ret.live_blocks = ret.blocks;
	ret.live_bytes = ret.bytes;
	return ret;
}
