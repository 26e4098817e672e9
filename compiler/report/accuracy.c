// SPDX-License-Identifier: MIT
/* The source's and the chip's predictions of the same text, position by position. */
#include <math.h>
#include <stdlib.h>

#include "compiler/report/report.h"

int report_accuracy_begin(struct report *rep, const char *text, uint32_t tokens)
{
	struct report_accuracy *a = &rep->accuracy;

	a->text = report_text(&rep->arena, text);
	a->kl = calloc((size_t)tokens + 1, sizeof(*a->kl));
	if (!a->text || !a->kl)
		return diag_nomem(&rep->diag);
	rep->have_accuracy = true;
	return 0;
}

/* ln of the sum of exp; the largest, the first of equals, in *top. */
static double log_sum(const double *source, const float *chip, uint32_t n, uint32_t *top)
{
	double max = -INFINITY, sum = 0;
	uint32_t i;

	*top = 0;
	for (i = 0; i < n; i++) {
		double v = source ? source[i] : (double)chip[i];

		if (v > max) {
			max = v;
			*top = i;
		}
	}
	for (i = 0; i < n; i++)
		sum += exp((source ? source[i] : (double)chip[i]) - max);
	return max + log(sum);
}

void report_accuracy_add(struct report *rep, const double *source, const float *chip, int32_t next)
{
	struct report_accuracy *a = &rep->accuracy;
	uint32_t vocab = rep->meta.vocab, top_source, top_chip, i;
	double p = log_sum(source, NULL, vocab, &top_source);
	double q = log_sum(NULL, chip, vocab, &top_chip), kl = 0;

	for (i = 0; i < vocab; i++) {
		double lp = source[i] - p, lq = (double)chip[i] - q;
		double d = (double)chip[i] - source[i];

		/* nothing that never happens counts, also where its logarithm is no number */
		if (exp(lp) > 0)
			kl += exp(lp) * (lp - lq);
		a->error2 += d * d;
		a->power2 += source[i] * source[i];
	}
	/* what rounding leaves of zero */
	if (kl < 0)
		kl = 0;
	a->kl[a->tokens] = (float)kl;
	a->kl_sum += kl;
	if (!a->tokens || kl > a->kl_max) {
		a->kl_max = kl;
		a->kl_max_at = a->tokens;
	}
	a->top1 += top_source == top_chip;
	a->tokens++;
	if (next < 0)
		return;
	a->nll_source += p - source[next];
	a->nll_chip += q - (double)chip[next];
	a->scored++;
}

double report_perplexity(double nll, uint32_t scored)
{
	return scored ? exp(nll / scored) : NAN;
}
