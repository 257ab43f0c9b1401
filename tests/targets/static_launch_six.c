/* SPDX-License-Identifier: ISC */
/* A program without a loader, which ends with exit status 6. */
int main(void)
{
	return 6;
}
