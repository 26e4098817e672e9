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
/* Older DeepSeek models have letters and punctuation as ranges. */
#define DEEPSEEK_LETTERS                                                                 \
	"A-Za-z\\x{b5}\\x{c0}-\\x{d6}\\x{d8}-\\x{f6}\\x{f8}-\\x{1ba}\\x{1bc}-\\x{1bf}"   \
	"\\x{1c4}-\\x{293}\\x{295}-\\x{2af}\\x{370}-\\x{373}\\x{376}\\x{377}"            \
	"\\x{37b}-\\x{37d}\\x{37f}\\x{386}\\x{388}-\\x{38a}\\x{38c}\\x{38e}-\\x{3a1}"    \
	"\\x{3a3}-\\x{3f5}\\x{3f7}-\\x{481}\\x{48a}-\\x{52f}\\x{531}-\\x{556}"           \
	"\\x{10a0}-\\x{10c5}\\x{13a0}-\\x{13f5}\\x{13f8}-\\x{13fd}\\x{1c90}-\\x{1cba}"   \
	"\\x{1cbd}-\\x{1cbf}\\x{1d00}-\\x{1d2b}\\x{1d6b}-\\x{1d77}\\x{1d79}-\\x{1d9a}"   \
	"\\x{1e00}-\\x{1f15}\\x{1f18}-\\x{1f1d}\\x{1f20}-\\x{1f45}\\x{1f48}-\\x{1f4d}"   \
	"\\x{1f50}-\\x{1f57}\\x{1f59}\\x{1f5b}\\x{1f5d}\\x{1f5f}-\\x{1f7d}"              \
	"\\x{1f80}-\\x{1fb4}\\x{1fb6}-\\x{1fbc}\\x{1fbe}\\x{1fc2}-\\x{1fc4}"             \
	"\\x{1fc6}-\\x{1fcc}\\x{1fd0}-\\x{1fd3}\\x{1fd6}-\\x{1fdb}\\x{1fe0}-\\x{1fec}"   \
	"\\x{1ff2}-\\x{1ff4}\\x{1ff6}-\\x{1ffc}\\x{2102}\\x{2107}\\x{210a}-\\x{2113}"    \
	"\\x{2115}\\x{2119}-\\x{211d}\\x{2124}\\x{2126}\\x{2128}\\x{212a}-\\x{212d}"     \
	"\\x{212f}-\\x{2134}\\x{2139}\\x{213c}-\\x{213f}\\x{2145}-\\x{2149}\\x{214e}"    \
	"\\x{2183}\\x{2184}\\x{2c00}-\\x{2c7b}\\x{2c7e}-\\x{2ce4}\\x{2ceb}-\\x{2cee}"    \
	"\\x{2cf2}\\x{2cf3}\\x{a640}-\\x{a66d}\\x{a680}-\\x{a69b}\\x{a722}-\\x{a76f}"    \
	"\\x{a771}-\\x{a787}\\x{a78b}-\\x{a78e}\\x{ab70}-\\x{abbf}\\x{fb00}-\\x{fb06}"   \
	"\\x{fb13}-\\x{fb17}\\x{ff21}-\\x{ff3a}\\x{ff41}-\\x{ff5a}\U00010400-\U0001044f" \
	"\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"                \
	"\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943"
#define DEEPSEEK_PUNCT \
	"!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3000}-\\x{3002}"
#define DEEPSEEK_EAST "[\\x{4e00}-\\x{9fa5}\\x{800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+"
/*
 * kimi-k2: gpt-4o's, but runs of Han are words of their own. A class of the kind
 * [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]] is said by what it leaves out; Han is the script,
 * without its extensions.
 */
#define HAN	   "\\p{sc:Han}"
#define KIMI_UPPER "[^\\p{Ll}\\p{N}\\p{P}\\p{S}\\p{Z}\\p{C}" HAN "]"
#define KIMI_LOWER "[^\\p{Lu}\\p{Lt}\\p{N}\\p{P}\\p{S}\\p{Z}\\p{C}" HAN "]"
#define KIMI                                                                        \
	HAN "+|"                                                                    \
	    "[^\\r\\n\\p{L}\\p{N}]?" KIMI_UPPER "*" KIMI_LOWER "+" CONTRACTION "?|" \
	    "[^\\r\\n\\p{L}\\p{N}]?" KIMI_UPPER "+" KIMI_LOWER "*" CONTRACTION "?|" \
	    "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" TAIL
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
	[TOKENIZER_PRE_DEEPSEEK_LLM] = { { "[\r\n]", "\\s?[" DEEPSEEK_LETTERS "]+",
					   "\\s?[" DEEPSEEK_PUNCT "]+", TOKENIZER_EXPR_END_SPACE,
					   DEEPSEEK_EAST, "\\p{N}" },
					 0 },
	[TOKENIZER_PRE_DEEPSEEK_CODER] = { { "[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", DEEPSEEK_EAST,
					     "\\p{N}" },
					   0 },
	[TOKENIZER_PRE_KIMI_K2] = { { KIMI }, 0 },
};
