/* SPDX-License-Identifier: ISC */
/* A preload of the user's own: launch_own tells by its exit status whether this is loaded. */
int launch_own_answer(void);

int launch_own_answer(void)
{
	return 42;
}
