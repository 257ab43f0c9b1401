/* SPDX-License-Identifier: ISC */
#include <math.h>
#include <stdio.h>

#include "tools/axis.h"

/* Times from here on are told as clocks tell them. */
#define CLOCK_FROM 600
#define HOUR	   3600

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

/* The unit of a step, and what that is in bytes. */
static unsigned unit_of(double step, double *ret)
{
	unsigned unit = 0;

	for (*ret = 1; unit + 1 < LENGTH(units) && step >= *ret * 1024; unit++)
		*ret *= 1024;
	return unit;
}

double axis_size_step(double top, unsigned most)
{
	static const double steps[] = {1, 2, 5, 10, 20, 50, 100, 200, 500};
	double unit = 1;

	for (unsigned i = 0; i < LENGTH(units); i++, unit *= 1024)
		for (unsigned k = 0; k < LENGTH(steps); k++)
			if (steps[k] * unit * most >= top)
				return steps[k] * unit;
	return top;
}

void axis_size_label(double bytes, double step, char ret[AXIS_LABEL])
{
	double unit_bytes;
	unsigned unit = unit_of(step, &unit_bytes);

	if (bytes == 0)
		snprintf(ret, AXIS_LABEL, "0");
	else
		snprintf(ret, AXIS_LABEL, "%.0f %s", bytes / unit_bytes, units[unit]);
}

double axis_time_step(double span, unsigned most)
{
	static const double steps[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
				       1,     2,     5,	    10,	  20,	50,   100, 200};
	static const double clocks[] = {60,   120,  300,   600,	  900,	1800,
					3600, 7200, 14400, 28800, 86400};
	const double *step = span < CLOCK_FROM ? steps : clocks;
	size_t n = span < CLOCK_FROM ? LENGTH(steps) : LENGTH(clocks);

	for (size_t i = 0; i < n; i++)
		if (step[i] * most >= span)
			return step[i];
	return ceil(span / most / clocks[LENGTH(clocks) - 1]) * clocks[LENGTH(clocks) - 1];
}

void axis_time_label(double seconds, double step, double end, char ret[AXIS_LABEL])
{
	double whole = round(seconds);
	int digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;

	if (whole == 0 && fabs(seconds) < step / 2)
		snprintf(ret, AXIS_LABEL, "0");
	else if (end < CLOCK_FROM)
		snprintf(ret, AXIS_LABEL, "%.*f", digits, seconds);
	else if (end < HOUR)
		snprintf(ret, AXIS_LABEL, "%.0f:%02.0f", floor(whole / 60), fmod(whole, 60));
	else
		snprintf(ret, AXIS_LABEL, "%.0f:%02.0f:%02.0f", floor(whole / HOUR),
			 floor(fmod(whole, HOUR) / 60), fmod(whole, 60));
}

const char *axis_time_unit(double end)
{
	return end < CLOCK_FROM ? "seconds" : end < HOUR ? "min:s" : "h:min:s";
}
