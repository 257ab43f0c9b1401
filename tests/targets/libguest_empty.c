/* SPDX-License-Identifier: ISC */
/* A preload that does nothing: what any preload costs. */
int libguest_empty_nothing(void);

int libguest_empty_nothing(void)
{
	return 0;
}
