// SPDX-License-Identifier: MIT
#include "tokenizer_recipe.h"

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define TAIL	    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define GPT2	    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
/* llama-bpe and qwen2 differ in how many digits go together. */
#define CL100K(digits) \
	CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" TAIL
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
/* tekken and gpt-4o: words end where the case drops. */
#define CASED(suffix, digits)                                              \
	"[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" suffix "|"            \
	"[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" suffix "|" digits "|" \
	" ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" TAIL
#define DEEPSEEK                                                 \
	"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|" \
	"[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" TAIL
#define DEEPSEEK_CJK "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+"
/* Han, kana, Kangxi radicals, Thai, Lao, Khmer, Myanmar, Hangul. */
#define AFMOE_ASIA                                                                      \
	"[\\x{4e00}-\\x{9fff}\\x{3400}-\\x{4dbf}\\x{f900}-\\x{faff}\\x{3040}-\\x{30ff}" \
	"\\x{ff65}-\\x{ff9f}\\x{2f00}-\\x{2fdf}\\x{e40}-\\x{e7f}\\x{e80}-\\x{eff}"      \
	"\\x{1780}-\\x{17ff}\\x{1000}-\\x{109f}\\x{aa60}-\\x{aa7f}\\x{a9e0}-\\x{a9ff}"  \
	"\\x{ac00}-\\x{d7af}\\x{1100}-\\x{11ff}]+"

/* Not an expression: runs of \p{N}, cut from the right into threes. */
#define DIGIT_GROUPS "\\p{N}+"

const struct tokenizer_recipe tokenizer_recipe[TOKENIZER_PRE_COUNT] = {
	[TOKENIZER_PRE_DEFAULT] = { { "[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+",
				      "[0-9][0-9][0-9]" },
				    0 },
	[TOKENIZER_PRE_GPT2] = { { GPT2 }, 0 },
	[TOKENIZER_PRE_LLAMA3] = { { CL100K("\\p{N}{1,3}") }, 0 },
	[TOKENIZER_PRE_QWEN2] = { { CL100K("\\p{N}") }, 0 },
	[TOKENIZER_PRE_QWEN35] = { { CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
						 " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" TAIL },
				   0 },
	[TOKENIZER_PRE_SMOLLM] = { { "\\p{N}", GPT2 }, 0 },
	[TOKENIZER_PRE_AFMOE] = { { DIGIT_GROUPS, AFMOE_ASIA, DEEPSEEK }, 1u << 0 },
	[TOKENIZER_PRE_DEEPSEEK3] = { { "\\p{N}{1,3}", DEEPSEEK_CJK, DEEPSEEK }, 0 },
	[TOKENIZER_PRE_TEKKEN] = { { CASED("", "\\p{N}") }, 0 },
	[TOKENIZER_PRE_GPT4O] = { { CASED(CONTRACTION "?", "\\p{N}{1,3}") }, 0 },
};
