/* SPDX-License-Identifier: ISC */
/* Ends with 42 where liblaunch_own.so was loaded before it, else with 1. */
extern int launch_own_answer(void) __attribute__((weak));

int main(void)
{
	return launch_own_answer ? launch_own_answer() : 1;
}
