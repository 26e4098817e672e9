/* SPDX-License-Identifier: MIT */
/* DPI-C functions of rtl/prim/dpi; safe in any floating-point mode, fastest inside ig1_fp_enter(). */
#ifndef IG1_PRIM_DPI_H
#define IG1_PRIM_DPI_H

#include "svdpi.h"

#ifdef __cplusplus
extern "C" {
#endif

unsigned int ig1_dpi_fp32_mul(unsigned int a, unsigned int b);
unsigned int ig1_dpi_fp32_add(unsigned int a, unsigned int b);
unsigned int ig1_dpi_fp32_mad(unsigned int a, unsigned int b, unsigned int c);
unsigned int ig1_dpi_fp32_max(unsigned int a, unsigned int b);
unsigned int ig1_dpi_i2f(int x);
unsigned int ig1_dpi_f16_f32(unsigned int h);
signed char ig1_dpi_fp32_to_i8(unsigned int x);

#ifdef __cplusplus
}
#endif

#endif
