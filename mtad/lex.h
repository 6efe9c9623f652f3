/* SPDX-License-Identifier: ISC */

/* Words of mtad.conf: files, macros, places. */

#ifndef LEX_H
#define LEX_H

#include <stddef.h>
#include <stdint.h>

/* Where a token begins.  file lives until lex_end. */
struct place {
	const char	*file;
	unsigned	 line, column;
};
#define YYLTYPE		struct place
#define YYLTYPE_IS_DECLARED 1
#define YYLTYPE_IS_TRIVIAL 0
#define YYLLOC_DEFAULT(cur, rhs, n) do {				\
	if (n)								\
		(cur) = YYRHSLOC(rhs, 1);				\
	else								\
		(cur) = YYRHSLOC(rhs, 0);				\
} while (0)

union YYSTYPE;

/* -1: cannot be read (said already). */
int		 lex_file(const char *);
void		 lex_text(const char *name, const char *, size_t);
void		 lex_include(const struct place *, const char *);
void		 lex_end(void);
/* Where reading is, in the file that is read: its end, once all is. */
struct place	 lex_place(void);
/* The value of the token read last, for error texts. */
const union YYSTYPE *lex_value(void);
/* The token read last is not to be shown in them: it may be a password. */
int		 lex_secret(void);
/* -1: a keyword, or not letters, digits and '_'; or no memory. */
int		 macro_set(const char *, const char *, int persist);

#endif
