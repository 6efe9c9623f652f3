/* SPDX-License-Identifier: ISC */

/*
 * Of a process that confines itself, in builds with AddressSanitizer:
 * LeakSanitizer needs what confinement takes.  ASAN_OPTIONS has the last word,
 * for where there is none (test_leaks.py).
 */

const char	*__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return ("detect_leaks=0");
}
